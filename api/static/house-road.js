// The three models as cards along the road: who works there, what waits, how fast it goes.

import { element, icon } from "./dom.js";
import { Chart, Waited } from "./house-chart.js";
import { perMinute, STAGES } from "./house-metrics.js";
import { sayNumber, saySeconds } from "./house-words.js";
import { say } from "./i18n.js";

export class Road {
  #waited = new Waited();
  #cards;

  constructor(list) {
    this.#cards = STAGES.map((stage) => new Card(stage));
    list.replaceChildren(...this.#cards.map(({ node }) => node));
  }

  sample(at, stages) {
    this.#waited.add(at, stages);
  }

  show({ stages }, models) {
    stages.forEach((figures, index) => this.#cards[index].show(figures, models[index], this.#waited.of(figures.stage)));
  }
}

class Card {
  #name = element("h3");
  #model = element("p", { class: "model" });
  #hands = element("p", { class: "hands" });
  #figures = element("dl");
  #chart = new Chart();

  constructor(stage) {
    this.node = element("li", { class: "card", "data-stage": stage }, element("header", {}, element("div", {}, this.#name, this.#model), this.#hands), this.#figures, this.#chart.node);
  }

  show(figures, model, waited) {
    const { stage, ready, loading, waiting, seconds } = figures;
    this.#name.textContent = say(`house_stage_${stage}`);
    this.#model.textContent = model;
    this.#hands.replaceChildren(...hands(ready, loading));
    this.node.dataset.look = ready ? "good" : loading ? "busy" : "bad";
    const pace = perMinute(figures);
    this.#figures.replaceChildren(
      figure("waiting", say("house_waiting"), sayNumber(waiting)),
      figure("seconds", say("house_seconds"), seconds === null ? "–" : saySeconds(seconds)),
      figure("pace", say("house_pace"), pace === null ? "–" : sayNumber(pace)));
    this.#chart.show(waited);
  }
}

function hands(ready, loading) {
  const shown = [];
  if (ready) shown.push(element("span", { class: "badge good" }, icon("good"), say("house_ready", { n: ready })));
  if (loading) shown.push(element("span", { class: "badge busy" }, icon("waiting"), say("house_loads", { n: loading })));
  return shown.length ? shown : [element("span", { class: "badge bad" }, icon("bad"), say("house_no_worker"))];
}

/** A name and its number, of a list of them. */
export function figure(key, name, value) {
  return element("div", { "data-figure": key }, element("dt", {}, name), element("dd", {}, value));
}
