// Questions on their way to the server. Each is kept in this browser until it was accepted, whatever happens meanwhile,
// and sent under one Idempotency-Key, so that it is asked once however often it has to be sent.

import { call, connection, Problem, Unreachable } from "./server.js";
import { accepted, all, amend, get, put, remove } from "./store.js";

export const FAULTS = new Set(["not_audio", "too_large", "empty_request"]); // of the recording: the same one is refused again
const AT_ONCE = { talk: 1, class: 3 }; // questions sent at the same time; turns of a conversation must keep their order
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("waijiao") : null;

/** One box, "talk" or "class", of one caller. Events: "changed"; "accepted" with the item and its job. */
export class Outbox extends EventTarget {
  #sending = false;
  #again = false;
  #timer = null;

  /** `who` is the id of the caller's key: on a shared computer nobody sends what somebody else has left. */
  constructor(box, who) {
    super();
    Object.assign(this, { box, who: who ?? "" });
    connection.addEventListener("found", () => this.send());
    tabs?.addEventListener("message", ({ data }) => {
      if (data.box !== box) return;
      this.#tell(data.item ? new CustomEvent("accepted", { detail: { ...data, elsewhere: true } }) : new Event("changed"));
    });
  }

  /** The items that wait, oldest first. */
  async items() {
    return (await all("outbox")).filter((item) => item.box === this.box && item.who === this.who).sort((a, b) => a.at - b.at || a.number - b.number);
  }

  /** Keep an item, {id, recording, name, seconds, fields}, and send it as soon as it can be. */
  async add(...items) {
    for (const [number, item] of items.entries()) await put("outbox", { ...item, box: this.box, who: this.who, at: Date.now(), number });
    this.#changed();
    this.send();
  }

  async discard(item) {
    await remove("outbox", item.id);
    this.#changed();
  }

  /** Send one that was refused again. */
  async again(item) {
    await amend("outbox", item.id, { refused: null });
    this.#changed();
    this.send();
  }

  /** Send all that waits, until the server cannot be reached. Two tabs do not do so at the same time. */
  async send() {
    clearTimeout(this.#timer);
    if (this.#sending) {
      this.#again = true;
      return;
    }
    this.#sending = true;
    try {
      do {
        this.#again = false;
        await (navigator.locks ? navigator.locks.request(`waijiao-${this.box}`, () => this.#sendAll()) : this.#sendAll());
      } while (this.#again);
    } finally {
      this.#sending = false;
    }
  }

  async #sendAll() {
    const waiting = (await this.items()).filter((item) => !item.refused);
    const lines = Array.from({ length: AT_ONCE[this.box] }, async () => {
      for (let item = waiting.shift(); item; item = waiting.shift()) {
        const kept = await get("outbox", item.id); // it may have been discarded meanwhile
        if (kept && !(await this.#sendOne(item))) waiting.length = 0;
      }
    });
    await Promise.all(lines);
  }

  /** Whether the next one may follow. */
  async #sendOne(item) {
    try {
      const answer = await call("/v1/jobs", { method: "POST", form: formOf(item), headers: { "Idempotency-Key": item.id }, seconds: 300 });
      const job = await answer.json();
      await accepted(item, job);
      this.#tell(new CustomEvent("accepted", { detail: { item, job } }), { item: { ...item, recording: null }, job });
      return true;
    } catch (error) {
      return this.#failed(item, error);
    }
  }

  async #failed(item, error) {
    if (error instanceof Unreachable) return false; // "found" sends it
    if (!(error instanceof Problem)) throw error;
    if (error.status === 401) return false; // whoever logs in sends it
    const why = { code: error.code, detail: error.detail };
    await amend("outbox", item.id, error.retryable ? { waits: why } : { refused: why });
    this.#changed();
    if (error.retryable) this.#timer = setTimeout(() => this.send(), error.retryAfter * 1000);
    return !error.retryable;
  }

  #changed() {
    this.#tell(new Event("changed"), {});
  }

  #tell(event, others = null) {
    this.dispatchEvent(event);
    if (others) tabs?.postMessage({ box: this.box, ...others });
  }
}

function formOf(item) {
  const form = new FormData();
  for (const [name, value] of Object.entries(item.fields)) form.append(name, typeof value === "object" ? JSON.stringify(value) : value);
  if (item.recording) form.append("audio", item.recording, item.name);
  return form;
}
