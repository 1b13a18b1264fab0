// Builds what a page shows. Text is always text: nothing that anybody said is ever read as HTML.

/** A new element with attributes (`class`, `aria-label`, …; listeners as functions; false and null are left out). */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the symbols of icons.svg; it says nothing to a screen reader. */
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  made.append(document.createElementNS(SVG, "use"));
  picture(made, name);
  return made;
}

/** Show another symbol in an icon. */
export function picture(shown, name) {
  shown.firstElementChild.setAttribute("href", `/static/icons.svg#${name}`);
}

/** A button with an icon, and words, or with a label only. */
export function button(kind, name, words, pressed, label = null) {
  return element("button", { type: "button", class: kind, click: pressed, "aria-label": label, title: label }, icon(name), words && element("span", {}, words));
}

export const by = (id) => document.getElementById(id);

/** Seconds as 1:05. */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(Number.isFinite(seconds) ? seconds : 0));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Tell a screen reader, and nobody else. */
export function announce(words) {
  by("said").textContent = words;
}
