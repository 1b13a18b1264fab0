// What the learner said, with its corrections marked word by word.

import { t } from "../i18n/index.js";
import { element, icon } from "../shared/dom.js";
import { formatClock } from "../shared/format.js";
import { isChecked } from "./verdicts.js";

// A word as the server counts them: a Chinese character, or a run of anything else between spaces.
const WORD = /[\u3400-\u9fff][^\p{L}\p{N}_\s]*|[^\u3400-\u9fff\s]+/gu;

/**
 * The sentence `feedback.heard`: each edit as <del> and <ins>, words that were not heard well as <mark>; screen readers
 * get words for all of them. What needs an adult has no marks. `isReading`: a text was to be read aloud, from which
 * words were left out and to which words were added.
 */
export function correctionMarks({ heard, edits, unclear = [], verdict }, isReading = false) {
  if (verdict === "needs_an_adult") return transcriptLine(heard);
  const words = [...heard.matchAll(WORD)].map(({ index, 0: word }) => ({ start: index, end: index + word.length }));
  const unclearWords = [...unclear].sort((a, b) => a - b).flatMap((number) => words[number] ?? []);
  const line = transcriptLine();
  let end = 0;
  for (const edit of [...edits].sort((a, b) => a.at[0] - b.at[0])) {
    const [first, last] = edit.at;
    const from = first < words.length ? words[first].start : heard.length;
    const to = last > first ? words[last - 1].end : from;
    line.append(...markUnclear(heard, end, from, unclearWords), ...markEdit(heard.slice(from, to), edit, isReading));
    end = to;
  }
  line.append(...markUnclear(heard, end, heard.length, unclearWords));
  return line;
}

/** A line of what was said, without marks. */
export function transcriptLine(text = "") {
  return element("p", { class: "transcript-line" }, text);
}

/** The legend of the words that are marked as not heard well; null if there are none. */
export function unclearLegend({ unclear, verdict }) {
  if (!unclear.length || verdict === "needs_an_adult") return null;
  const sample = element("mark", { class: "unclear", "aria-hidden": "true" }, "abc");
  return element("p", { class: "small" }, sample, " ", t("unclear_legend"));
}

/**
 * The words of a text read aloud that were left out, those that were added to it, and those to listen to again: an
 * array of lines.
 */
export function readingNotes({ feedback, transcript }) {
  const edits = isChecked(feedback) ? feedback.edits : [];
  const leftOut = edits.filter((edit) => !edit.from).map((edit) => edit.to);
  const added = edits.filter((edit) => !edit.to).map((edit) => edit.from);
  return [
    leftOut.length > 0 && readingNote("left-out", t("reading_left_out", { words: quoteAll(leftOut) })),
    added.length > 0 && readingNote("added", t("reading_added", { words: quoteAll(added) })),
    isChecked(feedback) && listenAgainNote(transcript?.reading),
  ].filter(Boolean);
}

/** The words that are worth listening to again, each with the sound that was heard least; null if there are none. */
function listenAgainNote(reading) {
  const unclear = reading?.words.filter(({ state }) => state === "not_clear") ?? [];
  if (!unclear.length) return null;
  const words = unclear.map(({ word, weakest }) => `${t("quoted", { words: word })} /${weakest}/`).join(t("comma"));
  return readingNote("not-clear", t(unclear.length > 1 ? "reading_not_clear_words" : "reading_not_clear_word", { words }));
}

const readingNote = (kind, text) => element("p", { class: "small reading-note", "data-kind": kind }, text);
const quoteAll = (runs) => runs.map((words) => t("quoted", { words })).join(t("comma"));

/** The times of a transcript at which nothing could be understood; null if there are none. */
export function gapsNote(transcript) {
  if (!transcript?.gaps.length) return null;
  const times = transcript.gaps.map(({ start, end }) => [...new Set([start, end].map(formatClock))].join("–"));
  return element("p", { class: "small" }, icon("bad"), t("not_understood", { times: times.join(t("comma")) }));
}

/** What was recognised, where the learner has put other words in its place; null where nobody has. */
export function recognisedNote({ question, transcript }) {
  if (!question.said || !transcript || question.said === transcript.text) return null;
  return element("p", { class: "small recognised" }, t("recognised_before", { text: transcript.text }));
}

const screenReaderText = (key) => element("span", { class: "visually-hidden" }, t(key));

const PUNCTUATION = /^([^\p{L}\p{N}]*)(.*?)([^\p{L}\p{N}]*)$/su; // punctuation, words, punctuation

/** The nodes for one edit. Punctuation around replaced words stays where it is. */
function markEdit(raw, edit, isReading) {
  const [, before, words, after] = edit.to ? raw.match(PUNCTUATION) : ["", "", raw, ""];
  const [removeKey, addKey] = isReading ? ["mark_extra", "mark_skipped"] : ["mark_left_out", "mark_added"];
  const removed = words && element("del", {}, screenReaderText(edit.to ? "mark_wrong" : removeKey), words);
  const attributes = isReading && !words ? { class: "left-out" } : {};
  const added = edit.to && element("ins", attributes, screenReaderText(words ? "mark_right" : addKey), edit.to);
  const gap = words && edit.to ? " " : "";
  return [before, removed, gap, added, after, raw ? "" : " "].filter(Boolean);
}

/** The nodes for the characters from `start` to `end` of `heard`; those of `words`, {start, end}, are marked. */
function markUnclear(heard, start, end, words) {
  const nodes = [];
  let position = start;
  for (const word of words) {
    if (word.start < start || word.end > end) continue;
    const attributes = { class: "unclear", title: t("unclear_word") };
    const content = [heard.slice(word.start, word.end), screenReaderText("mark_unclear")];
    nodes.push(heard.slice(position, word.start), element("mark", attributes, content));
    position = word.end;
  }
  return [...nodes, heard.slice(position, end)];
}
