// The class that is open: how far it is as a whole, and its recordings as a table of which a part may be chosen.

import { KINDS, kindOf } from "./class-batch.js";
import { Row } from "./class-row.js";
import { announce, by } from "./dom.js";
import { say, sayDuration } from "./i18n.js";
import { Rows } from "./rows.js";

export class Table {
  #rows;
  #ended = null; // whether all had ended when it was last looked at

  constructor(batch, acts) {
    this.batch = batch;
    const title = (kind) => say(`class_filter_${kind}`);
    const nothing = ({ all }) => say(all ? "class_none" : batch.known ? "class_unknown" : "class_looking");
    this.#rows = new Rows({ kinds: Object.keys(KINDS), title, create: (row) => new Row(row.name, acts), nothing });
  }

  show() {
    const rows = this.batch.rows();
    this.#rows.show(rows.map((row) => [row.name, row, kindOf(row.state)]));
    this.#showFar(rows);
    this.#rows.choose();
  }

  translate() {
    this.#rows.translate();
    this.show();
  }

  close() {
    this.#rows.remove();
  }

  #showFar(rows) {
    const { all, done, waiting, failed } = this.#rows.counts;
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
}
