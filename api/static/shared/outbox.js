// Questions on their way to the server. Each is stored in this browser until the server has accepted it, and always
// sent with the same Idempotency-Key, so that it is accepted once however often it has to be sent.

import { ownName } from "./address.js";
import { ApiError, connection, fetchApi, Unreachable } from "./api.js";
import { get, getAll, markAccepted, put, remove, updateEntry } from "./db.js";

// Errors for which sending the same recording again is useless.
export const RECORDING_ERRORS = new Set(["not_audio", "too_large", "http_413", "empty_request"]);
export const BATCH_BOX = "class"; // its original name: renaming it would lose data that browsers already have
export const PRACTICE_BOX = "practice"; // tries to say a better sentence again
const PARALLEL_UPLOADS = { talk: 1, [PRACTICE_BOX]: 1, [BATCH_BOX]: 3 }; // turns and tries must keep their order
const UPLOAD_TIMEOUT_S = 300;
const tabs = "BroadcastChannel" in window ? new BroadcastChannel(ownName("waijiao")) : null;

/** One box, "talk", PRACTICE_BOX or BATCH_BOX, of one user. Events: "changed"; "accepted" with the item and its job. */
export class Outbox extends EventTarget {
  #sending = false;
  #sendAgain = false;
  #timer = null;

  /** `userId` is the id of the user's key: on a shared computer, nobody sends another user's items. */
  constructor(box, userId) {
    super();
    Object.assign(this, { box, userId: userId ?? "" });
    connection.addEventListener("connected", () => this.send());
    tabs?.addEventListener("message", ({ data }) => {
      if (data.box !== box) return;
      this.#emit(
        data.item ? new CustomEvent("accepted", { detail: { ...data, fromOtherTab: true } }) : new Event("changed"),
      );
    });
  }

  /** The waiting items, oldest first. */
  async items() {
    const items = (await getAll("outbox")).filter((item) => item.box === this.box && item.who === this.userId);
    return items.sort((a, b) => a.at - b.at || a.number - b.number);
  }

  /** Store items, {id, recording, name, seconds, fields, practised}, and send them as soon as possible. */
  async add(...items) {
    for (const [number, item] of items.entries()) {
      await put("outbox", { ...item, box: this.box, who: this.userId, at: Date.now(), number });
    }
    this.#emitChanged();
    this.send();
  }

  async discard(item) {
    await remove("outbox", item.id);
    this.#emitChanged();
  }

  /** Send a rejected item again. */
  async retry(item) {
    await updateEntry("outbox", item.id, { refused: null });
    this.#emitChanged();
    this.send();
  }

  /** Send all waiting items, until the server cannot be reached. A lock keeps two tabs from sending at once. */
  async send() {
    clearTimeout(this.#timer);
    if (this.#sending) {
      this.#sendAgain = true;
      return;
    }
    this.#sending = true;
    try {
      do {
        this.#sendAgain = false;
        await (navigator.locks
          ? navigator.locks.request(ownName(`waijiao-${this.box}`), () => this.#sendAll())
          : this.#sendAll());
      } while (this.#sendAgain);
    } finally {
      this.#sending = false;
    }
  }

  async #sendAll() {
    const waiting = (await this.items()).filter((item) => !item.refused);
    const senders = Array.from({ length: PARALLEL_UPLOADS[this.box] }, async () => {
      for (let item = waiting.shift(); item; item = waiting.shift()) {
        const current = await get("outbox", item.id); // it may have been discarded meanwhile
        if (current && !(await this.#sendOne(item))) waiting.length = 0;
      }
    });
    await Promise.all(senders);
  }

  /** Send one item; false when the next one must wait too. */
  async #sendOne(item) {
    try {
      const response = await fetchApi(item.practised ? `v1/jobs/${item.practised}/tries` : "v1/jobs", {
        method: "POST",
        form: toForm(item),
        headers: { "Idempotency-Key": item.id },
        timeoutS: UPLOAD_TIMEOUT_S,
      });
      const job = await response.json();
      await markAccepted(item, job);
      this.#emit(new CustomEvent("accepted", { detail: { item, job } }), { item: { ...item, recording: null }, job });
      return true;
    } catch (error) {
      return this.#handleError(item, error);
    }
  }

  async #handleError(item, error) {
    if (error instanceof Unreachable) return false; // sent again on "connected"
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) return false; // sent again after the login
    const reason = { code: error.code, detail: error.detail };
    await updateEntry("outbox", item.id, error.retryable ? { waits: reason } : { refused: reason });
    this.#emitChanged();
    if (error.retryable) this.#timer = setTimeout(() => this.send(), error.retryAfter * 1000);
    return !error.retryable;
  }

  #emitChanged() {
    this.#emit(new Event("changed"), {});
  }

  #emit(event, message = null) {
    this.dispatchEvent(event);
    if (message) tabs?.postMessage({ box: this.box, ...message });
  }
}

function toForm(item) {
  const form = new FormData();
  for (const [name, value] of Object.entries(item.fields)) {
    form.append(name, typeof value === "object" ? JSON.stringify(value) : value);
  }
  if (item.recording) form.append("audio", item.recording, item.name);
  return form;
}
