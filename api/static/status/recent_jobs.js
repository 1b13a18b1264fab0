// The latest jobs: their states, and how long each stage took. Transcripts and answers are not shown.

import { language, t } from "../i18n/index.js";
import { hasEnded } from "../shared/api.js";
import { arrangeChildren, element, icon } from "../shared/dom.js";
import { formatSeconds } from "../shared/format.js";
import { STAGES } from "./prometheus.js";
import { timeElement } from "./time.js";

const BADGES = {
  succeeded: { className: "good", symbol: "good" },
  failed: { className: "bad", symbol: "bad" },
  expired: { className: "bad", symbol: "bad" },
  canceled: { className: "off", symbol: "cancel" },
};
const STATES_OF_OTHER_STAGES = new Set(["segmenting", "listening", "held"]); // than the three of the models
const UNFINISHED_BADGE = { className: "busy", symbol: "waiting" };

/** A state in words, with an icon. */
export function badge(state) {
  const { className, symbol } = BADGES[state] ?? UNFINISHED_BADGE;
  return element("span", { class: `badge ${className}`, "data-state": state }, icon(symbol), t(`state_${state}`));
}

export class RecentJobs {
  #rows = new Map(); // id -> {fingerprint, node}

  constructor(body) {
    this.body = body;
  }

  show(jobs) {
    const timings = new Map(jobs.map((job) => [job.id, stageTimings(job)]));
    const longest = Math.max(...jobs.map(({ id }) => sumOfTimings(timings.get(id))), 1);
    this.#rows = new Map(jobs.map((job) => [job.id, this.#row(job, timings.get(job.id), longest)]));
    arrangeChildren(
      this.body,
      [...this.#rows.values()].map(({ node }) => node),
    );
  }

  /** A row is made again only when something has changed. */
  #row(job, timings, longest) {
    const fingerprint = JSON.stringify([job.state, timings, totalSeconds(job, timings), longest, language]);
    const before = this.#rows.get(job.id);
    return before?.fingerprint === fingerprint ? before : { fingerprint, node: jobRow(job, timings, longest) };
  }
}

/**
 * The stages as {stage, waited, ran, current}: seconds, null before they begin.
 * `current` is "waited" or "ran" while that time is still growing.
 */
function stageTimings(job) {
  const present = STAGES.filter((stage) => job.timings[stage]);
  const timings = present.map((stage) => ({ stage, ...toTiming(job.timings[stage]), current: null }));
  const isElsewhere = hasEnded(job) || STATES_OF_OTHER_STAGES.has(job.state) || job.task === "lesson";
  const running = isElsewhere ? undefined : timings.find(({ ran }) => ran === null);
  if (!running) return timings;
  const soFar = Math.round(Math.max(0, ageSeconds(job) - sumOfTimings(Object.values(job.timings).map(toTiming))));
  running.current = running.waited === null ? "waited" : "ran";
  running[running.current] = soFar;
  return timings;
}

const toTiming = ({ waited_s: waited, ran_s: ran }) => ({ waited, ran });

const sumOfTimings = (timings) => timings.reduce((sum, { waited, ran }) => sum + (waited ?? 0) + (ran ?? 0), 0);

const ageSeconds = ({ created_at }, end = Date.now()) => Math.max(0, (end - new Date(created_at)) / 1000);

/**
 * From the submission to the end, or until now: a lesson has other stages besides, and a teacher may review the answer.
 * A job that was replaced by another is changed then, after its end: of that one, the sum of the stages.
 */
function totalSeconds(job, timings) {
  if (!hasEnded(job)) return Math.round(ageSeconds(job));
  return job.retried_as || job.rerun_as ? sumOfTimings(timings) : ageSeconds(job, new Date(job.updated_at));
}

/** The roles are given explicitly: on phones CSS shows rows as cards, and browsers would no longer see a table. */
function jobRow(job, timings, longest) {
  const cell = (kind, ...children) => element("td", { role: "cell", class: kind }, ...children);
  const total = totalSeconds(job, timings);
  const stageCell = (stage) => {
    const timing = timings.find((entry) => entry.stage === stage);
    return cell(`stage ${stage}`, ...stageNodes(stage, timing));
  };
  return element(
    "tr",
    { role: "row", "data-job": job.id },
    element("th", { role: "rowheader", scope: "row", class: "state" }, badge(job.state)),
    cell("task", t(`status_task_${job.task}`), element("small", {}, t(`status_lane_${job.lane}`))),
    cell("submitted", timeElement(job.created_at)),
    ...STAGES.map(stageCell),
    cell("total", element("span", { class: "sum" }, total ? formatSeconds(total) : "–"), bar(timings, longest)),
  );
}

/** How long a stage ran, and how long the job waited for it. */
function stageNodes(stage, timing) {
  const name = element("span", { class: "name", "aria-hidden": "true" }, t(`status_short_${stage}`));
  if (!timing) {
    const skipped = element("span", { class: "visually-hidden" }, t("status_skipped"));
    return [name, skipped, element("span", { "aria-hidden": "true" }, "–")];
  }
  const { waited, ran, current } = timing;
  const waitKey = current === "waited" ? "status_so_far" : "status_waited_for";
  const wait = waited !== null && element("small", {}, t(waitKey, { time: formatSeconds(waited) }));
  return [name, element("b", {}, runText(ran, current)), wait];
}

function runText(ran, current) {
  if (current === "waited") return "…";
  if (ran === null) return "–";
  return current ? `${formatSeconds(ran)} …` : formatSeconds(ran);
}

/** The timings as a bar, in proportion to the longest job; the cells before it have the same as text. */
function bar(timings, longest) {
  const kinds = [
    ["waited", "wait-time", t("status_waited")],
    ["ran", "run-time", t("status_ran")],
  ];
  const node = element("span", { class: "bar", "aria-hidden": "true" });
  for (const timing of timings) {
    for (const [kind, className, label] of kinds) {
      const seconds = timing[kind];
      if (!seconds) continue;
      const title = `${t(`status_stage_${timing.stage}`)}: ${label} ${formatSeconds(seconds)}`;
      const part = element("span", { class: `${timing.stage} ${className}`, title });
      part.style.width = `${(seconds / longest) * 100}%`;
      node.append(part);
    }
  }
  return node;
}
