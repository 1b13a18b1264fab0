// The <option>s of what the server offers.

import { localName, t } from "../i18n/index.js";
import { element } from "./dom.js";

/** One <option> for each [value, text]. */
export function options(list, selected) {
  return list.map(([value, text]) => element("option", { value, selected: value === selected }, text));
}

/** A voice's name; the default one has none of its own. */
export const voiceName = (name) => (name === "default" ? t("voice_default") : name);

export function voiceOptions(voices, selected) {
  return options(
    voices.map((name) => [name, voiceName(name)]),
    selected,
  );
}

export function personaOptions(personas, selected) {
  return options(
    personas.map(({ name, display }) => [name, localName(display)]),
    selected,
  );
}
