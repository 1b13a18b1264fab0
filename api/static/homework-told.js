// Says what the server does not do of what a teacher asked for by pressing a button.

import { announce } from "./dom.js";
import { say, sayProblem } from "./i18n.js";
import { Problem, Unreachable } from "./server.js";

/** Wait for what was asked of the server; what goes wrong is said, and null is given. */
export async function told(asked) {
  complain("");
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
    complain(error instanceof Problem ? sayProblem(error) : say("class_later"));
    return null;
  }
}

/** Say what is wrong wherever the teacher looks, or with "" that nothing is any more. */
export function complain(words) {
  for (const place of document.querySelectorAll(".trouble")) {
    place.textContent = words;
    place.hidden = !words;
  }
}

/** What could not be done of what was asked for a whole class. */
export function sayRefused({ jobs, refused }) {
  announce(say("homework_asked_n", { n: jobs.length }));
  if (refused.length) complain(say("homework_refused_n", { n: refused.length, names: refused.map((each) => `${each.student}: ${sayProblem(each)}`).join(" ") }));
}
