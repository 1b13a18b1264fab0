// Helpers for the page's elements. Text is always inserted as text, never parsed as HTML.

import { address } from "./address.js";

export const $id = (id) => document.getElementById(id);

/** A new element with attributes (`class`, `aria-label`, …; listeners as functions; false and null are left out). */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value !== false && value !== null && value !== undefined)
      node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the symbols of icons.svg; screen readers skip it. */
export function icon(name) {
  const node = document.createElementNS(SVG, "svg");
  node.setAttribute("class", "icon");
  node.setAttribute("aria-hidden", "true");
  node.append(document.createElementNS(SVG, "use"));
  setIcon(node, name);
  return node;
}

/** Show another symbol in an icon. */
export function setIcon(node, name) {
  node.firstElementChild.setAttribute("href", address(`static/img/icons.svg#${name}`));
}

/** A button with an icon and a text, or with a label only. */
export function button(kind, symbol, text, onClick, label = null) {
  const attributes = { type: "button", class: kind, click: onClick, "aria-label": label, title: label };
  return element("button", attributes, icon(symbol), text && element("span", {}, text));
}

/** An icon that downloads a file; `label` is its tooltip and its text for screen readers. */
export function downloadLink(href, filename, label) {
  const attributes = { class: "button secondary small", href, download: filename, title: label, "aria-label": label };
  return element("a", attributes, icon("download"));
}

/** Have screen readers read the text aloud. */
export function announce(text) {
  $id("announcement").textContent = text;
}

/** Make `nodes` the children of `list`, in this order, without moving those that stay, so that the focus is kept. */
export function arrangeChildren(list, nodes) {
  const staying = new Set(nodes);
  for (const child of [...list.children]) if (!staying.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
}

/** Make `nodes` the children of `list`; a child that is equal to one of them stays in its place.
 *
 * So the focus is kept, and a click on a button is not lost that is updated between pressing and releasing the mouse.
 * The listeners of the child that stays are the older ones: they must not depend on what has changed since.
 */
export function updateChildren(list, nodes) {
  const present = [...list.children];
  const takeEqual = (node) => {
    const index = present.findIndex((child) => child.isEqualNode(node));
    return index < 0 ? node : present.splice(index, 1)[0];
  };
  arrangeChildren(list, nodes.map(takeEqual));
}

/** On pages whose address names what is open, the skip link must not change the address. */
export function keepAddressOnSkip() {
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    $id("main").focus();
  });
}

/** Show parts of a total in #bar; `parts` are numbers by the class of the bar's children. */
export function showBar(parts, total) {
  const max = Math.max(total, 1);
  for (const child of $id("bar").children) child.style.width = `${(100 * parts[child.className]) / max}%`;
  $id("bar").setAttribute("aria-valuemax", max);
  $id("bar").setAttribute(
    "aria-valuenow",
    Object.values(parts).reduce((sum, part) => sum + part, 0),
  );
}
