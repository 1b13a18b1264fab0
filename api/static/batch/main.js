// The page for batches: send many recordings at once, watch their progress, download the answers.

import { languageEvents, t } from "../i18n/index.js";
import { address, ownName } from "../shared/address.js";
import { readCapabilities } from "../shared/api.js";
import { BATCHES, get, getAll, put, randomId, remove, unlessStorageFull } from "../shared/db.js";
import { $id, announce, element, keepAddressOnSkip, updateChildren } from "../shared/dom.js";
import { chooseFile } from "../shared/files.js";
import { formatDateTime } from "../shared/format.js";
import { hasRole, startPage } from "../shared/layout.js";
import { reportErrors, showError } from "../shared/notices.js";
import { BATCH_BOX, Outbox } from "../shared/outbox.js";
import { Batch, discardedItems } from "./batch.js";
import { sessionOf } from "./files.js";
import { Form } from "./form.js";
import { Table } from "./table.js";

const user = await startPage();
const userId = user.id ?? "";
const outbox = new Outbox(BATCH_BOX, user.id);
const tabs = "BroadcastChannel" in window ? new BroadcastChannel(ownName("waijiao-classes")) : null;
let current = null; // {batch, table}

// --- sending -----------------------------------------------------------------------------------------------------

/** Store a batch and its recordings in this browser, and send them; false when the browser's storage is full. */
async function send({ name, fields, files }) {
  const batch = { id: randomId().slice(0, 16), who: userId, name, at: Date.now(), fields, files: [...files.keys()] };
  const items = [...files].map(([file, recording], index) => itemOf(batch, file, recording, index + 1));
  const stored = (await unlessStorageFull(put(BATCHES, batch))) && (await unlessStorageFull(outbox.add(...items)));
  if (!stored) {
    await discardBatch(batch.id);
    $id("skipped").replaceChildren(element("li", {}, t("batch_storage_full")));
    return false;
  }
  location.hash = batch.id;
  announce(t("batch_sending", { n: files.size }));
  notifyTabs();
  return true;
}

function itemOf({ id, name, fields }, file, recording, number) {
  const metadata = { batch: id, file, homework: name };
  const session = sessionOf(id, file, number);
  return { id: randomId(), recording, name: recording.name, fields: { ...fields, lane: "bulk", session, metadata } };
}

/** Remove a batch that could not be stored completely; nothing of it is sent. */
async function discardBatch(id) {
  for (const item of await outbox.items()) if (item.fields.metadata.batch === id) await outbox.discard(item);
  await remove(BATCHES, id);
}

// --- the open batch ----------------------------------------------------------------------------------------------

/** Show the batch that the address names, #ID. */
async function show() {
  const id = location.hash.slice(1);
  current?.batch.close();
  current?.table.close();
  current = null;
  $id("detail").hidden = !id;
  $id("introduction").hidden = Boolean(id);
  showError("");
  if (!id) return showHistory();
  const stored = (await get(BATCHES, id)) ?? { id, files: [], fields: {}, name: "", who: userId };
  const batch = new Batch(stored, outbox);
  current = { batch, table: new Table(batch, rowActions) };
  batch.addEventListener("changed", showCurrent);
  $id("zip").href = address(`v1/answers.zip?metadata=${encodeURIComponent(`batch:${id}`)}`);
  if (matchMedia("(max-width: 60rem)").matches) $id("new").open = false;
  showCurrent();
  await Promise.all([showHistory(), batch.refresh()]);
}

function showCurrent() {
  const { batch, table } = current;
  const [first] = batch.rows().filter(({ job }) => job);
  batch.name ||= first?.job.metadata.homework ?? "";
  batch.at ??= first && Date.parse(first.job.created_at);
  $id("detail-title").textContent = batch.name || t("batch_unnamed");
  $id("detail-date").textContent = batch.at ? formatDateTime(batch.at) : "";
  $id("zip").download = `${batch.name || "answers"}.zip`;
  table.show();
}

async function showHistory() {
  const batches = (await getAll(BATCHES)).filter(({ who }) => who === userId).sort((a, b) => b.at - a.at);
  $id("history").hidden = !batches.length;
  updateChildren(
    $id("batches"),
    batches.map((batch) => element("li", {}, historyLink(batch))),
  );
}

function historyLink({ id, name, at, files }) {
  const summary = t("batch_summary", { n: files.length, when: formatDateTime(at) });
  const attributes = { href: `#${id}`, "aria-current": `#${id}` === location.hash ? "page" : null };
  return element("a", attributes, element("b", {}, name), element("small", {}, summary));
}

const rowActions = {
  resend: ({ item }) => outbox.retry(item),
  retry: (row) => report(current.batch.retry(row)),
  remove: (row) => confirm(t("batch_delete_one_confirm", { name: row.name })) && report(removeRow(row)),
  async replace(row) {
    const recording = await chooseFile();
    const number = current.batch.files.indexOf(row.name) + 1;
    if (recording) await report(current.batch.replace(row, recording, sessionOf(current.batch.id, row.name, number)));
  },
};

async function removeRow(row) {
  const { batch } = current;
  await batch.remove(row);
  const stored = await get(BATCHES, batch.id);
  if (stored) await put(BATCHES, { ...stored, files: batch.files });
  await showHistory();
}

async function erase() {
  const { batch } = current;
  if (!confirm(t("batch_delete_confirm", { name: $id("detail-title").textContent }))) return;
  await batch.erase();
  await remove(BATCHES, batch.id);
  history.replaceState(null, "", location.pathname);
  await show();
  $id("files").focus();
}

/** Await a button's request and show its error; other tabs then refresh. */
async function report(request) {
  await reportErrors(request);
  notifyTabs();
}

function notifyTabs() {
  tabs?.postMessage(null);
}

async function showChangesOfOtherTab() {
  await showHistory();
  if (!current) return;
  current.batch.files = (await get(BATCHES, current.batch.id))?.files ?? [];
  await current.batch.refresh();
}

// --- start -------------------------------------------------------------------------------------------------------

async function start() {
  const capabilities = await readCapabilities();
  $id("workspace").hidden = false;
  new Form(capabilities, send);
  $id("cancel").addEventListener("click", () => report(current.batch.cancel()));
  $id("erase").addEventListener("click", () => report(erase()));
  addEventListener("hashchange", async () => {
    await show();
    if (location.hash) $id("detail-title").focus();
  });
  languageEvents.addEventListener("change", () => {
    showHistory();
    if (!current) return;
    current.table.translate();
    showCurrent();
  });
  outbox.addEventListener("accepted", ({ detail: { item, job } }) => report(discardedItems.get(item.id)?.(job)));
  tabs?.addEventListener("message", showChangesOfOtherTab);
  keepAddressOnSkip();
  await show();
  outbox.send();
}

if (hasRole(user.role, "teacher")) await start();
else $id("teachers-only").hidden = false;
document.body.dataset.ready = "";
