// One recording of a class as it is shown: how far it is, what was heard, the answer to be heard.

import { chip } from "./chip.js";
import { kindOf } from "./class-batch.js";
import { button, element, icon } from "./dom.js";
import { say, sayProblem } from "./i18n.js";
import { marked } from "./marks.js";
import { FAULTS } from "./outbox.js";
import { Player } from "./player.js";

export class Row {
  #state = element("td", { role: "cell", class: "state" });
  #heard = element("td", { role: "cell", class: "said" });
  #answer = element("td", { role: "cell", class: "answer" });
  #shown = "";
  #player = null;

  /** `acts` are what can be done with a row: retry, again, replace, drop; each is given the row as the class has it. */
  constructor(name, acts) {
    this.acts = acts;
    this.node = element("tr", { role: "row" }, element("th", { scope: "row", role: "rowheader" }, name), this.#state, this.#heard, this.#answer);
  }

  /** Show it as it is now; what is the same as before stays, and so do the focus and the voice. */
  show(row) {
    const seen = [row.state, row.item?.id, row.item?.refused?.code, row.job?.id, row.job?.updated_at].join();
    this.row = row;
    if (seen === this.#shown) return;
    this.#shown = seen;
    this.node.dataset.state = row.state;
    this.node.dataset.kind = kindOf(row.state);
    this.#state.replaceChildren(...chip(row.state, kindOf(row.state)));
    this.#heard.replaceChildren(...this.#heardOf(row));
    this.#showAnswer(row);
  }

  /** Say it in another language. */
  translate() {
    this.#shown = "";
    if (this.row) this.show(this.row);
  }

  remove() {
    this.#player?.stop();
    this.node.remove();
  }

  #heardOf({ state, item, job }) {
    const problem = item ? item.refused : job?.error;
    const why = problem ? sayProblem(problem) : state === "gone" ? say("class_gone") : null;
    const { feedback, transcript } = job ?? {};
    const good = feedback && !feedback.reset && !feedback.edits.length && feedback.heard === feedback.corrected;
    return [
      !item && (feedback ? marked(feedback) : transcript?.text && element("p", { class: "heard" }, transcript.text)),
      !item && good && element("p", { class: "good small" }, icon("good"), say("nothing_to_correct")),
      !item && feedback?.reply && element("p", { class: "small reply" }, feedback.reply),
      why && element("p", { class: "wrong" }, why),
    ].filter(Boolean);
  }

  #showAnswer(row) {
    const { name, state, job } = row;
    const answer = state === "succeeded" && job.answer;
    const does = element("div", { class: "does" }, ...this.#doesOf(row, answer));
    if (!answer) this.#player = void this.#player?.stop();
    else if (!this.#player?.begun) this.#player = new Player(answer, name);
    this.#answer.replaceChildren(...[this.#player?.node, does].filter(Boolean));
  }

  #doesOf({ name, state, item, job }, answer) {
    const does = (act, picture, words, label = null) => button("quiet small", picture, words, () => this.acts[act](this.row), label);
    const failed = kindOf(state) === "failed";
    const label = say("class_download", { name });
    return [
      answer && element("a", { class: "button quiet small", href: answer.audio, download: `${name.replace(/\.[^.]*$/, "")}.${answer.format}`, title: label, "aria-label": label }, icon("download")),
      item?.refused && !FAULTS.has(item.refused.code) && does("again", "again", say("try_again")),
      !item && job?.links.retry && does("retry", "again", say("try_again")),
      failed && (item || !job?.links.retry) && does("replace", "attach", say("class_replace")),
      does("drop", "trash", "", say("class_drop_one", { name })),
    ].filter(Boolean);
  }
}
