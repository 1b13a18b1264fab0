// The learner's page: record, upload or type; see the answer arrive, and play it.

import { errorText, languageEvents, t } from "../i18n/index.js";
import { stored } from "../shared/address.js";
import { readCapabilities } from "../shared/api.js";
import { deleteStaleRecordings, get, getAll, put, randomId, remove, unlessStorageFull } from "../shared/db.js";
import { $id, announce, arrangeChildren } from "../shared/dom.js";
import { startPage } from "../shared/layout.js";
import { reportErrors } from "../shared/notices.js";
import { Outbox } from "../shared/outbox.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Draft } from "./draft.js";
import { Practices } from "./practice/practices.js";
import { preferences, setUpPreferences } from "./preferences.js";
import { Turn } from "./turn.js";

const user = await startPage();
const session = sessionOf(user);
const outbox = new Outbox("talk", user.id);
const conversation = new Conversation(session);
const turns = new Map(); // id of an item of the outbox or of a job -> its turn
const idsAskedInTab = new Set(); // of questions and their jobs: only this tab plays their answers
const list = $id("turns");

/** A learner with a key has one conversation on every device; without keys, each browser has its own. */
function sessionOf({ role }) {
  if (role === "learner") return "talk";
  if (!stored.get("session")) stored.set("session", `talk-${randomId().slice(0, 12)}`);
  return stored.get("session");
}

/** Store a question, {text, recording, name, seconds}, and send it; false when the browser's storage is full. */
async function ask({ text = "", ...capture }) {
  const item = { id: randomId(), ...capture, fields: { ...preferences(), session, ...(text ? { text } : {}) } };
  idsAskedInTab.add(item.id);
  const stored = await unlessStorageFull(outbox.add(item));
  scrollToEnd();
  return stored;
}

function scrollToEnd() {
  scrollTo({ top: document.documentElement.scrollHeight });
}

/** Await a button's request; the hint shows its error. */
function report(request) {
  return reportErrors(request, (text) => ($id("hint").textContent = text));
}

// --- the list of turns -------------------------------------------------------------------------------------------

const turnActions = {
  discard: ({ item }) => outbox.discard(item),
  resend: ({ item }) => outbox.retry(item),
  cancel: ({ job }) => report(conversation.cancel(job.id)),
  erase: ({ job }) => report(conversation.erase(job.id)),
  async askAgain({ job }) {
    const { recording, seconds } = (await get("recordings", job.id)) ?? {};
    const capture = recording && { recording, seconds, name: `again.${recording.type.split("/")[1]}` };
    await ask({ ...capture, text: job.question.text ?? "" });
  },
  sayAgain({ job }) {
    if (!job.transcript) $id("text").focus();
    else if ($id("record").checkVisibility()) $id("record").click(); // else it is being recorded already
  },
  said: ({ job }, words) => report(conversation.say(job.id, words)),
};

/** The language that a teacher teaches: the first of those that it listens to. */
function taughtLanguage(persona) {
  return (capabilities.personas.find(({ name }) => name === persona) ?? capabilities.personas[0]).languages[0];
}

/** The turn of an item or a job; where there is none yet, a new one is added to the page. */
function ensureTurn(id) {
  if (!turns.has(id)) {
    turns.set(id, new Turn(turnActions, { taughtLanguage, practices, textChars: capabilities.limits.text_chars }));
    list.append(turns.get(id).node);
  }
  return turns.get(id);
}

async function showOutbox() {
  const items = await outbox.items();
  const ids = new Set(items.map(({ id }) => id));
  for (const [id, turn] of turns) if (turn.item && !turn.job && !ids.has(id)) removeTurn(id);
  for (const item of items) ensureTurn(item.id).showItem(item);
}

function removeTurn(id) {
  turns.get(id)?.remove();
  turns.delete(id);
}

outbox.addEventListener("changed", showOutbox);
outbox.addEventListener("accepted", async ({ detail: { item, job, fromOtherTab } }) => {
  if (item.fields.session !== session) return;
  const turn = ensureTurn(item.id);
  turns.delete(item.id);
  if (turns.has(job.id))
    turn.remove(); // the job is already shown
  else turns.set(job.id, turn);
  if (idsAskedInTab.has(item.id) && !fromOtherTab) idsAskedInTab.add(job.id);
  conversation.update(job);
});

conversation.addEventListener("turn", async ({ detail: { job } }) => {
  const turn = ensureTurn(job.id);
  const before = turn.job?.state;
  turn.showJob(job);
  if (before === job.state) return;
  sortTurns();
  announceState(job);
  await attachRecording(turn);
  if (!idsAskedInTab.has(job.id)) return;
  scrollToEnd();
  if ($id("autoplay").checked) turn.playAnswer();
});
conversation.addEventListener("part", ({ detail: { id, part } }) => turns.get(id)?.addSentence(part));
conversation.addEventListener("restart", ({ detail: { id } }) => turns.get(id)?.restartAnswer());
conversation.addEventListener("replaced", async ({ detail: { id, job } }) => {
  idsAskedInTab.add(job.id);
  const stored = await get("recordings", id);
  if (stored) await put("recordings", { ...stored, job: job.id });
  removeTurn(id);
  practices.erase(id);
  conversation.update(job);
  await remove("recordings", id);
});
conversation.addEventListener("removed", ({ detail: { id } }) => {
  removeTurn(id);
  practices.erase(id);
  remove("recordings", id);
});
conversation.addEventListener("cleared", async () => {
  for (const [id, turn] of turns) if (turn.job) removeTurn(id);
  await practices.eraseAll();
  for (const { job } of await getAll("recordings")) await remove("recordings", job);
});

/** Turns are in the order in which the server accepted them; those it has not accepted come last. */
function sortTurns() {
  const sorted = [...turns.values()].sort((a, b) => (a.job?.seq ?? Infinity) - (b.job?.seq ?? Infinity));
  arrangeChildren(
    list,
    sorted.map(({ node }) => node),
  );
}

async function attachRecording(turn) {
  const stored = await get("recordings", turn.job.id);
  if (stored) turn.attachRecording(stored.recording, stored.seconds);
}

function announceState(job) {
  if (job.state === "succeeded") announce(t("teacher_answer", { answer: job.answer.text }));
  else announce(job.error ? errorText(job.error) : t(`state_${job.state}`));
}

languageEvents.addEventListener("change", () => {
  showOutbox();
  for (const turn of turns.values()) if (turn.job) turn.showJob(turn.job);
});

// --- start -------------------------------------------------------------------------------------------------------

const capabilities = await readCapabilities();
const practices = new Practices(user.id, capabilities);
setUpPreferences(capabilities, {
  reset: () => report(conversation.reset()),
  erase: () => confirm(t("delete_all_confirm")) && report(conversation.eraseAll()),
});
const composer = new Composer(capabilities.limits, new Draft(user.id), ask);
await deleteStaleRecordings(capabilities.retention_h, outbox.userId);
await conversation.load();
await showOutbox();
await practices.showItems();
await composer.recording.restoreDraft();
outbox.send();
practices.outbox.send();
scrollToEnd();
document.body.dataset.ready = "";
