// The lesson card of an answer: a player, its chapters as buttons, and the file; or why there is none.

import { t } from "../i18n/index.js";
import { AudioPlayer } from "../shared/audio_player.js";
import { downloadLink, element } from "../shared/dom.js";
import { formatClock } from "../shared/format.js";

/** Why there is no card; "" where nothing need be said: nothing was asked for, or nothing was recorded. */
export function missingText({ card, transcript }) {
  if (!card?.missing || !transcript) return "";
  const known = ["verdict", "no_recording", "no_word_times", "not_repeated", "too_slow"].includes(card.missing);
  return t(`card_missing_${known ? card.missing : "failed"}`);
}

export class LessonCard {
  #player = new AudioPlayer("card_voice");
  #note = element("p", { class: "small" });
  #chapters = element("div", { class: "chapters" });
  #download = element("span");

  constructor() {
    const row = element("div", { class: "bubble-footer" }, this.#player.node, this.#download);
    this.node = element("section", { class: "lesson-card" }, this.#note, row, this.#chapters);
    this.node.hidden = true;
  }

  /** Show the card of a job. */
  show(job) {
    const { card } = job;
    const missing = missingText(job);
    this.node.hidden = !card?.audio && !missing;
    if (this.node.hidden) return;
    this.node.setAttribute("aria-label", t("card_title"));
    this.#note.textContent = missing || t("card_title");
    if (!card.audio) return;
    this.#player.setSource(card.audio, card.duration_s);
    this.#download.replaceChildren(downloadLink(card.audio, "", t("card_download")));
    this.#chapters.replaceChildren(...card.chapters.map((chapter, index) => this.#chapterButton(card, chapter, index)));
  }

  stop() {
    this.#player.stop();
  }

  /** Plays from the beginning of the chapter on. Its name is in the language of the page. */
  #chapterButton({ chapters }, { kind, start_s }, index) {
    const isOne = chapters.filter((chapter) => chapter.kind === kind).length < 2;
    const number = chapters.slice(0, index + 1).filter((chapter) => chapter.kind === kind).length;
    const title = isOne ? t(`card_${kind}`) : `${t(`card_${kind}`)} ${number}`;
    const label = t("card_play_chapter", { title, time: formatClock(start_s) });
    const click = () => this.#player.playFrom(start_s);
    return element("button", { type: "button", class: "secondary small", click, "aria-label": label }, title);
  }
}
