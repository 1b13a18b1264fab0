// Stores a recording while it is made: when the page is closed or crashes, at most a second of it is lost.

import { getAll, put, remove, unlessStorageFull } from "../shared/db.js";

const TAB_ID = sessionStorage.getItem("tab") ?? String(crypto.getRandomValues(new Uint32Array(1))[0]);
const lockName = (tabId) => `waijiao-draft-${tabId}`;
sessionStorage.setItem("tab", TAB_ID); // it survives a reload, and belongs to this tab only
navigator.locks?.request(lockName(TAB_ID), () => new Promise(() => {})); // held until this page is closed

/** The draft of this tab, of the user whose id is `who`. */
export class Draft {
  #id = TAB_ID;

  constructor(who) {
    this.who = who ?? "";
  }

  /** Store what was recorded so far. When the browser's storage is full, only the page has it. */
  save(recorded) {
    return unlessStorageFull(put("outbox", { ...recorded, id: this.#id, box: "draft", who: this.who, at: Date.now() }));
  }

  delete() {
    return remove("outbox", this.#id);
  }

  /** What this tab, or a tab that is no longer open, left: {recording, name, seconds} or null. */
  async restore() {
    const locks = navigator.locks ? (await navigator.locks.query()).held.map(({ name }) => name) : [];
    const isOurs = ({ box, who, id }) =>
      box === "draft" && who === this.who && (id === TAB_ID || !locks.includes(lockName(id)));
    const drafts = (await getAll("outbox")).filter(isOurs);
    const draft = drafts.find(({ id }) => id === TAB_ID) ?? drafts[0];
    if (!draft) return null;
    this.#id = draft.id;
    const { recording, name, seconds } = draft;
    return { recording, name, seconds };
  }
}
