// From pressing the microphone to sending: the level is seen, it is listened to or not, and thrown away or sent.

import { announce, by, clock } from "./dom.js";
import { say, sayDuration } from "./i18n.js";
import { drawLevels } from "./level.js";
import { NoMicrophone, Recorder } from "./recorder.js";
import { Voice } from "./voice.js";

const QUIET = 0.12; // level below which nobody speaks
const QUIET_S = 3; // seconds of it after which the learner is told
const LAST_S = 15; // seconds before the longest recording ends in which the learner is told

export class Recording {
  #recorder = new Recorder();
  #running = false;
  #kept = null; // {recording, name, seconds, url, voice}: what is listened to before it is sent
  #levels = [];
  #limit = null;

  /** It lasts `longest` seconds at most; `composer` sends it, and gives hints. */
  constructor(longest, draft, composer) {
    Object.assign(this, { longest, draft, composer });
    by("record").addEventListener("click", () => this.#start());
    by("stop").addEventListener("click", () => this.#review());
    by("send").addEventListener("click", () => this.#sendAtOnce());
    by("discard").addEventListener("click", () => this.#discard());
    by("send-kept").addEventListener("click", () => this.#sendKept());
    by("discard-kept").addEventListener("click", () => this.#finish());
  }

  /** What was recorded before the page was closed, if anything was, can be sent now. */
  async takeUp() {
    const found = await this.draft.found();
    if (found) this.#listen(found);
  }

  async #start() {
    try {
      await this.#recorder.start((recorded) => this.draft.keep(recorded));
    } catch (error) {
      if (!(error instanceof NoMicrophone)) throw error;
      return this.composer.hint(error.reason);
    }
    this.#levels = [];
    this.#running = true;
    this.#limit = setTimeout(() => this.#review(), (this.longest - 0.5) * 1000); // also while nobody looks
    show("recording");
    announce(say("listening"));
    by("send").focus();
    return this.#watch();
  }

  /** Show the level and the time until the recording ends. */
  #watch() {
    if (!this.#running) return;
    const { seconds } = this.#recorder;
    this.#levels.push(this.#recorder.level());
    drawLevels(by("level"), this.#levels);
    by("clock").textContent = clock(seconds);
    if (seconds > QUIET_S && !this.#levels.some((level) => level >= QUIET)) this.composer.hint("cannot_hear");
    else if (this.longest - seconds < LAST_S) this.composer.hint("ends_soon", { time: sayDuration(this.longest - seconds) });
    else this.composer.hint("listening");
    requestAnimationFrame(() => this.#watch());
  }

  #stop() {
    this.#running = false;
    clearTimeout(this.#limit);
    return this.#recorder.stop();
  }

  async #review() {
    const recorded = await this.#stop();
    await this.draft.keep(recorded);
    this.#listen(recorded);
  }

  #listen(recorded) {
    const voice = new Voice("your_voice");
    this.#kept = { ...recorded, voice, url: URL.createObjectURL(recorded.recording) };
    voice.set(this.#kept.url, recorded.seconds);
    by("kept").replaceChildren(voice.node);
    show("review");
    this.composer.hint("listen_first");
    by("send-kept").focus();
  }

  async #sendAtOnce() {
    const recorded = await this.#stop();
    if (await this.composer.send(recorded)) return this.#finish();
    this.#listen(recorded);
    return this.composer.hint("no_room");
  }

  async #sendKept() {
    const { recording, name, seconds } = this.#kept;
    this.composer.hint("listen_first"); // if it fails again, that is said again
    if (await this.composer.send({ recording, name, seconds })) await this.#finish();
  }

  #discard() {
    this.#running = false;
    clearTimeout(this.#limit);
    this.#recorder.cancel();
    return this.#finish();
  }

  /** Back to the beginning, without what was recorded. */
  #finish() {
    this.#kept?.voice.stop();
    if (this.#kept) URL.revokeObjectURL(this.#kept.url);
    this.#kept = null;
    show("idle");
    this.composer.hint("hint");
    by("record").focus();
    return this.draft.forget();
  }
}

/** One of the rows "idle", "recording", "review". */
function show(row) {
  for (const each of document.querySelectorAll(".composer .row")) each.hidden = !each.classList.contains(row);
}
