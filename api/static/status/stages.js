// The three model stages as cards: their workers, waiting jobs and speed.

import { t } from "../i18n/index.js";
import { element, icon } from "../shared/dom.js";
import { formatNumber, formatSeconds } from "../shared/format.js";
import { Chart, QueueHistory } from "./chart.js";
import { jobsPerMinute, STAGES } from "./prometheus.js";

export class StageCards {
  #history = new QueueHistory();
  #cards = STAGES.map((stage) => new Card(stage));

  constructor(list) {
    list.replaceChildren(...this.#cards.map(({ node }) => node));
  }

  addSample(at, stages) {
    this.#history.add(at, stages);
  }

  show({ stages }, models) {
    stages.forEach((figures, index) => {
      this.#cards[index].show(figures, models[index], this.#history.ofStage(figures.stage));
    });
  }
}

class Card {
  #name = element("h3");
  #model = element("p", { class: "model" });
  #workers = element("p", { class: "workers" });
  #figures = element("dl");
  #chart = new Chart();

  constructor(stage) {
    const header = element("header", {}, element("div", {}, this.#name, this.#model), this.#workers);
    this.node = element("li", { class: "card", "data-stage": stage }, header, this.#figures, this.#chart.node);
  }

  show(figures, model, samples) {
    const { stage, ready, loading, waiting, seconds } = figures;
    const perMinute = jobsPerMinute(figures);
    this.#name.textContent = t(`status_stage_${stage}`);
    this.#model.textContent = model;
    this.#workers.replaceChildren(...workerBadges(ready, loading));
    this.node.dataset.health = ready ? "good" : loading ? "busy" : "bad";
    this.#figures.replaceChildren(
      figureItem("waiting", t("status_waiting"), formatNumber(waiting)),
      figureItem("seconds", t("status_seconds"), seconds === null ? "–" : formatSeconds(seconds)),
      figureItem("per-minute", t("status_jobs_per_minute"), perMinute === null ? "–" : formatNumber(perMinute)),
    );
    this.#chart.show(samples);
  }
}

function workerBadges(ready, loading) {
  const badge = (className, symbol, text) => element("span", { class: `badge ${className}` }, icon(symbol), text);
  const badges = [
    ready > 0 && badge("good", "good", t("status_ready_n", { n: ready })),
    loading > 0 && badge("busy", "waiting", t("status_loading_n", { n: loading })),
  ].filter(Boolean);
  return badges.length ? badges : [badge("bad", "bad", t("status_no_worker"))];
}

/** A number with its name, for a <dl>. */
export function figureItem(key, name, value) {
  return element("div", { "data-figure": key }, element("dt", {}, name), element("dd", {}, value));
}
