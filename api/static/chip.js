// A state in words, with a picture, and how far along the road it is.

import { element, icon } from "./dom.js";
import { say } from "./i18n.js";

const STEPS = ["queued", "transcribing", "thinking", "speaking"];
const ICONS = { done: "good", failed: "bad", held: "edit", missing: "none" };

/** What is shown of a state; `kind` is that of the filters: done, failed, … */
export function chip(state, kind) {
  const at = STEPS.indexOf(state);
  const step = (_, index) => element("i", { class: index < at ? "past" : index === at ? "now" : "" });
  const steps = at >= 0 && element("span", { class: "steps", "aria-hidden": "true" }, STEPS.map(step));
  return [element("span", { class: `chip ${kind}` }, icon(ICONS[kind] ?? "waiting"), say(`state_${state}`)), steps].filter(Boolean);
}
