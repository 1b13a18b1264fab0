// The better sentence as a button that plays it alone: the parts of the spoken answer that have its words.

import { SentencePlayer } from "../shared/audio_player.js";

const INTRODUCTION = /^[^:：]{1,24}[:：]\s*/; // such as "We say: "

const toLetters = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/** The parts, one after the other, that speak `sentence`; none where the answer does not repeat it. */
export function findParts(sentence, parts) {
  const letters = toLetters(sentence);
  const isOfSentence = ({ text }) =>
    [text, text.replace(INTRODUCTION, "")].map(toLetters).some((each) => each && letters.includes(each));
  const first = parts.findIndex(isOfSentence);
  if (first < 0) return [];
  const length = parts.slice(first).findIndex((part) => !isOfSentence(part));
  return parts.slice(first, length < 0 ? parts.length : first + length);
}

/** The parts that together speak `sentence` and nothing else; none where no parts do. */
export function findWhole(sentence, parts) {
  const found = findParts(sentence, parts);
  const texts = found.map(({ text }, index) => (index ? text : text.replace(INTRODUCTION, "")));
  return toLetters(texts.join(" ")) === toLetters(sentence) ? found : [];
}

export class BetterSentence {
  #player = new SentencePlayer();

  /** The button, or the sentence as text while it is not spoken. */
  show({ corrected }, parts) {
    const sources = findParts(corrected, parts).map(({ audio }) => audio);
    return sources.length ? this.#player.show(corrected, sources) : corrected;
  }

  stop() {
    this.#player.stop();
  }
}
