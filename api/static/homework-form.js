// Sets homework, or changes what was set.

import { by, element } from "./dom.js";
import { setHomework } from "./homework-api.js";
import { dueOf, localOf } from "./homework-due.js";
import { doubled, readRoster, textOf, writeRoster } from "./homework-roster.js";
import { changes, named, say, sayProblem } from "./i18n.js";
import { Problem, Unreachable } from "./server.js";
import { unguessable } from "./store.js";

const LEVELS = ["", "A1", "A2", "B1", "B2", "C1", "C2"]; // of the Common European Framework of Reference
const PLAIN = ["title", "class_name", "instructions", "text", "persona", "voice", "level", "speed"];
const MADE = ["id", "created_at", "progress", "submissions"]; // what the server adds to what was set
const BETWEEN_WORDS = /[,，、;；\n]+/;

export class Form {
  #before = null; // the homework that is changed; null while a new one is set

  /** `set` is told the id of what was set. */
  constructor(capabilities, set) {
    Object.assign(this, { capabilities, set, fields: by("form").elements });
    by("form").addEventListener("submit", (event) => this.#submit(event));
    by("roster").addEventListener("change", ({ target }) => this.takeRoster(target.files[0]).finally(() => (target.value = "")));
    this.fields.students.addEventListener("input", () => this.#showCount());
    this.fields.speed.addEventListener("input", () => this.#showSpeed());
    Object.assign(this.fields.speed, capabilities.speed);
    changes.addEventListener("change", () => this.#translate());
    this.#translate();
  }

  /** A new one; `before` is the homework to be changed. */
  open(before = null) {
    this.#before = before;
    const { persona, voices } = this.capabilities;
    const fresh = { title: "", class_name: "", instructions: "", text: "", persona, voice: voices[0], level: "", speed: 1, words: [], students: [], due: null, hold: false };
    const known = before ?? fresh;
    this.id = before?.id ?? unguessable().slice(0, 16); // known beforehand: what is sent twice is set once
    this.#translate(known);
    for (const name of PLAIN) this.fields[name].value = known[name];
    this.fields.words.value = known.words.join(say("comma"));
    this.fields.students.value = writeRoster(known.students);
    this.fields.due.value = localOf(known.due);
    this.fields.hold.checked = known.hold;
    this.#complain("");
    this.#showCount();
    this.#showSpeed();
  }

  /** Fill in the list of the class from a file. */
  async takeRoster(file) {
    const text = file && (await textOf(file));
    if (!file) return;
    const students = text === null ? [] : readRoster(text);
    if (students.length) this.fields.students.value = writeRoster(students);
    this.#complain(students.length ? "" : say("homework_bad_list", { name: file.name }));
    this.#showCount();
  }

  async #submit(event) {
    event.preventDefault();
    const twice = doubled(readRoster(this.fields.students.value));
    if (twice.length) return this.#complain(say("homework_twice", { names: twice.join(say("comma")) }), this.fields.students);
    by("set-it").disabled = true; // one press sets once
    try {
      await setHomework(this.id, this.#said());
      this.set(this.id);
    } catch (error) {
      if (error instanceof Unreachable) this.#complain(say("class_later"));
      else if (error instanceof Problem) this.#complain(error.code === "bad_request" ? `${sayProblem(error)} (${error.detail})` : sayProblem(error));
      else throw error;
    } finally {
      by("set-it").disabled = false;
    }
  }

  /** What the form says, and what it does not ask for as it was before. */
  #said() {
    const kept = Object.fromEntries(Object.entries(this.#before ?? {}).filter(([name]) => !MADE.includes(name)));
    const plain = Object.fromEntries(PLAIN.map((name) => [name, this.fields[name].value.trim()]));
    return {
      ...kept,
      ...plain,
      speed: Number(plain.speed),
      words: this.fields.words.value.split(BETWEEN_WORDS).map((word) => word.trim()).filter(Boolean),
      students: readRoster(this.fields.students.value),
      due: dueOf(this.fields.due.value),
      hold: this.fields.hold.checked,
    };
  }

  #complain(words, field = null) {
    by("form-wrong").textContent = words;
    by("form-wrong").hidden = !words;
    field?.focus();
  }

  #translate(known = null) {
    const { personas, voices } = this.capabilities;
    const chosen = (name) => known?.[name] ?? this.fields[name].value;
    const offer = (name, options) => this.fields[name].replaceChildren(...options.map(([value, words]) => element("option", { value, selected: value === chosen(name) }, words)));
    const all = (list, value) => (value && !list.includes(value) ? [...list, value] : list); // a teacher or voice that is no longer offered stays
    offer("persona", all(personas.map(({ name }) => name), chosen("persona")).map((name) => [name, named(personas.find((each) => each.name === name)?.display ?? { en: name })]));
    offer("voice", all(voices, chosen("voice")).map((name) => [name, name === "default" ? say("voice_default") : name]));
    offer("level", LEVELS.map((level) => [level, level || say("homework_level_any")]));
    by("form-title").textContent = say(this.#before ? "homework_change" : "homework_new");
    by("set-it").textContent = say(this.#before ? "homework_save" : "homework_set");
    this.#showCount();
  }

  #showCount() {
    const n = readRoster(this.fields.students.value).length;
    by("students-n").textContent = n ? say(n === 1 ? "homework_student" : "homework_students_n", { n }) : say("homework_whoever");
  }

  #showSpeed() {
    by("speed-shown").textContent = `${Number(this.fields.speed.value).toFixed(1)}×`;
  }
}
