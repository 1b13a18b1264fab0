// The head of the open homework: the assignment, the progress, who is missing, what waits for the teacher's review.

import { showVerdicts } from "../feedback/summary.js";
import { joinNames, localName, t } from "../i18n/index.js";
import { $id, announce, element, showBar } from "../shared/dom.js";
import { formatDuration } from "../shared/format.js";
import { exportUrl, reportUrl } from "./api.js";
import { ClassLedger } from "./class_ledger.js";
import { formatDue } from "./due.js";

const MAX_NAMES = 12; // of students who have not handed in

/** How many students of the class have handed in; without a class list, how many at all. */
export function handedInText({ students, progress }) {
  const values = { n: progress.handed_in, all: progress.students };
  return t(students.length ? "homework_handed_in" : "homework_handed_in_n", values);
}

export class Summary {
  #wasComplete = null; // whether all were answered when the progress was last shown

  constructor(assignment, { personas }) {
    Object.assign(this, { assignment, personas, classLedger: new ClassLedger(assignment) });
  }

  show() {
    const { data } = this.assignment;
    $id("detail-title").textContent = data.title;
    $id("detail-facts").replaceChildren(...this.#facts(data));
    $id("edit").href = `#${data.id}/edit`;
    $id("zip").href = exportUrl(data.id);
    $id("report").href = reportUrl(data.id);
    for (const id of ["zip", "school", "report"]) $id(id).hidden = !data.progress.handed_in;
    this.#showAssignment(data);
    this.#showProgress(data);
    showVerdicts(this.assignment.rows().map(({ student, job }) => ({ name: student, job })));
    this.classLedger.show();
    this.#showMissing(data.progress);
    this.#showReviewNotice(data.progress);
  }

  #facts({ class_name, due, persona, level, hold, text, clearness, card }) {
    const teacher = this.personas.find(({ name }) => name === persona);
    const teacherName = teacher ? localName(teacher.display) : persona;
    const marks = [
      hold && t("homework_fact_hold"),
      text && clearness && t("homework_fact_clearness"),
      card && t("homework_fact_card"),
    ];
    const facts = [class_name, due && formatDue(due), teacherName, level, ...marks];
    return facts.filter(Boolean).map((fact) => element("li", {}, fact));
  }

  #showAssignment({ instructions, text, words }) {
    const part = (key, ...nodes) => element("div", {}, element("dt", {}, t(key)), element("dd", {}, ...nodes));
    const parts = [
      instructions && part("homework_instructions", instructions),
      text && part("homework_text", text),
      words.length > 0 && part("homework_words", ...words.map((word) => element("span", { class: "word" }, word))),
    ].filter(Boolean);
    $id("assignment").hidden = !parts.length;
    $id("assignment-parts").replaceChildren(...parts);
  }

  #showProgress(data) {
    const { students, handed_in, succeeded, failed, held, working, eta_seconds, complete } = data.progress;
    const parts = [
      handedInText(data),
      handed_in > 0 && t("homework_done_n", { n: succeeded }),
      held > 0 && t("homework_held_n", { n: held }),
      failed > 0 && t("failed_n", { n: failed }),
      working > 0 && eta_seconds !== null && t("time_left", { time: formatDuration(eta_seconds) }),
    ];
    $id("progress").textContent = parts.filter(Boolean).join(t("separator"));
    showBar({ done: succeeded, held, failed }, students);
    if (this.#wasComplete === false && complete) announce($id("progress").textContent);
    this.#wasComplete = complete;
    $id("rerun-all").hidden = !(succeeded + failed + held);
  }

  #showMissing({ missing }) {
    $id("missing").hidden = !missing.length;
    const more = missing.length - MAX_NAMES;
    const names = joinNames(missing.slice(0, MAX_NAMES));
    const text = more > 0 ? t("homework_and_more", { names, n: more }) : names;
    $id("missing").textContent = t("homework_missing", { names: text });
  }

  #showReviewNotice({ held }) {
    $id("review-notice").hidden = !held;
    $id("review-count").textContent = t("homework_held_notice", { n: held });
    $id("release-all").textContent = t("homework_release_all", { n: held });
    $id("release-all").hidden = held < 2;
  }
}
