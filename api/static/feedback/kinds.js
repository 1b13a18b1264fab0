// What the kinds of mistakes are called: ERRANT's names, such as R:VERB:TENSE, in the reader's words.

import { t } from "../i18n/index.js";

/** The parts of a name: what was done (R, M or U), and to what. */
export function kindName(kind) {
  const [, operation, sort] = /^(?:([RMU]):)?(.*)$/.exec(kind);
  const name = t(`kind_${SORTS.has(sort) ? sort.replace(":", "_") : "OTHER"}`);
  if (operation === "M") return t("kind_missing", { name });
  return operation === "U" ? t("kind_unnecessary", { name }) : name;
}

const SORTS = new Set([
  ...["ADJ", "ADJ:FORM", "ADV", "CONJ", "CONTR", "DET", "MORPH", "NOUN", "NOUN:INFL", "NOUN:NUM", "NOUN:POSS", "ORTH"],
  ...["PART", "PREP", "PRON", "PUNCT", "SPELL", "VERB", "VERB:FORM", "VERB:INFL", "VERB:SVA", "VERB:TENSE", "WO"],
]);
