// The due time of homework, as text and as the form's input has it.

import { t } from "../i18n/index.js";
import { formatDateTime } from "../shared/format.js";

/** "due …" or "was due …" for an ISO 8601 time. */
export function formatDue(due) {
  return t(Date.parse(due) < Date.now() ? "homework_was_due" : "homework_is_due", { when: formatDateTime(due) });
}

/** An ISO 8601 time as the value of <input type="datetime-local">: local time without a zone. */
export function toInputValue(due) {
  if (!due) return "";
  const date = new Date(due);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, "2026-12-01T20:00".length);
}

/** The input's value with the zone of this browser, as the API wants it; null when nothing is chosen. */
export function fromInputValue(value) {
  if (!value) return null;
  const offset = -new Date(value).getTimezoneOffset(); // minutes
  const twoDigits = (number) => String(Math.floor(Math.abs(number))).padStart(2, "0");
  return `${value}:00${offset < 0 ? "-" : "+"}${twoDigits(offset / 60)}:${twoDigits(offset % 60)}`;
}
