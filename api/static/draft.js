// A recording that was not sent yet is kept while it is made: a page that is closed or breaks down loses a second of it.

import { all, put, remove, unlessFull } from "./store.js";

const TAB = sessionStorage.getItem("tab") ?? String(crypto.getRandomValues(new Uint32Array(1))[0]);
const lockOf = (id) => `waijiao-draft-${id}`;
sessionStorage.setItem("tab", TAB); // it survives a reload, and is this tab's alone
navigator.locks?.request(lockOf(TAB), () => new Promise(() => {})); // held for as long as this page lives

/** This tab's draft, of the caller `who`. */
export class Draft {
  #id = TAB;

  constructor(who) {
    this.who = who ?? "";
  }

  /** In a browser without room the page alone has it. */
  keep(recorded) {
    return unlessFull(put("outbox", { ...recorded, id: this.#id, box: "draft", who: this.who, at: Date.now() }));
  }

  forget() {
    return remove("outbox", this.#id);
  }

  /** What this tab left, or a tab that is open no more; nothing else. */
  async found() {
    const open = navigator.locks ? (await navigator.locks.query()).held.map(({ name }) => name) : [];
    const drafts = (await all("outbox")).filter(({ box, who, id }) => box === "draft" && who === this.who && (id === TAB || !open.includes(lockOf(id))));
    const draft = drafts.find(({ id }) => id === TAB) ?? drafts[0];
    if (!draft) return null;
    this.#id = draft.id;
    const { recording, name, seconds } = draft;
    return { recording, name, seconds };
  }
}
