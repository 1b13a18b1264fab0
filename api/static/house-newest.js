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
    const spent = new Map(jobs.map((job) => [job, times(job)]));
    const longest = Math.max(...jobs.map((job) => together(spent.get(job))), 1);
    const rows = jobs.map((job) => [job.id, this.#row(job, spent.get(job), longest)]);
    this.#rows = new Map(rows);
    arrange(this.body, rows.map(([, { node }]) => node));
  }

  #row(job, spent, longest) {
    const known = JSON.stringify([job.state, spent, longest, language]);
    const before = this.#rows.get(job.id);
    return before?.known === known ? before : { known, node: row(job, spent, longest) };
  }
}

/** Seconds by stage: {stage, waited, ran, now}, null for what has not begun; `now` is which of both goes on. */
function times(job) {
  const found = STAGES.filter((stage) => job.timings[stage]).map((stage) => ({ stage, waited: job.timings[stage].waited_s, ran: job.timings[stage].ran_s, now: null }));
  const present = ended(job) ? undefined : found.find(({ ran }) => ran === null);
  if (!present) return found;
  const sofar = Math.round(Math.max(0, (Date.now() - new Date(job.created_at)) / 1000 - together(found)));
  present.now = present.waited === null ? "waited" : "ran";
  present[present.now] = sofar;
  return found;
}

const together = (spent) => spent.reduce((sum, { waited, ran }) => sum + (waited ?? 0) + (ran ?? 0), 0);

// The roles are said, since a phone shows the rows as cards, which are no table to a browser.
function row(job, spent, longest) {
  const cell = (kind, ...children) => element("td", { role: "cell", class: kind }, ...children);
  const all = together(spent);
  return element("tr", { role: "row", "data-job": job.id },
    element("th", { role: "rowheader", scope: "row", class: "state" }, badge(job.state)),
    cell("task", say(`house_task_${job.task}`), element("small", {}, say(`house_lane_${job.lane}`))),
    cell("came", moment(job.created_at)),
    ...STAGES.map((stage) => cell(`stage ${stage}`, ...sayTimes(stage, spent.find((each) => each.stage === stage)))),
    cell("all", element("span", { class: "sum" }, all ? saySeconds(all) : "–"), bar(spent, longest)));
}

/** What a stage took: its run, and the wait before it. */
function sayTimes(stage, spent) {
  const name = element("span", { class: "name", "aria-hidden": "true" }, say(`house_short_${stage}`));
  if (!spent) return [name, element("span", { class: "unseen" }, say("house_skipped")), element("span", { "aria-hidden": "true" }, "–")];
  const { waited, ran, now } = spent;
  const run = now === "waited" ? "…" : ran === null ? "–" : `${saySeconds(ran)}${now ? " …" : ""}`;
  return [name, element("b", {}, run), waited !== null && element("small", {}, say(now === "waited" ? "house_so_far" : "house_waited_s", { n: sayNumber(waited) }))];
}

/** The same as a bar, as long as the job took beside the longest one; the cells before it say it in words. */
function bar(spent, longest) {
  const made = element("span", { class: "bar", "aria-hidden": "true" });
  for (const { stage, ...seconds } of spent) {
    for (const kind of ["waited", "ran"]) {
      if (!seconds[kind]) continue;
      const part = element("span", { class: `${stage} ${kind}`, title: `${say(`house_stage_${stage}`)}: ${say(`house_${kind}`)} ${saySeconds(seconds[kind])}` });
      part.style.width = `${(seconds[kind] / longest) * 100}%`;
      made.append(part);
    }
  }
  return made;
}
