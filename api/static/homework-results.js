// What became of each file that was handed in; one that has no name of the class can be given to its student here.

import { button, by, element, icon } from "./dom.js";
import { language, say, sayProblem } from "./i18n.js";

const NOBODYS = new Set(["unknown_student", "ambiguous_student"]);
const ICONS = { accepted: "good", unchanged: "good", replaced: "bad", refused: "bad" };
const ORDER = ["refused", "replaced", "accepted", "unchanged"]; // what asks for the teacher comes first

export class Results {
  #sending = null;
  #homework = null; // for which it was handed in

  /** `give` is told a file's result and whose it is. */
  constructor(give) {
    this.give = give;
    by("stop").addEventListener("click", () => this.#sending?.stop());
    by("results-close").addEventListener("click", () => this.#clear());
  }

  /** Whether there are files still to be sent. */
  get sending() {
    return Boolean(this.#sending && !this.#sending.done);
  }

  /** All results but this one, which is to be made anew. */
  others(result) {
    return this.#sending.results.filter((each) => each !== result);
  }

  follow(sending, homework) {
    this.#sending = sending;
    this.#homework = homework;
  }

  #clear() {
    this.#sending = null;
    by("results").hidden = true;
    by("files").focus();
  }

  /** Show it where the homework of this id is open. */
  show(id) {
    const sending = this.#sending;
    by("results").hidden = !sending || this.#homework.id !== id;
    if (by("results").hidden) return;
    by("sent").hidden = by("stop").hidden = sending.done;
    by("results-close").hidden = !sending.done;
    by("sent").value = sending.part;
    by("results-far").textContent = this.#far(sending);
    this.#showList(sending);
  }

  /** A list that says the same stays, and so do the choices in it. */
  #showList({ results, done }) {
    const said = JSON.stringify([language, done, results.map(({ kind, file }) => [kind, file])]);
    if (by("results-list").dataset.said === said) return;
    by("results-list").dataset.said = said;
    const inOrder = ORDER.flatMap((kind) => results.filter((each) => each.kind === kind));
    by("results-list").replaceChildren(...inOrder.map((each) => this.#line(each)));
  }

  #far({ done, part, results, files, stopped }) {
    if (!done) return say(files.length === 1 ? "homework_sending_one" : "homework_sending", { n: files.length, part: Math.floor(100 * part) });
    const counts = ORDER.map((kind) => [kind, results.filter((each) => each.kind === kind).length]).reverse();
    const said = counts.filter(([, n]) => n).map(([kind, n]) => say(`homework_n_${kind}`, { n }));
    if (stopped) said.push(say("homework_stopped"));
    return said.join(say("class_between")) || say("homework_no_files");
  }

  #line(result) {
    const { kind, file, student, blob } = result;
    const what = kind === "refused" ? sayProblem(result) : say(`homework_file_${kind}`, { student });
    const whose = kind === "refused" && NOBODYS.has(result.code) && blob && this.#sending.done && this.#whose(result);
    return element("li", { class: kind }, icon(ICONS[kind]), element("span", {}, element("b", {}, file), element("small", {}, what)), whose);
  }

  #whose(result) {
    const label = say("homework_whose", { name: result.file });
    const choice = element("select", { "aria-label": label }, element("option", { value: "" }, say("homework_whose_short")), this.#homework.view.students.map(({ name }) => element("option", { value: name }, name)));
    const give = button("quiet small", "attach", say("homework_hand_in_one"), () => choice.value && this.give(result, choice.value));
    return element("span", { class: "whose" }, choice, give);
  }
}
