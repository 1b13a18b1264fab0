// Hands in what is dropped or chosen (a folder, files, a ZIP, or one student's recording), and shows the results.

import { errorText, language, t } from "../i18n/index.js";
import { $id, announce, button, element, icon } from "../shared/dom.js";
import { filesOfDrop, filesOfInput } from "../shared/files.js";
import { reportErrors, showError } from "../shared/notices.js";
import { options } from "../shared/options.js";
import { submissionsUrl } from "./api.js";
import { UploadQueue } from "./upload.js";

const STUDENT_ERRORS = new Set(["unknown_student", "ambiguous_student"]); // the teacher can say whose file it is
const ICONS = { accepted: "good", unchanged: "good", replaced: "bad", refused: "bad" };
const KIND_ORDER = ["refused", "replaced", "accepted", "unchanged"]; // what needs the teacher's attention comes first

export class UploadPanel {
  #results = new UploadResults((result, student) => this.#sendAgain(result, student));

  /** `getAssignment` returns the open homework. */
  constructor({ limits }, getAssignment) {
    Object.assign(this, { limits, getAssignment });
    $id("folder").closest("label").hidden = !("webkitdirectory" in $id("folder"));
    for (const id of ["files", "folder"]) $id(id).addEventListener("change", ({ target }) => this.#sendChosen(target));
    addEventListener("beforeunload", (event) => this.#results.isSending && event.preventDefault());
  }

  /** Show the results in the homework that the files belong to. */
  show() {
    this.#results.show(this.getAssignment()?.id);
  }

  async handInDrop(transfer) {
    await this.#send(await filesOfDrop(transfer));
  }

  /** Hand in one file as a student's, whatever its name is. */
  async handIn(file, student) {
    await this.#send([{ file, path: file.name }], { student });
  }

  #sendChosen(input) {
    const files = filesOfInput(input);
    input.value = "";
    this.#send(files);
  }

  /** Send a refused file again, as this student's. */
  #sendAgain(result, student) {
    const files = [{ file: result.blob, path: result.file }];
    return this.#send(files, { student, results: this.#results.except(result) });
  }

  async #send(files, { student, results } = {}) {
    const assignment = this.getAssignment();
    if (this.#results.isSending) return showError(t("homework_upload_busy"));
    const queue = new UploadQueue(submissionsUrl(assignment.id), files, { limits: this.limits, student, results });
    this.#results.follow(queue, assignment);
    queue.addEventListener("answered", () => assignment.refresh());
    queue.addEventListener("changed", () => this.show());
    this.show();
    await reportErrors(queue.run());
    await assignment.refreshAfterChange();
    announce($id("results-summary").textContent);
  }
}

/** The list of files with the result of each; a file whose student is unknown can be assigned there. */
class UploadResults {
  #queue = null;
  #assignment = null; // that the files were handed in for
  #fingerprint = "";

  /** `assign` gets the result of a file and the student who owns it. */
  constructor(assign) {
    this.assign = assign;
    $id("stop").addEventListener("click", () => this.#queue?.stop());
    $id("results-close").addEventListener("click", () => this.#close());
  }

  get isSending() {
    return Boolean(this.#queue && !this.#queue.done);
  }

  /** All results but this one. */
  except(result) {
    return this.#queue.results.filter((other) => other !== result);
  }

  follow(queue, assignment) {
    this.#queue = queue;
    this.#assignment = assignment;
  }

  #close() {
    this.#queue = null;
    $id("results").hidden = true;
    $id("files").focus();
  }

  /** Show the results if the homework with this id is the one that they belong to. */
  show(id) {
    const queue = this.#queue;
    $id("results").hidden = !queue || this.#assignment.id !== id;
    if ($id("results").hidden) return;
    $id("upload-progress").hidden = $id("stop").hidden = queue.done;
    $id("results-close").hidden = !queue.done;
    $id("upload-progress").value = queue.fraction;
    $id("results-summary").textContent = summaryText(queue);
    this.#showList(queue);
  }

  /** The list is made again only when something has changed: choices that were made in it are kept. */
  #showList({ results, done }) {
    const fingerprint = JSON.stringify([language, done, results.map(({ kind, file }) => [kind, file])]);
    if (fingerprint === this.#fingerprint) return;
    this.#fingerprint = fingerprint;
    const sorted = KIND_ORDER.flatMap((kind) => results.filter((result) => result.kind === kind));
    $id("results-list").replaceChildren(...sorted.map((result) => this.#item(result)));
  }

  #item(result) {
    const { kind, file, student, blob, code, reason, mb } = result;
    const refused = kind === "refused";
    const refusal = () => (reason ? t(reason, { mb }) : errorText(result));
    const text = refused ? refusal() : t(`homework_file_${kind}`, { student });
    const description = element("span", {}, element("b", {}, file), element("small", {}, text));
    const hasClass = this.#assignment.data.students.length > 0;
    const canAssign = refused && STUDENT_ERRORS.has(code) && hasClass && blob && this.#queue.done;
    return element("li", { class: kind }, icon(ICONS[kind]), description, canAssign && this.#studentChoice(result));
  }

  #studentChoice(result) {
    const names = this.#assignment.data.students.map(({ name }) => [name, name]);
    const label = t("homework_assign_label", { name: result.file });
    const choices = options([["", t("homework_assign_student")], ...names], "");
    const select = element("select", { "aria-label": label }, choices);
    const assign = () => select.value && this.assign(result, select.value);
    const submit = button("secondary small", "attach", t("homework_hand_in_one"), assign);
    return element("span", { class: "assign" }, select, submit);
  }
}

/** What is being sent, or why nothing is, or how many files had which result. */
function summaryText({ done, waits, fraction, results, files, stopped }) {
  if (!done && waits) return errorText(waits);
  if (!done) return t("homework_sending", { n: files.length, percent: Math.floor(100 * fraction) });
  const count = (kind) => results.filter((result) => result.kind === kind).length;
  const counts = KIND_ORDER.toReversed()
    .filter(count)
    .map((kind) => t(`homework_n_${kind}`, { n: count(kind) }));
  return [...counts, stopped && t("homework_stopped")].filter(Boolean).join(t("separator")) || t("homework_no_files");
}
