// The latest failures: what failed, where and why; a dead job can be tried again.

import { announce, button, by, element, icon, picture } from "./dom.js";
import { badge } from "./house-newest.js";
import { arrange, moment } from "./house-words.js";
import { language, say, sayProblem } from "./i18n.js";
import { Problem, read, Unreachable } from "./server.js";

const AT_ONCE = 8; // jobs of a page
const PATIENCE_S = 10; // seconds after which a page that does not come counts as lost
const LOOK_S = 30; // seconds after which the list is read again though nothing failed: some may be erased

export class Failures {
  #jobs = new Map(); // id -> job
  #nodes = new Map(); // id -> {known, node}
  #next = null; // the cursor of older ones
  #read = { count: null, at: 0 };
  #house = null;
  #newest = [];
  #known = false; // whether a page was ever read

  constructor() {
    by("only-dead").addEventListener("change", () => this.#anew());
    by("older").addEventListener("click", () => this.#turn());
  }

  /** Read the newest of them again, when /metrics counts others than it did. */
  async look(house) {
    this.#house = house;
    const count = house.ended.failed + house.ended.expired;
    if (count === this.#read.count && Date.now() - this.#read.at < LOOK_S * 1000) return;
    const reading = (this.#read = { count, at: Date.now() });
    const page = await this.#page("");
    if (reading !== this.#read) return; // others are asked for since
    if (!page) return void (this.#read.count = null);
    if (!page.jobs.some(({ id }) => this.#jobs.has(id))) this.#forget(page); // nobody knows what lies between
    this.#take(page.jobs);
  }

  #anew() {
    this.#jobs.clear();
    this.#read.count = null;
    return this.look(this.#house);
  }

  #forget({ next }) {
    this.#jobs.clear();
    this.#next = next;
  }

  async #turn() {
    const page = await this.#page(`&cursor=${this.#next}`);
    if (!page) return;
    this.#next = page.next;
    this.#take(page.jobs);
  }

  /** A page of them; nothing while the server cannot tell, which the headline says. */
  async #page(after) {
    const which = by("only-dead").checked ? "dead=true" : "state=failed";
    try {
      return await read(`/v1/jobs?${which}&limit=${AT_ONCE}${after}`, { seconds: PATIENCE_S });
    } catch (error) {
      if (error instanceof Problem || error instanceof Unreachable) return null;
      throw error;
    }
  }

  #take(jobs) {
    this.#known = true;
    for (const job of jobs) this.#know(job);
    this.show();
  }

  /** What is known of a job stays known when an older answer comes late. */
  #know(job) {
    const { said = null, retried_as: retried = null } = this.#jobs.get(job.id) ?? {};
    this.#jobs.set(job.id, { said, ...job, retried_as: job.retried_as ?? retried });
  }

  /** `newest` are the newest jobs: how what was tried again goes on is known from them. */
  show(newest = this.#newest) {
    this.#newest = newest;
    const jobs = [...this.#jobs.values()].sort((a, b) => b.created_at.localeCompare(a.created_at));
    this.#nodes = new Map(jobs.map((job) => [job.id, this.#node(job)]));
    arrange(by("failures"), jobs.map(({ id }) => this.#nodes.get(id).node));
    by("no-failures").hidden = jobs.length > 0 || !this.#known;
    by("no-failures").lastElementChild.textContent = say(by("only-dead").checked ? "house_none_dead" : "house_none_failed");
    by("older").hidden = this.#next === null;
  }

  #node(job) {
    const state = this.#newest.find(({ id }) => id === job.retried_as)?.state;
    const known = JSON.stringify([job.retried_as, job.said, state, language]);
    const before = this.#nodes.get(job.id);
    return before?.known === known ? before : { known, node: failure(job, state, () => this.#again(job)) };
  }

  async #again(job) {
    try {
      const accepted = await read(job.links.retry, { method: "POST" });
      this.#know({ ...job, retried_as: accepted.id, said: null });
      announce(say("house_retried"));
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
      const said = error instanceof Problem ? sayProblem(error) : say("house_away");
      this.#know({ ...job, said });
      announce(said);
    }
    this.show();
  }
}

/** `state` is that of the job in whose place it was tried again, if anybody knows. */
function failure(job, state, again) {
  const { error, task, attempts, retried_as: retried, links } = job;
  const detail = (name, ...values) => element("div", {}, element("dt", {}, name), element("dd", {}, ...values));
  return element("li", { "data-job": job.id },
    element("header", {}, badge(job.state), element("p", { class: "why" }, sayProblem(error)), moment(job.updated_at)),
    element("dl", {},
      detail(say("house_code"), element("code", {}, error.code)),
      detail(say("house_where"), say(`house_stage_${error.stage}`)),
      detail(say("house_task"), say(`house_task_${task}`)),
      detail(say("house_tries"), attempts[error.stage] ?? 0),
      detail(say("house_id"), element("code", {}, job.id), copier(job.id))),
    element("p", { class: "small detail", lang: "en" }, error.detail),
    element("footer", {},
      retried && element("p", {}, icon("again"), say("house_retried"), element("code", {}, retried), copier(retried), state && badge(state)),
      job.said && element("p", { class: "wrong" }, icon("bad"), job.said),
      links.retry && !retried && button("main small retry", "again", say("try_again"), again)));
}

/** Copies an id; where the browser keeps the clipboard to itself, the id is marked for the reader to copy. */
function copier(id) {
  const made = button("quiet small copy", "copy", null, async () => {
    if (!navigator.clipboard) return getSelection().selectAllChildren(made.previousSibling);
    await navigator.clipboard.writeText(id);
    picture(made.firstElementChild, "good");
    announce(say("house_copied"));
    setTimeout(() => picture(made.firstElementChild, "copy"), 1500);
  }, say("house_copy"));
  return made;
}
