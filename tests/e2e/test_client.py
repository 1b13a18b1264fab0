"""The Python client with the default models: recordings in, spoken answers out."""

import asyncio
import io
from pathlib import Path

import pytest
import soundfile

from tests.support.transcripts import word_error_rate
from waijiao import AsyncClient, Client, errors

EXAMPLES = Path(__file__).parents[2] / "examples"
LEARNERS = sorted((EXAMPLES / "recordings").iterdir())[::3]


@pytest.fixture(scope="module")
def client(app):
    with Client(app.url, "") as client:
        yield client


def test_answers_to_many_recordings_can_be_recognised(client):
    """The answers are sent in again as recordings: their transcripts are the teacher's text."""
    outcomes = list(client.ask_all(LEARNERS, at_once=3, language="en"))
    assert [outcome.item for outcome in outcomes] == LEARNERS
    answers = [outcome.answer for outcome in outcomes]
    heard = [outcome.answer.heard for outcome in client.ask_all([answer.audio for answer in answers], language="en")]
    assert word_error_rate(list(zip([answer.text for answer in answers], heard, strict=True))) < 0.15


@pytest.mark.parametrize("format_", ["wav", "mp3", "flac"])
def test_an_answer_is_saved_in_its_format(client, tmp_path, format_):
    saved = client.ask(text="I like apple.", format=format_).save(tmp_path / f"answer.{format_}")
    assert soundfile.info(saved).duration > 0.5


def test_both_clients_can_continue_a_session(app, client):
    async def ask() -> bytes:
        async with AsyncClient(app.url, "") as awaited:
            return (await awaited.ask(LEARNERS[0], session="both")).audio

    client.ask(text="My name is Anna.", session="both")
    assert soundfile.info(io.BytesIO(asyncio.run(ask()))).samplerate > 0
    assert [turn.seq for turn in client.session("both").turns] == [1, 2]


def test_the_error_of_a_recording_is_raised(client):
    with pytest.raises(errors.NoSpeech):
        client.ask(EXAMPLES / "silence.wav")
    with pytest.raises(errors.BadAudio) as failed:
        client.ask(LEARNERS[0].read_bytes()[:40])
    assert failed.value.job.state == "failed"
