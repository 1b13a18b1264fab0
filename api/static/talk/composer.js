// The bar below the conversation: record, drop or choose a file, or type.

import { languageEvents, t } from "../i18n/index.js";
import { $id } from "../shared/dom.js";
import { acceptDrops } from "../shared/files.js";
import { Recording } from "./recording.js";

export class Composer {
  #hint = ["hint"]; // arguments of t()

  /** `ask` gets {text, recording, name, seconds}; it is false when they could not be stored, and `draft` keeps them. */
  constructor({ upload_mb, recording_s, text_chars }, draft, ask) {
    Object.assign(this, { uploadMb: upload_mb, ask });
    this.recording = new Recording(recording_s, draft, this);
    $id("text").maxLength = text_chars;
    $id("text-form").addEventListener("submit", (event) => this.#sendText(event));
    $id("file").addEventListener("change", ({ target }) => this.#sendChosen(target));
    languageEvents.addEventListener("change", () => this.showHint(...this.#hint));
    acceptDrops(({ files }) => this.#sendFiles([...files]));
    this.showHint("hint");
  }

  showHint(key, values) {
    this.#hint = [key, values];
    const text = t(key, values);
    if ($id("hint").textContent !== text) $id("hint").textContent = text; // else it would be read aloud again and again
  }

  /** Send a recording, if there is one, with the typed text; false when the browser's storage is full. */
  async send(capture) {
    const text = $id("text").value;
    $id("text").value = "";
    const stored = await this.ask({ ...capture, text: text.trim() });
    if (!stored) {
      $id("text").value = text;
      this.showHint("storage_full");
    }
    return stored;
  }

  #sendText(event) {
    event.preventDefault();
    if ($id("text").value.trim()) this.send({});
  }

  #sendChosen(input) {
    const files = [...input.files];
    input.value = "";
    this.#sendFiles(files);
  }

  /** Send the files that can be sent; the hint names the others with the reason. */
  async #sendFiles(files) {
    for (const file of files) {
      if (file.size > this.uploadMb * 1e6) this.showHint("file_too_large", { name: file.name, mb: this.uploadMb });
      else if (!file.size) this.showHint("file_empty", { name: file.name });
      else await this.send({ recording: file, name: file.name });
    }
  }
}
