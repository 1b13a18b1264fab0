// One turn of the conversation: the learner's question, the progress, and the teacher's answer.

import { BetterSentence } from "../feedback/better_sentence.js";
import { LessonCard } from "../feedback/lesson_card.js";
import { correctionMarks, gapsNote, recognisedNote, transcriptLine, unclearLegend } from "../feedback/marks.js";
import { studyPlanNodes } from "../feedback/study_plan.js";
import { explanationNodes, hasCorrections, verdictLine } from "../feedback/verdicts.js";
import { errorText, t } from "../i18n/index.js";
import { hasEnded } from "../shared/api.js";
import { AudioPlayer } from "../shared/audio_player.js";
import { button, downloadLink, element, icon, updateChildren } from "../shared/dom.js";
import { formatDuration } from "../shared/format.js";
import { RECORDING_ERRORS } from "../shared/outbox.js";
import { stepClass, STEPS } from "../shared/state_badge.js";
import { NextStep } from "./next_step.js";

export class Turn {
  #question = new Bubble("from-learner", "transcript", "your_voice");
  #status = element("div", { class: "turn-status" });
  #answer = new Bubble("from-teacher", "answer", "teachers_voice");
  #recording = null; // where this browser has it
  #sentences = 0; // of the answer, added so far
  #autoplayed = false;
  #betterSentence = new BetterSentence();
  #card = new LessonCard();
  #nextStep;

  /**
   * `actions` are the buttons' functions: cancel, erase, askAgain, resend, discard, sayAgain, said; each gets the turn,
   * the last one the learner's words as well. `options` are those of NextStep, and `practices`.
   */
  constructor(actions, options) {
    this.actions = actions;
    const [sayAgain, said] = [() => actions.sayAgain(this), (words) => actions.said(this, words)];
    this.#nextStep = new NextStep({ sayAgain, said }, options);
    this.#answer.content.after(this.#nextStep.node);
    this.practices = options.practices;
    this.#answer.node.hidden = true;
    this.node = element("li", { class: "turn" }, this.#question.node, this.#status, this.#answer.node);
  }

  /** Show a question that the server has not accepted yet. */
  showItem(item) {
    this.item = item;
    this.node.dataset.state = item.refused ? "refused" : "unsent";
    this.#question.content.replaceChildren(...lines(item.recording && recordingName(item.recording), item.fields.text));
    if (item.recording) this.attachRecording(item.recording, item.seconds);
    const reason = item.refused ?? item.waits;
    const text = reason ? errorText(reason) : t("saved_in_browser");
    const kind = item.refused ? "error" : "small";
    this.#status.replaceChildren(element("p", { class: kind }, icon(item.refused ? "bad" : "waiting"), text));
    const actions = [this.#button("trash", "discard", "discard")];
    if (item.refused && !RECORDING_ERRORS.has(item.refused.code)) {
      actions.unshift(this.#button("again", "try_again", "resend"));
    }
    this.#question.setActions(actions);
  }

  /** The learner's own recording, which only this browser has. */
  attachRecording(recording, seconds) {
    if (this.recordingUrl) return;
    this.#recording = recording;
    this.recordingUrl = URL.createObjectURL(recording);
    this.#question.player.setSource(this.recordingUrl, seconds);
    if (!this.job) return;
    this.#showQuestion(this.job); // which has the file's name, if nothing was transcribed
    this.#showActions(this.job);
  }

  showJob(job) {
    this.job = job;
    this.node.dataset.state = job.state;
    this.node.dataset.job = job.id;
    if (job.feedback) this.node.dataset.verdict = job.feedback.verdict;
    this.#showQuestion(job);
    this.#showStatus(job);
    this.#showAnswer(job);
    this.#showActions(job);
  }

  #button(symbol, key, action) {
    return button("secondary small", symbol, t(key), () => this.actions[action](this));
  }

  #showQuestion(job) {
    const { feedback, transcript, question } = job;
    const spokenText = transcript ? transcript.text : question.text ? "" : recordingName(this.#recording);
    const texts = question.said ? [question.said] : [spokenText, question.text];
    const content = feedback ? feedbackNodes(feedback, isOfPlan(job)) : lines(...texts);
    this.#question.content.replaceChildren(...[...content, recognisedNote(job), gapsNote(transcript)].filter(Boolean));
  }

  #showStatus(job) {
    if (job.state === "succeeded") this.#status.replaceChildren();
    else if (!hasEnded(job))
      this.#status.replaceChildren(stepList(job), element("p", { class: "small" }, waitText(job)));
    else this.#status.replaceChildren(element("p", { class: "error" }, icon("bad"), errorText(job.error)));
  }

  #showAnswer(job) {
    const { answer, feedback, parts } = job;
    if (!feedback || !(answer || parts.length)) return;
    const better = hasCorrections(feedback) && this.#betterSentence.show(feedback, parts);
    const isAsked = feedback.verdict === "not_heard_well"; // in the reader's language, by the next step
    const reply = feedback.reply && !isAsked && element("p", { class: "reply" }, feedback.reply);
    const why = explanationNodes(feedback);
    const begin = () => this.actions.sayAgain(this);
    const said = feedback.verdict === "needs_an_adult" ? [reply, ...why] : [...why, reply];
    const content = [
      better && element("p", { class: "corrected" }, element("span", { class: "small" }, t("corrected")), " ", better),
      ...(job.plan ? studyPlanNodes(job.plan, begin) : said),
    ];
    this.#nextStep.show(job, better instanceof Element);
    this.#answer.content.replaceChildren(...content.filter(Boolean));
    this.#answer.node.hidden = false;
    this.#showPractice(job);
    if (!answer) return;
    this.#answer.player.setSource(answer.audio, answer.duration_s);
    this.#answer.setActions([downloadLink(answer.audio, "", t("download_answer"))]);
    this.#card.show(job);
    if (!this.#card.node.hidden) this.#answer.node.append(this.#card.node);
  }

  #showPractice(job) {
    const practice = this.practices.of(job.id);
    practice.show(job);
    if (!practice.node.isConnected) this.#nextStep.node.after(practice.node);
  }

