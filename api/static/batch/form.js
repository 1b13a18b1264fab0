// The form for a new batch: choose recordings, who answers and how, and send them with one press.

import { languageEvents, t } from "../i18n/index.js";
import { stored } from "../shared/address.js";
import { $id, button, element } from "../shared/dom.js";
import { acceptDrops, filesOfDrop, filesOfInput } from "../shared/files.js";
import { formatDuration, formatSpeed } from "../shared/format.js";
import { personaOptions, voiceOptions } from "../shared/options.js";
import { FileSelection } from "./files.js";

const STORAGE_KEY = "class-choices";
const choices = { persona: null, voice: null, speed: "1", ...JSON.parse(stored.get(STORAGE_KEY) ?? "{}") };

export class Form {
  #selection;

  /** `send` gets {name, fields, files}; it is true when they were stored in this browser. */
  constructor(capabilities, send) {
    Object.assign(this, { capabilities, send });
    this.#selection = new FileSelection(capabilities.limits);
    $id("folder").closest("label").hidden = !("webkitdirectory" in $id("folder"));
    for (const id of ["files", "folder"]) $id(id).addEventListener("change", ({ target }) => this.#addChosen(target));
    for (const id of ["persona", "voice", "speed"]) {
      $id(id).addEventListener("input", ({ target }) => this.#store(id, target.value));
    }
    $id("batch-form").addEventListener("submit", (event) => this.#submit(event));
    languageEvents.addEventListener("change", () => this.#show());
    acceptDrops(async (transfer) => this.#add(await filesOfDrop(transfer)));
    this.#checkChoices();
    this.#show();
  }

  /** Replace stored choices that the server no longer offers. */
  #checkChoices() {
    const { personas, persona, voices, speed } = this.capabilities;
    if (!personas.some(({ name }) => name === choices.persona)) choices.persona = persona;
    if (!voices.includes(choices.voice)) choices.voice = voices[0];
    Object.assign($id("speed"), { min: speed.min, max: speed.max, value: choices.speed });
  }

  #store(id, value) {
    choices[id] = value;
    stored.set(STORAGE_KEY, JSON.stringify(choices));
    this.#showSpeed();
  }

  #addChosen(input) {
    const files = filesOfInput(input);
    input.value = "";
    this.#add(files);
  }

  #add(files) {
    this.#selection.add(files);
    $id("new").open = true;
    this.#show();
  }

  #remove(name) {
    this.#selection.remove(name);
    this.#show();
    ($id("chosen-files").querySelector("button") ?? $id("files")).focus();
  }

  async #submit(event) {
    event.preventDefault();
    const date = new Date().toLocaleDateString(document.documentElement.lang, { month: "long", day: "numeric" });
    const name = $id("name").value.trim() || t("batch_default_name", { date });
    const files = new Map(this.#selection.files);
    if (!files.size) return;
    $id("send").disabled = true; // one press sends once
    const { persona, voice, speed } = choices;
    if (await this.send({ name, fields: { persona, voice, speed }, files })) {
      this.#selection.clear();
      $id("name").value = "";
    }
    this.#show();
  }

  #show() {
    const { personas, voices, retention_h, keeps_recordings } = this.capabilities;
    $id("persona").replaceChildren(...personaOptions(personas, choices.persona));
    $id("voice").replaceChildren(...voiceOptions(voices, choices.voice));
    const time = formatDuration(retention_h * 3600);
    $id("privacy").textContent = t(keeps_recordings ? "batch_recordings_kept" : "batch_recordings_deleted", { time });
    this.#showSpeed();
    this.#showSelection();
  }

  #showSpeed() {
    $id("speed-value").textContent = formatSpeed(choices.speed);
    $id("speed").setAttribute("aria-valuetext", `${choices.speed}×`);
  }

  #showSelection() {
    const { files, skipped, bytes } = this.#selection;
    const n = files.size;
    $id("count").textContent = n ? t("batch_count", { n, mb: formatMb(bytes) }) : "";
    $id("skipped").replaceChildren(...skipped.map(({ key, values }) => element("li", {}, t(key, values))));
    $id("chosen-files").hidden = !n;
    $id("chosen-files").replaceChildren(...[...files].map(([name, file]) => this.#fileItem(name, file)));
    $id("send").disabled = !n;
    $id("send").textContent = n ? t("batch_send", { n }) : t("batch_send_none");
  }

  #fileItem(name, { size }) {
    const remove = button("secondary small", "cancel", "", () => this.#remove(name), t("batch_remove", { name }));
    const nodes = [element("span", { class: "name" }, name), element("small", {}, `${formatMb(size)} MB`), remove];
    return element("li", {}, ...nodes);
  }
}

const formatMb = (bytes) => (bytes < 5e4 ? "< 0.1" : (bytes / 1e6).toFixed(1));
