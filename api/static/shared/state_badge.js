// A job's state in words, with an icon, and how many of the stages are done.

import { t } from "../i18n/index.js";
import { element, icon } from "./dom.js";

export const STEPS = ["queued", "transcribing", "thinking", "speaking"];
const ICONS = { done: "stamp", failed: "bad", held: "edit", missing: "none" };

/** "completed" for the steps before the current one, "current" for that, "" for those after it. */
export function stepClass(index, current) {
  return index < current ? "completed" : index === current ? "current" : "";
}

/** The nodes that show a state; `kind` is the filter that the state belongs to: done, failed, … */
export function stateBadge(state, kind) {
  const current = STEPS.indexOf(state);
  const badge = element("span", { class: `badge ${kind}` }, icon(ICONS[kind] ?? "waiting"), t(`state_${state}`));
  if (current < 0) return [badge];
  const steps = STEPS.map((_, index) => element("i", { class: stepClass(index, current) }));
  return [badge, element("span", { class: "steps", "aria-hidden": "true" }, steps)];
}
