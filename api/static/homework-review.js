// A held answer: the teacher reads it, changes it, and has it spoken; then comes the next one that is held.

import { by } from "./dom.js";
import { changeAnswer, release } from "./homework-api.js";
import { say } from "./i18n.js";
import { marked } from "./marks.js";
import { read } from "./server.js";

const FIELDS = ["corrected", "explanation", "reply", "spoken"];

export class Review {
  #homework = null;
  #job = null; // as it was when it was opened
  #followed = ""; // what is spoken as the other fields have it

  /** `told` waits for a promise and says what goes wrong in it; true when nothing did. */
  constructor(told) {
    Object.assign(this, { told, dialog: by("review"), fields: by("review-form").elements });
    this.dialog.addEventListener("input", ({ target }) => target !== this.fields.spoken && this.#follow());
    this.dialog.addEventListener("cancel", (event) => (event.preventDefault(), this.#leave()));
    by("review-close").addEventListener("click", () => this.#leave());
    by("review-form").addEventListener("submit", (event) => (event.preventDefault(), this.#done(event.submitter.value)));
  }

  /** Open the answer of a row that is held, as it is now. */
  async open(homework, { student, submission }) {
    const job = await this.told(read(`/v1/jobs/${submission.job}`));
    if (!job?.feedback) return;
    this.#homework = homework;
    this.#job = job;
    this.#followed = job.feedback.spoken;
    by("review-title").textContent = student;
    by("review-heard").replaceChildren(marked(job.feedback));
    for (const name of FIELDS) this.fields[name].value = job.feedback[name];
    this.show();
    if (!this.dialog.open) this.dialog.showModal();
    this.fields.corrected.focus();
  }

  /** Say it in another language. */
  show() {
    if (!this.#job) return;
    const n = this.#others().length;
    by("review-release").textContent = say(n ? "homework_release_next" : "homework_release");
    by("review-n").textContent = n ? say("homework_others_wait", { n }) : "";
  }

  /** What is spoken follows the other fields, as on the server, until it is changed itself. */
  #follow() {
    const [corrected, explanation, reply] = FIELDS.map((name) => this.fields[name].value.trim());
    const better = corrected === this.#job.feedback.heard.trim() ? "" : corrected;
    const follows = [better, explanation, reply].filter(Boolean).join(" ");
    if (!this.#own()) this.fields.spoken.value = follows;
    this.#followed = follows;
  }

  /** Whether what is spoken was typed. */
  #own() {
    return this.fields.spoken.value !== this.#followed;
  }

  #changes() {
    const { feedback } = this.#job;
    const changed = FIELDS.filter((name) => (name === "spoken" ? this.#own() : this.fields[name].value.trim() !== feedback[name]));
    return Object.fromEntries(changed.map((name) => [name, this.fields[name].value.trim()]));
  }

  #leave() {
    if (!Object.keys(this.#changes()).length || confirm(say("homework_leave_sure"))) this.dialog.close();
  }

  async #done(how) {
    const job = await this.told(this.#save().then((saved) => (how === "release" ? release(saved.id) : saved)));
    if (!job) return;
    this.#homework.keep(job);
    await this.#homework.lookAnew();
    const [next] = this.#others();
    if (how === "release" && next) await this.open(this.#homework, next);
    else this.dialog.close();
  }

  async #save() {
    const changes = this.#changes();
    return Object.keys(changes).length ? changeAnswer(this.#job.id, changes) : this.#job;
  }

  #others() {
    return this.#homework.held().filter(({ submission }) => submission.job !== this.#job.id);
  }
}
