// A button that fetches a short sound when it is first pressed, and plays it.

import { errorText, t } from "../../i18n/index.js";
import { ApiError, Unreachable } from "../../shared/api.js";
import { makeActive } from "../../shared/audio_player.js";
import { element, icon, setIcon } from "../../shared/dom.js";

const GONE_STATUSES = new Set([404, 410]);

export class ClipPlayer {
  #audio = new Audio();
  #icon = icon("play");
  #urls = null; // of the recordings, once they were fetched
  #next = 0; // the index of the recording after the one that is played
  #isLoading = false;

  /** `load()` gives the recordings, played in turn; `label` names the sound; `showError(text)` says why none plays. */
  constructor(text, label, load, showError) {
    Object.assign(this, { label, load, showError });
    this.node = element(
      "button",
      { type: "button", class: "choice clip", click: () => this.#toggle() },
      this.#icon,
      element("span", {}, text),
    );
    for (const event of ["play", "pause"]) this.#audio.addEventListener(event, () => this.#show());
    this.#audio.addEventListener("ended", () => this.#next < this.#urls.length && this.#play());
    this.#show();
  }

  stop() {
    this.#audio.pause();
  }

  /** Stop, and free the recordings' memory. */
  remove() {
    this.stop();
    this.#urls?.forEach((url) => URL.revokeObjectURL(url));
    this.#urls = null;
  }

  async #toggle() {
    if (!this.#audio.paused) return this.stop();
    if (this.#isLoading || !(await this.#prepare())) return undefined;
    makeActive(this);
    this.#next = 0;
    return this.#play();
  }

  /** Fetch what is to be played; false when that is not possible now. */
  async #prepare() {
    if (this.#urls) return true;
    this.#isLoading = true;
    this.node.setAttribute("aria-busy", "true");
    try {
      this.#urls = (await this.load()).map((recording) => URL.createObjectURL(recording));
      return true;
    } catch (error) {
      this.showError(playError(error));
      return false;
    } finally {
      this.#isLoading = false;
      this.node.removeAttribute("aria-busy");
    }
  }

  async #play() {
    this.#audio.src = this.#urls[this.#next];
    this.#next += 1;
    try {
      await this.#audio.play();
    } catch (error) {
      if (error.name !== "AbortError") throw error; // it was stopped before it began
    }
  }

  #show() {
    const isPlaying = !this.#audio.paused || (this.#audio.ended && this.#next < (this.#urls?.length ?? 0));
    setIcon(this.#icon, isPlaying ? "pause" : "play");
    this.node.setAttribute("aria-label", t(isPlaying ? "pause" : "play", { speaker: this.label }));
  }
}

/** Why a sound cannot be played, for the reader. Whatever is a bug is thrown again. */
function playError(error) {
  if (error instanceof Unreachable) return t("practice_offline");
  if (error.name === "EncodingError" || GONE_STATUSES.has(error.status)) return t("practice_unplayable");
  if (error instanceof ApiError) return errorText(error);
  throw error;
}
