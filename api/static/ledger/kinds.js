// A kind of mistake: what it is called, how often it came, how far it is mastered, and the sentences.

import { kindName } from "../feedback/kinds.js";
import { language, t } from "../i18n/index.js";
import { SentencePlayer } from "../shared/audio_player.js";
import { element, icon } from "../shared/dom.js";
import { formatDate } from "../shared/format.js";

const SHOWN = 2; // sentences that are shown before "more" is pressed

/** A card for a kind that is not mastered; `days`: right uses on so many different days make it so. */
export function kindCard(kind, days) {
  const [first, more] = [kind.examples.slice(0, SHOWN), kind.examples.slice(SHOWN)];
  const seen = t("ledger_seen_n", { n: kind.count, date: formatDate(kind.last_seen) });
  const right = kind.can_be_mastered && t("ledger_right_days", { n: kind.right_days, days });
  return element(
    "li",
    { class: "card kind", "data-kind": kind.kind },
    element("header", {}, element("h3", {}, kindName(kind.kind)), progress(kind, days)),
    element("p", { class: "small" }, [seen, right].filter(Boolean).join(t("separator"))),
    element("ul", { class: "examples" }, first.map(exampleLine)),
    more.length > 0 &&
      element(
        "details",
        {},
        element("summary", {}, t("ledger_more_n", { n: more.length })),
        element("ul", { class: "examples" }, more.map(exampleLine)),
      ),
  );
}

/** A dot for each day with a right use; nothing where right uses of the kind are not known. */
function progress({ right_days, can_be_mastered }, days) {
  if (!can_be_mastered) return null;
  const dots = Array.from({ length: days }, (_, n) => element("i", { class: n < right_days ? "done" : "" }));
  return element("span", { class: "dots", "aria-hidden": "true" }, dots);
}

function exampleLine({ heard, better, explanations, audio }) {
  const why = explanations[language] ?? explanations.en;
  return element(
    "li",
    {},
    element("p", { class: "heard" }, heard),
    element("p", { class: "better" }, audio ? new SentencePlayer().show(better, [audio]) : better),
    why && element("p", { class: "small" }, why),
  );
}

/** A kind or a word that is mastered. */
export function masteredLine({ kind, word }) {
  return element("li", {}, icon("good"), element("span", {}, kind ? kindName(kind) : word));
}
