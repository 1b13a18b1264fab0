// Saying a better sentence again: hear it, record it, see what became clearer; three times, then on.

import { errorText, language, t } from "../../i18n/index.js";
import { ApiError, fetchJson, hasEnded, rethrowUnlessTemporary } from "../../shared/api.js";
import { AudioPlayer } from "../../shared/audio_player.js";
import { get } from "../../shared/db.js";
import { announce, button, element, icon } from "../../shared/dom.js";
import { ClipPlayer } from "./clip_player.js";
import { PracticeRecorder } from "./recorder.js";
import { betterSentence, betterSentenceSlowly, hasOwnRecording, ownClip, spokenWord } from "./sources.js";
import { triedNodes, wordsToHear } from "./tried_words.js";

const MAX_TRIES = 3; // as the server has it
const WAIT_S = 20; // for which the server may hold a request until a try is recognised
const GONE_STATUSES = new Set([404, 409, 410]);

export class Practice {
  node = element("div", { class: "practice" });
  #job = null;
  #isOpen = false;
  #hasOwnRecording = false; // of what was said before it was corrected
  #tries = []; // as the server has them
  #left = MAX_TRIES; // how many more it accepts
  #isRead = false; // the tries, once at least
  #items = []; // those that are not sent yet
  #unstored = null; // a recording for which the browser has no room
  #note = ""; // why something was not played or recorded
  #clips = new Map(); // key -> its ClipPlayer
  #players = new Map(); // id of a try or an item -> {player, url} of the learner's own recording
  #isFollowing = false;
  #followAgain = false;
  #isRemoved = false;

