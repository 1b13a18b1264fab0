// What the learner does after a verdict: hear the better sentence, confirm or mend what was heard, say it again.

import { language, t } from "../i18n/index.js";
import { button, element, icon } from "../shared/dom.js";

export class NextStep {
  node = element("div", { class: "next-step" });
  #shown = ""; // what the nodes are made for
  #field = element("textarea", { rows: 2, required: true, spellcheck: "false" });
  #isMending = false;
  #isSending = false;

  /**
   * `actions`: sayAgain(), and said(words), whose promise ends when the words are sent, `textChars` at most.
   * `taughtLanguage(persona)` is the language that a teacher teaches.
   */
  constructor(actions, { taughtLanguage, textChars }) {
    Object.assign(this, { actions, taughtLanguage });
    this.#field.maxLength = textChars;
  }

  /** Show the next step after a job; what the learner has begun to mend stays. `canBeHeard`: the better sentence. */
  show(job, canBeHeard) {
    const { feedback, links } = job;
    const shown = [feedback.verdict, feedback.heard, links.said, canBeHeard, language].join();
    if (shown === this.#shown) return;
    this.#shown = shown;
    if (!this.#isMending) this.#field.value = feedback.heard;
    this.node.replaceChildren(...(feedback.reset ? [] : this.#nodes(job, canBeHeard)));
  }

  #nodes({ feedback: { verdict, heard }, persona, links }, canBeHeard) {
    if (verdict === "not_heard_well") return this.#heardQuestion(heard, Boolean(links.said));
    if (verdict === "not_understood") return [this.#againButton(t("say_again"))];
    if (verdict === "other_language") return [this.#againButton(t("say_in", { language: this.#languageOf(persona) }))];
    if (verdict === "needs_an_adult") return [element("p", { class: "care" }, icon("heart"), t("next_needs_an_adult"))];
    return verdict === "corrected" && canBeHeard ? [element("p", { class: "small" }, t("next_corrected"))] : [];
  }

  #againButton(text) {
    return button("choice", "mic", text, () => this.actions.sayAgain());
  }

  /** The language that the teacher teaches, in the reader's language. */
  #languageOf(persona) {
    return new Intl.DisplayNames([language], { type: "language" }).of(this.taughtLanguage(persona));
  }

  /** `canBeMended`: the server takes the learner's words in place of what was heard. */
  #heardQuestion(heard, canBeMended) {
    const quote = element("q", {}, heard);
    const question = element("p", { class: "heard" }, t("i_heard"), gap(), quote, " ", t("is_that_right"));
    const again = this.#againButton(t("heard_no"));
    if (!canBeMended) return [question, again];
    const form = this.#form();
    const yes = element("button", { type: "button", class: "choice", click: () => this.#send(heard) }, t("heard_yes"));
    const mend = button("choice", "edit", t("heard_mend"), () => {
      this.#isMending = !this.#isMending;
      form.hidden = !this.#isMending;
      mend.setAttribute("aria-expanded", this.#isMending);
      if (!this.#isMending) return;
      this.#field.focus();
      form.scrollIntoView({ block: "nearest" });
    });
    mend.setAttribute("aria-expanded", this.#isMending);
    return [question, element("div", { class: "choices" }, yes, again, mend), form];
  }

  #form() {
    const submit = (event) => {
      event.preventDefault();
      const words = this.#field.value.trim();
      if (words) this.#send(words);
    };
    const label = element("label", {}, element("span", {}, t("i_said")), this.#field);
    const form = element("form", { submit }, label, element("button", { class: "primary" }, icon("send"), t("send")));
    form.hidden = !this.#isMending;
    return form;
  }

  /** Send the words once: a second press while they are on their way is a mistake. */
  async #send(words) {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      await this.actions.said(words);
    } finally {
      this.#isSending = false;
    }
  }
}

/** A space where the language writes one. */
const gap = () => element("span", { class: "gap" }, " ");
