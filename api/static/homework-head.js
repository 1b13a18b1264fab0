// What stands above the class: what was set, how far all are, who is missing, what waits for the teacher.

import { announce, by, element } from "./dom.js";
import { exportOf, reportOf } from "./homework-api.js";
import { sayDue } from "./homework-due.js";
import { named, say, sayDuration } from "./i18n.js";

const NAMED = 12; // names of missing students that are said at once

/** How many of the class have handed in; where nobody is named, how many at all. */
export function sayHandedIn({ students, progress }) {
  const values = { n: progress.handed_in, all: progress.students };
  return say(students.length ? "homework_handed_in" : "homework_came", values);
}

export class Head {
  #complete = null; // whether all was answered when it was last looked at

  constructor(homework, { personas }) {
    Object.assign(this, { homework, personas });
  }

  show() {
    const { view } = this.homework;
    by("open-name").textContent = view.title;
    by("open-about").replaceChildren(...this.#about(view));
    by("edit").href = `#${view.id}/edit`;
    by("zip").href = exportOf(view.id);
    by("report").href = reportOf(view.id);
    for (const id of ["zip", "report"]) by(id).hidden = !view.progress.handed_in;
    this.#showSet(view);
    this.#showFar(view);
    this.#showMissing(view.progress);
    this.#showHeld(view.progress);
  }

  #about({ class_name, due, persona, level, hold }) {
    const teacher = this.personas.find(({ name }) => name === persona);
    const known = [class_name, due && sayDue(due), teacher ? named(teacher.display) : persona, level, hold && say("homework_holds")];
    return known.filter(Boolean).map((words) => element("li", {}, words));
  }

  #showSet({ instructions, text, words }) {
    const part = (key, ...what) => element("div", {}, element("dt", {}, say(key)), element("dd", {}, ...what));
    by("set").hidden = !instructions && !text && !words.length;
    by("set-parts").replaceChildren(...[
      instructions && part("homework_instructions", instructions),
      text && part("homework_text", text),
      words.length && part("homework_words", ...words.map((word) => element("span", { class: "word" }, word))),
    ].filter(Boolean));
  }

  #showFar(view) {
    const { students, handed_in, succeeded, failed, held, working, eta_seconds, complete } = view.progress;
    const known = [
      sayHandedIn(view),
      handed_in > 0 && say("homework_done_n", { n: succeeded }),
      held > 0 && say("homework_held_n", { n: held }),
      failed > 0 && say("class_failed_n", { n: failed }),
      working > 0 && eta_seconds !== null && say("about", { time: sayDuration(eta_seconds) }),
    ];
    by("far").textContent = known.filter(Boolean).join(say("class_between"));
    const parts = { done: succeeded, held, failed };
    for (const part of by("bar").children) part.style.width = `${(100 * parts[part.className]) / Math.max(students, 1)}%`;
    by("bar").setAttribute("aria-valuemax", Math.max(students, 1));
    by("bar").setAttribute("aria-valuenow", succeeded + held + failed);
    if (this.#complete === false && complete) announce(by("far").textContent);
    this.#complete = complete;
    by("all-again").hidden = !(succeeded + failed + held);
  }

  #showMissing({ missing }) {
    by("missing").hidden = !missing.length;
    const more = missing.length - NAMED;
    const names = missing.slice(0, NAMED).join(say("comma"));
    by("missing").textContent = say("homework_missing", { names: more > 0 ? say("homework_and_more", { names, n: more }) : names });
  }

  #showHeld({ held }) {
    by("held").hidden = !held;
    by("held-n").textContent = say(held === 1 ? "homework_wait_one" : "homework_wait", { n: held });
    by("release-all").textContent = say("homework_release_all", { n: held });
    by("release-all").hidden = held < 2;
  }
}
