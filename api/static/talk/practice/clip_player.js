// A button that fetches a short sound when it is first pressed, and plays it.

import { errorText, t } from "../../i18n/index.js";
import { ApiError, Unreachable } from "../../shared/api.js";
import { SoundButton } from "../../shared/audio_player.js";

const GONE_STATUSES = new Set([404, 410]);

export class ClipPlayer extends SoundButton {
  #isLoading = false;

  /** `load()` gives the recordings, played in turn; `label` names the sound; `showError(text)` says why none plays. */
  constructor(text, label, load, showError) {
    super("choice clip", text);
    Object.assign(this, { label, load, showError });
    this.showState();
  }

  /** Stop, and free the recordings' memory. */
  remove() {
    this.stop();
    this.sources.forEach((url) => URL.revokeObjectURL(url));
    this.sources = [];
  }

  async prepare() {
    if (this.sources.length) return true;
    if (this.#isLoading) return false;
    this.#isLoading = true;
    this.node.setAttribute("aria-busy", "true");
    try {
      this.sources = (await this.load()).map((recording) => URL.createObjectURL(recording));
      return true;
    } catch (error) {
      this.showError(playError(error));
      return false;
    } finally {
      this.#isLoading = false;
      this.node.removeAttribute("aria-busy");
    }
  }
}

/** Why a sound cannot be played, for the reader. Whatever is a bug is thrown again. */
function playError(error) {
  if (error instanceof Unreachable) return t("practice_offline");
  if (error.name === "EncodingError" || GONE_STATUSES.has(error.status)) return t("practice_unplayable");
  if (error instanceof ApiError) return errorText(error);
  throw error;
}
