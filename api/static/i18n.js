// The page's words in the reader's language. Each page begins in the browser's, and remembers another choice.

import * as en from "./words.en.js";
import * as zh from "./words.zh.js";

const LANGUAGES = { en, zh };
const chosen = localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");

export let language = chosen in LANGUAGES ? chosen : "en";
export const changes = new EventTarget();

/** The words for `key`; {name} in them is replaced by `values.name`. */
export function say(key, values = {}) {
  const words = LANGUAGES[language].words[key];
  if (words === undefined) throw new Error(`no words for ${key} in ${language}`);
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** What an error of the API means to the reader; the server's own detail, in English, for a code that is new. */
export function sayProblem({ code, detail }) {
  return LANGUAGES[language].problems[code] ?? detail ?? code;
}

/** A duration in seconds, as people say it. */
export function sayDuration(seconds) {
  if (seconds < 60) return say("seconds", { n: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return say("minutes", { n: Math.round(seconds / 60) });
  return seconds < 172_800 ? say("hours", { n: Math.round(seconds / 360) / 10 }) : say("days", { n: Math.round(seconds / 86_400) });
}

/** The name in the reader's language, of names by language. */
export function named(names) {
  return names[language] ?? names.en ?? Object.values(names)[0];
}

const PLACES = { say: "textContent", sayLabel: "aria-label", sayPlaceholder: "placeholder" };

/** Put the words wherever the page asks for them: data-say, data-say-label, data-say-placeholder. */
export function translate() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const [data, place] of Object.entries(PLACES)) {
    for (const each of document.querySelectorAll(`[data-${data.replace("L", "-l").replace("P", "-p")}]`)) {
      if (place === "textContent") each.textContent = say(each.dataset[data]);
      else each.setAttribute(place, say(each.dataset[data]));
      if (place === "aria-label" && each.matches("button")) each.title = say(each.dataset[data]);
    }
  }
}

export function changeLanguage() {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem("language", language);
  translate();
  changes.dispatchEvent(new Event("change"));
}
