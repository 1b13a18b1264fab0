// Numbers, durations and times as the reader's language writes them.

import { language } from "../i18n/index.js";

/** A number that is not negative: the smaller it is, the more digits after the point. */
export function formatNumber(number) {
  const digits = number < 1 ? 2 : number < 10 ? 1 : 0;
  const format = new Intl.NumberFormat(language, { maximumFractionDigits: digits });
  return format.format(Math.max(0, number)); // a wait may be -0
}

function formatUnit(unit, number, digits = 0) {
  const options = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits };
  return new Intl.NumberFormat(language, options).format(number);
}

const BYTE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** A size on a disk: 120 MB, 3.4 GB. */
export function formatBytes(bytes) {
  const step = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const number = bytes / 1000 ** step;
  return formatUnit(BYTE_UNITS[step], number, number < 10 && step ? 1 : 0);
}

/** A rough duration: 12 sec, 3 min, 1.5 hr, 30 days. Intl.DurationFormat cannot write 1.5 hours. */
export function formatDuration(seconds) {
  if (seconds < 60) return formatUnit("second", Math.max(1, Math.round(seconds)));
  if (seconds < 5400) return formatUnit("minute", seconds / 60);
  return seconds < 172_800 ? formatUnit("hour", seconds / 3600, 1) : formatUnit("day", seconds / 86_400);
}

/** A measured duration: below a minute with digits after the point, as 0.42 sec. */
export function formatSeconds(seconds) {
  if (seconds >= 60) return formatDuration(seconds);
  return formatUnit("second", Math.max(0, seconds), seconds < 1 ? 2 : seconds < 10 ? 1 : 0);
}

/** A position in a recording: 1:05. */
export function formatClock(seconds) {
  const whole = Math.max(0, Math.round(Number.isFinite(seconds) ? seconds : 0));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Date and time of day, of anything that Date takes. */
export function formatDateTime(time) {
  return new Date(time).toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
}

/** A date alone, of anything that Date takes. */
export function formatDate(time) {
  return new Date(time).toLocaleDateString(document.documentElement.lang, { dateStyle: "medium" });
}

export function formatSpeed(speed) {
  return `${Number(speed).toFixed(1)}×`;
}
