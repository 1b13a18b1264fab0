// The teacher's verdict on what was said, and why something is said otherwise.

import { language, t } from "../i18n/index.js";
import { element, icon } from "../shared/dom.js";

const SYMBOLS = {
  needs_an_adult: "heart",
  corrected: "edit",
  correct: "good",
  not_heard_well: "ear",
  not_understood: "question",
  other_language: "globe",
  not_checked: "none",
};

export const VERDICTS = Object.keys(SYMBOLS); // in the order in which a class is summed up
const CHECKED_VERDICTS = new Set(["correct", "corrected"]);

/** Whether what was said was checked for mistakes: rates count nothing else. */
export const isChecked = ({ verdict }) => CHECKED_VERDICTS.has(verdict);

/** Whether an adult should look at a job: the learner may be in danger. */
export const needsAnAdult = (job) => job?.feedback?.verdict === "needs_an_adult";

/** Whether corrections are shown: what needs an adult is not corrected. */
export const hasCorrections = ({ verdict, edits }) => edits.length > 0 && verdict !== "needs_an_adult";

/** Rows, each with a `job`, in the same order, but those first where an adult should look. */
export function rowsByConcern(rows) {
  return [...rows.filter(({ job }) => needsAnAdult(job)), ...rows.filter(({ job }) => !needsAnAdult(job))];
}

/**
 * The line with the verdict; null where there is nothing to say: words that started the session over, and corrections
 * of records that are older than verdicts.
 */
export function verdictLine({ verdict, edits, reset }) {
  if (reset || (verdict === "not_checked" && edits.length)) return null;
  return element("p", { class: "verdict", "data-verdict": verdict }, ...verdictLabel(verdict));
}

/** The symbol and the name of a verdict. */
export const verdictLabel = (verdict) => [icon(SYMBOLS[verdict]), element("span", {}, t(`verdict_${verdict}`))];

/**
 * Why: for each edit in the reader's language, else in English; where no edit has an explanation, that of the whole.
 * Null where there is nothing to explain, and for what needs an adult.
 */
export function explanationNode({ verdict, edits, explanation }) {
  if (verdict === "needs_an_adult") return null;
  const texts = edits.map(({ explanations }) => explanations[language] ?? explanations.en).filter(Boolean);
  const items = texts.map((text) => element("li", {}, text));
  if (items.length) return element("ul", { class: "explanation" }, items);
  return explanation ? element("p", { class: "explanation" }, explanation) : null;
}
