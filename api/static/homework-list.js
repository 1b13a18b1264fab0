// All homework that is set, newest first, and how many have handed in.

import { by, element } from "./dom.js";
import { allHomework, look } from "./homework-api.js";
import { sayDue } from "./homework-due.js";
import { sayHandedIn } from "./homework-head.js";
import { say } from "./i18n.js";
import { excuse } from "./server.js";

const COUNTED = 20; // of the newest: for how many it is asked who has handed in

export class List {
  #all = [];
  #views = new Map(); // id -> the homework with its progress
  #tags = new Map(); // id -> tag of what the count was made from

  /** Ask the server for all of them, and then for how far each of the newest is. */
  async look() {
    try {
      this.#all = await allHomework();
      this.show();
      for (const { id } of this.#all.slice(0, COUNTED)) {
        const found = await look(id, this.#tags.get(id)).catch(unlessErased);
        if (!found) continue;
        this.#tags.set(id, found.tag);
        this.count(found.view);
      }
    } catch (error) {
      excuse(error);
    }
  }

  /** How far one of them is, known from elsewhere. */
  count(view) {
    this.#views.set(view.id, view);
    this.show();
  }

  show() {
    const open = location.hash.slice(1).split("/")[0];
    by("list-none").hidden = this.#all.length > 0;
    by("list").replaceChildren(...this.#all.map((each) => element("li", {}, this.#link(each, each.id === open))));
  }

  #link({ id, title, class_name, due }, open) {
    const view = this.#views.get(id);
    const about = [class_name, due && sayDue(due)].filter(Boolean).join(say("class_between"));
    const held = view?.progress.held > 0 && element("span", { class: "chip held" }, say("homework_held_n", { n: view.progress.held }));
    const count = view && element("span", { class: "count" }, sayHandedIn(view));
    return element("a", { href: `#${id}`, "aria-current": open ? "page" : null }, element("b", {}, title), about && element("small", {}, about), count, held);
  }
}

function unlessErased(error) {
  if (error.code !== "unknown_assignment") throw error;
  return null;
}
