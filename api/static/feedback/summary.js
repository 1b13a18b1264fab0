// The verdicts on a class: how many of each, how many of the checked ones were corrected, and who needs an adult.

import { joinNames, t } from "../i18n/index.js";
import { $id, element, icon, updateChildren } from "../shared/dom.js";
import { isChecked, needsAnAdult, verdictLabel, VERDICTS } from "./verdicts.js";

/** Show the verdicts on `works`, each {name, job} of a student or a recording; a job may be missing. */
export function showVerdicts(works) {
  const feedbacks = works.map(({ job }) => job?.feedback).filter((feedback) => feedback && !feedback.reset);
  const count = (verdict) => feedbacks.filter((feedback) => feedback.verdict === verdict).length;
  const counts = VERDICTS.map((verdict) => [verdict, count(verdict)]).filter(([, n]) => n);
  const labels = counts.map(([verdict, n]) =>
    element("li", { class: "verdict", "data-verdict": verdict }, ...verdictLabel(verdict), element("b", {}, String(n))),
  );
  updateChildren($id("verdicts"), labels);
  $id("verdicts").hidden = !labels.length;
  showCheckedRate(feedbacks.filter(isChecked));
  showConcern(works.filter(({ job }) => needsAnAdult(job)));
}

/** Of the feedback in which what was said was checked, how much has corrections. */
function showCheckedRate(feedbacks) {
  const corrected = feedbacks.filter(({ verdict }) => verdict === "corrected").length;
  $id("checked-rate").hidden = !feedbacks.length;
  $id("checked-rate").textContent = t("checked_rate", { n: corrected, all: feedbacks.length });
}

function showConcern(works) {
  $id("concern").hidden = !works.length;
  const names = joinNames(works.map(({ name }) => name));
  updateChildren($id("concern"), works.length ? [icon("heart"), element("span", {}, t("concern", { names }))] : []);
}
