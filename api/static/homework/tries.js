// How a student said the better sentence again: how often, and the best and the last try, which can be heard.

import { t } from "../i18n/index.js";
import { LazyAudioPlayer } from "../shared/audio_player.js";
import { element } from "../shared/dom.js";
import { triedWords } from "../talk/practice/tried_words.js";

export class StudentTries {
  node = element("details", { class: "student-tries" });
  #summary = element("summary");
  #body = element("div");
  #players = new Map(); // address -> its player: one that is used stays when something else changes

  constructor() {
    this.node.append(this.#summary, this.#body);
  }

  /** Show the tries of a student; whether there are any. */
  show(student, tries) {
    this.node.hidden = !tries;
    if (!tries) return false;
    const { count, best, last, sentence_words } = tries;
    this.#summary.textContent = t("tries_summary", { n: count, said: best.words_said, all: sentence_words });
    const addresses = new Set([best.recording, last.recording]);
    for (const [address, player] of this.#players) if (!addresses.has(address)) this.#remove(address, player);
    const isOne = best.job === last.job;
    this.#body.replaceChildren(
      element("p", { class: "small" }, tries.sentence),
      ...this.#tryNodes(student, best, isOne ? "tries_only" : "tries_best", sentence_words),
      ...(isOne ? [] : this.#tryNodes(student, last, "tries_last", sentence_words)),
    );
    return true;
  }

  stop() {
    for (const player of this.#players.values()) player.stop();
  }

  #remove(address, player) {
    player.stop();
    this.#players.delete(address);
  }

  #tryNodes(student, each, key, all) {
    const title = t(key, { n: each.number, said: each.words_said, all });
    return [
      element("p", { class: "small try-title" }, title),
      triedWords(each),
      each.recording && this.#player(each.recording, t("tries_of", { name: student, title })),
    ].filter(Boolean);
  }

  #player(recording, speaker) {
    if (!this.#players.has(recording)) {
      this.#players.set(recording, new LazyAudioPlayer({ audio: recording, duration_s: null }, speaker, "students_voice"));
    }
    return this.#players.get(recording).node;
  }
}
