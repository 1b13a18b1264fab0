// One student of a class: how far the answer is, what was heard, the answer to be heard, and what a teacher can do.

import { chip } from "./chip.js";
import { button, element, icon } from "./dom.js";
import { kindOf } from "./homework-live.js";
import { say, sayProblem } from "./i18n.js";
import { marked } from "./marks.js";
import { Player } from "./player.js";

export class Row {
  #state = element("td", { role: "cell", class: "state" });
  #heard = element("td", { role: "cell", class: "said" });
  #answer = element("td", { role: "cell", class: "answer" });
  #file = element("small");
  #shown = "";
  #player = null;

  /** `acts` are what can be done with a row: review, release, again, retry, handIn, drop; each is given the row. */
  constructor({ student, number }, acts) {
    this.acts = acts;
    const name = element("th", { scope: "row", role: "rowheader" }, student, number && element("small", { class: "number" }, number), this.#file);
    this.node = element("tr", { role: "row" }, name, this.#state, this.#heard, this.#answer);
  }

  /** Show it as it is now; what is the same as before stays, and so do the focus and the voice. */
  show(row) {
    const seen = [row.state, row.submission?.job, row.job?.updated_at].join();
    this.row = row;
    if (seen === this.#shown) return;
    this.#shown = seen;
    this.node.dataset.state = row.state;
    this.node.dataset.kind = kindOf(row.state);
    this.#file.textContent = row.submission?.file ?? "";
    this.#state.replaceChildren(...chip(row.state, kindOf(row.state)));
    this.#heard.replaceChildren(...heardOf(row));
    this.#showAnswer(row);
  }

  /** Say it in another language. */
  translate() {
    this.#shown = "";
    this.show(this.row);
  }

  remove() {
    this.#player?.stop();
    this.node.remove();
  }

  #showAnswer({ student, state, job, submission }) {
    const answer = state === "succeeded" ? job?.answer : null;
    const same = answer && this.#player?.begun && this.#player.audio === answer.audio;
    if (!same) {
      this.#player?.stop();
      this.#player = answer ? new Player(answer, student) : null;
    }
    const does = element("div", { class: "does" }, doesOf({ student, state, job, submission, answer }, (act) => () => this.acts[act](this.row)));
    this.#answer.replaceChildren(...[this.#player?.node, does].filter(Boolean));
  }
}

function heardOf({ state, submission, job }) {
  const { feedback, transcript } = job ?? {};
  const good = feedback && !feedback.reset && !feedback.edits.length && feedback.heard === feedback.corrected;
  return [
    feedback ? marked(feedback) : transcript?.text && element("p", { class: "heard" }, transcript.text),
    good && element("p", { class: "good small" }, icon("good"), say("nothing_to_correct")),
    feedback?.explanation && element("p", { class: "small why" }, feedback.explanation),
    feedback?.reply && element("p", { class: "small reply" }, feedback.reply),
    submission?.error && kindOf(state) === "failed" && element("p", { class: "wrong" }, sayProblem(submission.error)),
  ].filter(Boolean);
}

/** What can be done with a row as it stands; icons alone are named for who cannot see them. */
function doesOf({ student, state, job, submission, answer }, press) {
  const failed = kindOf(state) === "failed";
  const words = (act, picture, key) => button("quiet small", picture, say(key), press(act), null);
  const named = (act, picture, key) => button("quiet small", picture, "", press(act), say(key, { name: student }));
  const label = say("homework_download", { name: student });
  return [
    answer && element("a", { class: "button quiet small", href: answer.audio, download: `${student}.${answer.format}`, title: label, "aria-label": label }, icon("download")),
    state === "held" && button("held small", "edit", say("homework_review"), press("review"), say("homework_review_of", { name: student })),
    job?.links.retry && words("retry", "again", "try_again"),
    (failed || state === "missing") && words("handIn", "attach", failed ? "homework_another" : "homework_hand_in_one"),
    job?.feedback && (answer || failed || state === "held") && named("again", "again", "homework_again_of"),
    submission && named("drop", "trash", "homework_drop"),
  ].filter(Boolean);
}
