// The practice of all turns: their tries on the way to the server, and those that wait for its answer.

import { connection } from "../../shared/api.js";
import { deleteTries, randomId, remove, unlessStorageFull } from "../../shared/db.js";
import { Outbox, PRACTICE_BOX } from "../../shared/outbox.js";
import { Practice } from "./practice.js";

const GONE_CODES = new Set(["unknown_job", "erased", "nothing_to_practise"]); // what was practised is no longer there

export class Practices {
  #practices = new Map(); // id of a job -> its practice
  #items = []; // that are not sent yet

  /**
   * `limits` and `keeps_recordings` are the server's. `isShared`: others use this browser as well, so that it forgets
   * each recording that the server has. `doneKey`: the key of what is said after the last try.
   */
  constructor(userId, { limits, keeps_recordings }, { isShared = false, doneKey = "practice_done" } = {}) {
    this.outbox = new Outbox(PRACTICE_BOX, userId);
    this.isShared = isShared;
    this.options = {
      maxS: limits.recording_s,
      keepsRecordings: keeps_recordings,
      doneKey,
      send: (id, capture) => this.#send(id, capture),
      discard: (item) => this.outbox.discard(item),
    };
    this.outbox.addEventListener("changed", () => this.showItems());
    this.outbox.addEventListener("accepted", ({ detail: { item, job } }) => this.#accepted(item, job));
    connection.addEventListener("connected", () => this.#practices.forEach((practice) => practice.refresh()));
  }

  /** The practice of a job. */
  of(id) {
    if (!this.#practices.has(id)) {
      this.#practices.set(id, new Practice(id, this.options));
      this.#show(id);
    }
    return this.#practices.get(id);
  }

  /** Show the tries that are not sent yet, and send them. One whose job is gone is of no use. */
  async showItems() {
    const items = await this.outbox.items();
    for (const item of items) if (GONE_CODES.has(item.refused?.code)) await this.outbox.discard(item);
    this.#items = items;
    for (const id of this.#practices.keys()) this.#show(id);
  }

  #show(id) {
    this.#practices.get(id).showItems(this.#items.filter(({ practised }) => practised === id));
  }

  async #accepted(item, job) {
    if (this.isShared) await remove("recordings", job.id);
    await this.showItems();
    this.#practices.get(item.practised)?.refresh();
  }

  #send(id, capture) {
    return unlessStorageFull(this.outbox.add({ id: randomId(), practised: id, fields: {}, ...capture }));
  }

  /** Forget the practice of a job that is gone, with its recordings. */
  async erase(id) {
    this.#practices.get(id)?.remove();
    this.#practices.delete(id);
    await deleteTries(id);
    for (const item of await this.outbox.items()) if (item.practised === id) await this.outbox.discard(item);
  }

  async eraseAll() {
    for (const practice of this.#practices.values()) practice.remove();
    this.#practices.clear();
    for (const item of await this.outbox.items()) await this.outbox.discard(item);
  }
}
