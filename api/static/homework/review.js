// The dialog for reviewing a held answer: read it, change it, release it; then comes the next one.

import { fluencyNode } from "../feedback/fluency.js";
import { correctionMarks, readingNotes, recognisedNote, unclearLegend } from "../feedback/marks.js";
import { explanationNodes, hasCorrections, isChecked, verdictLine } from "../feedback/verdicts.js";
import { t } from "../i18n/index.js";
import { fetchJson } from "../shared/api.js";
import { $id } from "../shared/dom.js";
import { reportErrors } from "../shared/notices.js";
import { changeFeedback, release } from "./api.js";

const FIELDS = ["corrected", "explanation", "reply", "spoken"];

export class ReviewDialog {
  #assignment = null;
  #job = null; // as it was when the dialog was opened
  #derivedText = ""; // the spoken text that follows from the other fields

  constructor() {
    Object.assign(this, { dialog: $id("review"), fields: $id("review-form").elements });
    this.dialog.addEventListener("input", ({ target }) => target !== this.fields.spoken && this.#deriveSpoken());
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#close();
    });
    $id("review-close").addEventListener("click", () => this.#close());
    $id("review-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(event.submitter.value);
    });
  }

  /** Open the answer of a row that is held, as it is now. */
  async open(assignment, { student, submission }) {
    const job = await reportErrors(fetchJson(`v1/jobs/${submission.job}`));
    if (!job?.feedback) return;
    this.#assignment = assignment;
    this.#job = job;
    this.#derivedText = job.feedback.spoken;
    $id("review-title").textContent = student;
    for (const name of FIELDS) this.fields[name].value = job.feedback[name];
    this.translate();
    if (!this.dialog.open) this.dialog.showModal();
    this.fields.corrected.focus();
  }

  translate() {
    if (!this.#job) return;
    $id("review-transcript").replaceChildren(...heardNodes(this.#job, this.#assignment.isReading));
    const n = this.#otherHeldRows().length;
    $id("review-release").textContent = t(n ? "homework_release_next" : "homework_release");
    $id("review-remaining").textContent = n ? t("homework_more_to_review", { n }) : "";
  }

  /** The spoken text follows the other fields, as on the server, until it is edited itself. */
  #deriveSpoken() {
    const [corrected, explanation, reply] = FIELDS.map((name) => this.fields[name].value.trim());
    const correction = corrected === this.#job.feedback.heard.trim() ? "" : corrected;
    const text = [correction, explanation, reply].filter(Boolean).join(" ");
    if (!this.#isSpokenEdited()) this.fields.spoken.value = text;
    this.#derivedText = text;
  }

  #isSpokenEdited() {
    return this.fields.spoken.value !== this.#derivedText;
  }

  #changes() {
    const { feedback } = this.#job;
    const isChanged = (name) =>
      name === "spoken" ? this.#isSpokenEdited() : this.fields[name].value.trim() !== feedback[name];
    return Object.fromEntries(FIELDS.filter(isChanged).map((name) => [name, this.fields[name].value.trim()]));
  }

  #close() {
    if (!Object.keys(this.#changes()).length || confirm(t("homework_discard_confirm"))) this.dialog.close();
  }

  /** `action` is "save" or "release". */
  async #submit(action) {
    const job = await reportErrors(this.#save().then((saved) => (action === "release" ? release(saved.id) : saved)));
    if (!job) return;
    this.#assignment.setJob(job);
    await this.#assignment.refreshAfterChange();
    const [next] = this.#otherHeldRows();
    if (action === "release" && next) await this.open(this.#assignment, next);
    else this.dialog.close();
  }

  async #save() {
    const changes = this.#changes();
    return Object.keys(changes).length ? changeFeedback(this.#job.id, changes) : this.#job;
  }

  #otherHeldRows() {
    return this.#assignment.heldRows().filter(({ submission }) => submission.job !== this.#job.id);
  }
}

/** What is reviewed: what was said with its marks, the verdict, and why, in the reader's language. */
function heardNodes(job, isReading) {
  const { feedback } = job;
  const line = [correctionMarks(feedback, isReading), ...(isReading ? readingNotes(job) : [])];
  const fluency = isReading && isChecked(feedback) && fluencyNode(job.transcript?.reading);
  const marks = [...line, unclearLegend(feedback), fluency, recognisedNote(job)];
  const why = hasCorrections(feedback) ? explanationNodes(feedback) : []; // else it is in the form below
  return [verdictLine(feedback), ...marks, ...why].filter(Boolean);
}
