// The texts of the pages in the reader's language: en.json and zh.json have the same keys.
// The server renders a page in one of the languages; the reader may change it at any time, also offline.

import { ROOT } from "../shared/address.js";

const HTML_LANG = { en: "en", zh: "zh-CN" };
const YEAR_S = 31_536_000;
const [en, zh] = await Promise.all(["en", "zh"].map(load));
const TEXTS = { en, zh };

const chosen = /(?:^|; )language=(\w+)/.exec(document.cookie)?.[1];
const rendered = document.documentElement.lang.split("-")[0];

export let language = chosen in TEXTS ? chosen : rendered;
export const languageEvents = new EventTarget(); // "change" after the language was changed

async function load(name) {
  return (await fetch(new URL(`${name}.json`, import.meta.url))).json();
}

/** The text for `key`. {name} in it is replaced by `values.name`; `values.n` chooses between singular and plural. */
export function t(key, values = {}) {
  const entry = TEXTS[language].strings[key];
  if (entry === undefined) throw new Error(`no text for ${key} in ${language}`);
  const text =
    typeof entry === "string" ? entry : (entry[new Intl.PluralRules(language).select(values.n)] ?? entry.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/**
 * What an error means to the reader; for an unknown code the server's own detail, in English. The code http_STATUS is
 * that of a response without a code, which a proxy gave instead of the server.
 */
export function errorText({ code, detail }) {
  const status = /^http_(\d+)$/.exec(code)?.[1];
  return TEXTS[language].errors[code] ?? (status ? t("proxy_refused", { status }) : detail || code);
}

/** The names one after the other, with quotes around those that have a comma themselves. */
export function joinNames(names) {
  return names.map((name) => (/[,;，、；]/.test(name) ? `“${name}”` : name)).join(t("comma"));
}

/** The name in the reader's language, of names by language. */
export function localName(names) {
  return names[language] ?? names.en ?? Object.values(names)[0];
}

/** Translate the page. data-t has the key of an element's text, data-t-label and -placeholder those of attributes. */
export function translatePage() {
  document.documentElement.lang = HTML_LANG[language];
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) {
    node.setAttribute("aria-label", t(node.dataset.tLabel));
    if (node.matches("button")) node.title = t(node.dataset.tLabel);
  }
  for (const node of document.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
  document.documentElement.removeAttribute("data-untranslated");
}

/** Change to the other language. A cookie remembers it: the server renders the next page in it. */
export function changeLanguage() {
  language = language === "en" ? "zh" : "en";
  document.cookie = `language=${language}; path=${ROOT}; max-age=${YEAR_S}; samesite=lax`;
  translatePage();
  languageEvents.dispatchEvent(new Event("change"));
}

/** Forget the choice: the next page is in the browser's language. */
export function forgetLanguage() {
  document.cookie = `language=; path=${ROOT}; max-age=0; samesite=lax`;
}
