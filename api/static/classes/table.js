// The progress of a class as a table that can be sorted: what all assignments give together, then each of them.

import { kindName } from "../feedback/kinds.js";
import { t } from "../i18n/index.js";
import { address } from "../shared/address.js";
import { $id, element } from "../shared/dom.js";
import { formatNumber } from "../shared/format.js";

const NONE = "–";

export class ProgressTable {
  #progress = null;
  #sort = { key: "pupil", down: false };

  /** Show the progress, as the API has it. */
  show(progress) {
    this.#progress = progress;
    const columns = [...totalColumns(), ...progress.assignments.map(assignmentColumn)];
    const sorted = columns.find(({ key }) => key === this.#sort.key) ?? columns[0];
    const direction = this.#sort.down ? -1 : 1;
    const compare = (a, b) => direction * compareValues(sorted.value(a), sorted.value(b), direction);
    const rows = sorted.key === "pupil" && !this.#sort.down ? progress.pupils : [...progress.pupils].sort(compare);
    $id("progress-head").replaceChildren(...columns.map((column) => this.#header(column)));
    $id("progress-rows").replaceChildren(...rows.map((row) => element("tr", {}, columns.map((each) => cell(each, row)))));
  }

  #header({ key, title, help }) {
    const order = this.#sort.key !== key ? "none" : this.#sort.down ? "descending" : "ascending";
    const button = element("button", { type: "button", title: help, click: () => this.#sortBy(key) }, title);
    button.dataset.column = key;
    return element("th", { scope: "col", "aria-sort": order }, button);
  }

  #sortBy(key) {
    this.#sort = { key, down: this.#sort.key === key && !this.#sort.down };
    this.show(this.#progress);
    $id("progress-head").querySelector(`[data-column="${CSS.escape(key)}"]`).focus();
  }
}

/** Numbers and texts in their order; what is not known comes last, in both directions. */
function compareValues(a, b, direction) {
  if (a === null || b === null) return direction * ((a === null) - (b === null));
  return typeof a === "string" ? a.localeCompare(b) : a - b;
}

/** The columns of all assignments together: how each is sorted, and what it shows. */
function totalColumns() {
  const share = (part, all) => (all ? t("classes_share", { part, all }) : NONE);
  const kinds = (list) => list.map(kindName).join(t("separator")) || NONE;
  const total = (key, title, help, value, text) => ({ key, title, help, value, text });
  return [
    total("pupil", t("classes_pupil"), "", ({ pupil }) => pupil.label, pupilLink),
    total("handed_in", t("classes_handed_in"), t("classes_handed_in_help"), (row) => row.handed_in, (row) =>
      share(row.handed_in, row.asked)),
    total("on_time", t("classes_on_time"), t("classes_on_time_help"), (row) => row.on_time, (row) =>
      share(row.on_time, row.with_due)),
    total("rate", t("classes_rate"), t("classes_rate_help"), (row) => row.corrections_per_100, (row) =>
      figure(row.corrections_per_100)),
    total("not_understood", t("classes_not_understood"), t("classes_not_understood_help"), (row) =>
      row.not_understood + row.not_heard_well, (row) => String(row.not_understood + row.not_heard_well || NONE)),
    total("clear", t("classes_clear"), t("classes_clear_help"), (row) => row.clear_percent, (row) =>
      row.clear_percent === null ? NONE : t("classes_percent", { n: figure(row.clear_percent) })),
    total("went", t("classes_went"), t("classes_went_help"), (row) => row.went.length, (row) => kinds(row.went)),
    total("stayed", t("classes_stayed"), t("classes_stayed_help"), (row) => row.stayed.length, (row) =>
      kinds(row.stayed)),
  ];
}

function assignmentColumn({ id, title }) {
  const work = (row) => row.work.find(({ assignment }) => assignment === id);
  return {
    key: `assignment ${id}`,
    title,
    help: t("classes_assignment_help"),
    value: (row) => work(row)?.corrections_per_100 ?? null,
    text: (row) => workText(work(row)),
  };
}

/** What was handed in: corrections per 100 words, or clear words, or why there is neither; and whether it was late. */
function workText(work) {
  if (!work) return NONE;
  if (work.state === "missing") return element("span", { class: "badge missing" }, t("state_missing"));
  const late = work.on_time === false && element("span", { class: "badge late" }, t("classes_late"));
  return element("span", { class: "work" }, workFigure(work), late);
}

function workFigure({ corrections_per_100, clear_words, unclear_words, verdict, state }) {
  if (corrections_per_100 !== null) return figure(corrections_per_100);
  if (clear_words !== null) return t("classes_share", { part: clear_words, all: clear_words + unclear_words });
  return verdict ? t(`verdict_${verdict}`) : t(`state_${state}`);
}

const figure = (value) => (value === null ? NONE : formatNumber(value));

const pupilLink = ({ pupil }) =>
  element("a", { href: address(`ledger#${pupil.learner}`) }, pupil.label, pupil.school_id && element("small", {}, pupil.school_id));

function cell({ key, text }, row) {
  const name = key === "pupil" ? "th" : "td";
  return element(name, key === "pupil" ? { scope: "row" } : {}, text(row));
}
