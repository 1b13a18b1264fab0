// The form that creates homework, or edits it.

import { errorText, joinNames, languageEvents, localName, t } from "../i18n/index.js";
import { ApiError, rethrowUnlessTemporary, Unreachable } from "../shared/api.js";
import { randomId } from "../shared/db.js";
import { $id } from "../shared/dom.js";
import { formatSpeed } from "../shared/format.js";
import { options, voiceName } from "../shared/options.js";
import { listClasses, saveAssignment } from "./api.js";
import { fromInputValue, toInputValue } from "./due.js";
import { findChangedId, findDuplicates, findShortenedId, formatRoster, parseRoster, readText } from "./roster.js";

const LEVELS = ["", "A1", "A2", "B1", "B2", "C1", "C2"]; // of the Common European Framework of Reference
const TEXT_FIELDS = ["title", "class_name", "instructions", "text", "persona", "voice", "level", "speed"];
const SERVER_FIELDS = ["id", "created_at", "progress", "submissions"]; // that the server adds
const WORD_SEPARATORS = /[,，、;；\n]+/;

export class Form {
  #before = null; // the assignment that is edited; null for a new one
  #classes = []; // the classes that are kept

  /** `showSaved` gets the id of what was saved. */
  constructor(capabilities, showSaved) {
    Object.assign(this, { capabilities, showSaved, fields: $id("form").elements });
    $id("form").addEventListener("submit", (event) => this.#submit(event));
    $id("roster").addEventListener("change", async ({ target }) => {
      await this.importRoster(target.files[0]);
      target.value = "";
    });
    this.fields.class_id.addEventListener("change", () => this.#showClass());
    this.fields.students.addEventListener("input", () => this.#showCount());
    this.fields.speed.addEventListener("input", () => this.#showSpeed());
    Object.assign(this.fields.speed, capabilities.speed);
    languageEvents.addEventListener("change", () => this.#translate());
    this.#translate();
  }

  /** Open the form with the assignment `before`, or for a new one. */
  open(before = null) {
    this.#before = before;
    const values = before ?? this.#newAssignment();
    this.id = before?.id ?? randomId().slice(0, 16); // made here, so that a repeated request creates it only once
    this.#translate(values);
    for (const name of TEXT_FIELDS) this.fields[name].value = values[name];
    this.fields.words.value = values.words.join(t("comma"));
    this.fields.students.value = values.class_id ? "" : formatRoster(values.students);
    this.#offerClasses(values.class_id);
    this.fields.due.value = toInputValue(values.due);
    this.fields.hold.checked = values.hold;
    this.fields.card.checked = values.card;
    this.fields.clearness.checked = values.clearness;
    this.#showError("");
    this.#showCount();
    this.#showSpeed();
  }

  #newAssignment() {
    const { persona, voices } = this.capabilities;
    const empty = Object.fromEntries(TEXT_FIELDS.map((name) => [name, ""]));
    const switches = { hold: false, clearness: false, card: true };
    return { ...empty, ...switches, persona, voice: voices[0], speed: 1, words: [], students: [], class_id: "", due: null };
  }

  /** Offer the classes that are kept, and select one; a class that was deleted is not offered. */
  async #offerClasses(selected = "") {
    const names = () => [["", t("homework_class_none")], ...this.#classes.map(({ id, name }) => [id, name])];
    this.fields.class_id.replaceChildren(...options(names(), selected));
    this.#showClass();
    const loaded = await listClasses().catch(rethrowUnlessTemporary);
    if (!loaded) return;
    this.#classes = loaded;
    this.fields.class_id.replaceChildren(...options(names(), this.fields.class_id.value || selected));
    this.#showClass();
  }

  /** A class that is kept has a name and students of its own. */
  #showClass() {
    const isKept = Boolean(this.fields.class_id.value);
    for (const node of [this.fields.class_name.parentElement, this.fields.students.parentElement, $id("students-count").parentElement])
      node.hidden = isKept;
  }

  /** Fill in the class list from a file. */
  async importRoster(file) {
    if (!file) return;
    const text = await readText(file);
    const idError = text === null ? "" : changedIdText(text) || shortenedIdText(text);
    if (idError) {
      this.#showError(idError);
      return;
    }
    const students = text === null ? [] : parseRoster(text);
    if (students.length) this.fields.students.value = formatRoster(students);
    this.#showError(students.length ? "" : t("homework_roster_unreadable", { name: file.name }));
    this.#showCount();
  }

  async #submit(event) {
    event.preventDefault();
    const duplicates = findDuplicates(parseRoster(this.fields.students.value));
    const idError = changedIdText(this.fields.students.value);
    if (idError || duplicates.length) {
      this.#showError(idError || t("homework_duplicates", { names: joinNames(duplicates) }));
      this.fields.students.focus();
      return;
    }
    $id("save").disabled = true; // one press saves once
    try {
      await saveAssignment(this.id, this.#values());
      this.showSaved(this.id);
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof Unreachable)) throw error;
      this.#showError(saveErrorText(error));
    } finally {
      $id("save").disabled = false;
    }
  }

  /** The values of the form; fields that it does not have stay as they were. */
  #values() {
    const otherFields = Object.entries(this.#before ?? {}).filter(([name]) => !SERVER_FIELDS.includes(name));
    const texts = Object.fromEntries(TEXT_FIELDS.map((name) => [name, this.fields[name].value.trim()]));
    const words = this.fields.words.value.split(WORD_SEPARATORS).map((word) => word.trim());
    return {
      ...Object.fromEntries(otherFields),
      ...texts,
      speed: Number(texts.speed),
      words: words.filter(Boolean),
      class_id: this.fields.class_id.value,
      students: this.fields.class_id.value ? [] : parseRoster(this.fields.students.value),
      due: fromInputValue(this.fields.due.value),
      hold: this.fields.hold.checked,
      card: this.fields.card.checked,
      clearness: this.fields.clearness.checked,
    };
  }

  #showError(text) {
    $id("form-error").textContent = text;
    $id("form-error").hidden = !text;
  }

