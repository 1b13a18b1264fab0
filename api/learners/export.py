"""The ledger as a table, and as a deck for Anki with sound: made when they are fetched, and stored nowhere."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from flask import Blueprint
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, requires
from api.jobs.zip_download import UTF8_MARK, count_archive, csv_line
from api.learners.access import find_name, load_jobs, load_ledger
from api.learners.view import find_recording, find_spoken, list_jobs
from api.openapi import answers
from pipeline.audio.clip import extract_clip
from pipeline.errors import BadAudio, RateLimited, UnknownLearner
from pipeline.jobs.job import Job
from pipeline.learners.anki import Card, Sound, build_deck
from pipeline.learners.fluency import FIGURES, FluentReading, summarize_fluency
from pipeline.learners.ledger import Example, KindRecord, Ledger, WordRecord
from pipeline.timestamps import to_utc

APKG = "application/octet-stream"
COLUMNS = ("what", "kind_or_word", "heard", "better", "why_en", "why_zh", "said", "count", "mastered")
MAX_CARDS = 500  # of a deck
MAX_CLIPS = 30  # words of a deck with the learner's own clip: each is cut out of a recording

routes = Blueprint("learner_export", __name__)


@routes.get("/v1/learners/<learner_id>/ledger.csv")
@requires(LEARNER)
@answers("learners", {200: "text/csv"}, UnknownLearner)
def table(learner_id: str) -> Response:
    """The ledger as a table: a line for each sentence with a mistake, and for each word to listen to again."""
    lines = b"".join(map(csv_line, [COLUMNS, *rows(load_ledger(learner_id))]))
    return attachment(UTF8_MARK + lines, "text/csv", "ledger.csv")


def rows(ledger: Ledger) -> Iterator[tuple[str, ...]]:
    for record in ledger.kinds:
        for example in record.examples:
            note = example.note
            why = (note.explanations.get("en", ""), note.explanations.get("zh", ""))
            sentence = ("mistake", record.kind, note.heard, note.better, *why)
            yield (*sentence, day(example.at), str(record.count), yes_or_no(record))
    for word in ledger.words:
        yield ("word", word.word, "", "", "", "", day(word.last_seen), str(word.count), yes_or_no(word))


def yes_or_no(record: KindRecord | WordRecord) -> str:
    return "yes" if record.is_mastered else "no"


def day(at: float) -> str:
    """The date of a time in Unix seconds, where the server is."""
    return datetime.fromtimestamp(at).date().isoformat()


@routes.get("/v1/learners/<learner_id>/fluency.csv")
@requires(LEARNER)
@answers("learners", {200: "text/csv"}, UnknownLearner)
def fluency(learner_id: str) -> Response:
    """How fluently texts were read aloud, as a table: a line for each reading, oldest first.

    The last lines, from five readings on, have their `mean`; and `low` and `high`, between which the middle half of the
    speakers lies with whom it was measured.
    """
    lines = b"".join(map(csv_line, [("read_at", "job", *FIGURES), *fluency_rows(load_ledger(learner_id).readings)]))
    return attachment(UTF8_MARK + lines, "text/csv", "fluency.csv")


def fluency_rows(readings: Sequence[FluentReading]) -> Iterator[tuple[str, ...]]:
    for each in readings:
        values = (f"{each.figure(name).value:.2f}" for name in FIGURES)
        yield (to_utc(each.at).isoformat(timespec="seconds"), each.job, *values)
    if not readings:
        return
    summaries = [summarize_fluency(readings, name) for name in FIGURES]
    if all(each.mean is not None for each in summaries):
        yield ("mean", "", *(f"{each.mean:.2f}" for each in summaries))
    yield ("low", "", *(f"{each.low:.2f}" for each in summaries))
    yield ("high", "", *(f"{each.high:.2f}" for each in summaries))


@routes.get("/v1/learners/<learner_id>/ledger.apkg")
@requires(LEARNER)
@answers("learners", {200: APKG}, UnknownLearner, RateLimited)
def deck(learner_id: str) -> Response:
    """The ledger as a deck for Anki: what is not mastered, with the sounds that are kept."""
    ledger = load_ledger(learner_id)
    count_archive()
    jobs = load_jobs(list_jobs(ledger))
    cards = [*sentence_cards(ledger, jobs), *word_cards(ledger, jobs)][:MAX_CARDS]
    name = find_name(ledger)
    return attachment(build_deck(f"Waijiao {name}".strip(), ledger.learner, cards), APKG, "ledger.apkg")


def sentence_cards(ledger: Ledger, jobs: Mapping[str, Job]) -> Iterator[Card]:
    """A card for each sentence once, however many mistakes it has."""
    seen = set()
    for record in ledger.recurring:
        for example in record.examples:
            note = example.note
            if (note.heard, note.better) not in seen:
                seen.add((note.heard, note.better))
                why = "\n".join(filter(None, (note.explanations.get("en"), note.explanations.get("zh"))))
                key = f"{note.heard}\0{note.better}"
                yield Card(key, note.heard, note.better, why, better=load_spoken(example, jobs))


def load_spoken(example: Example, jobs: Mapping[str, Job]) -> Sound | None:
    """The better sentence as the teacher spoke it, if that is kept."""
    numbered_part = find_spoken(example, jobs)
    if numbered_part is None:
        return None
    try:
        with context.blobs().open(numbered_part[1].blob) as file:
            return Sound(file.read(), jobs[example.job].request.format)
    except FileNotFoundError:
        return None


def word_cards(ledger: Ledger, jobs: Mapping[str, Job]) -> Iterator[Card]:
    words = [record for record in ledger.words if not record.is_mastered]
    for number, record in enumerate(words):
        own = load_clip(record, jobs) if number < MAX_CLIPS else None
        weakest = record.latest.note.weakest
        yield Card(record.word, record.word, record.word, f"/{weakest}/" if weakest else "", own=own)


def load_clip(record: WordRecord, jobs: Mapping[str, Job]) -> Sound | None:
    """The word as the learner said it, if its recording is kept and can be cut."""
    recording, note = find_recording(record.latest, jobs), record.latest.note
    try:
        if not recording:
            return None
        with context.blobs().open(recording) as file:
            return Sound(extract_clip(file, note.start, note.end, context.settings().max_recording_s), "wav")
    except (FileNotFoundError, BadAudio):
        return None


def attachment(content: bytes, content_type: str, file: str) -> Response:
    answer = Response(content, mimetype=content_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
