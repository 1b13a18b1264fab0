// Numbers, times and durations of the house, as the reader's language writes them.

import { element } from "./dom.js";
import { language, say, sayDuration } from "./i18n.js";

/** With as many digits after the point as tell something. */
export function sayNumber(n) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: n < 1 ? 2 : n < 10 ? 1 : 0 }).format(Math.max(0, n)); // a wait may be -0
}

export function saySeconds(seconds) {
  return seconds < 60 ? say("seconds", { n: sayNumber(seconds) }) : sayDuration(seconds);
}

export function sayClock(at) {
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at);
}

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function sayAgo(iso) {
  const seconds = Math.max(0, (Date.now() - new Date(iso)) / 1000);
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
  return new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" }).format(-Math.floor(seconds / length), unit);
}

/** A moment, as long ago as it is; `tick` keeps it so. */
export function moment(iso) {
  return element("time", { datetime: iso, title: new Date(iso).toLocaleString(language) }, sayAgo(iso));
}

export function tick() {
  for (const time of document.querySelectorAll("main time")) time.textContent = sayAgo(time.dateTime);
}

/** Let `list` show these nodes in this order, touching none that stays: what has the focus keeps it. */
export function arrange(list, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => list.children[index] === node || list.insertBefore(node, list.children[index] ?? null));
}
