// What a try says word by word: heard, clearer than before, not heard, or worth listening to again.

import { language, t } from "../../i18n/index.js";
import { element } from "../../shared/dom.js";

const MAX_WORDS = 3; // to listen to again at once: more would discourage
const NOT_HEARD = new Set(["misread", "left_out"]);

const screenReaderText = (key) => element("span", { class: "visually-hidden" }, t(key));

/** The nodes for a try: its words with their marks, and what became better. */
export function triedNodes(each) {
  return [triedWords(each), element("p", { class: "praise" }, each.praise[language] ?? each.praise.en)];
}

/** The words of a try with their marks, or what was heard in their place. */
export function triedWords({ words, heard }) {
  if (!words.length) return element("p", { class: "small" }, t("practice_other", { text: heard }));
  return element("p", { class: "tried-words" }, words.flatMap(wordNodes));
}

function wordNodes({ word, state, change }) {
  return [wordNode(word, state, change), " "];
}

function wordNode(word, state, change) {
  const marked = (name, kind, ...content) => element(name, { class: kind }, ...content);
  if (state === "added") return marked("span", "small added", screenReaderText("mark_extra"), word);
  if (NOT_HEARD.has(state)) return marked("span", "not-heard", word, screenReaderText("practice_mark_unheard"));
  const better = change ? marked("span", "better", word, screenReaderText(`practice_mark_${change}`)) : word;
  return state === "not_clear" ? marked("mark", "unclear", better, screenReaderText("practice_mark_again")) : better;
}

/** The words of a try that are worth listening to again, those that were not clear first. */
export function wordsToHear({ words }) {
  const unclear = words.filter(({ state }) => state === "not_clear");
  const unheard = words.filter(({ state }) => NOT_HEARD.has(state));
  const unique = new Map([...unclear, ...unheard].map((each) => [each.word.toLowerCase(), each]));
  return [...unique.values()].slice(0, MAX_WORDS);
}
