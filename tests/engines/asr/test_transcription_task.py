"""The real recogniser alone: any language, hints, and measured times and probabilities."""

import dataclasses
import io
import json
import re
import secrets

import numpy as np
import pytest
from hibari import Hibari

from pipeline.blob_store import FolderBlobs
from pipeline.errors import NoSpeech
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.records import to_json
from pipeline.jobs.results import Transcript
from pipeline.settings import settings
from tests.support.recordings import RECORDINGS, SPEECH, SPEECH_TEXT, TEXTS, load_recording, make_wav
from tests.support.transcripts import word_errors
from worker_asr.engine import Recording
from worker_asr.transcriber import Transcriber
from worker_asr.vad import detect_voice


def is_wanted(_: Job) -> bool:
    return True


@pytest.fixture(scope="module")
def loaded_transcriber():
    return Transcriber(settings())


@pytest.fixture
def transcriber(loaded_transcriber, settings, monkeypatch):
    monkeypatch.setattr(loaded_transcriber, "blobs", FolderBlobs(settings.blobs_folder))
    return loaded_transcriber


@pytest.fixture
def ask(jobs, transcriber):
    def make_job(audio, **fields):
        """A claimed job with this recording."""
        id_ = secrets.token_hex(16)
        recording = transcriber.blobs.put(f"default/{id_}", io.BytesIO(audio)).name
        jobs.submit(JobRequest(id_, id_, recording=recording, **{"task": "transcribe", **fields}))
        return jobs.claim("asr", id_, 1)[0][0]

    return make_job


def recording(pause_s=0.0):
    """A recording of the speech after so many seconds of silence."""
    speech = load_recording(SPEECH)
    return make_wav(np.concatenate([np.zeros(int(pause_s * speech.rate), np.float32), speech.samples]))


def test_segments_say_what_was_measured_and_when_it_was_said(transcriber, ask, jobs):
    job = ask(recording(pause_s=5))
    (transcript,) = transcriber.transcribe([job], is_wanted)
    assert word_errors(SPEECH_TEXT, transcript.text) <= 1
    assert " ".join(segment.text for segment in transcript.segments) == transcript.text
    assert transcript.segments[0].start > 4.5
    times = [time for segment in transcript.segments for time in (segment.start, segment.end)]
    assert times == sorted(times)
    assert times[-1] <= transcript.duration_s
    for segment in transcript.segments:
        assert -1 < segment.avg_logprob < 0
        assert 0.5 < segment.compression_ratio < 2.4
        assert 0 <= segment.no_speech_prob < 0.6
    assert json.loads(to_json(transcript))["segments"]
    assert jobs.complete("asr", job, transcript)[0]
    assert jobs.get("default", job.id).transcript == transcript


def test_a_learner_s_recording_has_segments_too(transcriber, ask):
    (transcript,) = transcriber.transcribe([ask(recording(), task="teach")], is_wanted)
    assert " ".join(segment.text for segment in transcript.segments) == transcript.text


def test_only_what_is_transcribed_alone_may_be_in_any_language(transcriber, ask):
    lesson, alone = (transcriber.read_recording(ask(recording(), task=task)) for task in ("teach", "transcribe"))
    assert (lesson.expected_languages, lesson.any_language) == (("en", "zh"), False)
    assert (alone.expected_languages, alone.any_language) == (("en", "zh"), True)


def test_a_language_is_detected_among_all_or_given(transcriber, ask):
    detected, given = transcriber.transcribe([ask(recording()), ask(recording(), language="en")], is_wanted)
    assert (detected.language, given.language) == ("en", "en")


def test_a_prompt_is_the_recogniser_s_hint(transcriber, ask):
    job = ask(recording(), details={"prompt": "Our town"})
    assert isinstance(found := transcriber.read_recording(job), Recording)
    assert found.hint == "Our town"
    assert isinstance(transcriber.transcribe([job], is_wanted)[0], Transcript)


def test_names_are_spelt_as_the_job_or_its_teacher_says(transcriber, ask, settings, monkeypatch):
    """Spoken by the teacher's own voice; without a hint Whisper writes "My friend's like Celia"."""
    named = persona_with(settings.home, 'hint = "Zyxelia"')
    monkeypatch.setattr(transcriber, "settings", settings.model_copy(update={"personas": named}))
    voice = Hibari()
    spoken = make_wav(voice("My friend Zyxelia likes apples.", seed=0), rate=voice.sample_rate)
    lesson = {"task": "teach", "persona": "william"}
    jobs = [ask(spoken, **lesson), ask(spoken, **lesson, hint="Zyxelia"), ask(spoken, task="teach", persona="willa")]
    plain, by_job, by_teacher = transcriber.transcribe(jobs, is_wanted)
    assert "Zyxelia" not in plain.text
    assert by_job.text == by_teacher.text == "My friend Zyxelia likes apples."


