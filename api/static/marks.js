// What was heard with its corrections, word by word.

import { element } from "./dom.js";
import { say } from "./i18n.js";

// A word as the teacher counts them: a Chinese character, or a run of anything else between spaces.
const WORD = /[\u3400-\u9fff][^\p{L}\p{N}_\s]*|[^\u3400-\u9fff\s]+/gu;

/** The sentence `feedback.heard`; each edit as <del> and <ins>, which a screen reader is told in words. */
export function marked({ heard, edits }) {
  const words = [...heard.matchAll(WORD)].map((found) => ({ start: found.index, end: found.index + found[0].length }));
  const line = element("p", { class: "heard" });
  let done = 0;
  for (const edit of [...edits].sort((a, b) => a.at[0] - b.at[0])) {
    const [first, last] = edit.at;
    const from = first < words.length ? words[first].start : heard.length;
    const to = last > first ? words[last - 1].end : from;
    line.append(heard.slice(done, from), ...shown(heard.slice(from, to), edit));
    done = to;
  }
  line.append(heard.slice(done));
  return line;
}

const AROUND = /^([^\p{L}\p{N}]*)(.*?)([^\p{L}\p{N}]*)$/su; // punctuation, what is said, punctuation

/** The punctuation around words that are said otherwise stays where it is. */
function shown(raw, edit) {
  const [, before, known, after] = edit.to ? raw.match(AROUND) : ["", "", raw, ""];
  const wrong = known && element("del", {}, element("span", { class: "unseen" }, say(edit.to ? "mark_wrong" : "mark_left_out")), known);
  const right = edit.to && element("ins", {}, element("span", { class: "unseen" }, say(known ? "mark_right" : "mark_added")), edit.to);
  const gap = known && edit.to ? " " : "";
  return [before, wrong, gap, right, after, raw ? "" : " "].filter(Boolean);
}
