// Where a turn begins: press and talk, drop or choose a file, or type.

import { announce, by, clock } from "./dom.js";
import { takeWhatIsDropped } from "./dropping.js";
import { changes, say, sayDuration } from "./i18n.js";
import { drawLevels } from "./level.js";
import { NoMicrophone, Recorder } from "./recorder.js";
import { Voice } from "./voice.js";

const QUIET = 0.12; // level below which nobody speaks
const QUIET_S = 3; // seconds of it after which the learner is told

export class Composer {
  #recorder = new Recorder();
  #kept = null; // a recording that is listened to before it is sent
  #levels = [];
  #loudest = 0;
  #limit = null;
  #hinted = ["hint"];

  /** `ask` is given {text, recording, name, seconds} and says whether it took it; until then `draft` keeps it. */
  constructor({ upload_mb, recording_s, text_chars }, draft, ask) {
    Object.assign(this, { uploadMb: upload_mb, longest: recording_s, draft, ask });
    by("text").maxLength = text_chars;
    by("record").addEventListener("click", () => this.#record());
    by("stop").addEventListener("click", () => this.#review());
    by("send").addEventListener("click", () => this.#sendAtOnce());
    by("discard").addEventListener("click", () => this.#discard());
    by("discard-kept").addEventListener("click", () => (this.#again(), this.draft.forget()));
    by("send-kept").addEventListener("click", () => this.#sendKept());
    by("type").addEventListener("submit", (event) => this.#type(event));
    by("file").addEventListener("change", ({ target }) => this.#upload(target));
    changes.addEventListener("change", () => this.#hint(...this.#hinted));
    takeWhatIsDropped(({ files }) => this.#take([...files]));
    this.#hint("hint");
  }

  #hint(key, values) {
    this.#hinted = [key, values];
    const words = say(key, values);
    if (by("hint").textContent !== words) by("hint").textContent = words; // else it would be read aloud again and again
  }

  /** One of the rows "idle", "recording", "review". */
  #show(row) {
    for (const each of document.querySelectorAll(".composer .row")) each.hidden = !each.classList.contains(row);
    document.body.dataset.composer = row;
  }

  async #record() {
    try {
      await this.#recorder.start((recorded) => this.draft.keep(recorded));
    } catch (error) {
      if (!(error instanceof NoMicrophone)) throw error;
      this.#hint(error.reason);
      return;
    }
    this.#levels = [];
    this.#loudest = 0;
    this.#show("recording");
    this.#hint("listening");
    announce(say("listening"));
    by("send").focus();
    this.recording = true;
    this.#limit = setTimeout(() => this.#review(), (this.longest - 0.5) * 1000); // also while nobody looks
    this.#watch();
  }

  /** Draw the level, and mind the time, until the recording ends. */
  #watch() {
    if (!this.recording) return;
    const { seconds } = this.#recorder;
    const level = this.#recorder.level();
    this.#loudest = Math.max(this.#loudest, level);
    this.#levels.push(level);
    drawLevels(by("level"), this.#levels);
    by("clock").textContent = clock(seconds);
    if (this.#loudest < QUIET && seconds > QUIET_S) this.#hint("cannot_hear");
    else if (this.longest - seconds < 15) this.#hint("ends_soon", { time: sayDuration(this.longest - seconds) });
    else this.#hint("listening");
    requestAnimationFrame(() => this.#watch());
  }

  async #end() {
    this.recording = false;
    clearTimeout(this.#limit);
    const recorded = await this.#recorder.stop();
    this.#show("idle");
    this.#hint("hint");
    return recorded;
  }

  async #sendAtOnce() {
    const recorded = await this.#end();
    by("record").focus();
    if (await this.#ask(recorded)) return this.draft.forget();
    this.#listen(recorded);
    this.#hint("no_room");
  }

  async #ask(recorded) {
    const text = this.#typed();
    const taken = await this.ask({ ...recorded, text });
    if (!taken) by("text").value = text;
    return taken;
  }

  /** A recording that was made before the page was closed, if there is one, can be sent now. */
  async takeUp() {
    const found = await this.draft.found();
    if (found) this.#listen(found);
  }

  async #review() {
    const recorded = await this.#end();
    await this.draft.keep(recorded);
    this.#listen(recorded);
  }

  #listen(recorded) {
    this.#kept = { ...recorded, url: URL.createObjectURL(recorded.recording) };
    const voice = new Voice("your_voice");
    voice.set(this.#kept.url, this.#kept.seconds);
    by("kept").replaceChildren(voice.node);
    this.voice = voice;
    this.#show("review");
    this.#hint("listen_first");
    by("send-kept").focus();
  }

  async #sendKept() {
    const { url, ...recorded } = this.#kept;
    if (!(await this.#ask(recorded))) return this.#hint("no_room");
    this.#again();
    return this.draft.forget();
  }

  /** Back to the beginning, without what was recorded. */
  #again() {
    this.voice.stop();
    URL.revokeObjectURL(this.#kept.url);
    this.#kept = null;
    this.#show("idle");
    this.#hint("hint");
    by("record").focus();
  }

  #discard() {
    this.recording = false;
    clearTimeout(this.#limit);
    this.#recorder.cancel();
    this.draft.forget();
    this.#show("idle");
    this.#hint("hint");
    by("record").focus();
  }

  #typed() {
    const { value } = by("text");
    by("text").value = "";
    return value.trim();
  }

  async #type(event) {
    event.preventDefault();
    if (by("text").value.trim() && !(await this.#ask({}))) this.#hint("no_room");
  }

  async #upload(input) {
    const files = [...input.files];
    input.value = "";
    await this.#take(files);
  }

  /** The files that can be sent; the others are named with the reason. */
  async #take(files) {
    for (const file of files) {
      if (file.size > this.uploadMb * 1e6) this.#hint("file_too_large", { name: file.name, mb: this.uploadMb });
      else if (!file.size) this.#hint("file_empty", { name: file.name });
      else if (!(await this.#ask({ recording: file, name: file.name }))) this.#hint("no_room");
    }
  }
}
