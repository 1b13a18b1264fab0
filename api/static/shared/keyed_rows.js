// The rows of a table: one object per name, kept while its content changes, and filters by kind.

import { $id, arrangeChildren, element } from "./dom.js";

export class KeyedRows {
  #rows = new Map(); // name -> row
  #filter = "all";

  /**
   * One of the `kinds` can be chosen by its `title(kind)`; one that is not `alwaysOffered` only while it has rows.
   * `create(row)` makes the object that shows a new row; `emptyText(counts)` is shown where no row is.
   */
  constructor({ kinds, title, create, emptyText, alwaysOffered = () => true }) {
    Object.assign(this, { kinds: ["all", ...kinds], title, create, emptyText, alwaysOffered });
    const choices = this.kinds.map((kind) => this.#filterChoice(kind));
    $id("filters").replaceChildren($id("filters").firstElementChild, ...choices);
    $id("rows").replaceChildren();
  }

  #filterChoice(kind) {
    const change = () => {
      this.#filter = kind;
      this.applyFilter();
    };
    const radio = {
      class: "visually-hidden",
      type: "radio",
      name: "filter",
      value: kind,
      checked: kind === "all",
      change,
    };
    return element("label", {}, element("input", radio), element("span"), element("b"));
  }

  /** Show these rows, each as [name, row, kind], in this order. */
  show(entries) {
    const names = new Set(entries.map(([name]) => name));
    for (const [name, row] of this.#rows) if (!names.has(name)) this.#remove(name, row);
    arrangeChildren(
      $id("rows"),
      entries.map(([name, row]) => this.#update(name, row).node),
    );
    const count = (kind) => entries.filter(([, , rowKind]) => rowKind === kind).length;
    this.counts = Object.fromEntries(this.kinds.map((kind) => [kind, kind === "all" ? entries.length : count(kind)]));
  }

  #update(name, row) {
    if (!this.#rows.has(name)) this.#rows.set(name, this.create(row));
    const view = this.#rows.get(name);
    view.show(row);
    return view;
  }

  #remove(name, row) {
    row.remove();
    this.#rows.delete(name);
  }

  /** Show the rows of the chosen kind only. */
  applyFilter() {
    for (const label of $id("filters").querySelectorAll("label")) {
      const kind = label.firstElementChild.value;
      label.hidden = !this.counts[kind] && !this.alwaysOffered(kind) && kind !== this.#filter;
      label.querySelector("span").textContent = this.title(kind);
      label.querySelector("b").textContent = this.counts[kind];
    }
    for (const { node } of this.#rows.values()) {
      node.hidden = this.#filter !== "all" && node.dataset.kind !== this.#filter;
    }
    const empty = !this.counts[this.#filter];
    $id("empty-message").hidden = !empty;
    $id("empty-message").textContent = empty ? this.emptyText(this.counts) : "";
    $id("rows").parentElement.hidden = empty;
  }

  translate() {
    for (const row of this.#rows.values()) row.translate();
  }

  remove() {
    for (const row of this.#rows.values()) row.remove();
  }
}
