// Plays a recording or an answer: a button, the position, the duration. Only one player plays at a time.

import { languageEvents, t } from "../i18n/index.js";
import { button, element, icon, setIcon } from "./dom.js";
import { formatClock } from "./format.js";

let activePlayer = null;

/** Stop what plays; `player`, which has stop(), plays next, if there is one. */
export function makeActive(player = null) {
  if (activePlayer !== player) activePlayer?.stop();
  activePlayer = player;
}

export class AudioPlayer {
  #audio = new Audio();
  #icon = icon("play");
  #button = element("button", { type: "button", class: "round small", click: () => this.toggle() }, this.#icon);
  #position = element("input", { type: "range", min: 0, max: 1000, value: 0, input: () => this.#seek() });
  #time = element("output", { "aria-hidden": "true" });
  #full = null; // the full recording: {url, seconds}
  #sentences = []; // to be played until the full recording has arrived: {url, seconds}
  #playedS = 0; // seconds of the sentences played so far

  /** `speakerKey` is the key of the text that names the speaker. */
  constructor(speakerKey) {
    this.speakerKey = speakerKey;
    this.node = element("div", { class: "audio-player" }, this.#button, this.#position, this.#time);
    this.node.hidden = true;
    this.#audio.preload = "none";
    for (const event of ["play", "pause", "timeupdate", "durationchange"]) {
      this.#audio.addEventListener(event, () => this.#show());
    }
    this.#audio.addEventListener("ended", () => this.#ended());
    languageEvents.addEventListener("change", () => this.#show());
  }

  get playing() {
    return !this.#audio.paused;
  }

  /** Set the full recording. Sentences that are being played are finished first. */
  setSource(url, seconds) {
    if (this.#full?.url === url) return;
    this.#full = { url, seconds };
    this.node.hidden = false;
    const untouched = !this.#playedS;
    if (!this.playing && !this.#sentences.length) {
      this.#load();
      if (this.autoplay && untouched) this.play();
    }
    this.#show();
  }

  /** Add a sentence that arrived before the full recording. */
  addSentence(url, seconds) {
    this.#sentences.push({ url, seconds });
    this.node.hidden = false;
    if (!this.playing && this.autoplay) this.#next();
  }

  /** Forget the sentences: the server sends them again from the first. */
  clearSentences() {
    this.#sentences = [];
  }

  /** Play what has arrived, and the rest as it arrives; false when the browser blocks autoplay. */
  async playAll() {
    this.autoplay = true;
    if (this.playing) return true;
    if (this.#sentences.length) return this.#next();
    return this.#full ? this.play() : true;
  }

  async play() {
    makeActive(this);
    this.autoplay = true;
    try {
      await this.#audio.play();
      return true;
    } catch (error) {
      if (error.name === "AbortError") return true; // something else was played meanwhile
      if (error.name !== "NotAllowedError") throw error;
      this.node.classList.add("autoplay-blocked");
      return false;
    } finally {
      this.#show();
    }
  }

  /** Play the full recording from this second on. */
  playFrom(seconds) {
    if (!this.#playsFull()) this.#load();
    this.#audio.currentTime = seconds;
    return this.play();
  }

  stop() {
    this.autoplay = false;
    this.#audio.pause();
  }

  toggle() {
    if (this.playing) this.stop();
    else if (!this.#audio.getAttribute("src")) this.playAll();
    else this.play();
  }

  #load() {
    this.#playedS = 0;
    this.#audio.src = this.#full.url;
  }

  #ended() {
    if (this.#playsFull()) return this.#show();
    this.#playedS += this.#audio.duration;
    this.#audio.removeAttribute("src");
    this.#audio.load();
    return this.#next();
  }

  /** Play the next sentence; after the last one, make the full recording ready. */
  async #next() {
    const sentence = this.#sentences.shift();
    if (sentence) {
      this.#audio.src = sentence.url;
      return this.play();
    }
    if (this.#full && !this.#playsFull()) this.#load();
    this.#show();
    return true;
  }

  #playsFull() {
    return this.#full && this.#audio.getAttribute("src") === this.#full.url;
  }

  #duration() {
    return this.#full?.seconds || (Number.isFinite(this.#audio.duration) ? this.#audio.duration : 0);
  }

  #seek() {
    if (!this.#playsFull()) return;
    this.#audio.currentTime = (this.#position.value / 1000) * this.#duration();
  }

  #show() {
    const position = this.#playedS + this.#audio.currentTime;
    const duration = Math.max(this.#duration(), position);
    const fraction = duration ? position / duration : 0;
    setIcon(this.#icon, this.playing ? "pause" : "play");
    if (this.playing) this.node.classList.remove("autoplay-blocked");
    const speaker = t(this.speakerKey);
    this.#button.setAttribute("aria-label", t(this.playing ? "pause" : "play", { speaker }));
    this.#position.setAttribute("aria-label", t("play_position", { speaker }));
    this.#position.setAttribute("aria-valuetext", `${formatClock(position)} / ${formatClock(duration)}`);
    this.#position.value = 1000 * fraction;
    this.#position.style.setProperty("--done", `${100 * fraction}%`);
    this.#time.textContent = formatClock(position || duration);
  }
}

/** A button that plays one or more recordings in turn: `sources`, their addresses. `label` names them when it is read. */
export class SoundButton {
  sources = [];
  label = "";
  #audio = new Audio();
  #icon = icon("play");
  #next = 0; // the index of the source after the one that is played

  constructor(kind, text = "") {
    this.text = element("span", {}, text);
    this.node = element("button", { type: "button", class: kind, click: () => this.#toggle() }, this.#icon, this.text);
    for (const event of ["play", "pause"]) this.#audio.addEventListener(event, () => this.showState());
    this.#audio.addEventListener("ended", () => this.#next < this.sources.length && this.#play());
  }

  stop() {
    this.#audio.pause();
  }

  /** Make the sources ready; false where they cannot be played now. */
  async prepare() {
    return true;
  }

  async #toggle() {
    if (!this.#audio.paused) return this.stop();
    if (!(await this.prepare())) return undefined;
    makeActive(this);
    this.#next = 0;
    return this.#play();
  }

  async #play() {
    this.#audio.src = this.sources[this.#next];
    this.#next += 1;
    try {
      await this.#audio.play();
    } catch (error) {
      if (error.name !== "AbortError") throw error; // it was stopped before it began
    }
  }

  /** Show whether it plays, also between two sources. */
  showState() {
    const isPlaying = !this.#audio.paused || (this.#audio.ended && this.#next < this.sources.length);
    setIcon(this.#icon, isPlaying ? "pause" : "play");
    this.node.setAttribute("aria-label", t(isPlaying ? "pause" : "play", { speaker: this.label }));
  }
}

/** Plays a sentence by itself: a button with its words. */
export class SentencePlayer extends SoundButton {
  constructor() {
    super("sentence");
  }

  /** The button for these words and the addresses of their recordings. */
  show(words, sources) {
    this.text.textContent = words;
    Object.assign(this, { label: words, sources });
    this.showState();
    return this.node;
  }
}

/** The player of one answer among many: a page with many players would be slow, so each is made when first used. */
export class LazyAudioPlayer {
  #player = null;

  /** {audio, duration_s} is a job's answer or card; `speaker` names the row for screen readers, `voiceKey` who speaks. */
  constructor({ audio, duration_s }, speaker, voiceKey = "teachers_voice") {
    Object.assign(this, { audio, duration_s, voiceKey });
    this.node = button("round small", "play", "", () => this.#start(), t("play", { speaker }));
  }

  /** Whether it was used; until then it can be replaced without losing the position. */
  get started() {
    return this.#player !== null;
  }

  #start() {
    this.#player = new AudioPlayer(this.voiceKey);
    this.#player.setSource(this.audio, this.duration_s);
    this.node.replaceWith(this.#player.node);
    this.node = this.#player.node;
    this.node.querySelector("button").focus();
    this.#player.playAll();
  }

  stop() {
    this.#player?.stop();
  }
}
