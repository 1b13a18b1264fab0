// One turn as it is shown: what the learner said, how far it is, what the teacher answered.

import { button, element, icon } from "./dom.js";
import { say, sayDuration, sayProblem } from "./i18n.js";
import { marked } from "./marks.js";
import { FAULTS } from "./outbox.js";
import { ended } from "./server.js";
import { Voice } from "./voice.js";

const STEPS = ["queued", "transcribing", "thinking", "speaking"];

export class Turn {
  mine = new Voice("your_voice");
  teachers = new Voice("teachers_voice");
  #said = element("div", { class: "said" });
  #does = element("div", { class: "does" });
  #way = element("div", { class: "way" });
  #answer = element("div", { class: "answer" });
  #keep = element("div", { class: "does" });
  #answered = element("div", { class: "bubble teachers" }, this.#answer, element("div", { class: "foot" }, this.teachers.node, this.#keep));
  #parts = 0;
  #spoken = false;

  /** `acts` are what can be done with a turn: cancel, erase, again, discard; each is given the turn. */
  constructor(acts) {
    this.acts = acts;
    this.#answered.hidden = true;
    this.node = element("li", { class: "turn" }, element("div", { class: "bubble mine" }, this.#said, element("div", { class: "foot" }, this.mine.node, this.#does)), this.#way, this.#answered);
  }

  /** A question that this browser still keeps. */
  showKept(item) {
    this.item = item;
    this.node.dataset.state = item.refused ? "refused" : "kept";
    this.#said.replaceChildren(...this.#words(item.fields.text, nameOf(item.recording)));
    if (item.recording) this.hear(item.recording, item.seconds);
    const why = [item.refused ?? item.waits].filter(Boolean).map(sayProblem);
    if (!item.refused && !item.waits) why.push(say("kept_here"));
    this.#way.replaceChildren(element("p", { class: item.refused ? "wrong" : "small" }, icon(item.refused ? "bad" : "waiting"), ...why));
    const again = item.refused && !FAULTS.has(item.refused.code) && button("quiet small", "again", say("try_again"), () => this.acts.sendAgain(this));
    this.#does.replaceChildren(...[again, button("quiet small", "trash", say("discard"), () => this.acts.discard(this))].filter(Boolean));
  }

  /** The learner's own voice, which only this browser has. */
  hear(recording, seconds) {
    if (this.heard) return;
    this.heard = URL.createObjectURL(recording);
    this.mine.set(this.heard, seconds);
    if (this.job) this.#showDoes(this.job);
  }

  show(job) {
    this.job = job;
    this.node.dataset.state = job.state;
    this.node.dataset.job = job.id;
    this.#showSaid(job);
    this.#showWay(job);
    this.#showAnswer(job);
    this.#showDoes(job);
  }

  #words(typed, heard) {
    return [heard, typed].filter(Boolean).map((words) => element("p", { class: "heard" }, words));
  }

  #showSaid({ feedback, transcript, question }) {
    if (!feedback) {
      this.#said.replaceChildren(...this.#words(question.text, transcript ? transcript.text : question.text ? "" : say("a_recording")));
      return;
    }
    const good = !feedback.edits.length && !feedback.reset && feedback.heard === feedback.corrected;
    this.#said.replaceChildren(marked(feedback), ...(good ? [element("p", { class: "good small" }, icon("good"), say("nothing_to_correct"))] : []));
  }

  #showWay(job) {
    if (job.state === "succeeded") this.#way.replaceChildren();
    else if (ended(job)) this.#way.replaceChildren(element("p", { class: "wrong" }, icon("bad"), sayProblem(job.error)));
    else this.#way.replaceChildren(stepper(job), element("p", { class: "small" }, sayWay(job)));
  }

  #showAnswer({ answer, feedback, parts }) {
    if (!feedback || !(answer || parts.length)) return;
    const why = feedback.explanation && element("p", { class: "why" }, feedback.explanation);
    const better = feedback.edits.length > 0 && element("p", { class: "better" }, element("span", { class: "small" }, say("better")), " ", feedback.corrected);
    this.#answer.replaceChildren(...[better, why, element("p", { class: "reply" }, feedback.reply)].filter(Boolean));
    this.#answered.hidden = false;
    if (!answer) return;
    this.teachers.set(answer.audio, answer.duration_s);
    const label = say("download");
    this.#keep.replaceChildren(element("a", { class: "button quiet small", href: answer.audio, download: "", title: label, "aria-label": label }, icon("download")));
  }

  #showDoes(job) {
    const does = [];
    if (!ended(job)) does.push(button("quiet small", "cancel", say("cancel"), () => this.acts.cancel(this)));
    else {
      if (job.error?.retryable && (this.heard || !job.timings.asr)) does.push(button("quiet small", "again", say("try_again"), () => this.acts.again(this)));
      does.push(button("quiet small", "trash", "", () => this.acts.erase(this), say("erase_turn")));
    }
    if (shown(this.#does) !== does.map((each) => each.outerHTML).join("")) this.#does.replaceChildren(...does); // keeps the focus
  }

  /** Let the answer be heard as it comes; once, since the learner may stop it. */
  speak() {
    if (!this.#spoken) this.teachers.speak();
    this.#spoken = true;
  }

  /** One more sentence of the answer is spoken. */
  add({ number, audio, duration_s }) {
    if (number <= this.#parts) return;
    this.#parts = number;
    this.teachers.add(audio, duration_s);
  }

  restart() {
    this.#parts = 0;
    this.teachers.forget();
  }

  remove() {
    this.mine.stop();
    this.teachers.stop();
    if (this.heard) URL.revokeObjectURL(this.heard);
    this.node.remove();
  }
}

/** A file has a name of its own; what was recorded here has none that says anything. */
function nameOf(recording) {
  if (!recording) return "";
  return recording instanceof File ? recording.name : say("a_recording");
}

const shown = (node) => [...node.children].map((each) => each.outerHTML).join("");

/** The stages as steps, the present one marked. Typed words are not listened to. */
function stepper(job) {
  const steps = STEPS.filter((step) => step !== "transcribing" || job.timings.asr);
  const at = steps.indexOf(job.state);
  const each = (step, index) => element("li", { class: index < at ? "past" : index === at ? "now" : "", "aria-current": index === at ? "step" : null }, say(`state_${step}`));
  return element("ol", { class: "steps" }, steps.map(each));
}

/** Its place in the queue and the time to go, as far as anybody knows. */
export function sayWay({ queue_position: place, eta_seconds: seconds }) {
  const known = [place > 1 && say("place", { n: place }), seconds !== null && say("about", { time: sayDuration(seconds) })];
  return known.filter(Boolean).join(say("comma"));
}
