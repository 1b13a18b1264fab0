// How fluently one text was read aloud: plain figures beside the range of other speakers, and no mark.

import { t } from "../i18n/index.js";
import { element } from "../shared/dom.js";
import { formatNumber } from "../shared/format.js";

export const FIGURES = ["sounds_per_s", "words_per_s", "pauses_per_word", "longest_pause_s"]; // as the server has them

/** From where to where the middle half of the speakers lies. */
export const rangeText = ({ low, high }) =>
  t("fluency_range", { low: formatNumber(low), high: formatNumber(high) });

/** The figures of a reading, folded; null where nothing was measured. */
export function fluencyNode(reading) {
  if (!reading) return null;
  const rows = FIGURES.flatMap((name) => [
    element("dt", {}, t(`fluency_${name}`)),
    element("dd", {}, element("b", {}, formatNumber(reading.fluency[name].value)), " ", rangeText(reading.fluency[name])),
  ]);
  return element(
    "details",
    { class: "fluency small" },
    element("summary", {}, t("fluency_title")),
    element("dl", {}, rows),
    element("p", {}, t("fluency_no_mark")),
  );
}
