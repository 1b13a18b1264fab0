// The open batch: its progress as a whole, and its recordings as a table that can be filtered.

import { feedbackNodes } from "../feedback/feedback.js";
import { rowsByConcern } from "../feedback/verdicts.js";
import { showVerdicts } from "../feedback/summary.js";
import { errorText, t } from "../i18n/index.js";
import { LazyAudioPlayer } from "../shared/audio_player.js";
import {
  $id,
  announce,
  arrangeChildren,
  button,
  downloadLink,
  element,
  icon,
  showBar,
  updateChildren,
} from "../shared/dom.js";
import { formatDuration } from "../shared/format.js";
import { KeyedRows } from "../shared/keyed_rows.js";
import { RECORDING_ERRORS } from "../shared/outbox.js";
import { stateBadge } from "../shared/state_badge.js";
import { kindOf, KINDS } from "./batch.js";

export class Table {
  #rows;
  #wasComplete = null; // whether all had ended when the progress was last shown

  constructor(batch, actions) {
    this.batch = batch;
    this.#rows = new KeyedRows({
      kinds: Object.keys(KINDS),
      title: (kind) => t(`batch_filter_${kind}`),
      create: (row) => new Row(row.name, actions),
      emptyText: ({ all }) => t(all ? "nothing_to_show" : batch.loaded ? "batch_unknown" : "batch_loading"),
    });
  }

  show() {
    const rows = rowsByConcern(this.batch.rows());
    this.#rows.show(rows.map((row) => [row.name, row, kindOf(row.state)]));
    this.#showProgress(rows);
    showVerdicts(rows.map(({ name, job }) => ({ name, job })));
    this.#rows.applyFilter();
  }

  translate() {
    this.#rows.translate();
    this.show();
  }

  close() {
    this.#rows.remove();
  }

  #showProgress(rows) {
    const { all, done, waiting, failed } = this.#rows.counts;
    const { secondsLeft } = this.batch;
    const unsent = rows.filter(({ state }) => state === "unsent").length;
    const parts = [
      t("batch_done_of", { n: done, all }),
      failed > 0 && t("failed_n", { n: failed }),
      unsent > 0 && t("batch_unsent_n", { n: unsent }),
      waiting > 0 && !unsent && secondsLeft !== null && t("time_left", { time: formatDuration(secondsLeft) }),
    ];
    $id("progress").textContent = parts.filter(Boolean).join(t("separator"));
    showBar({ done, failed }, all);
    $id("cancel").hidden = !waiting;
    $id("zip").hidden = !done;
    const complete = all > 0 && !waiting;
    if (this.#wasComplete === false && complete) announce($id("progress").textContent);
    this.#wasComplete = complete;
  }
}

/** One recording: its state, its transcript, its answer with a player, and what can be done with it. */
class Row {
  #state = element("td", { role: "cell", class: "state" });
  #transcript = element("td", { role: "cell", class: "transcript" });
  #actions = element("div", { class: "actions" });
  #answer = element("td", { role: "cell", class: "answer" }, this.#actions);
  #fingerprint = "";
  #player = null;

  /** `actions` are what the buttons do: retry, resend, replace, remove; each gets the row as the batch has it. */
  constructor(name, actions) {
    this.actions = actions;
    const header = element("th", { scope: "row", role: "rowheader" }, name);
    this.node = element("tr", { role: "row" }, header, this.#state, this.#transcript, this.#answer);
  }

  /** Cells are made again only when something has changed: the focus and a running player are kept. */
  show(row) {
    const { state, item, job } = row;
    const fingerprint = [state, item?.id, item?.refused?.code, item?.waits?.code, job?.id, job?.updated_at].join();
    this.row = row;
    if (fingerprint === this.#fingerprint) return;
    this.#fingerprint = fingerprint;
    const kind = kindOf(state);
    Object.assign(this.node.dataset, { state, kind, verdict: job?.feedback?.verdict ?? "" });
    this.#state.replaceChildren(...stateBadge(state, kind));
    this.#transcript.replaceChildren(...transcriptNodes(row));
    this.#showAnswer(row);
  }

  translate() {
    this.#fingerprint = "";
    if (this.row) this.show(this.row);
  }

  remove() {
    this.#player?.stop();
    this.node.remove();
  }

  #showAnswer(row) {
    const { name, state, job } = row;
    const answer = state === "succeeded" && job.answer;
    if (!answer) this.#player = void this.#player?.stop();
    else if (!this.#player?.started) this.#player = new LazyAudioPlayer(answer, name);
    updateChildren(this.#actions, this.#buttons(row, answer));
    arrangeChildren(this.#answer, [this.#player?.node, this.#actions].filter(Boolean));
  }

  #buttons({ name, state, item, job }, answer) {
    const make = (action, symbol, text, label = null) =>
      button("secondary small", symbol, text, () => this.actions[action](this.row), label);
    const failed = kindOf(state) === "failed";
    const filename = `${name.replace(/\.[^.]*$/, "")}.${answer?.format}`;
    return [
      answer && downloadLink(answer.audio, filename, t("download_answer_for", { name })),
      item?.refused && !RECORDING_ERRORS.has(item.refused.code) && make("resend", "again", t("try_again")),
      !item && job?.links.retry && make("retry", "again", t("try_again")),
      failed && (item || !job?.links.retry) && make("replace", "attach", t("batch_replace")),
      make("remove", "trash", "", t("batch_delete_one", { name })),
    ].filter(Boolean);
  }
}

function transcriptNodes({ state, item, job }) {
  const problem = item ? item.refused : job?.error;
  const text = problem ? errorText(problem) : state === "gone" ? t("batch_gone") : null;
  return [
    ...feedbackNodes(item ? null : job),
    text && element("p", { class: "error" }, text),
    item?.waits && !item.refused && element("p", { class: "small" }, icon("waiting"), errorText(item.waits)),
  ].filter(Boolean);
}
