"""OpenAI's own client with the default models: transcription, chat and speech, of which nothing is stored."""

import io
import re
from pathlib import Path

import av
import numpy as np
import openai
import pytest
import soundfile
from openai import OpenAI

from tests.support.recordings import TEXTS
from tests.support.transcripts import word_error_rate

LEARNER = Path(__file__).parents[2] / "examples" / "recordings" / "ruoxi-wu.wav"
SENTENCE = "The weather is nice today. Let us go for a walk in the park."
ASKED = [
    {"role": "system", "content": "You answer briefly."},
    {"role": "user", "content": "Write three sentences on tea."},
]
TIMES = re.compile(r"(\d\d):(\d\d):(\d\d)[.,](\d{3}) --> (\d\d):(\d\d):(\d\d)[.,](\d{3})")


@pytest.fixture(scope="module")
def client(app):
    with OpenAI(
        base_url=f"{app.url}/v1", api_key="unused", http_client=openai.DefaultHttpxClient(trust_env=False)
    ) as client:
        yield client


@pytest.fixture(scope="module")
def transcribe(client):
    def transcribe(format_: str, **chosen):
        return client.audio.transcriptions.create(
            file=LEARNER, model="whisper-1", language="en", response_format=format_, **chosen
        )

    return transcribe


@pytest.fixture(scope="module")
def transcript(transcribe) -> str:
    return transcribe("json").text


def read_expected_text() -> str:
    return TEXTS[LEARNER.stem]


def test_a_learner_s_recording_is_transcribed(transcript):
    assert word_error_rate([(read_expected_text(), transcript)]) < 0.2


def test_verbose_json_has_words_segments_and_times(transcribe, transcript):
    shown = transcribe("verbose_json", timestamp_granularities=["word", "segment"])
    assert (shown.text, shown.language) == (transcript, "en")
    assert shown.duration == pytest.approx(soundfile.info(LEARNER).duration, abs=0.05)
    assert " ".join(word.word for word in shown.words) == transcript
    assert " ".join(segment.text for segment in shown.segments) == transcript
    times = [time for word in shown.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(0 <= segment.start < segment.end <= shown.duration for segment in shown.segments)
    assert all(segment.avg_logprob < 0 <= segment.no_speech_prob <= 1 for segment in shown.segments)


@pytest.mark.parametrize("format_", ["srt", "vtt"])
def test_a_recording_is_transcribed_as_subtitles(transcribe, transcript, format_):
    subtitles = transcribe(format_)
    assert subtitles.startswith("WEBVTT\n\n" if format_ == "vtt" else "1\n")
    lines = [line for line in subtitles.splitlines() if line and not line.isdigit() and line != "WEBVTT"]
    assert " ".join(line for line in lines if not TIMES.match(line)) == transcript
    assert TIMES.search(subtitles)
    assert max(map(len, lines)) <= 42


def test_a_recording_is_transcribed_as_text(transcribe, transcript):
    assert transcribe("text") == f"{transcript}\n"


def test_silence_gives_the_error_no_speech(client):
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(32_000, np.float32), 16_000, format="WAV")
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.audio.transcriptions.create(file=("silence.wav", silence.getvalue()), model="whisper-1")
    assert caught.value.code == "no_speech"


def test_a_chat_is_continued(client):
    completion = client.chat.completions.create(model="default", messages=ASKED, max_tokens=40, temperature=0)
    (choice,) = completion.choices
    assert choice.message.content
    assert choice.finish_reason in {"stop", "length"}
    assert 0 < completion.usage.completion_tokens <= 40
    assert completion.usage.prompt_tokens > 10


def test_a_streamed_chat_has_the_same_text(client):
    options = {"model": "default", "messages": ASKED, "max_tokens": 60, "temperature": 0}
    *written, last, counted = client.chat.completions.create(
        **options, stream=True, stream_options={"include_usage": True}
    )
    pieces = [chunk.choices[0].delta.content for chunk in written if chunk.choices[0].delta.content]
    assert len(pieces) > 1
    whole = client.chat.completions.create(**options)
    assert "".join(pieces) == whole.choices[0].message.content
    assert last.choices[0].finish_reason == whole.choices[0].finish_reason
    assert counted.usage.completion_tokens == whole.usage.completion_tokens


def test_a_chat_ends_at_a_stop_text(client):
    options = {"model": "default", "messages": ASKED, "max_tokens": 60, "temperature": 0}
    whole = client.chat.completions.create(**options).choices[0].message.content
    stop = whole.split()[3]
    stopped = client.chat.completions.create(**options, stop=[stop]).choices[0]
    assert (stopped.message.content, stopped.finish_reason) == (whole[: whole.index(stop)], "stop")


def test_messages_longer_than_the_context_are_refused(client):
    for stream in (False, True):
        with pytest.raises(openai.UnprocessableEntityError) as caught:
            client.chat.completions.create(
                model="default", messages=[{"role": "user", "content": "tea " * 5000}], stream=stream
            )
        assert caught.value.code == "prompt_too_long"


@pytest.mark.parametrize("format_", ["mp3", "wav", "pcm", "opus", "aac", "flac"])
def test_a_spoken_sentence_can_be_transcribed_again(client, format_):
    spoken = client.audio.speech.create(model="tts-1", voice="alloy", input=SENTENCE, response_format=format_).content
    recording = as_wav(spoken) if format_ == "pcm" else spoken
    with av.open(io.BytesIO(recording)) as sound:
        assert CODECS[format_] in sound.streams.audio[0].codec_context.name
    again = client.audio.transcriptions.create(file=(f"again.{format_}", recording), model="whisper-1", language="en")
    assert word_error_rate([(SENTENCE, again.text)]) < 0.2


CODECS = {"mp3": "mp3", "wav": "pcm_s16le", "pcm": "pcm_s16le", "opus": "opus", "aac": "aac", "flac": "flac"}


def as_wav(pcm: bytes) -> bytes:
    """16-bit samples at 24 kHz with the header that they lack."""
    file = io.BytesIO()
    soundfile.write(file, np.frombuffer(pcm, "<i2"), 24_000, format="WAV", subtype="PCM_16")
    return file.getvalue()


def test_text_in_another_script_gives_nothing_to_say(client):
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.audio.speech.create(model="tts-1", voice="alloy", input="你好，世界。")
    assert caught.value.code == "nothing_to_say"


def test_the_models_are_those_that_are_configured(client):
    assert [model.id for model in client.models.list()] == ["whisper-base", "smollm2-135m", "hibari-heart"]


def test_requests_to_single_models_leave_no_record(app, transcript):
    tasks = {job["task"] for job in app.get("/v1/jobs?limit=100").json()["jobs"]}
    assert tasks <= {"teach", "lesson", "turn", "read"}
    texts = transcript.split()[-2:]
    logs = "".join(path.read_text() for path in (app.home / "logs").glob("*.log"))
    assert " ".join(texts) not in logs
