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

/** An edit names its words without the punctuation around them; that stays where it is. */
function shown(raw, edit) {
  const at = Math.max(0, raw.indexOf(edit.from));
  const known = raw.includes(edit.from) ? edit.from : raw;
  const wrong = known && element("del", {}, element("span", { class: "unseen" }, say("mark_wrong")), known);
  const right = edit.to && element("ins", {}, element("span", { class: "unseen" }, say("mark_right")), edit.to);
  const gap = known && edit.to ? " " : "";
  return [raw.slice(0, at), wrong, gap, right, raw.slice(at + known.length), raw ? "" : " "].filter(Boolean);
}
