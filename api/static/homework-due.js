// When homework is due: in words, and as a form has it.

import { say } from "./i18n.js";

/** When it is due, ISO 8601, in words. */
export function sayDue(due) {
  const when = new Date(due).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  return say(Date.parse(due) < Date.now() ? "homework_was_due" : "homework_is_due", { when });
}

/** As <input type="datetime-local"> has it: here, and without a zone. */
export function localOf(due) {
  if (!due) return "";
  const at = new Date(due);
  return new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, "2026-12-01T20:00".length);
}

/** The same with the zone of this browser, as the API wants it; null when nothing is chosen. */
export function dueOf(local) {
  if (!local) return null;
  const minutes = -new Date(local).getTimezoneOffset();
  const two = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
  return `${local}:00${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}
