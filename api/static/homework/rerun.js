// The dialog for making answers again: in another voice, by another teacher, or for a corrected transcript.

import { localName, t } from "../i18n/index.js";
import { $id } from "../shared/dom.js";
import { formatSpeed } from "../shared/format.js";
import { reportErrors } from "../shared/notices.js";
import { options, voiceName } from "../shared/options.js";
import { rerunAll, rerunJob } from "./api.js";

const SPEEDS = [0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3];

export class RerunDialog {
  #assignment = null;
  #row = null; // null: all rows

  /** `showResult` gets the server's response to a request about a whole class. */
  constructor(capabilities, showResult) {
    Object.assign(this, { capabilities, showResult, dialog: $id("rerun"), fields: $id("rerun-form").elements });
    $id("rerun-form").addEventListener("change", () => this.#showFields());
    $id("rerun-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    $id("rerun-close").addEventListener("click", () => this.dialog.close());
    $id("from-asr").hidden = !capabilities.keeps_recordings;
  }

  /** Ask how to redo the answer of a row; without a row, all answers. */
  open(assignment, row = null) {
    this.#assignment = assignment;
    this.#row = row;
    $id("rerun-form").reset();
    this.fields.transcript.value = row?.job?.transcript?.text ?? "";
    this.translate();
    this.dialog.showModal();
  }

  translate() {
    const { personas, voices } = this.capabilities;
    const offer = (name, list) => {
      const unchanged = ["", t("homework_unchanged")];
      this.fields[name].replaceChildren(...options([unchanged, ...list], this.fields[name].value));
    };
    offer(
      "persona",
      personas.map(({ name, display }) => [name, localName(display)]),
    );
    offer(
      "voice",
      voices.map((name) => [name, voiceName(name)]),
    );
    offer(
      "speed",
      SPEEDS.map((speed) => [String(speed), formatSpeed(speed)]),
    );
    const name = this.#row?.student;
    $id("rerun-title").textContent = name ? t("homework_rerun_of", { name }) : t("homework_rerun_all");
    this.#showFields();
  }

  #showFields() {
    const from = this.fields.from.value;
    $id("rerun-persona").hidden = from === "tts";
    $id("rerun-transcript").hidden = from !== "llm" || !this.#row?.job?.transcript;
  }

  async #submit() {
    const from = this.fields.from.value;
    const overrides = this.#overrides(from);
    const row = this.#row;
    this.dialog.close();
    const request = row
      ? rerunJob(row.submission.job, from, overrides)
      : rerunAll(this.#assignment.id, from, overrides);
    const result = await reportErrors(request);
    if (!result) return;
    await this.#assignment.refreshAfterChange();
    if (!row) this.showResult(result);
  }

  #overrides(from) {
    const { persona, voice, speed, transcript } = this.fields;
    const text = transcript.value.trim();
    const before = this.#row?.job?.transcript;
    const overrides = {
      persona: from === "tts" ? "" : persona.value,
      voice: voice.value,
      speed: speed.value && Number(speed.value),
      transcript: from === "llm" && before && text !== before.text ? text : "",
    };
    return Object.fromEntries(Object.entries(overrides).filter(([, value]) => value));
  }
}
