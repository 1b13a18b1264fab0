"""Answers are spoken sentence by sentence, alternating between jobs; each sentence is stored and published."""

import io
import secrets
import threading

import numpy as np
import pytest
import soundfile

from pipeline import personas
from pipeline.audio.decode import Waveform
from pipeline.blob_store import FolderBlobs
from pipeline.errors import Canceled, EngineFailed, NothingToSay
from pipeline.jobs.job import JobRequest
from pipeline.jobs.records import to_fields
from pipeline.jobs.results import Answer, Feedback
from pipeline.worker.leases import Leases
from pipeline.worker.task import commit
from tests.support.job_steps import OTHER, WORKER, always_wanted, claim_job
from tests.support.wait import wait_for
from worker_tts import engine
from worker_tts.speaker import SpeechSynthesizer
from worker_tts.text_cleaning import clean_text

RATE = 24_000
SECOND = Waveform(np.ones(RATE, np.float32), RATE)


class Metronome:
    """A voice that gives one full-scale second for each sentence, notes what it was asked, and waits at `wait`."""

    voices = ("default",)

    def __init__(self, model, settings):
        self.calls, self.go_on = [], threading.Event()

    def speak(self, lines):
        self.calls.append([line.text for line in lines])
        return [self.say(line.text) for line in lines]

    def say(self, text):
        if "wait" in text:
            assert self.go_on.wait(30)
        if "fail" in text:
            return EngineFailed()
        return SECOND if clean_text(text, frozenset({"LATIN"})) else NothingToSay()


@pytest.fixture
def synthesizer(redis, settings, tmp_path, monkeypatch) -> SpeechSynthesizer:
    monkeypatch.setitem(engine.ENGINES, "metronome", f"{__name__}:Metronome")
    (tmp_path / "model").touch()
    options = {"tts_engine": "metronome", "tts_model": str(tmp_path / "model"), "tts_pause_s": 0.5}
    return SpeechSynthesizer(settings.model_copy(update=options))


@pytest.fixture
def ask(jobs):
    def submit_jobs(*texts, **fields):
        """Submit a job for each of these texts and claim them in this order."""
        for text in texts:
            id_ = secrets.token_hex(16)
            jobs.submit(JobRequest(id_, id_, task="speak", text=text, **fields))
        return jobs.claim("tts", WORKER, len(texts))[0]

    return submit_jobs


@pytest.fixture
def run_in_background():
    """Runs a function in a thread; the returned function waits for its result."""
    threads = []

    def begin(function, *args):
        given = []
        threads.append(threading.Thread(target=lambda: given.append(function(*args))))
        threads[-1].start()
        return lambda: threads[-1].join(30) or given[0]

    yield begin
    for thread in threads:
        thread.join(30)


def stored_files(settings, job):
    """How many files the job has in the blob store."""
    return len([*settings.blobs_folder.glob(f"{job.name}/*")])


def read_published_parts(jobs, job):
    return [entry["part"] for _, entry in jobs.partial_results(job)]


def test_the_first_sentences_of_all_jobs_are_one_call_followed_by_the_second_ones(synthesizer, ask):
    batch = ask("One. Two. Three.", "你好。", "Four. 好。 Five.")
    answers = synthesizer.speak(batch, always_wanted)
    assert synthesizer.engine.calls == [["One.", "你好。", "Four."], ["Two.", "好。"], ["Three.", "Five."]]
    assert [part.text for part in answers[0].parts] == ["One.", "Two.", "Three."]
    assert isinstance(answers[1], NothingToSay)
    assert [part.text for part in answers[2].parts] == ["Four.", "Five."]


def test_a_sentence_can_be_played_before_the_next_one_is_spoken(synthesizer, ask, jobs, settings, run_in_background):
    (job,) = ask("One. Please wait. Three.")
    answered = run_in_background(synthesizer.speak, [job], always_wanted)
    (first,) = wait_for(lambda: read_published_parts(jobs, job))
    with FolderBlobs(settings.blobs_folder).open(first["blob"]) as file:
        assert soundfile.info(file).duration == first["duration_s"] == 1
    synthesizer.engine.go_on.set()
    (answer,) = answered()
    assert read_published_parts(jobs, job) == [to_fields(part) for part in answer.parts]
    assert [number for number, _ in jobs.partial_results(job)] == [1, 2, 3]


