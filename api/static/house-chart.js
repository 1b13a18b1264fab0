// What waited before a model during the last minutes, drawn as a small chart that can also be read.

import { element } from "./dom.js";
import { say } from "./i18n.js";

const KEPT_S = 300; // seconds that the chart shows
const GAP_S = 10; // seconds without a sample after which nobody looked
const LEAST = 4; // jobs that the chart is high, at least: one job is no mountain
const [WIDTH, HEIGHT] = [300, 48];
const KEY = "house-waited";

/** Samples {at, asr, llm, tts} while the page is open; a reload keeps them. */
export class Waited {
  #kept = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");

  add(at, stages) {
    const sample = { at, ...Object.fromEntries(stages.map(({ stage, waiting }) => [stage, waiting])) };
    this.#kept = [...this.#kept.filter((each) => each.at > at - KEPT_S * 1000 && each.at < at), sample];
    sessionStorage.setItem(KEY, JSON.stringify(this.#kept));
  }

  of(stage) {
    return this.#kept.map((each) => ({ at: each.at, n: each[stage] }));
  }
}

/** A figure whose picture has a name that says the same as the curve. */
export class Chart {
  #area = svg("path", { class: "area" });
  #line = svg("path", { class: "line" });
  #picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" }, this.#area, this.#line);
  #caption = element("figcaption");
  node = element("figure", { class: "waited" }, this.#picture, this.#caption);

  show(samples) {
    const most = Math.max(...samples.map(({ n }) => n));
    const now = samples.at(-1);
    const high = Math.max(LEAST, most);
    const points = samples.map(({ at, n }) => ({ at, x: WIDTH * (1 - (now.at - at) / 1000 / KEPT_S), y: (HEIGHT - 2) * (1 - n / high) + 1 }));
    const lines = runs(points).map(steps);
    this.#line.setAttribute("d", lines.map(({ d }) => d).join(""));
    this.#area.setAttribute("d", lines.map(({ d, from, to }) => `${d}L${to} ${HEIGHT}L${from} ${HEIGHT}Z`).join(""));
    this.#picture.setAttribute("aria-label", say("house_chart", { minutes: KEPT_S / 60, n: now.n, most }));
    this.#caption.replaceChildren(element("span", {}, say("house_chart_caption", { minutes: KEPT_S / 60 })), element("span", {}, say("house_most", { most })));
  }
}

/** The points in runs during which somebody looked. */
function runs(points) {
  return points.reduce((found, point) => {
    const last = found.at(-1)?.at(-1);
    if (last && point.at - last.at < GAP_S * 1000) found.at(-1).push(point);
    else found.push([point]);
    return found;
  }, []);
}

/** A run as steps: what waits changes at once. */
function steps(run) {
  const round = (n) => Math.round(n * 10) / 10;
  const from = round(run[0].x);
  const d = `M${from} ${round(run[0].y)}${run.slice(1).map(({ x, y }) => `H${round(x)}V${round(y)}`).join("")}`;
  return { d, from, to: round(run.at(-1).x) };
}

function svg(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
