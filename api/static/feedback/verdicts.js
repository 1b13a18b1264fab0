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
 * Why: each edit that the teacher explains, in the reader's language, else in English; then what the explanation has
 * besides. What needs an adult has kind words alone. An array of nodes.
 */
export function explanationNodes({ verdict, edits, explanation }) {
  const explained = verdict === "needs_an_adult" ? [] : chooseExplained(edits, explanation);
  const items = explained.map(({ explanations }) => element("li", {}, explanations[language] ?? explanations.en));
  const rest = explained.reduce((text, { explanations }) => text.replace(explanations.en, ""), explanation).trim();
  return [
    items.length > 0 && element("ul", { class: "explanation" }, items),
    rest && element("p", { class: "explanation" }, rest),
  ].filter(Boolean);
}

/** The edits with explanations of their own: those that the explanation repeats; all of them where it repeats none. */
function chooseExplained(edits, explanation) {
  const explained = edits.filter(({ explanations }) => explanations[language] ?? explanations.en);
  const repeated = explained.filter(({ explanations }) => explanations.en && explanation.includes(explanations.en));
  return repeated.length ? repeated : explained;
}
