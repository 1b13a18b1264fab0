// Where homework begins: recordings are chosen, with who answers and how, and sent with one press.

import { Chosen, dropped, picked } from "./class-files.js";
import { button, by, element } from "./dom.js";
import { takeWhatIsDropped } from "./dropping.js";
import { changes, named, say, sayDuration } from "./i18n.js";

const kept = { persona: null, voice: null, speed: "1", ...JSON.parse(localStorage.getItem("class-choices") ?? "{}") };

export class Form {
  #chosen;

  /** `send` is given {name, fields, files}; it is true when they are kept in this browser. */
  constructor(capabilities, send) {
    Object.assign(this, { capabilities, send });
    this.#chosen = new Chosen(capabilities.limits);
    by("folder").closest("label").hidden = !("webkitdirectory" in by("folder"));
    for (const id of ["files", "folder"]) by(id).addEventListener("change", ({ target }) => this.#pick(target));
    for (const id of ["persona", "voice", "speed"]) by(id).addEventListener("input", ({ target }) => this.#choose(id, target.value));
    by("choose").addEventListener("submit", (event) => this.#submit(event));
    changes.addEventListener("change", () => this.#show());
    takeWhatIsDropped(async (transfer) => this.#add(await dropped(transfer)));
    this.#begin();
    this.#show();
  }

  #begin() {
    const { personas, persona, voices, speed } = this.capabilities;
    if (!personas.some(({ name }) => name === kept.persona)) kept.persona = persona;
    if (!voices.includes(kept.voice)) kept.voice = voices[0];
    Object.assign(by("speed"), { min: speed.min, max: speed.max, value: kept.speed });
  }

  #choose(id, value) {
    kept[id] = value;
    localStorage.setItem("class-choices", JSON.stringify(kept));
    this.#showSpeed();
  }

  #pick(input) {
    const found = picked(input);
    input.value = "";
    this.#add(found);
  }

  #add(found) {
    this.#chosen.add(found);
    by("new").open = true;
    this.#show();
  }

  #remove(name) {
    this.#chosen.remove(name);
    this.#show();
    (by("chosen").querySelector("button") ?? by("files")).focus();
  }

  async #submit(event) {
    event.preventDefault();
    const date = new Date().toLocaleDateString(document.documentElement.lang, { month: "long", day: "numeric" });
    const name = by("name").value.trim() || say("class_unnamed", { date });
    const files = new Map(this.#chosen.files);
    if (!files.size) return;
    by("send").disabled = true; // one press sends once
    const { persona, voice, speed } = kept;
    if (await this.send({ name, fields: { persona, voice, speed }, files })) {
      this.#chosen.clear();
      by("name").value = "";
    }
    this.#show();
  }

  #show() {
    const { personas, voices, retention_h } = this.capabilities;
    by("persona").replaceChildren(...personas.map(({ name, display }) => element("option", { value: name, selected: name === kept.persona }, named(display))));
    by("voice").replaceChildren(...voices.map((name) => element("option", { value: name, selected: name === kept.voice }, name === "default" ? say("voice_default") : name)));
    const keeps = say(this.capabilities.keeps_recordings ? "class_server_keeps" : "class_server_forgets", { time: sayDuration(retention_h * 3600) });
    by("privacy").textContent = `${say("class_privacy")} ${keeps}`;
    this.#showSpeed();
    this.#showChosen();
  }

  #showSpeed() {
    by("speed-shown").textContent = `${Number(kept.speed).toFixed(1)}×`;
    by("speed").setAttribute("aria-valuetext", `${kept.speed}×`);
  }

  #showChosen() {
    const { files, left, bytes } = this.#chosen;
    const n = files.size;
    by("count").textContent = n ? say(n === 1 ? "class_count_one" : "class_count", { n, mb: sayMb(bytes) }) : "";
    by("left-out").replaceChildren(...left.map(({ key, values }) => element("li", {}, say(key, values))));
    by("chosen").hidden = !n;
    by("chosen").replaceChildren(...[...files].map(([name, file]) => this.#line(name, file)));
    by("send").disabled = !n;
    by("send").textContent = n ? say(n === 1 ? "class_send_one" : "class_send", { n }) : say("class_send_none");
  }

  #line(name, { size }) {
    const leave = button("quiet small", "cancel", "", () => this.#remove(name), say("class_leave_out", { name }));
    return element("li", {}, element("span", { class: "name" }, name), element("small", {}, `${sayMb(size)} MB`), leave);
  }
}

const sayMb = (bytes) => (bytes < 5e4 ? "< 0.1" : (bytes / 1e6).toFixed(1));
