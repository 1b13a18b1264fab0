// A study plan: what is said of it, and a list of its days, each with its task and the question to begin with.

import { language, t } from "../i18n/index.js";
import { button, element } from "../shared/dom.js";

/**
 * The nodes of a plan, in the reader's language, or in Chinese if it was asked for in Chinese. A press on a day's
 * question calls `begin`, so that the learner can answer it.
 */
export function studyPlanNodes(plan, begin) {
  const shown = plan.asked_in === "zh" ? "zh" : language;
  const lang = shown === "zh" ? "zh-CN" : "en";
  return [
    element("p", { class: "reply", lang }, plan.summary[shown]),
    element(
      "ol",
      { class: "study-plan", "aria-label": t("plan_title") },
      plan.days.map((day) => dayItem(day, shown, lang, begin)),
    ),
  ];
}

function dayItem({ number, minutes, activity, task, example, prompt }, shown, lang, begin) {
  return element(
    "li",
    { "data-activity": activity },
    element(
      "p",
      { class: "day" },
      element("b", {}, t("plan_day", { number })),
      element("span", { class: "small" }, t("plan_minutes", { n: minutes })),
    ),
    element("p", { lang }, task[shown]),
    example && exampleNode(example),
    prompt && button("choice", "mic", prompt, begin),
  );
}

/** The learner's own sentence, and below it the better one. */
function exampleNode({ heard, better }) {
  return element(
    "div",
    { class: "plan-example" },
    element("p", {}, element("span", { class: "small" }, t("plan_said")), " ", element("span", { lang: "en" }, heard)),
    element("p", {}, element("span", { class: "small" }, t("plan_better")), " ", element("b", { lang: "en" }, better)),
  );
}
