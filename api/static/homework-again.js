// Answers made again: spoken by another voice, given by another teacher, or to what was really said.

import { by, element } from "./dom.js";
import { answerAgain, answerAllAgain } from "./homework-api.js";
import { named, say } from "./i18n.js";

const SPEEDS = [0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3];

export class Again {
  #homework = null;
  #row = null; // null: all

  /** `told` waits for a promise and says what goes wrong in it; `done` is told what the server says of a whole class. */
  constructor(capabilities, told, done) {
    Object.assign(this, { capabilities, told, done, dialog: by("again"), fields: by("again-form").elements });
    by("again-form").addEventListener("change", () => this.#showParts());
    by("again-form").addEventListener("submit", (event) => (event.preventDefault(), this.#submit()));
    by("again-close").addEventListener("click", () => this.dialog.close());
    by("from-asr").hidden = !capabilities.keeps_recordings;
  }

  /** Ask how one student's answer is to be made again, or without a row, everybody's. */
  open(homework, row = null) {
    this.#homework = homework;
    this.#row = row;
    by("again-form").reset();
    this.fields.transcript.value = row?.job?.transcript?.text ?? "";
    this.show();
    this.dialog.showModal();
  }

  /** Say it in another language. */
  show() {
    const { personas, voices } = this.capabilities;
    const offer = (name, options) => {
      const { value } = this.fields[name];
      this.fields[name].replaceChildren(...[["", say("homework_as_before")], ...options].map(([key, words]) => element("option", { value: key, selected: key === value }, words)));
    };
    offer("persona", personas.map(({ name, display }) => [name, named(display)]));
    offer("voice", voices.map((name) => [name, name === "default" ? say("voice_default") : name]));
    offer("speed", SPEEDS.map((speed) => [String(speed), `${speed.toFixed(1)}×`]));
    by("again-title").textContent = this.#row ? say("homework_again_of", { name: this.#row.student }) : say("homework_all_again");
    this.#showParts();
  }

  #showParts() {
    const from = this.fields.from.value;
    by("again-persona").hidden = from === "tts";
    by("again-transcript").hidden = from !== "llm" || !this.#row?.job?.transcript;
  }

  async #submit() {
    const from = this.fields.from.value;
    const otherwise = this.#otherwise(from);
    const asked = this.#row ? answerAgain(this.#row.submission.job, from, otherwise) : answerAllAgain(this.#homework.id, from, otherwise);
    this.dialog.close();
    const answer = await this.told(asked);
    if (!answer) return;
    await this.#homework.lookAnew();
    if (!this.#row) this.done(answer);
  }

  #otherwise(from) {
    const { persona, voice, speed, transcript } = this.fields;
    const words = transcript.value.trim();
    const other = from === "llm" && this.#row?.job?.transcript && words !== this.#row.job.transcript.text;
    const said = { persona: from === "tts" ? "" : persona.value, voice: voice.value, speed: speed.value && Number(speed.value), transcript: other ? words : "" };
    return Object.fromEntries(Object.entries(said).filter(([, value]) => value));
  }
}
