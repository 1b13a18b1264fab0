// Times of the status page: how long ago something was, and when the figures were read.

import { language } from "../i18n/index.js";
import { element } from "../shared/dom.js";

/** A time of day with seconds. */
export function formatTime(time) {
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(time);
}

const UNIT_SECONDS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

function formatAgo(iso) {
  const seconds = Math.max(0, (Date.now() - new Date(iso)) / 1000);
  const [unit, length] = UNIT_SECONDS.find(([, length]) => seconds >= length) ?? UNIT_SECONDS.at(-1);
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  return format.format(-Math.floor(seconds / length), unit);
}

/** A <time> that says how long ago it was; updateTimes() keeps it up to date. */
export function timeElement(iso) {
  return element("time", { datetime: iso, title: new Date(iso).toLocaleString(language) }, formatAgo(iso));
}

export function updateTimes() {
  for (const time of document.querySelectorAll("main time")) time.textContent = formatAgo(time.dateTime);
}
