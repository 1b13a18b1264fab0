// The rows of a table, kept one for each name while they change, and a choice among their kinds.

import { by, element } from "./dom.js";

export class Rows {
  #rows = new Map(); // name -> row
  #chosen = "all";

  /**
   * Of the `kinds` one can be chosen, each under its `title(kind)`, those that are not `offered` only while they have rows;
   * `create(row)` makes what shows a new row; `nothing(counts)` is said where no row is shown.
   */
  constructor({ kinds, title, create, nothing, offered = () => true }) {
    Object.assign(this, { kinds: ["all", ...kinds], title, create, nothing, offered });
    by("filters").replaceChildren(by("filters").firstElementChild, ...this.kinds.map((kind) => this.#choice(kind)));
    by("rows").replaceChildren();
  }

  #choice(kind) {
    const choose = () => ((this.#chosen = kind), this.choose());
    return element("label", {}, element("input", { class: "unseen", type: "radio", name: "filter", value: kind, checked: kind === "all", change: choose }), element("span"), element("b"));
  }

  /** Show these rows, each as [name, row, kind], in this order. */
  show(listed) {
    const names = new Set(listed.map(([name]) => name));
    for (const [name, row] of this.#rows) if (!names.has(name)) this.#forget(name, row);
    listed.forEach(([name, row], index) => this.#place(name, row, index));
    const count = (kind) => listed.filter((each) => each[2] === kind).length;
    this.counts = Object.fromEntries(this.kinds.map((kind) => [kind, kind === "all" ? listed.length : count(kind)]));
  }

  #place(name, row, index) {
    if (!this.#rows.has(name)) this.#rows.set(name, this.create(row));
    const shown = this.#rows.get(name);
    shown.show(row);
    if (by("rows").children[index] !== shown.node) by("rows").insertBefore(shown.node, by("rows").children[index] ?? null);
  }

  #forget(name, row) {
    row.remove();
    this.#rows.delete(name);
  }

  /** Show of all rows those of the chosen kind. */
  choose() {
    for (const label of by("filters").querySelectorAll("label")) {
      const kind = label.firstElementChild.value;
      label.hidden = !this.counts[kind] && !this.offered(kind) && kind !== this.#chosen;
      label.querySelector("span").textContent = this.title(kind);
      label.querySelector("b").textContent = this.counts[kind];
    }
    for (const { node } of this.#rows.values()) node.hidden = this.#chosen !== "all" && node.dataset.kind !== this.#chosen;
    const none = !this.counts[this.#chosen];
    by("nothing").hidden = !none;
    by("nothing").textContent = none ? this.nothing(this.counts) : "";
    by("rows").parentElement.hidden = none;
  }

  translate() {
    for (const row of this.#rows.values()) row.translate();
  }

  remove() {
    for (const row of this.#rows.values()) row.remove();
  }
}
