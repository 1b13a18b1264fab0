// The latest jobs: their states, and how long each stage took. Transcripts and answers are not shown.

import { language, t } from "../i18n/index.js";
import { hasEnded } from "../shared/api.js";
import { arrangeChildren, element, icon } from "../shared/dom.js";
import { formatNumber, formatSeconds } from "../shared/format.js";
import { STAGES } from "./prometheus.js";
import { timeElement } from "./time.js";

const BADGES = {
  succeeded: { className: "good", symbol: "good" },
  failed: { className: "bad", symbol: "bad" },
  expired: { className: "bad", symbol: "bad" },
  canceled: { className: "off", symbol: "cancel" },
};
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
    const longest = Math.max(...jobs.map(({ id }) => totalSeconds(timings.get(id))), 1);
    this.#rows = new Map(jobs.map((job) => [job.id, this.#row(job, timings.get(job.id), longest)]));
    arrangeChildren(
      this.body,
      [...this.#rows.values()].map(({ node }) => node),
    );
  }

  /** A row is made again only when something has changed. */
  #row(job, timings, longest) {
    const fingerprint = JSON.stringify([job.state, timings, longest, language]);
    const before = this.#rows.get(job.id);
    return before?.fingerprint === fingerprint ? before : { fingerprint, node: jobRow(job, timings, longest) };
  }
}

/**
 * The stages as {stage, waited, ran, current}: seconds, null before they begin.
 * `current` is "waited" or "ran" while that time is still growing.
 */
function stageTimings(job) {
  const timings = STAGES.filter((stage) => job.timings[stage]).map((stage) => {
    const { waited_s: waited, ran_s: ran } = job.timings[stage];
    return { stage, waited, ran, current: null };
  });
  const running = hasEnded(job) ? undefined : timings.find(({ ran }) => ran === null);
  if (!running) return timings;
  const age = (Date.now() - new Date(job.created_at)) / 1000;
  const soFar = Math.round(Math.max(0, age - totalSeconds(timings)));
  running.current = running.waited === null ? "waited" : "ran";
  running[running.current] = soFar;
  return timings;
}

const totalSeconds = (timings) => timings.reduce((sum, { waited, ran }) => sum + (waited ?? 0) + (ran ?? 0), 0);

/** The roles are given explicitly: on phones CSS shows rows as cards, and browsers would no longer see a table. */
function jobRow(job, timings, longest) {
  const cell = (kind, ...children) => element("td", { role: "cell", class: kind }, ...children);
  const total = totalSeconds(timings);
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
  const waitKey = current === "waited" ? "status_so_far" : "status_waited_s";
  const wait = waited !== null && element("small", {}, t(waitKey, { n: formatNumber(waited) }));
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
