// Hands in what is dropped or chosen: a folder, files, a ZIP, or one student's recording.

import { dropped, picked } from "./class-files.js";
import { announce, by, element } from "./dom.js";
import { submissionsOf } from "./homework-api.js";
import { Results } from "./homework-results.js";
import { Sending } from "./homework-sending.js";
import { complain, told } from "./homework-told.js";
import { say } from "./i18n.js";

export class HandingIn {
  #results = new Results((result, student) => this.#send([{ file: result.blob, path: result.file }], { student, results: this.#results.others(result) }));

  /** `current` gives the homework that is open. */
  constructor({ limits }, current) {
    Object.assign(this, { limits, current });
    by("folder").closest("label").hidden = !("webkitdirectory" in by("folder"));
    for (const id of ["files", "folder"]) by(id).addEventListener("change", ({ target }) => this.#pick(target));
    addEventListener("beforeunload", (event) => this.#results.sending && event.preventDefault());
  }

  /** Show what became of the files, in the homework that they were handed in for. */
  show() {
    this.#results.show(this.current()?.id);
  }

  async drop(transfer) {
    await this.#send(await dropped(transfer));
  }

  /** One student's recording, whatever its name is. */
  async handIn(student) {
    const file = await choose();
    if (file) await this.#send([{ file, path: file.name }], { student });
  }

  #pick(input) {
    const found = picked(input);
    input.value = "";
    this.#send(found);
  }

  async #send(files, known = {}) {
    const homework = this.current();
    if (this.#results.sending) return complain(say("homework_one_at_a_time"));
    const sending = new Sending(submissionsOf(homework.id), files, { upload_mb: this.limits.upload_mb, ...known });
    this.#results.follow(sending, homework);
    sending.addEventListener("taken", () => homework.look());
    sending.addEventListener("changed", () => this.show());
    this.show();
    await told(sending.run());
    await homework.lookAnew();
    announce(by("results-far").textContent);
  }
}

/** A file from this computer; null when none was chosen. */
function choose() {
  const input = element("input", { type: "file", accept: by("files").accept });
  return new Promise((resolve) => {
    input.addEventListener("change", () => resolve(input.files[0]));
    input.addEventListener("cancel", () => resolve(null));
    input.click();
  });
}
