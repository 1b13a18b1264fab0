// The form that makes a class, or changes it: its name, its pupils, and a list of new ones, which is shown first.

import { errorText, t } from "../i18n/index.js";
import { ApiError, Unreachable } from "../shared/api.js";
import { $id, button, element } from "../shared/dom.js";
import { changeClass, createClass, readRoster } from "./api.js";

const FIELDS = ["name", "school_id", "latin_name", "chinese_name"];
const TYPING_MS = 300; // without a key pressed, until the list is read

export class ClassForm {
  #before = null; // the class that is changed; null for a new one
  #new = []; // the pupils of the list that are not in the class
  #reading = 0; // the number of the latest reading, whose result counts
  #timer = null;

  /** `showSaved` gets the id of what was saved, `askToLeave` the pupil who is to leave the class. */
  constructor(showSaved, askToLeave) {
    Object.assign(this, { showSaved, askToLeave, fields: $id("form").elements });
    $id("form").addEventListener("submit", (event) => this.#submit(event));
    this.fields.list.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#read(this.fields.list.value), TYPING_MS);
    });
    $id("roster").addEventListener("change", async ({ target }) => {
      await this.importRoster(target.files[0]);
      target.value = "";
    });
  }

  /** Open the form with the class `before`, or for a new one. */
  open(before = null) {
    this.#before = before;
    this.fields.class_name.value = before?.name ?? "";
    this.fields.list.value = "";
    this.#setNew([]);
    this.#showError("");
    this.#show();
  }

  translate() {
    const entered = this.#before ? new Map(this.#changes().map(({ id, ...fields }) => [id, fields])) : new Map();
    this.#show(entered);
  }

  #show(entered = new Map()) {
    $id("form-title").textContent = t(this.#before ? "classes_edit_title" : "classes_new");
    $id("pupils").hidden = !this.#before;
    $id("pupil-rows").replaceChildren(...(this.#before?.pupils ?? []).map((pupil) => this.#row(pupil, entered.get(pupil.id))));
    this.#setNew(this.#new);
  }

  /** A pupil has left the class; what else was entered stays. */
  forget(id) {
    this.#before = { ...this.#before, pupils: this.#before.pupils.filter((pupil) => pupil.id !== id) };
    const row = $id("pupil-rows").querySelector(`[data-pupil="${id}"]`);
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (next?.querySelector("button") ?? this.fields.class_name).focus();
  }

  /** Read a class list from a file. */
  async importRoster(file) {
    if (!file) return;
    this.fields.list.value = "";
    await this.#read(file);
  }

  /** Show the pupils of the list, a file or text, who are not in the class. */
  async #read(list) {
    clearTimeout(this.#timer);
    const reading = ++this.#reading;
    this.#showError("");
    if (typeof list === "string" && !list.trim()) return this.#setNew([]);
    try {
      const pupils = await readRoster(list);
      if (reading === this.#reading) this.#setNew(pupils.filter((pupil) => !this.#isPresent(pupil)));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (reading !== this.#reading) return;
      this.#setNew([]);
      this.#showError(refusalText(error));
    }
  }

  /** Whether the class has the pupil: with that id of the school's, or without one with that name. */
  #isPresent({ name, school_id }) {
    const same = (pupil) => (school_id ? pupil.school_id === school_id : pupil.name === name);
    return this.#before?.pupils.some(same) ?? false;
  }

  #setNew(pupils) {
    this.#new = pupils;
    $id("preview").hidden = !pupils.length;
    $id("preview-count").textContent = t("classes_preview", { n: pupils.length });
    $id("preview-list").replaceChildren(
      ...pupils.map((pupil) => element("li", {}, pupil.label, pupil.school_id && element("small", {}, pupil.school_id))),
    );
  }

  #row(pupil, entered = {}) {
    const labels = { name: t("classes_pupil"), school_id: t("classes_school_id"), latin_name: t("classes_latin_name"), chinese_name: t("classes_chinese_name") };
    const input = (name) =>
      element("input", { type: "text", name, value: entered[name] ?? pupil[name], maxlength: 100, autocomplete: "off", "aria-label": `${labels[name]}: ${pupil.label}` });
    const leave = button("round small", "trash", null, () => this.askToLeave(pupil), t("classes_leave", { name: pupil.label }));
    const number = pupil.number ? element("span", { class: "small" }, `(${pupil.number})`) : null;
    const cells = FIELDS.map((name) =>
      element("td", { "data-label": labels[name] }, name === "name" ? element("div", {}, input(name), number) : input(name)),
    );
    const row = element("tr", {}, cells, element("td", {}, leave));
    row.dataset.pupil = pupil.id;
    return row;
  }

  /** What differs from the class as it was: of each row the fields that were changed. */
  #changes() {
    return this.#before.pupils.flatMap((pupil) => {
      const inputs = [...$id("pupil-rows").querySelectorAll(`[data-pupil="${pupil.id}"] input`)];
      const changed = inputs.map(({ name, value }) => [name, value.trim()]).filter(([name, value]) => value !== pupil[name]);
      return changed.length ? [{ id: pupil.id, ...Object.fromEntries(changed) }] : [];
    });
  }

  async #submit(event) {
    event.preventDefault();
    if (this.fields.list.value.trim() && !this.#new.length) await this.#read(this.fields.list.value);
    if (!$id("form-error").hidden) return;
    const name = this.fields.class_name.value.trim();
    const add = this.#new.map((pupil) => Object.fromEntries(FIELDS.map((field) => [field, pupil[field]])));
    if (!this.#before && !add.length) {
      this.#showError(t("classes_no_pupils"));
      this.fields.list.focus();
      return;
    }
    $id("save").disabled = true; // one press saves once
    try {
      const { id } = this.#before
        ? await changeClass(this.#before.id, { name, add, change: this.#changes() })
        : await createClass({ name, pupils: add });
      await this.showSaved(id);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#showError(refusalText(error));
    } finally {
      $id("save").disabled = false;
    }
  }

  #showError(text) {
    $id("form-error").textContent = text;
    $id("form-error").hidden = !text;
  }
}

const isRefusal = (error) => error instanceof ApiError || error instanceof Unreachable;
/** Why it was refused; of a class list also which line is wrong. */
function refusalText(error) {
  if (!(error instanceof ApiError)) return t("server_unreachable");
  return error.code === "bad_roster" ? `${errorText(error)} ${error.detail}` : errorText(error);
}
