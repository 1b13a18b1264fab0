// The list of all homework, newest first, and how many students have handed in.

import { t } from "../i18n/index.js";
import { rethrowUnlessTemporary } from "../shared/api.js";
import { $id, element, updateChildren } from "../shared/dom.js";
import { fetchAssignment, listAssignments } from "./api.js";
import { formatDue } from "./due.js";
import { handedInText } from "./summary.js";

const MAX_WITH_PROGRESS = 20; // the newest ones; the progress of each takes a request

export class AssignmentList {
  #assignments = [];
  #withProgress = new Map(); // id -> the assignment with its progress
  #etags = new Map(); // id -> ETag of the progress that is shown

  /** Read all of them, and then the progress of each of the newest. */
  async refresh() {
    try {
      this.#assignments = await listAssignments();
      this.show();
      for (const { id } of this.#assignments.slice(0, MAX_WITH_PROGRESS)) {
        const response = await fetchAssignment(id, this.#etags.get(id)).catch(nullIfDeleted);
        if (!response) continue;
        this.#etags.set(id, response.etag);
        this.showProgress(response.data);
      }
    } catch (error) {
      rethrowUnlessTemporary(error);
    }
  }

  /** Show the progress of one of them. */
  showProgress(assignment) {
    this.#withProgress.set(assignment.id, assignment);
    this.show();
  }

  show() {
    const openId = location.hash.slice(1).split("/")[0];
    $id("list-empty").hidden = this.#assignments.length > 0;
    const items = this.#assignments.map((assignment) => element("li", {}, this.#link(assignment, openId)));
    updateChildren($id("list"), items);
  }

  #link({ id, title, class_name, due }, openId) {
    const assignment = this.#withProgress.get(id);
    const held = assignment?.progress.held;
    const facts = [class_name, due && formatDue(due)].filter(Boolean).join(t("separator"));
    return element(
      "a",
      { href: `#${id}`, "aria-current": id === openId ? "page" : null },
      element("b", {}, title),
      facts && element("small", {}, facts),
      assignment && element("span", { class: "count" }, handedInText(assignment)),
      held > 0 && element("span", { class: "badge held" }, t("homework_held_n", { n: held })),
    );
  }
}

function nullIfDeleted(error) {
  if (error.code !== "unknown_assignment") throw error;
  return null;
}