def test_the_whole_answer_has_its_sentences_with_pauses_between_them(synthesizer, ask, settings):
    (job,) = ask("One. Two. Three.", format="flac")
    (answer,) = synthesizer.speak([job], always_wanted)
    assert (answer.text, answer.format, answer.duration_s) == ("One. Two. Three.", "flac", 3 + 2 * 0.5)
    assert stored_files(settings, job) == 4
    whole, *parts = (read_samples(settings, blob) for blob in (answer.blob, *(part.blob for part in answer.parts)))
    pause = np.zeros(RATE // 2)
    assert np.array_equal(whole, np.concatenate([parts[0], pause, parts[1], pause, parts[2]]))


def read_samples(settings, blob):
    with FolderBlobs(settings.blobs_folder).open(blob) as file:
        return soundfile.read(io.BytesIO(file.read()))[0]


def test_an_answer_of_one_sentence_is_stored_once(synthesizer, ask, settings):
    (job,) = ask("One. 好。")
    (answer,) = synthesizer.speak([job], always_wanted)
    (part,) = answer.parts
    assert (answer.blob, answer.sha256, answer.size, answer.duration_s) == (
        part.blob, part.sha256, part.size, part.duration_s,
    )  # fmt: skip
    assert stored_files(settings, job) == 1


def test_a_failed_sentence_fails_its_answer_alone_and_leaves_nothing(synthesizer, ask, settings):
    first, second = ask("Good. We fail. Never said.", "Fine.")
    failed, spoken = synthesizer.speak([first, second], always_wanted)
    assert isinstance(failed, EngineFailed)
    assert isinstance(spoken, Answer)
    assert synthesizer.engine.calls == [["Good.", "Fine."], ["We fail."]]
    assert (stored_files(settings, first), stored_files(settings, second)) == (0, 1)


def test_an_empty_text_needs_no_voice(synthesizer, ask):
    (answer,) = synthesizer.speak(ask(" "), always_wanted)
    assert isinstance(answer, NothingToSay)
    assert synthesizer.engine.calls == []


def test_a_canceled_job_is_given_up_between_two_sentences(synthesizer, ask, jobs, settings, run_in_background):
    (job,) = ask("One. Please wait. Three.")
    with Leases(jobs, "tts", [job]) as leases:
        answered = run_in_background(synthesizer.speak, [job], leases.still_wanted)
        wait_for(lambda: read_published_parts(jobs, job))
        jobs.cancel("default", job.id)
        wait_for(lambda: not leases.still_wanted(job))
        synthesizer.engine.go_on.set()
        (answer,) = answered()
    assert isinstance(answer, Canceled)
    assert synthesizer.engine.calls == [["One."], ["Please wait."]]
    assert stored_files(settings, job) == 0


def test_a_second_attempt_s_sentences_do_not_mix_with_the_first_s(synthesizer, ask, jobs, settings, run_in_background):
    (first,) = ask("One. Please wait. Three.")
    answered = run_in_background(synthesizer.speak, [first], always_wanted)
    wait_for(lambda: read_published_parts(jobs, first))
    jobs.release(WORKER)
    second = claim_job(jobs, "tts", OTHER)
    assert read_published_parts(jobs, second) == []
    synthesizer.engine.go_on.set()
    (late,), (answer,) = answered(), synthesizer.speak([second], always_wanted)
    assert len(read_published_parts(jobs, first)) == 1
    assert read_published_parts(jobs, second) == [to_fields(part) for part in answer.parts]
    commit(jobs, "tts", first, late)
    assert stored_files(settings, first) == 4, "a refused answer leaves nothing but the other attempt's"
    commit(jobs, "tts", second, answer)
    assert jobs.get("default", first.id).answer == answer


@pytest.mark.parametrize(
    ("has", "takes"), [(["heart"], "heart"), (["heart", "en_speaker_9"], "en_speaker_9"), (["en_speaker_6"], "default")]
)
def test_a_teacher_gets_the_first_preferred_voice_that_the_engine_has(synthesizer, settings, has, takes):
    synthesizer.engine.voices = ("default", *has)
    assert synthesizer.choose_voice(personas.load("emma", settings.personas), "en") == takes
    assert synthesizer.choose_voice(personas.load("emma", settings.personas), "fr") == "default"


def test_a_teacher_has_a_voice_for_chinese_sentences_too(synthesizer, jobs):
    synthesizer.engine.voices = ("default", "heart-low", "zm_yunxi")
    jobs.submit(JobRequest("a" * 32, "anna", text="I go home."))
    assert jobs.complete("llm", claim_job(jobs, "llm"), Feedback("I go home.", "I go home.", "Why?", "说 went。 Why?"))[
        0
    ]
    utterance = synthesizer.build_utterance(claim_job(jobs, "tts"))
    assert (utterance.voice, utterance.chinese_voice) == ("heart-low", "zm_yunxi")
