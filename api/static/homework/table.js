// The class as a table with one row for each student, which can be filtered.

import { feedbackNodes } from "../feedback/feedback.js";
import { missingText } from "../feedback/lesson_card.js";
import { rowsByConcern } from "../feedback/verdicts.js";
import { errorText, t } from "../i18n/index.js";
import { address } from "../shared/address.js";
import { LazyAudioPlayer } from "../shared/audio_player.js";
import { $id, arrangeChildren, button, downloadLink, element, icon, updateChildren } from "../shared/dom.js";
import { KeyedRows } from "../shared/keyed_rows.js";
import { stateBadge } from "../shared/state_badge.js";
import { kindOf, KINDS } from "./assignment.js";
import { StudentTries } from "./tries.js";

const PERMANENT_FILTERS = new Set(["all", "done", "waiting"]); // the others are offered only while they have rows

export class Table {
  #rows;

  constructor(assignment, actions) {
    this.assignment = assignment;
    this.#rows = new KeyedRows({
      kinds: Object.keys(KINDS),
      title: (kind) => t(`homework_filter_${kind}`),
      create: (row) => new Row(row, actions),
      emptyText: ({ all }) => t(all ? "nothing_to_show" : "homework_none_handed_in"),
      alwaysOffered: (kind) => PERMANENT_FILTERS.has(kind),
    });
  }

  show() {
    const rows = rowsByConcern(this.assignment.rows());
    this.#rows.show(rows.map((row) => [row.student, row, kindOf(row.state)]));
    this.#rows.applyFilter();
    $id("filters").hidden = !this.#rows.counts.all;
  }

  translate() {
    this.#rows.translate();
    this.show();
  }

  close() {
    this.#rows.remove();
  }
}

/** One student: the state of the answer, the transcript, the answer with a player, and what a teacher can do. */
class Row {
  #state = element("td", { role: "cell", class: "state" });
  #transcript = element("td", { role: "cell", class: "transcript" });
  #actions = element("div", { class: "actions" });
  #answer = element("td", { role: "cell", class: "answer" }, this.#actions);
  #file = element("small");
  #fingerprint = "";
  #player = null;
  #card = element("div", { class: "card-player" }); // has a player as well
  #cardPlayer = null;
  #tries = new StudentTries();

  /** `actions` are what the buttons do: review, rerun, retry, handIn, remove; each gets the row. */
  constructor({ student, number }, actions) {
    this.actions = actions;
    const studentNumber = number && element("small", { class: "number" }, number);
    const header = element("th", { scope: "row", role: "rowheader" }, student, studentNumber, this.#file);
    this.node = element("tr", { role: "row" }, header, this.#state, this.#transcript, this.#answer);
  }

  /** Cells are made again only when something has changed: the focus and a running player are kept. */
  show(row) {
    const { state, submission, job } = row;
    const { count, last } = submission?.tries ?? {};
    const fingerprint = [state, submission?.job, job?.updated_at, count, last?.job].join();
    this.row = row;
    if (fingerprint === this.#fingerprint) return;
    this.#fingerprint = fingerprint;
    const kind = kindOf(state);
    Object.assign(this.node.dataset, { state, kind, verdict: job?.feedback?.verdict ?? "" });
    this.#file.textContent = submission?.file ?? "";
    this.#state.replaceChildren(...stateBadge(state, kind));
    this.#transcript.replaceChildren(...transcriptNodes(row));
    this.#showAnswer(row);
  }

  translate() {
    this.#fingerprint = "";
    this.show(this.row);
  }

  remove() {
    this.#player?.stop();
    this.#cardPlayer?.stop();
    this.#tries.stop();
    this.node.remove();
  }

  #showAnswer(row) {
    const answer = row.state === "succeeded" ? row.job?.answer : null;
    const isPlaying = answer && this.#player?.started && this.#player.audio === answer.audio;
    if (!isPlaying) {
      this.#player?.stop();
      this.#player = answer ? new LazyAudioPlayer(answer, row.student) : null;
    }
    const hasCard = this.#showCard(row, answer);
    const hasTries = this.#tries.show(row.student, answer && row.submission.tries);
    updateChildren(this.#actions, this.#buttons(row, answer));
    const parts = [this.#player?.node, this.#actions, hasCard && this.#card, hasTries && this.#tries.node];
    arrangeChildren(this.#answer, parts.filter(Boolean));
  }

  /** Show the lesson card of the answer, or why there is none; whether there is anything to show. */
  #showCard({ student, job }, answer) {
    const card = answer && job.card?.audio ? job.card : null;
    const isPlaying = card && this.#cardPlayer?.started && this.#cardPlayer.audio === card.audio;
    const text = card ? t("card_title") : answer ? missingText(job) : "";
    const label = element("small", {}, text);
    if (!isPlaying) {
      this.#cardPlayer?.stop();
      const speaker = t("card_of", { name: student });
      this.#cardPlayer = card ? new LazyAudioPlayer(card, speaker, "card_voice") : null;
    }
    const file = card && downloadLink(card.audio, `${student}-card.${card.format}`, t("card_download_for", { name: student }));
    this.#card.replaceChildren(...[label, this.#cardPlayer?.node, file].filter(Boolean));
    return text !== "";
  }

  /** What can be done with the row in its state. Buttons with an icon only have a label. */
  #buttons({ student, state, job, submission }, answer) {
    const failed = kindOf(state) === "failed";
    const name = { name: student };
    const run = (action) => () => this.actions[action](this.row);
    const withText = (action, symbol, key) => button("secondary small", symbol, t(key), run(action));
    const withIcon = (action, symbol, key) => button("secondary small", symbol, "", run(action), t(key, name));
    const download = () => downloadLink(answer.audio, `${student}.${answer.format}`, t("download_answer_for", name));
    const review = () =>
      button("held small", "edit", t("homework_review"), run("review"), t("homework_review_of", name));
    return [
      answer && download(),
      state === "held" && review(),
      job?.links.retry && withText("retry", "again", "try_again"),
      failed && withText("handIn", "attach", "homework_replace"),
      state === "missing" && withText("handIn", "attach", "homework_hand_in_one"),
      job?.feedback && (answer || failed || state === "held") && withIcon("rerun", "again", "homework_rerun_of"),
      answer && pageLink("mic", `answer#${job.id}`, t("homework_answer_page_of", name)),
      job?.learner && pageLink("ledger", `ledger#${encodeURIComponent(job.learner)}`, t("ledger_of", name)),
      submission && withIcon("remove", "trash", "homework_delete_one"),
    ].filter(Boolean);
  }
}

/** An icon that opens a page of the student. */
function pageLink(symbol, path, label) {
  const attributes = { class: "button secondary small", href: address(path), title: label, "aria-label": label };
  return element("a", attributes, icon(symbol));
}

function transcriptNodes({ state, submission, job, isReading }) {
  const error = kindOf(state) === "failed" && submission?.error;
  return [...feedbackNodes(job, isReading), ...(error ? [element("p", { class: "error" }, errorText(error))] : [])];
}
