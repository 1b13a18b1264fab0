// Where a turn begins: press and talk, drop or choose a file, or type.

import { by } from "./dom.js";
import { takeWhatIsDropped } from "./dropping.js";
import { changes, say } from "./i18n.js";
import { Recording } from "./recording.js";

export class Composer {
  #hinted = ["hint"];

  /** `ask` is given {text, recording, name, seconds} and says whether it took it; until then `draft` keeps it. */
  constructor({ upload_mb, recording_s, text_chars }, draft, ask) {
    Object.assign(this, { uploadMb: upload_mb, ask });
    this.recording = new Recording(recording_s, draft, this);
    by("text").maxLength = text_chars;
    by("type").addEventListener("submit", (event) => this.#type(event));
    by("file").addEventListener("change", ({ target }) => this.#upload(target));
    changes.addEventListener("change", () => this.hint(...this.#hinted));
    takeWhatIsDropped(({ files }) => this.#take([...files]));
    this.hint("hint");
  }

  hint(key, values) {
    this.#hinted = [key, values];
    const words = say(key, values);
    if (by("hint").textContent !== words) by("hint").textContent = words; // else it would be read aloud again and again
  }

  /** Send what was recorded, or nothing, with what was typed; false when the browser has no room to keep it. */
  async send(recorded) {
    const text = by("text").value;
    by("text").value = "";
    const taken = await this.ask({ ...recorded, text: text.trim() });
    if (!taken) by("text").value = text;
    if (!taken) this.hint("no_room");
    return taken;
  }

  #type(event) {
    event.preventDefault();
    if (by("text").value.trim()) this.send({});
  }

  #upload(input) {
    const files = [...input.files];
    input.value = "";
    this.#take(files);
  }

  /** The files that can be sent; the others are named with the reason. */
  async #take(files) {
    for (const file of files) {
      if (file.size > this.uploadMb * 1e6) this.hint("file_too_large", { name: file.name, mb: this.uploadMb });
      else if (!file.size) this.hint("file_empty", { name: file.name });
      else await this.send({ recording: file, name: file.name });
    }
  }
}