  #showActions(job) {
    if (!hasEnded(job)) return this.#question.setActions([this.#button("cancel", "cancel", "cancel")]);
    const remove = button("secondary small", "trash", "", () => this.actions.erase(this), t("delete_turn"));
    const canAskAgain = job.error?.retryable && (this.recordingUrl || !job.timings.asr);
    return this.#question.setActions([canAskAgain && this.#button("again", "try_again", "askAgain"), remove]);
  }

  /** Play the answer as it arrives; only once, since the learner may stop it. */
  playAnswer() {
    if (!this.#autoplayed) this.#answer.player.playAll();
    this.#autoplayed = true;
  }

  /** Add the next sentence of an answer that is not complete yet. */
  addSentence({ number, audio, duration_s }) {
    if (number <= this.#sentences) return;
    this.#sentences = number;
    this.#answer.player.addSentence(audio, duration_s);
  }

  restartAnswer() {
    this.#sentences = 0;
    this.#answer.player.clearSentences();
  }

  remove() {
    this.#question.player.stop();
    this.#answer.player.stop();
    this.#betterSentence.stop();
    this.#card.stop();
    if (this.recordingUrl) URL.revokeObjectURL(this.recordingUrl);
    this.node.remove();
  }
}

/** A speech bubble: its content, and below it a player and buttons. */
class Bubble {
  #actions = element("div", { class: "actions" });

  constructor(side, contentClass, speaker) {
    this.content = element("div", { class: contentClass });
    this.player = new AudioPlayer(speaker);
    const footer = element("div", { class: "bubble-footer" }, this.player.node, this.#actions);
    this.node = element("div", { class: `bubble ${side}` }, this.content, footer);
  }

  setActions(actions) {
    updateChildren(this.#actions, actions.filter(Boolean));
  }
}

const lines = (...texts) => texts.filter(Boolean).map((text) => transcriptLine(text));

/** Whether a study plan was asked for, or a question before it answered: words that are no practice. */
const isOfPlan = ({ plan, feedback }) => Boolean(plan || feedback.plan_question);

/**
 * What was said, with its marks and the verdict. What needs an adult has neither: the teacher's words come first. What
 * is about a study plan has no verdict.
 */
function feedbackNodes(feedback, isAboutPlan) {
  const verdict = feedback.verdict === "needs_an_adult" || isAboutPlan ? null : verdictLine(feedback);
  return [correctionMarks(feedback), verdict, unclearLegend(feedback)];
}

/** A file's name; a general one for what was recorded in the browser, or sent from another device. */
const recordingName = (recording) => (recording instanceof File ? recording.name : t("voice_recording"));

/** The stages as steps, the current one marked. Typed text is not transcribed. */
function stepList(job) {
  const steps = STEPS.filter((step) => step !== "transcribing" || job.timings.asr);
  const current = steps.indexOf(job.state);
  const item = (step, index) => {
    const attributes = { class: stepClass(index, current), "aria-current": index === current ? "step" : null };
    return element("li", attributes, t(`state_${step}`));
  };
  return element("ol", { class: "steps" }, steps.map(item));
}

/** The position in the queue and the time left, if known. */
function waitText({ queue_position: position, eta_seconds: seconds }) {
  const parts = [
    position > 1 && t("queue_position", { n: position }),
    seconds !== null && t("time_left", { time: formatDuration(seconds) }),
  ];
  return parts.filter(Boolean).join(t("comma"));
}
