// How fluently texts were read aloud: each figure over the readings as a small chart, with its mean and trend.

import { FIGURES, rangeText } from "../feedback/fluency.js";
import { t } from "../i18n/index.js";
import { element } from "../shared/dom.js";
import { formatDate, formatNumber } from "../shared/format.js";

const [WIDTH, HEIGHT, MARGIN] = [320, 96, 10];
const SVG = "http://www.w3.org/2000/svg";

/** What is said of all readings, and a card for each figure. */
export function fluencyNodes({ readings, figures, needed }) {
  const n = readings.length;
  return {
    count: n < needed ? t("fluency_too_few", { n, needed }) : t("fluency_count", { n }),
    cards: FIGURES.map((name) => figureCard(name, readings, figures[name])),
  };
}

function figureCard(name, readings, figure) {
  const { mean, trend } = figure;
  const summary = mean !== null && [
    element("b", {}, t("fluency_mean", { value: formatNumber(mean) })),
    element("span", {}, t(`fluency_trend_${trend}`)),
  ];
  return element(
    "li",
    { class: "card figure", "data-figure": name, "data-trend": trend },
    element("h3", {}, t(`fluency_${name}`)),
    summary && element("p", { class: "figure-summary" }, summary),
    chart(name, readings, figure),
    element("p", { class: "small" }, rangeText(figure)),
  );
}

/** The readings as points, oldest first, over the range of other speakers; the mean is a dashed line. */
function chart(name, readings, { mean, low, high }) {
  const values = readings.map((reading) => reading[name]);
  const [least, most] = [Math.min(low, ...values), Math.max(high, ...values)];
  const y = (value) => MARGIN + (HEIGHT - 2 * MARGIN) * (1 - (value - least) / (most - least || 1));
  const x = (index) => MARGIN + ((WIDTH - 2 * MARGIN) * (index + 0.5)) / values.length;
  const points = values.map((value, index) => `${round(x(index))},${round(y(value))}`);
  const label = t("fluency_chart", {
    name: t(`fluency_${name}`),
    from: formatDate(readings[0].read_at),
    to: formatDate(readings.at(-1).read_at),
    values: values.map(formatNumber).join(t("comma")),
  });
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
    svg("rect", { class: "range", x: 0, width: WIDTH, y: round(y(high)), height: round(y(low) - y(high)), rx: 4 }),
    mean !== null && svg("line", { class: "mean", x1: 0, x2: WIDTH, y1: round(y(mean)), y2: round(y(mean)) }),
    points.length > 1 && svg("polyline", { class: "readings", points: points.join(" ") }),
    ...values.map((value, index) => svg("circle", { cx: round(x(index)), cy: round(y(value)), r: 4 })),
  );
}

const round = (number) => Math.round(number * 10) / 10;

function svg(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children.filter(Boolean));
  return node;
}
