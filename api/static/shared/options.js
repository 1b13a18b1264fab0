// The <option>s of what the server offers.

import { language, localName, t } from "../i18n/index.js";
import { element } from "./dom.js";

/** One <option> for each [value, text]. */
export function options(list, selected) {
  return list.map(([value, text]) => element("option", { value, selected: value === selected }, text));
}

const VOICE_KEYS = { default: "voice_default", heart: "voice_heart", "heart-low": "voice_heart_low" };
const SPEAKER = /^([a-z]{2})_speaker_(\d+)$/; // Bark's name of a voice: its language, and a number
const CHINESE_VOICE = /^z([fm])_(\w+)$/; // Kokoro's name of one: f for a woman, m for a man, and a name

/** What a reader calls a voice: whether it is a woman's or a man's, or its language; else the server's name for it. */
export function voiceName(name) {
  if (VOICE_KEYS[name]) return t(VOICE_KEYS[name]);
  const [, sex, chineseName] = CHINESE_VOICE.exec(name) ?? [];
  if (sex) return t(sex === "f" ? "voice_chinese_woman" : "voice_chinese_man", { name: chineseName });
  const [, code, n] = SPEAKER.exec(name) ?? [];
  return code ? t("voice_speaker", { language: new Intl.DisplayNames(language, { type: "language" }).of(code), n }) : name;
}

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
