// The class as a table, one row for each student, of which a part may be chosen.

import { by } from "./dom.js";
import { KINDS, kindOf } from "./homework-live.js";
import { Row } from "./homework-row.js";
import { say } from "./i18n.js";
import { Rows } from "./rows.js";

const ALWAYS = new Set(["all", "done", "waiting"]); // other parts are offered when there is anybody in them

export class Table {
  #rows;

  constructor(homework, acts) {
    this.homework = homework;
    const title = (kind) => say(`homework_filter_${kind}`);
    const nothing = ({ all }) => say(all ? "homework_none" : "homework_nobody");
    this.#rows = new Rows({ kinds: Object.keys(KINDS), title, create: (row) => new Row(row, acts), nothing, offered: (kind) => ALWAYS.has(kind) });
  }

  show() {
    this.#rows.show(this.homework.rows().map((row) => [row.student, row, kindOf(row.state)]));
    this.#rows.choose();
    by("filters").hidden = !this.#rows.counts.all;
  }

  translate() {
    this.#rows.translate();
    this.show();
  }

  close() {
    this.#rows.remove();
  }
}
