// A small chart of the jobs that waited for a model in the last minutes, with a text alternative.

import { t } from "../i18n/index.js";
import { ownName } from "../shared/address.js";
import { element } from "../shared/dom.js";

const HISTORY_S = 300; // that the chart shows
const MAX_GAP_S = 10; // between two samples; after a longer gap the line begins again
const MIN_SCALE_JOBS = 4; // the height of the chart: a single waiting job must not fill it
const [CHART_WIDTH, CHART_HEIGHT] = [300, 48];
const STORAGE_KEY = ownName("queue-history");

/** Samples {at, asr, llm, tts}, collected while the page is open; they survive a reload. */
export class QueueHistory {
  #samples = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "[]");

  add(at, stages) {
    const sample = { at, ...Object.fromEntries(stages.map(({ stage, waiting }) => [stage, waiting])) };
    const isRecent = (other) => other.at > at - HISTORY_S * 1000 && other.at < at;
    this.#samples = [...this.#samples.filter(isRecent), sample];
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(this.#samples));
  }

  /** The samples of one stage, {at, n}. */
  ofStage(stage) {
    return this.#samples.map((sample) => ({ at: sample.at, n: sample[stage] }));
  }
}

export class Chart {
  #area = svg("path", { class: "area" });
  #line = svg("path", { class: "line" });
  #image = svg("svg", { viewBox: `0 0 ${CHART_WIDTH} ${CHART_HEIGHT}`, preserveAspectRatio: "none", role: "img" });
  #caption = element("figcaption");
  node = element("figure", { class: "queue-chart" }, this.#image, this.#caption);

  constructor() {
    this.#image.append(this.#area, this.#line);
  }

  show(samples) {
    const max = Math.max(...samples.map(({ n }) => n));
    const { at: now, n } = samples.at(-1);
    const scale = Math.max(MIN_SCALE_JOBS, max);
    const points = samples.map((sample) => ({
      at: sample.at,
      x: CHART_WIDTH * (1 - (now - sample.at) / 1000 / HISTORY_S),
      y: (CHART_HEIGHT - 2) * (1 - sample.n / scale) + 1,
    }));
    const lines = splitAtGaps(points).map(stepPath);
    const areas = lines.map(({ path, from, to }) => `${path}L${to} ${CHART_HEIGHT}L${from} ${CHART_HEIGHT}Z`);
    this.#line.setAttribute("d", lines.map(({ path }) => path).join(""));
    this.#area.setAttribute("d", areas.join(""));
    const minutes = HISTORY_S / 60;
    this.#image.setAttribute("aria-label", t("status_chart", { minutes, n, max }));
    const texts = [t("status_chart_caption", { minutes }), t("status_chart_max", { max })];
    this.#caption.replaceChildren(...texts.map((text) => element("span", {}, text)));
  }
}

/** The points in runs without a long gap. */
function splitAtGaps(points) {
  const runs = [];
  for (const point of points) {
    const last = runs.at(-1)?.at(-1);
    if (last && point.at - last.at < MAX_GAP_S * 1000) runs.at(-1).push(point);
    else runs.push([point]);
  }
  return runs;
}

/** A run as an SVG path of steps, since the number of waiting jobs changes at once. */
function stepPath([first, ...rest]) {
  const round = (n) => Math.round(n * 10) / 10;
  const steps = rest.map(({ x, y }) => `H${round(x)}V${round(y)}`).join("");
  const path = `M${round(first.x)} ${round(first.y)}${steps}`;
  return { path, from: round(first.x), to: round((rest.at(-1) ?? first).x) };
}

function svg(name, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}
