// The player of one answer among many. Thirty would be too much: each comes to be when it is wanted.

import { button } from "./dom.js";
import { say } from "./i18n.js";
import { Voice } from "./voice.js";

export class Player {
  #voice = null;

  /** `answer` is a job's; `who` is whose player it is, for who cannot see it. */
  constructor({ audio, duration_s }, who) {
    Object.assign(this, { audio, duration_s });
    this.node = button("round small", "play", "", () => this.#begin(), say("play_voice", { who }));
  }

  /** Whether it was ever pressed; until then another one may stand in its place unnoticed. */
  get begun() {
    return this.#voice !== null;
  }

  #begin() {
    this.#voice = new Voice("teachers_voice");
    this.#voice.set(this.audio, this.duration_s);
    this.node.replaceWith(this.#voice.node);
    this.node = this.#voice.node;
    this.node.querySelector("button").focus();
    this.#voice.speak();
  }

  stop() {
    this.#voice?.stop();
  }
}
