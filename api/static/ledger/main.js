// The mistakes that come again, the words to listen to again, and what is mastered: for the learner and the teacher.

import { languageEvents, t } from "../i18n/index.js";
import { address, stored } from "../shared/address.js";
import { connection, fetchJson } from "../shared/api.js";
import { $id, keepAddressOnSkip } from "../shared/dom.js";
import { startPage } from "../shared/layout.js";
import { reportErrors } from "../shared/notices.js";
import { fluencyNodes } from "./fluency.js";
import { kindCard, masteredLine } from "./kinds.js";
import { wordLine } from "./words.js";

const user = await startPage();
let ledger = null;
let receipt = null;

/** The learner that the address names; else whoever uses this page: by the key, or by this browser's conversation. */
function findLearner() {
  const named = decodeURIComponent(location.hash.slice(1));
  if (/^(student|key|session)-./.test(named)) return named;
  if (user.role === "learner") return `key-${user.id}`;
  const session = stored.get("session");
  return session ? `session-${session}` : null;
}

const ledgerPath = (learner) => `v1/learners/${encodeURIComponent(learner)}`;

async function load() {
  const learner = findLearner();
  const loaded = learner && (await reportErrors(fetchJson(`${ledgerPath(learner)}/ledger`)));
  if (learner === findLearner()) ledger = loaded;
  show();
}

function show() {
  const kinds = ledger?.kinds ?? [];
  const words = (ledger?.words ?? []).filter(({ mastered }) => !mastered);
  const isEmpty = !kinds.length && !ledger?.words.length && !ledger?.fluency;
  $id("learner-name").textContent = ledger?.name ?? "";
  $id("nothing").hidden = !isEmpty || receipt !== null;
  $id("exports").hidden = isEmpty;
  $id("erasure").hidden = !ledger;
  showReceipt();
  if (ledger) {
    $id("deck").href = address(`${ledgerPath(ledger.learner)}/ledger.apkg`);
    $id("table").href = address(`${ledgerPath(ledger.learner)}/ledger.csv`);
    $id("fluency-table").href = address(`${ledgerPath(ledger.learner)}/fluency.csv`);
  }
  const days = ledger?.mastered_days;
  fill("recurring", kinds.filter(({ mastered }) => !mastered).map((kind) => kindCard(kind, days)));
  fill("words", words.map(wordLine));
  showFluency(ledger?.fluency);
  const mastered = [...kinds, ...(ledger?.words ?? [])].filter((entry) => entry.mastered);
  fill("mastered", mastered.map(masteredLine));
}

/** Show the nodes in a list, and its section while there are any. */
function fill(id, nodes) {
  $id(id).replaceChildren(...nodes);
  $id(`${id}-section`).hidden = !nodes.length;
}

function showFluency(fluency) {
  const { count, cards } = fluency ? fluencyNodes(fluency) : { count: "", cards: [] };
  $id("fluency-count").textContent = count;
  fill("fluency", cards);
}

function showReceipt() {
  $id("receipt").hidden = !receipt;
  if (receipt) $id("receipt").textContent = t("ledger_receipt", receipt);
}

async function erase() {
  if (!confirm(t("ledger_erase_confirm"))) return;
  receipt = await reportErrors(fetchJson(ledgerPath(ledger.learner), { method: "DELETE" }));
  if (receipt) await load();
}

$id("erase").addEventListener("click", erase);
addEventListener("hashchange", () => {
  receipt = null;
  load();
});
languageEvents.addEventListener("change", show);
connection.addEventListener("connected", load);
keepAddressOnSkip();
await load();
document.body.dataset.ready = "";
