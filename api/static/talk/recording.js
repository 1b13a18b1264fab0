// From pressing the microphone to sending: shows the level, offers to listen first, then sends or discards.

import { t } from "../i18n/index.js";
import { AudioPlayer } from "../shared/audio_player.js";
import { $id, announce } from "../shared/dom.js";
import { formatClock, formatDuration } from "../shared/format.js";
import { drawLevels } from "./level_meter.js";
import { NoMicrophone, Recorder } from "./microphone.js";

const SILENCE_LEVEL = 0.12; // below it nobody speaks
const SILENCE_HINT_S = 3; // of silence, after which the hint says so
const END_HINT_S = 15; // before the maximum length, when the hint says so
const END_MARGIN_S = 0.5; // the server refuses a recording that is longer than the limit

export class Recording {
  #recorder = new Recorder();
  #running = false;
  #preview = null; // {recording, name, seconds, url, player}: the recording that is listened to before it is sent
  #levels = [];
  #timer = null;

  /** A recording lasts at most `maxS` seconds; `composer` sends it and shows hints. */
  constructor(maxS, draft, composer) {
    Object.assign(this, { maxS, draft, composer });
    $id("record").addEventListener("click", () => this.#start());
    $id("stop").addEventListener("click", () => this.#review());
    $id("send").addEventListener("click", () => this.#sendNow());
    $id("discard").addEventListener("click", () => this.#discard());
    $id("send-preview").addEventListener("click", () => this.#sendPreview());
    $id("discard-preview").addEventListener("click", () => this.#reset());
  }

  /** Offer what was recorded before the page was closed. */
  async restoreDraft() {
    const capture = await this.draft.restore();
    if (capture) this.#showPreview(capture);
  }

  async #start() {
    try {
      await this.#recorder.start((capture) => this.draft.save(capture));
    } catch (error) {
      if (!(error instanceof NoMicrophone)) throw error;
      return this.composer.showHint(error.reason);
    }
    this.#levels = [];
    this.#running = true;
    this.#timer = setTimeout(() => this.#review(), (this.maxS - END_MARGIN_S) * 1000); // also in a hidden tab
    showRow("recording");
    announce(t("recording_now"));
    $id("send").focus();
    return this.#showLevel();
  }

  /** Show the level and the time until the recording ends. */
  #showLevel() {
    if (!this.#running) return;
    const { seconds } = this.#recorder;
    const leftS = this.maxS - seconds;
    this.#levels.push(this.#recorder.level());
    drawLevels($id("level"), this.#levels);
    $id("clock").textContent = formatClock(seconds);
    if (seconds > SILENCE_HINT_S && !this.#levels.some((level) => level >= SILENCE_LEVEL))
      this.composer.showHint("no_sound");
    else if (leftS < END_HINT_S) this.composer.showHint("ends_soon", { time: formatDuration(leftS) });
    else this.composer.showHint("recording_now");
    requestAnimationFrame(() => this.#showLevel());
  }

  #stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    return this.#recorder.stop();
  }

  async #review() {
    const capture = await this.#stop();
    await this.draft.save(capture);
    this.#showPreview(capture);
  }

  #showPreview(capture) {
    const player = new AudioPlayer("your_voice");
    this.#preview = { ...capture, player, url: URL.createObjectURL(capture.recording) };
    player.setSource(this.#preview.url, capture.seconds);
    $id("preview").replaceChildren(player.node);
    showRow("review");
    this.composer.showHint("listen_first");
    $id("send-preview").focus();
  }

  async #sendNow() {
    const capture = await this.#stop();
    if (await this.composer.send(capture)) return this.#reset();
    this.#showPreview(capture);
    return this.composer.showHint("storage_full");
  }

  async #sendPreview() {
    const { recording, name, seconds } = this.#preview;
    this.composer.showHint("listen_first"); // if it fails again, the error is shown again
    if (await this.composer.send({ recording, name, seconds })) await this.#reset();
  }

  #discard() {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#recorder.cancel();
    return this.#reset();
  }

  /** Back to the start, without the recording. */
  #reset() {
    this.#preview?.player.stop();
    if (this.#preview) URL.revokeObjectURL(this.#preview.url);
    this.#preview = null;
    showRow("idle");
    this.composer.showHint("hint");
    $id("record").focus();
    return this.draft.delete();
  }
}

/** Show one of the rows "idle", "recording", "review". */
function showRow(name) {
  for (const row of document.querySelectorAll(".composer .row")) row.hidden = !row.classList.contains(name);
}
