// Stores a recording while it is made: when the page is closed or crashes, at most a second of it is lost.

import { getAll, put, remove, unlessStorageFull } from "../shared/db.js";

const TAB_ID = sessionStorage.getItem("tab") ?? String(crypto.getRandomValues(new Uint32Array(1))[0]);
const lockName = (tabId) => `waijiao-draft-${tabId}`;
sessionStorage.setItem("tab", TAB_ID); // it survives a reload, and belongs to this tab only
navigator.locks?.request(lockName(TAB_ID), () => new Promise(() => {})); // held until this page is closed

/** The draft of this tab and of this user. */
export class Draft {
  #id = TAB_ID;

  constructor(userId) {
    this.userId = userId ?? "";
  }

  /** Store what was recorded so far. When the browser's storage is full, it exists on the page only. */
  save(capture) {
    const draft = { ...capture, id: this.#id, box: "draft", who: this.userId, at: Date.now() };
    return unlessStorageFull(put("outbox", draft));
  }

  delete() {
    return remove("outbox", this.#id);
  }

  /** The draft of this tab, or of one that is no longer open: {recording, name, seconds} or null. */
  async restore() {
    const locks = navigator.locks ? (await navigator.locks.query()).held.map(({ name }) => name) : [];
    const canRestore = ({ box, who, id }) =>
      box === "draft" && who === this.userId && (id === TAB_ID || !locks.includes(lockName(id)));
    const drafts = (await getAll("outbox")).filter(canRestore);
    const draft = drafts.find(({ id }) => id === TAB_ID) ?? drafts[0];
    if (!draft) return null;
    this.#id = draft.id;
    const { recording, name, seconds } = draft;
    return { recording, name, seconds };
  }
}
