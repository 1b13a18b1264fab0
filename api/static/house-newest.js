// The newest jobs: how far each is, and where its time went. Nothing of what anybody said.

import { element, icon } from "./dom.js";
import { STAGES } from "./house-metrics.js";
import { arrange, moment, sayNumber, saySeconds } from "./house-words.js";
import { language, say } from "./i18n.js";
import { ended } from "./server.js";

const PICTURES = { succeeded: "good", failed: "bad", expired: "bad", canceled: "cancel" };

/** A state in words, with a picture. */
export function badge(state) {
  const look = { succeeded: "good", failed: "bad", expired: "bad", canceled: "off" }[state] ?? "busy";
  return element("span", { class: `badge ${look}`, "data-state": state }, icon(PICTURES[state] ?? "waiting"), say(`state_${state}`));
}

export class Newest {
  #rows = new Map(); // id -> {known, node}: a row is made again only when it says something else

  constructor(body) {
    this.body = body;
  }

  show(jobs) {
    const longest = Math.max(...jobs.map(total), 1);
    const rows = jobs.map((job) => [job.id, this.#row(job, longest)]);
    this.#rows = new Map(rows);
    arrange(this.body, rows.map(([, { node }]) => node));
  }

  #row(job, longest) {
    const known = JSON.stringify([job.state, job.timings, longest, language]);
    const before = this.#rows.get(job.id);
    return before?.known === known ? before : { known, node: row(job, longest) };
  }
}

const total = ({ timings }) => Object.values(timings).reduce((sum, { waited_s, ran_s }) => sum + (waited_s ?? 0) + (ran_s ?? 0), 0);

// The roles are said, since a phone shows the rows as cards, which are no table to a browser.
function row(job, longest) {
  const cell = (kind, ...children) => element("td", { role: "cell", class: kind }, ...children);
  return element("tr", { role: "row", "data-job": job.id },
    element("th", { role: "rowheader", scope: "row", class: "state" }, badge(job.state)),
    cell("task", say(`house_task_${job.task}`), element("small", {}, say(`house_lane_${job.lane}`))),
    cell("came", moment(job.created_at)),
    ...STAGES.map((stage) => cell(`stage ${stage}`, ...spent(stage, job))),
    cell("all", element("span", { class: "sum" }, total(job) ? saySeconds(total(job)) : "–"), bar(job, longest)));
}

/** Seconds that the job waited before a stage, and ran in it. */
function spent(stage, { timings: { [stage]: time }, state }) {
  if (!time) return [element("span", { class: "unseen" }, say("house_skipped")), element("span", { "aria-hidden": "true" }, "–")];
  const ran = time.ran_s === null ? (time.waited_s === null || ended({ state }) ? "–" : "…") : saySeconds(time.ran_s);
  return [element("span", { class: "name", "aria-hidden": "true" }, say(`house_short_${stage}`)), element("b", {}, ran), time.waited_s !== null && element("small", {}, say("house_waited_s", { n: sayNumber(time.waited_s) }))];
}

/** The same as a bar, as long as the job took beside the longest one; the cells before it say it in words. */
function bar({ timings }, longest) {
  const made = element("span", { class: "bar", "aria-hidden": "true" });
  for (const stage of STAGES) {
    for (const kind of ["waited", "ran"]) {
      const seconds = timings[stage]?.[`${kind}_s`];
      if (!seconds) continue;
      const part = element("span", { class: `${stage} ${kind}`, title: `${say(`house_stage_${stage}`)}: ${say(`house_${kind}`)} ${saySeconds(seconds)}` });
      part.style.width = `${(seconds / longest) * 100}%`;
      made.append(part);
    }
  }
  return made;
}
