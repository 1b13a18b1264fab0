// A word that was not clear when it was read aloud: the learner's own clip of it, while its recording is kept.

import { t } from "../i18n/index.js";
import { SentencePlayer } from "../shared/audio_player.js";
import { element } from "../shared/dom.js";

export function wordLine({ word, count, weakest, clip }) {
  const facts = [weakest && `/${weakest}/`, count > 1 && t("ledger_times_n", { n: count })].filter(Boolean);
  return element(
    "li",
    {},
    clip ? new SentencePlayer().show(word, [clip]) : element("span", { class: "word" }, word),
    facts.length > 0 && element("small", {}, facts.join(t("separator"))),
  );
}
