// A voice to be heard: a button, how far it is, and how long. One at a time speaks.

import { clock, element, icon, picture } from "./dom.js";
import { changes, say } from "./i18n.js";

let speaking = null;

export class Voice {
  #audio = new Audio();
  #picture = icon("play");
  #button = element("button", { type: "button", class: "round small", click: () => this.toggle() }, this.#picture);
  #place = element("input", { type: "range", min: 0, max: 1000, value: 0, input: () => this.#jump() });
  #time = element("output", { "aria-hidden": "true" });
  #whole = null; // what is heard when it is played from the start: {url, seconds}
  #sentences = []; // those still to be heard while the whole is not there yet: {url, seconds}
  #before = 0; // seconds of the sentences that were heard already

  /** `who` is a key of the page's words: whose voice it is. */
  constructor(who) {
    this.who = who;
    this.node = element("div", { class: "voice" }, this.#button, this.#place, this.#time);
    this.node.hidden = true;
    this.#audio.preload = "none";
    for (const event of ["play", "pause", "timeupdate", "durationchange"]) this.#audio.addEventListener(event, () => this.#show());
    this.#audio.addEventListener("ended", () => this.#ended());
    changes.addEventListener("change", () => this.#show());
  }

  get playing() {
    return !this.#audio.paused;
  }

  /** The whole is there; it lasts so many seconds. Sentences that are being heard are heard to their end. */
  set(url, seconds) {
    if (this.#whole?.url === url) return;
    this.#whole = { url, seconds };
    this.node.hidden = false;
    const unheard = !this.#before;
    if (!this.playing && !this.#sentences.length) {
      this.#load();
      if (this.wanted && unheard) this.play();
    }
    this.#show();
  }

  /** One more sentence is there, before the whole is. */
  add(url, seconds) {
    this.#sentences.push({ url, seconds });
    this.node.hidden = false;
    if (!this.playing && this.wanted) this.#next();
  }

  /** The sentences begin again. */
  forget() {
    this.#sentences = [];
  }

  /** Begin to speak, from now on also as sentences come; false when the browser wants a press first. */
  async speak() {
    this.wanted = true;
    if (this.playing) return true;
    return this.#sentences.length ? this.#next() : this.#whole ? this.play() : true;
  }

  async play() {
    if (speaking !== this) speaking?.stop();
    speaking = this;
    this.wanted = true;
    try {
      await this.#audio.play();
      return true;
    } catch (error) {
      if (error.name === "AbortError") return true; // something else was played meanwhile
      if (error.name !== "NotAllowedError") throw error;
      this.node.classList.add("asks");
      return false;
    } finally {
      this.#show();
    }
  }

  stop() {
    this.wanted = false;
    this.#audio.pause();
  }

  toggle() {
    if (this.playing) this.stop();
    else if (!this.#audio.getAttribute("src")) this.speak();
    else this.play();
  }

  #load() {
    this.#before = 0;
    this.#audio.src = this.#whole.url;
  }

  #ended() {
    if (this.#isWhole()) return this.#show();
    this.#before += this.#audio.duration;
    this.#audio.removeAttribute("src");
    this.#audio.load();
    return this.#next();
  }

  /** The next sentence; when there is none, the whole as soon as that is there. */
  async #next() {
    const sentence = this.#sentences.shift();
    if (sentence) {
      this.#audio.src = sentence.url;
      return this.play();
    }
    if (this.#whole && !this.#isWhole()) this.#load();
    this.#show();
    return true;
  }

  #isWhole() {
    return this.#whole && this.#audio.getAttribute("src") === this.#whole.url;
  }

  #seconds() {
    return this.#whole?.seconds || (Number.isFinite(this.#audio.duration) ? this.#audio.duration : 0);
  }

  #jump() {
    if (!this.#isWhole()) return;
    this.#audio.currentTime = (this.#place.value / 1000) * this.#seconds();
  }

  #show() {
    const at = this.#before + this.#audio.currentTime;
    const all = Math.max(this.#seconds(), at);
    picture(this.#picture, this.playing ? "pause" : "play");
    if (this.playing) this.node.classList.remove("asks");
    const who = say(this.who);
    this.#button.setAttribute("aria-label", say(this.playing ? "pause_voice" : "play_voice", { who }));
    this.#place.setAttribute("aria-label", say("place_in_voice", { who }));
    this.#place.setAttribute("aria-valuetext", `${clock(at)} / ${clock(all)}`);
    this.#place.value = all ? (1000 * at) / all : 0;
    this.#place.style.setProperty("--done", `${all ? (100 * at) / all : 0}%`);
    this.#time.textContent = at ? clock(at) : clock(all);
  }
}
