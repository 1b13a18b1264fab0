// The teacher's page: send the homework of a whole class, see how far it is, fetch the answers.

import { readCapabilities } from "./capabilities.js";
import { Batch, unwanted } from "./class-batch.js";
import { sessionOf } from "./class-files.js";
import { Form } from "./class-form.js";
import { Table } from "./class-table.js";
import { announce, by, element } from "./dom.js";
import { changes, say, sayProblem } from "./i18n.js";
import { Outbox } from "./outbox.js";
import { Problem, Unreachable } from "./server.js";
import { begin, may } from "./shell.js";
import { all, get, put, remove, unguessable, unlessFull } from "./store.js";

const who = await begin();
const mine = who.id ?? "";
const outbox = new Outbox("class", who.id);
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("waijiao-classes") : null;
let open = null; // {batch, table}

// --- sending -----------------------------------------------------------------------------------------------------

/** Keep a class and its recordings in this browser, and send them; whether there was room for all. */
async function send({ name, fields, files }) {
  const kept = { id: unguessable().slice(0, 16), who: mine, name, at: Date.now(), fields, files: [...files.keys()] };
  const items = [...files].map(([file, recording], index) => itemOf(kept, file, recording, index + 1));
  const taken = (await unlessFull(put("classes", kept))) && (await unlessFull(outbox.add(...items)));
  if (!taken) {
    await forget(kept.id);
    by("left-out").replaceChildren(element("li", {}, say("class_no_room")));
    return false;
  }
  location.hash = kept.id;
  announce(say("class_sending", { n: files.size }));
  tell();
  return true;
}

function itemOf({ id, name, fields }, file, recording, number) {
  const metadata = { batch: id, file, homework: name };
  return { id: unguessable(), recording, name: recording.name, fields: { ...fields, lane: "bulk", session: sessionOf(id, file, number), metadata } };
}

/** Nothing of a class that could not be kept whole is sent. */
async function forget(id) {
  for (const item of await outbox.items()) if (item.fields.metadata.batch === id) await outbox.discard(item);
  await remove("classes", id);
}

// --- the class that is open --------------------------------------------------------------------------------------

async function show() {
  const id = location.hash.slice(1);
  open?.batch.close();
  open?.table.close();
  open = null;
  by("open").hidden = !id;
  by("empty").hidden = Boolean(id);
  by("trouble").hidden = true;
  if (!id) return showClasses();
  const kept = (await get("classes", id)) ?? { id, files: [], fields: {}, name: "", who: mine };
  const batch = new Batch(kept, outbox);
  open = { batch, table: new Table(batch, acts) };
  batch.addEventListener("changed", showOpen);
  by("zip").href = `/v1/answers.zip?metadata=${encodeURIComponent(`batch:${id}`)}`;
  if (matchMedia("(max-width: 60rem)").matches) by("new").open = false;
  showOpen();
  await Promise.all([showClasses(), batch.look()]);
}

function showOpen() {
  const { batch, table } = open;
  const [first] = batch.rows().filter(({ job }) => job);
  batch.name ||= first?.job.metadata.homework ?? "";
  batch.at ??= first && Date.parse(first.job.created_at);
  by("open-name").textContent = batch.name || say("class_nameless");
  by("open-at").textContent = batch.at ? when(batch.at) : "";
  by("zip").download = `${batch.name || "answers"}.zip`;
  table.show();
}

const when = (at) => new Date(at).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

async function showClasses() {
  const kept = (await all("classes")).filter((each) => each.who === mine).sort((a, b) => b.at - a.at);
  by("kept").hidden = !kept.length;
  by("classes").replaceChildren(...kept.map(({ id, name, at, files }) => {
    const about = say(files.length === 1 ? "class_about_one" : "class_about", { n: files.length, when: when(at) });
    return element("li", {}, element("a", { href: `#${id}`, "aria-current": `#${id}` === location.hash ? "page" : null }, element("b", {}, name), element("small", {}, about)));
  }));
}

const acts = {
  again: ({ item }) => outbox.again(item),
  retry: (row) => told(open.batch.retry(row)),
  drop: (row) => confirm(say("class_drop_sure", { name: row.name })) && told(drop(row)),
  async replace(row) {
    const recording = await choose();
    const number = open.batch.files.indexOf(row.name) + 1;
    if (recording) await told(open.batch.replace(row, recording, sessionOf(open.batch.id, row.name, number)));
  },
};

async function drop(row) {
  const { batch } = open;
  await batch.drop(row);
  const kept = await get("classes", batch.id);
  if (kept) await put("classes", { ...kept, files: batch.files });
  await showClasses();
}

async function erase() {
  const { batch } = open;
  if (!confirm(say("class_erase_sure", { name: by("open-name").textContent }))) return;
  await batch.erase();
  await remove("classes", batch.id);
  history.replaceState(null, "", location.pathname);
  await show();
  by("files").focus();
}

/** A recording from this computer: none is kept here once it was accepted. */
function choose() {
  const input = element("input", { type: "file", accept: by("files").accept });
  return new Promise((resolve) => {
    input.addEventListener("change", () => resolve(input.files[0]));
    input.addEventListener("cancel", () => resolve(null));
    input.click();
  });
}

/** What was asked of the server by pressing a button either happens, or is said not to. */
async function told(asked) {
  by("trouble").hidden = true;
  try {
    await asked;
    tell();
  } catch (error) {
    if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
    by("trouble").textContent = error instanceof Problem ? sayProblem(error) : say("class_later");
    by("trouble").hidden = false;
  }
}

/** Other tabs of this browser show the same. */
function tell() {
  tabs?.postMessage(null);
}

async function changedElsewhere() {
  await showClasses();
  if (!open) return;
  open.batch.files = (await get("classes", open.batch.id))?.files ?? [];
  await open.batch.look();
}

// --- begin -------------------------------------------------------------------------------------------------------

async function work() {
  const capabilities = await readCapabilities();
  by("desk").hidden = false;
  new Form(capabilities, send);
  by("cancel").addEventListener("click", () => told(open.batch.cancel()));
  by("erase").addEventListener("click", () => told(erase()));
  addEventListener("hashchange", async () => (await show(), location.hash && by("open-name").focus()));
  changes.addEventListener("change", () => (showClasses(), open && (open.table.translate(), showOpen())));
  outbox.addEventListener("accepted", ({ detail: { item, job } }) => told(unwanted.get(item.id)?.(job)));
  tabs?.addEventListener("message", changedElsewhere);
  document.querySelector(".skip").addEventListener("click", (event) => (event.preventDefault(), by("main").focus())); // the address names the class
  await show();
  outbox.send();
}

if (may(who.role, "teacher")) await work();
else by("not-yours").hidden = false;
document.body.dataset.ready = "";
