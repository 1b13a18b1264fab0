// The answer to one recording, such as homework: what was said, the teacher's answer, and the better sentence to say
// again. The address names the job. A class may share the device, so that the browser keeps no recording.

import { feedbackNodes } from "../feedback/feedback.js";
import { LessonCard } from "../feedback/lesson_card.js";
import { errorText, languageEvents, t } from "../i18n/index.js";
import { ApiError, connection, fetchJson, hasEnded, readCapabilities, rethrowUnlessTemporary } from "../shared/api.js";
import { AudioPlayer } from "../shared/audio_player.js";
import { $id, announce, keepAddressOnSkip } from "../shared/dom.js";
import { startPage } from "../shared/layout.js";
import { showError } from "../shared/notices.js";
import { Practices } from "../talk/practice/practices.js";

const WAIT_S = 20; // for which the server may hold a request until the job changes

const user = await startPage();
const practices = new Practices(user.id, await readCapabilities(), {
  isShared: true,
  doneKey: "practice_done_homework",
});
let view = null; // of the job that the address names

class AnswerView {
  #job = null;
  #isClosed = false;
  #player = new AudioPlayer("teachers_voice");
  #card = new LessonCard();

  constructor(id) {
    this.id = id;
    this.practice = practices.of(id);
    $id("sound").replaceChildren(this.#player.node, this.#card.node);
    $id("practice").replaceChildren(this.practice.node);
  }

  close() {
    this.#isClosed = true;
    this.#player.stop();
    this.#card.stop();
  }

  /** Read the job, and again whenever it has changed, until it has ended. */
  async follow() {
    try {
      this.#show(await fetchJson(`v1/jobs/${this.id}`));
      while (!this.#isClosed && !hasEnded(this.#job)) {
        this.#show(await fetchJson(`v1/jobs/${this.id}?wait=${WAIT_S}`));
        announce($id("state").textContent);
      }
    } catch (error) {
      if (error instanceof ApiError && !error.retryable) return showError(errorText(error));
      rethrowUnlessTemporary(error); // after "connected" it is read again
      if (error.retryable) setTimeout(() => this.follow(), error.retryAfter * 1000);
    }
    return undefined;
  }

  #show(job) {
    if (this.#isClosed) return;
    this.#job = job;
    this.render();
  }

  render() {
    const job = this.#job;
    $id("title").textContent = job?.student ?? t("title_answer");
    if (!job) return;
    const isReleased = job.state !== "held"; // until then the teacher may change it
    $id("text").textContent = job.question.to_read ?? "";
    $id("to-read").hidden = !job.question.to_read;
    $id("feedback").replaceChildren(...(isReleased ? feedbackNodes(job, Boolean(job.question.to_read)) : []));
    $id("said").hidden = !$id("feedback").childElementCount;
    $id("state").hidden = job.state === "succeeded";
    $id("state").textContent = job.error ? errorText(job.error) : t(`answer_${job.state === "held" ? "held" : "waits"}`);
    $id("answer").hidden = !job.answer;
    if (job.answer) this.#player.setSource(job.answer.audio, job.answer.duration_s);
    this.#card.show(job);
    this.practice.show(job);
    $id("again").hidden = this.practice.node.hidden;
    $id("kept").hidden = !job.assignment; // elsewhere no try is kept
  }
}

async function open() {
  const id = location.hash.slice(1);
  view?.close();
  view = /^[0-9a-f]{32}$/.test(id) ? new AnswerView(id) : null;
  showError("");
  $id("nothing").hidden = view !== null;
  for (const section of ["to-read", "said", "state", "answer", "again"]) $id(section).hidden = true;
  await view?.follow();
}

languageEvents.addEventListener("change", () => view?.render());
connection.addEventListener("connected", () => view?.follow());
addEventListener("hashchange", open);
keepAddressOnSkip();
await practices.showItems();
practices.outbox.send();
open();
document.body.dataset.ready = "";