  /** `options`: maxS, keepsRecordings, doneKey; send(id, capture), which is false when it was not stored; discard(item). */
  constructor(id, options) {
    Object.assign(this, { id, options });
    const change = (note = "") => {
      this.#note = note;
      this.#render();
    };
    this.recorder = new PracticeRecorder(options.maxS, { change, done: (capture) => this.#send(capture) });
  }

  /** Show the practice of a job, in the reader's language; nothing where nothing was corrected. */
  show(job) {
    this.#job = job;
    this.#render();
  }

  /** Show the tries that are not sent yet. */
  showItems(items) {
    this.#items = items;
    if (items.length && !this.#isOpen) this.#open();
    this.#render();
  }

  remove() {
    this.#isRemoved = true;
    this.recorder.cancel();
    for (const clip of this.#clips.values()) clip.remove();
    for (const { player, url } of this.#players.values()) {
      player.stop();
      if (url) URL.revokeObjectURL(url);
    }
  }

  async #open() {
    this.#isOpen = true;
    this.#hasOwnRecording = this.options.keepsRecordings || (await hasOwnRecording(this.id));
    this.#render();
    this.#scrollToEnd();
    await this.refresh();
  }

  #toggle() {
    if (!this.#isOpen) return this.#open();
    this.recorder.cancel();
    this.#isOpen = false;
    return this.#render();
  }

  /** Read the tries, and again after each change until all are recognised. */
  async refresh() {
    this.#followAgain = true;
    if (this.#isFollowing || !this.#isOpen) return;
    this.#isFollowing = true;
    try {
      while (this.#followAgain && !this.#isRemoved) await this.#follow();
    } catch (error) {
      if (error instanceof ApiError && GONE_STATUSES.has(error.status)) return; // it was deleted meanwhile
      rethrowUnlessTemporary(error); // after "connected" it is read again
      if (error.retryable) setTimeout(() => this.refresh(), error.retryAfter * 1000);
    } finally {
      this.#isFollowing = false;
    }
  }

  async #follow() {
    this.#followAgain = false;
    const { tries, left } = await fetchJson(`v1/jobs/${this.id}/tries`);
    this.#left = left;
    await this.#showTries(tries);
    const waiting = tries.find((each) => !hasEnded(each));
    if (!waiting) return;
    await fetchJson(`v1/jobs/${waiting.job}?wait=${WAIT_S}`);
    this.#followAgain = true;
  }

  async #showTries(tries) {
    const known = new Set(this.#tries.filter(hasEnded).map(({ job }) => job));
    const isFirst = !this.#isRead;
    this.#isRead = true;
    for (const each of tries) this.#addPlayer(each.job, await get("recordings", each.job), each);
    this.#tries = tries;
    this.#render();
    const news = tries.findLast((each) => hasEnded(each) && !known.has(each.job));
    if (isFirst || !news) return;
    announce(news.error ? errorText(news.error) : (news.praise[language] ?? news.praise.en));
    this.#scrollToEnd();
  }

  /** A player of what this browser has stored, else of the recording that the server has of a try, while it keeps it. */
  #addPlayer(id, stored, { recording = null, duration_s = null } = {}) {
    const present = this.#players.get(id);
    if (present && !present.url && !recording) {
      present.player.stop();
      this.#players.delete(id);
    }
    if (this.#players.has(id) || !(stored || recording)) return;
    const player = new AudioPlayer("your_voice");
    const url = stored && URL.createObjectURL(stored.recording);
    player.setSource(url ?? recording, stored?.seconds ?? duration_s);
    this.#players.set(id, { player, url });
  }

  async #send(capture) {
    const isStored = await this.options.send(this.id, capture);
    this.#unstored = isStored ? null : capture;
    this.#note = isStored ? "" : t("storage_full");
    this.#render();
  }

  /** Show what the learner does next, above the bar at the bottom of the page. */
  #scrollToEnd() {
    this.node.querySelector(".practice-panel")?.lastElementChild.scrollIntoView({ block: "nearest" });
  }

  // --- what is shown ---------------------------------------------------------------------------------------------

  #render() {
    this.node.hidden = !this.#job?.practice;
    if (this.node.hidden) return;
    const hadFocus = this.node.contains(document.activeElement);
    const toggle = button("choice", "mic", t("say_again"), () => this.#toggle());
    toggle.setAttribute("aria-expanded", this.#isOpen);
    const panel = this.#isOpen && element("div", { class: "practice-panel" }, this.#panelNodes());
    this.node.replaceChildren(...[toggle, panel].filter(Boolean));
    if (hadFocus && document.activeElement === document.body) (this.recorder.focusTarget ?? toggle).focus();
  }

  #panelNodes() {
    const { practice } = this.#job;
    const last = this.#tries.findLast(({ words }) => words.length);
    return [
      element("p", { class: "practice-sentence" }, practice.text),
      element("div", { class: "choices" }, this.#sentenceClips(practice)),
      this.#tryList(),
      last && this.#wordList(last),
      last && !last.measured && element("p", { class: "small" }, t("practice_words_only")),
      this.#note && element("p", { class: "small practice-note", role: "status" }, this.#note),
      ...this.#nextNodes(),
    ].filter(Boolean);
  }

  #clip(key, text, label, load) {
    const id = `${language}:${key}`;
    if (!this.#clips.has(id)) {
      const showError = (error) => {
        this.#note = error;
        this.#render();
      };
      this.#clips.set(id, new ClipPlayer(text, label, load, showError));
    }
    return this.#clips.get(id).node;
  }

  #sentenceClips({ text, start, end }) {
    const job = this.#job;
    const slowly = `${t("practice_slow")}${t("comma")}${text}`;
    return [
      this.#clip("normal", t("practice_normal"), text, () => betterSentence(job)),
      this.#clip("slow", t("practice_slow"), slowly, () => betterSentenceSlowly(job)),
      start !== null &&
        this.#hasOwnRecording &&
        this.#clip("own", t("practice_own"), t("practice_own_before"), () => ownClip(job.id, { start, end })),
    ];
  }

  #tryList() {
    const tries = this.#tries.filter(({ error }, index) => !error || index === this.#tries.length - 1);
    const nodes = [
      ...tries.map((each, index) => this.#tryNode(each, index + 1)),
      ...this.#items.map((item) => this.#itemNode(item)),
    ];
    return nodes.length > 0 && element("ol", { class: "tries" }, nodes);
  }

  #tryNode(each, number) {
    const { job, error } = each;
    const waits = !hasEnded(each) && element("p", { class: "small" }, icon("waiting"), t("practice_waits"));
    const content = waits ? [waits] : error ? [element("p", { class: "small" }, errorText(error))] : triedNodes(each);
    return element("li", { "data-state": each.state }, tryTitle(number), content, this.#players.get(job)?.player.node);
  }

  /** A try that the server has not accepted yet. */
  #itemNode(item) {
    this.#addPlayer(item.id, item);
    const text = item.refused ? errorText(item.refused) : t("saved_in_browser");
    return element(
      "li",
      { "data-state": item.refused ? "refused" : "unsent" },
      element("p", { class: item.refused ? "error" : "small" }, icon(item.refused ? "bad" : "waiting"), text),
      this.#players.get(item.id).player.node,
      button("secondary small", "trash", t("discard"), () => this.options.discard(item)),
    );
  }

  /** The words to listen to again, each spoken and, where it is known, as the learner said it. */
  #wordList(last) {
    const words = wordsToHear(last);
    if (!words.length) return null;
    const clips = words.map((word) => element("div", { class: "choices word" }, this.#wordClips(last, word)));
    return element("div", { class: "practice-words" }, element("p", { class: "small" }, t("practice_words")), clips);
  }

  #wordClips({ job }, { word, start, end, weakest }) {
    const text = weakest ? `${word} /${weakest}/` : word;
    const own = t("practice_own_word", { word });
    return [
      this.#clip(`word:${text}`, text, word, () => spokenWord(this.#job, word)),
      start !== null &&
        this.#players.has(job) &&
        this.#clip(`own:${job}:${word}`, t("practice_own"), own, () => ownClip(job, { start, end })),
    ];
  }

  /** Recording, or the way on after three tries. */
  #nextNodes() {
    if (this.recorder.isRecording) return [this.recorder.node];
    if (this.#unstored) return [button("choice", "again", t("try_again"), () => this.#send(this.#unstored))];
    const n = this.#left - this.#items.filter(({ refused }) => !refused).length;
    if (n <= 0) return [element("p", { class: "practice-done" }, t(this.options.doneKey))];
    const left = element("span", { class: "small" }, t("practice_left", { n }));
    return [element("div", { class: "choices" }, this.recorder.button, left)];
  }
}

const tryTitle = (n) => element("p", { class: "small try-title" }, t("practice_try", { n }));