  /** Write the options in the reader's language. A teacher or voice that is no longer offered stays selectable. */
  #translate(values = null) {
    const { personas, voices } = this.capabilities;
    const selected = (name) => values?.[name] ?? this.fields[name].value;
    const withSelected = (list, value) => (value && !list.includes(value) ? [...list, value] : list);
    const offer = (name, list) => this.fields[name].replaceChildren(...options(list, selected(name)));
    const displayNames = new Map(personas.map(({ name, display }) => [name, localName(display)]));
    const personaNames = withSelected([...displayNames.keys()], selected("persona"));
    offer(
      "persona",
      personaNames.map((name) => [name, displayNames.get(name) ?? name]),
    );
    offer(
      "voice",
      withSelected(voices, selected("voice")).map((name) => [name, voiceName(name)]),
    );
    offer(
      "level",
      LEVELS.map((level) => [level, level || t("homework_level_any")]),
    );
    $id("form-title").textContent = t(this.#before ? "homework_edit_title" : "homework_new");
    $id("save").textContent = t(this.#before ? "homework_save" : "homework_create");
    this.#showCount();
  }

  #showCount() {
    const n = parseRoster(this.fields.students.value).length;
    $id("students-count").textContent = n ? t("homework_students_n", { n }) : t("homework_anyone");
  }

  #showSpeed() {
    $id("speed-value").textContent = formatSpeed(this.fields.speed.value);
  }
}

/** Why the ids of a class list cannot be used; "" if they can. */
function changedIdText(list) {
  const id = findChangedId(list);
  return id && t("homework_id_changed", { id });
}

function shortenedIdText(list) {
  const id = findShortenedId(list);
  return id && t("homework_id_shortened", { id });
}

function saveErrorText(error) {
  if (error instanceof Unreachable) return t("server_unreachable");
  return error.code === "bad_request" ? `${errorText(error)} (${error.detail})` : errorText(error);
}
