// A transcript with its corrections marked word by word.

import { t } from "../i18n/index.js";
import { element, icon } from "./dom.js";
import { formatClock } from "./format.js";

// A word as the server counts them: a Chinese character, or a run of anything else between spaces.
const WORD = /[\u3400-\u9fff][^\p{L}\p{N}_\s]*|[^\u3400-\u9fff\s]+/gu;

/** The sentence `feedback.heard` with each edit as <del> and <ins>; screen readers get words for both. */
export function correctionMarks({ heard, edits }) {
  const words = [...heard.matchAll(WORD)].map(({ index, 0: word }) => ({ start: index, end: index + word.length }));
  const line = element("p", { class: "transcript-line" });
  let end = 0;
  for (const edit of [...edits].sort((a, b) => a.at[0] - b.at[0])) {
    const [first, last] = edit.at;
    const from = first < words.length ? words[first].start : heard.length;
    const to = last > first ? words[last - 1].end : from;
    line.append(heard.slice(end, from), ...markEdit(heard.slice(from, to), edit));
    end = to;
  }
  line.append(heard.slice(end));
  return line;
}

/** The line "nothing to correct"; null if there is a correction. */
export function nothingToCorrect({ heard, corrected, edits, reset }) {
  if (edits.length || reset || heard !== corrected) return null;
  return element("p", { class: "success small" }, icon("good"), t("nothing_to_correct"));
}

/** The times of a transcript at which nothing could be understood; null if there are none. */
export function gapsNote(transcript) {
  if (!transcript?.gaps.length) return null;
  const times = transcript.gaps.map(({ start, end }) => [...new Set([start, end].map(formatClock))].join("–"));
  return element("p", { class: "small" }, icon("bad"), t("not_understood", { times: times.join(t("comma")) }));
}

const screenReaderText = (key) => element("span", { class: "visually-hidden" }, t(key));

const PUNCTUATION = /^([^\p{L}\p{N}]*)(.*?)([^\p{L}\p{N}]*)$/su; // punctuation, words, punctuation

/** The nodes for one edit. Punctuation around replaced words stays where it is. */
function markEdit(raw, edit) {
  const [, before, words, after] = edit.to ? raw.match(PUNCTUATION) : ["", "", raw, ""];
  const removed = words && element("del", {}, screenReaderText(edit.to ? "mark_wrong" : "mark_left_out"), words);
  const added = edit.to && element("ins", {}, screenReaderText(words ? "mark_right" : "mark_added"), edit.to);
  const gap = words && edit.to ? " " : "";
  return [before, removed, gap, added, after, raw ? "" : " "].filter(Boolean);
}