def test_the_job_s_words_count_before_its_teacher_s(transcriber, ask, settings, monkeypatch):
    named = persona_with(settings.home, 'hint = "Zyxelia"')
    monkeypatch.setattr(transcriber, "settings", settings.model_copy(update={"personas": named}))
    job = ask(recording(), task="teach", persona="willa", hint="Wenzhou")
    assert transcriber.read_recording(job).hint == "Wenzhou, Zyxelia"


def test_what_homework_asks_for_is_never_hinted(transcriber, ask, settings, monkeypatch):
    named = persona_with(settings.home, 'hint = "Zyxelia, Mr Hill, the Old River"')
    monkeypatch.setattr(transcriber, "settings", settings.model_copy(update={"personas": named}))
    set_ = {"words": ["river", "Hill", "ice cream"], "text": "Once upon a time."}
    job = ask(recording(), task="teach", persona="willa", hint="Wenzhou, cream", details=set_)
    handed_in = dataclasses.replace(job, request=dataclasses.replace(job.request, assignment="hw3"))
    assert transcriber.read_recording(handed_in).hint == "Wenzhou, Zyxelia"
    assert transcriber.read_recording(job).hint == "Wenzhou, cream, Zyxelia, Mr Hill, the Old River"


HINTS = ("Bowen Li, Ruoxi", "Bowen Li, Ruoxi, Xinyi Wang, Mr Kowalczyk", "river, library, umbrella")


@pytest.mark.parametrize("hint", HINTS)
@pytest.mark.parametrize("seconds", [0.3, 0.5, 0.8])
def test_a_hint_s_words_are_not_made_up_for_a_short_recording(transcriber, ask, hint, seconds):
    """None of them is said in the beginnings of these recordings."""
    recordings = [path for path in RECORDINGS if not {*words(hint)} & {*words(TEXTS[path.stem])}][:6]
    results = transcriber.transcribe(
        [ask(beginning(path, seconds), task="teach", hint=hint) for path in recordings], is_wanted
    )
    for result in results:
        recognised_words = words(result.text) if isinstance(result, Transcript) else []
        assert sum(word in words(hint) for word in recognised_words) <= len(recognised_words) / 2, result


def beginning(path, seconds):
    """The first seconds in which somebody speaks, as a WAV file."""
    sound = load_recording(path)
    start = detect_voice(sound)[0][0]
    return make_wav(sound.samples[int(start * sound.rate) : int((start + seconds) * sound.rate)], rate=sound.rate)


def words(text):
    return re.findall(r"\w+", text.lower())


def test_the_other_speaker_of_a_lesson_has_its_languages_and_hints(transcriber, ask):
    job = ask(recording(), task="transcribe", hint="Wenzhou")
    turn = dataclasses.replace(job, request=dataclasses.replace(job.request, lesson="lesson"))
    assert (transcriber.read_recording(turn).expected_languages, transcriber.read_recording(turn).hint) == (
        ("en", "zh"),
        "Wenzhou",
    )


def test_special_tokens_in_a_hint_are_ignored(transcriber, ask):
    marks = "<|endoftext|><|zh|><|translate|><|notimestamps|>"
    plain, marked = transcriber.transcribe(
        [ask(recording(), language="en"), ask(recording(), language="en", details={"prompt": marks})], is_wanted
    )
    assert word_errors(plain.text, marked.text) <= 1
    assert marked.words


def persona_with(folder, entry):
    """A folder with the persona Willa, which is William with one more entry."""
    (named := folder / "personas").mkdir()
    william = (settings().personas / "william.toml").read_text(encoding="utf-8")
    (named / "william.toml").write_text(william, encoding="utf-8")
    (named / "willa.toml").write_text(william.replace("[display]", f"{entry}\n\n[display]"), encoding="utf-8")
    return named


def test_no_invented_words_follow_the_last_one(transcriber, ask):
    """Whisper itself invents a word after the last one: "Very." in the remaining half second."""
    voice = Hibari()
    spoken = make_wav(voice("Yesterday Siobhan went to the library.", seed=0), rate=voice.sample_rate)
    (transcript,) = transcriber.transcribe([ask(spoken, task="teach")], is_wanted)
    assert transcript.text.endswith("went to the library.")


def test_silence_gives_the_error_no_speech(transcriber, ask):
    (error,) = transcriber.transcribe([ask(make_wav(np.zeros(32_000)))], is_wanted)
    assert isinstance(error, NoSpeech)
