// The class as a table, one row for each student, of which a part may be chosen.

import { by, element } from "./dom.js";
import { KINDS, kindOf } from "./homework-live.js";
import { Row } from "./homework-row.js";
import { say } from "./i18n.js";

const FILTERS = ["all", ...Object.keys(KINDS)];
const ALWAYS = new Set(["all", "done", "waiting"]); // other parts are offered when there is anybody in them

export class Table {
  #rows = new Map(); // student -> Row
  #filter = "all";

  constructor(homework, acts) {
    Object.assign(this, { homework, acts });
    by("filters").replaceChildren(by("filters").firstElementChild, ...FILTERS.map((kind) => this.#choice(kind)));
    by("rows").replaceChildren();
  }

  #choice(kind) {
    const choose = () => ((this.#filter = kind), this.#showFilter());
    return element("label", {}, element("input", { class: "unseen", type: "radio", name: "filter", value: kind, checked: kind === "all", change: choose }), element("span"), element("b"));
  }

  show() {
    const rows = this.homework.rows();
    const students = new Set(rows.map(({ student }) => student));
    for (const [student, row] of this.#rows) if (!students.has(student)) this.#forget(student, row);
    rows.forEach((row, index) => this.#place(row, index));
    this.#showFilter();
  }

  translate() {
    for (const row of this.#rows.values()) row.translate();
    this.show();
  }

  close() {
    for (const row of this.#rows.values()) row.remove();
  }

  #place(row, index) {
    if (!this.#rows.has(row.student)) this.#rows.set(row.student, new Row(row, this.acts));
    const { node } = this.#rows.get(row.student);
    this.#rows.get(row.student).show(row);
    if (by("rows").children[index] !== node) by("rows").insertBefore(node, by("rows").children[index] ?? null);
  }

  #forget(student, row) {
    row.remove();
    this.#rows.delete(student);
  }

  #showFilter() {
    const kinds = this.homework.rows().map(({ state }) => kindOf(state));
    const counts = Object.fromEntries(FILTERS.map((kind) => [kind, kind === "all" ? kinds.length : kinds.filter((each) => each === kind).length]));
    for (const label of by("filters").querySelectorAll("label")) {
      const kind = label.firstElementChild.value;
      label.hidden = !counts[kind] && !ALWAYS.has(kind) && kind !== this.#filter;
      label.querySelector("span").textContent = say(`homework_filter_${kind}`);
      label.querySelector("b").textContent = counts[kind];
    }
    for (const { node } of this.#rows.values()) node.hidden = this.#filter !== "all" && node.dataset.kind !== this.#filter;
    const none = !counts[this.#filter];
    by("filters").hidden = !counts.all;
    by("nothing").hidden = !none;
    by("nothing").textContent = say(counts.all ? "homework_none" : "homework_nobody");
    by("rows").parentElement.hidden = none;
  }
}
