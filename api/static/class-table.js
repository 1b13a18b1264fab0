// The class that is open: how far it is as a whole, and its recordings as a table of which a part may be chosen.

import { KINDS, kindOf } from "./class-batch.js";
import { Row } from "./class-row.js";
import { announce, by, element } from "./dom.js";
import { say, sayDuration } from "./i18n.js";

const FILTERS = ["all", ...Object.keys(KINDS)];

export class Table {
  #rows = new Map(); // name -> Row
  #filter = "all";
  #ended = null; // whether all had ended when it was last looked at

  constructor(batch, acts) {
    Object.assign(this, { batch, acts });
    by("filters").replaceChildren(by("filters").firstElementChild, ...FILTERS.map((kind) => this.#choice(kind)));
    by("rows").replaceChildren();
  }

  #choice(kind) {
    const choose = () => ((this.#filter = kind), this.#showFilter());
    return element("label", {}, element("input", { class: "unseen", type: "radio", name: "filter", value: kind, checked: kind === "all", change: choose }), element("span"), element("b"));
  }

  show() {
    const rows = this.batch.rows();
    const names = new Set(rows.map(({ name }) => name));
    for (const [name, row] of this.#rows) if (!names.has(name)) this.#forget(name, row);
    rows.forEach((row, index) => this.#place(row, index));
    this.#counts = { all: rows.length, ...Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, rows.filter(({ state }) => kindOf(state) === kind).length])) };
    this.#showFar(rows);
    this.#showFilter();
  }

  #counts = {};

  translate() {
    for (const row of this.#rows.values()) row.translate();
    this.show();
  }

  close() {
    for (const row of this.#rows.values()) row.remove();
  }

  #place(row, index) {
    if (!this.#rows.has(row.name)) this.#rows.set(row.name, new Row(row.name, this.acts));
    const shown = this.#rows.get(row.name);
    shown.show(row);
    if (by("rows").children[index] !== shown.node) by("rows").insertBefore(shown.node, by("rows").children[index] ?? null);
  }

  #forget(name, row) {
    row.remove();
    this.#rows.delete(name);
  }

  #showFar(rows) {
    const { all, done, waiting, failed } = this.#counts;
    const unsent = rows.filter(({ state }) => state === "kept").length;
    const known = [
      say("class_done_of", { n: done, all }),
      failed > 0 && say("class_failed_n", { n: failed }),
      unsent > 0 && say("class_unsent_n", { n: unsent }),
      waiting > 0 && !unsent && this.batch.seconds !== null && say("about", { time: sayDuration(this.batch.seconds) }),
    ];
    by("far").textContent = known.filter(Boolean).join(say("class_between"));
    this.#showBar({ all, done, failed });
    by("cancel").hidden = !waiting;
    by("zip").hidden = !done;
    const ended = all > 0 && !waiting;
    if (this.#ended === false && ended) announce(by("far").textContent);
    this.#ended = ended;
  }

  #showBar({ all, ...ended }) {
    for (const part of by("bar").children) part.style.width = `${(100 * ended[part.className]) / Math.max(all, 1)}%`;
    by("bar").setAttribute("aria-valuemax", all);
    by("bar").setAttribute("aria-valuenow", ended.done + ended.failed);
  }

  #showFilter() {
    for (const label of by("filters").querySelectorAll("label")) {
      const kind = label.firstElementChild.value;
      label.querySelector("span").textContent = say(`class_filter_${kind}`);
      label.querySelector("b").textContent = this.#counts[kind];
    }
    for (const { node } of this.#rows.values()) node.hidden = this.#filter !== "all" && node.dataset.kind !== this.#filter;
    const none = !this.#counts[this.#filter];
    by("nothing").hidden = !none;
    by("nothing").textContent = none ? say(this.#counts.all ? "class_none" : this.batch.known ? "class_unknown" : "class_looking") : "";
    by("rows").parentElement.hidden = none;
  }
}
