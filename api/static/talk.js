// The learner's page: record, upload or type; see the answer come, and hear it.

import { readCapabilities } from "./capabilities.js";
import { choices, prepareChoices } from "./choices.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { announce, by } from "./dom.js";
import { Draft } from "./draft.js";
import { changes, say, sayProblem } from "./i18n.js";
import { Outbox } from "./outbox.js";
import { Problem, Unreachable } from "./server.js";
import { begin } from "./shell.js";
import { all, forgetStale, get, remove, unguessable, unlessFull } from "./store.js";
import { Turn } from "./turn.js";

const who = await begin();
const session = sessionOf(who);
const outbox = new Outbox("talk", who.id);
const conversation = new Conversation(session);
const turns = new Map(); // id of an item or of a job -> its turn
const ours = new Set(); // ids of what was asked in this tab: its answers are heard here
const list = by("turns");

/** A learner with a key has one conversation on every device; without keys, each browser has its own. */
function sessionOf({ role }) {
  if (role === "learner") return "talk";
  if (!localStorage.getItem("session")) localStorage.setItem("session", `talk-${unguessable().slice(0, 12)}`);
  return localStorage.getItem("session");
}

/** Keep a question, {text, recording, name, seconds}, each of them or none, and send it; false when there is no room. */
async function ask({ text = "", ...recorded }) {
  const item = { id: unguessable(), ...recorded, fields: { ...choices(), session, ...(text ? { text } : {}) } };
  ours.add(item.id);
  const taken = await unlessFull(outbox.add(item));
  toTheEnd();
  return taken;
}

/** Show the newest turn, above the place where the next one begins. */
function toTheEnd() {
  scrollTo({ top: document.documentElement.scrollHeight });
}

// --- what is shown -----------------------------------------------------------------------------------------------

const acts = {
  discard: ({ item }) => outbox.discard(item),
  sendAgain: ({ item }) => outbox.again(item),
  cancel: ({ job }) => told(conversation.cancel(job.id)),
  erase: ({ job }) => told(conversation.erase(job.id)),
  async again({ job }) {
    const { recording, seconds } = (await get("recordings", job.id)) ?? {};
    const recorded = recording && { recording, seconds, name: `again.${recording.type.split("/")[1]}` };
    await ask({ ...recorded, text: job.question.text ?? "" });
  },
};

/** What was asked of the server by pressing a button either happens, or is said not to. */
async function told(asked) {
  try {
    await asked;
  } catch (error) {
    if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
    by("hint").textContent = error instanceof Problem ? sayProblem(error) : say("not_now");
  }
}

function turnOf(id) {
  if (!turns.has(id)) {
    turns.set(id, new Turn(acts));
    list.append(turns.get(id).node);
  }
  return turns.get(id);
}

async function showKept() {
  const items = await outbox.items();
  const kept = new Set(items.map(({ id }) => id));
  for (const [id, turn] of turns) if (turn.item && !turn.job && !kept.has(id)) forget(id);
  for (const item of items) turnOf(item.id).showKept(item);
}

function forget(id) {
  turns.get(id)?.remove();
  turns.delete(id);
}

outbox.addEventListener("changed", showKept);
outbox.addEventListener("accepted", async ({ detail: { item, job, elsewhere } }) => {
  if (item.fields.session !== session) return;
  const turn = turnOf(item.id);
  turns.delete(item.id);
  if (turns.has(job.id)) turn.remove(); // it was heard of already
  else turns.set(job.id, turn);
  if (ours.has(item.id) && !elsewhere) ours.add(job.id);
  conversation.take(job);
});

conversation.addEventListener("turn", async ({ detail: { job } }) => {
  const turn = turnOf(job.id);
  const before = turn.job?.state;
  turn.show(job);
  if (before === job.state) return;
  order();
  sayState(job);
  await hearMine(turn);
  if (!ours.has(job.id)) return;
  toTheEnd();
  if (by("aloud").checked) turn.speak();
});
conversation.addEventListener("part", ({ detail: { id, part } }) => turns.get(id)?.add(part));
conversation.addEventListener("restart", ({ detail: { id } }) => turns.get(id)?.restart());
conversation.addEventListener("gone", ({ detail: { id } }) => {
  forget(id);
  remove("recordings", id);
});
conversation.addEventListener("cleared", async () => {
  for (const [id, turn] of turns) if (turn.job) forget(id);
  for (const { job } of await all("recordings")) await remove("recordings", job);
});

/** Turns stand in the order accepted, and after them what is still kept here. */
function order() {
  const sorted = [...turns.values()].sort((a, b) => (a.job?.seq ?? Infinity) - (b.job?.seq ?? Infinity));
  sorted.forEach(({ node }, index) => list.children[index] === node || list.insertBefore(node, list.children[index] ?? null));
}

async function hearMine(turn) {
  const kept = await get("recordings", turn.job.id);
  if (kept) turn.hear(kept.recording, kept.seconds);
}

function sayState(job) {
  if (job.state === "succeeded") announce(say("answered", { answer: job.answer.text }));
  else announce(job.error ? sayProblem(job.error) : say(`state_${job.state}`));
}

changes.addEventListener("change", () => {
  showKept();
  for (const turn of turns.values()) if (turn.job) turn.show(turn.job);
});

// --- begin -------------------------------------------------------------------------------------------------------

const capabilities = await readCapabilities();
prepareChoices(capabilities, {
  reset: () => told(conversation.reset()),
  erase: () => confirm(say("erase_sure")) && told(conversation.eraseAll()),
});
const composer = new Composer(capabilities.limits, new Draft(who.id), ask);
await forgetStale(capabilities.retention_h, outbox.who);
await conversation.load();
await showKept();
await composer.recording.takeUp();
outbox.send();
toTheEnd();
document.body.dataset.ready = "";
