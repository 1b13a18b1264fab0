// Records a try in its place in the conversation: press, say it, press again.

import { t } from "../../i18n/index.js";
import { makeActive } from "../../shared/audio_player.js";
import { announce, button, element } from "../../shared/dom.js";
import { formatClock } from "../../shared/format.js";
import { drawLevels } from "../level_meter.js";
import { NoMicrophone, Recorder } from "../microphone.js";

const MAX_S = 30; // of one try; a sentence is shorter

export class PracticeRecorder {
  isRecording = false;
  #recorder = new Recorder();
  #isStarting = false;
  #levels = [];
  #timer = null;
  #canvas = element("canvas", { width: 360, height: 72, "aria-hidden": "true" });
  #clock = element("output", { "aria-hidden": "true" });

  /** A try lasts at most `maxS` seconds. `change(note)` is called at each change, `done(capture)` after a recording. */
  constructor(maxS, { change, done }) {
    Object.assign(this, { maxS: Math.min(MAX_S, maxS - 1), change, done });
  }

  /** The button that starts to record, in the reader's language. */
  get button() {
    return (this.focusTarget = button("primary practice-record", "mic", t("record"), () => this.#start()));
  }

  /** What is shown while it records. */
  get node() {
    this.focusTarget = button("primary practice-stop", "send", t("practice_stop"), () => this.#stop());
    const discard = button("round small", "trash", "", () => this.cancel(), t("discard"));
    return element("div", { class: "practice-recording" }, discard, this.#canvas, this.#clock, this.focusTarget);
  }

  async #start() {
    if (this.#isStarting || this.isRecording) return undefined;
    this.#isStarting = true;
    makeActive();
    try {
      await this.#recorder.start(() => {});
    } catch (error) {
      if (!(error instanceof NoMicrophone)) throw error;
      return this.change(t(error.reason));
    } finally {
      this.#isStarting = false;
    }
    this.isRecording = true;
    this.#levels = [];
    this.#timer = setTimeout(() => this.#stop(), this.maxS * 1000);
    this.change();
    this.focusTarget.focus();
    announce(t("recording_now"));
    return this.#showLevel();
  }

  #showLevel() {
    if (!this.isRecording) return;
    this.#levels.push(this.#recorder.level());
    drawLevels(this.#canvas, this.#levels);
    this.#clock.textContent = formatClock(this.#recorder.seconds);
    requestAnimationFrame(() => this.#showLevel());
  }

  async #stop() {
    if (!this.isRecording) return;
    this.isRecording = false;
    clearTimeout(this.#timer);
    const capture = await this.#recorder.stop();
    await this.done(capture);
  }

  cancel() {
    if (!this.isRecording) return;
    this.isRecording = false;
    clearTimeout(this.#timer);
    this.#recorder.cancel();
    this.change();
  }
}
