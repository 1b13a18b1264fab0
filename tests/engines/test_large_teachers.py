"""The large teachers in a whole server: GLM and Bark with random weights, real Whisper, real queues, the API."""

import io
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import soundfile

from pipeline import personas
from pipeline.settings import settings
from tests.support.running_app import run_app
from waijiao.tiny_models import bark, glm
from worker_llm.tutor.questions.bank import QUESTIONS

LEARNER = Path(__file__).parents[2] / "examples" / "recordings" / "ruoxi-wu.wav"
RATE = 24_000  # Hz that Bark speaks at


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teachers")
    teachers = {
        "WAIJIAO_LLM_ENGINE": "transformers",
        "WAIJIAO_LLM_MODEL": str(glm.make(folder / "glm")),
        "WAIJIAO_TTS_ENGINE": "bark",
        "WAIJIAO_TTS_MODEL": str(bark.make(folder / "bark")),
        "WAIJIAO_TTS_BATCH": "4",
    }
    with run_app(folder, **teachers) as running:
        yield running


def fetch_answer(app, job):
    """Samples and rate of the job's answer."""
    return soundfile.read(io.BytesIO(app.get(job["answer"]["audio"]).raise_for_status().content))


def test_a_recording_is_transcribed_answered_by_glm_and_spoken_by_bark(app):
    job = app.ask(LEARNER, session="anna")
    assert job["state"] == "succeeded", job["error"]
    assert "long hair and blue eyes" in job["transcript"]["text"]
    samples, rate = fetch_answer(app, job)
    assert rate == RATE
    assert len(samples) == pytest.approx(job["answer"]["duration_s"] * RATE, abs=RATE / 100)
    assert abs(samples).max() > 0.001


def test_what_a_glm_with_random_weights_says_never_reaches_the_learner(app):
    job = app.ask(text="My brother likes to play football.", session="ben")
    william = personas.load("william", settings().personas)
    assert job["feedback"]["corrected"] == "My brother likes to play football."
    question = job["feedback"]["reply"].removeprefix(f"{william.praise} ")
    assert question in {william.fallback, *(each.text for each in QUESTIONS)}


def test_many_recordings_are_answered_together_each_with_its_own_answer(app):
    accepted = [app.post(text=f"I have {number} dogs.", session=f"child-{number}") for number in range(6)]
    jobs = [app.wait_until_ended(each) for each in accepted]
    assert [job["state"] for job in jobs] == ["succeeded"] * 6
    assert all(f"{number} dogs" in job["feedback"]["heard"] for number, job in enumerate(jobs))


def chat(app, **more):
    asked = {
        "model": "default",
        "messages": [{"role": "user", "content": "Hello."}],
        "temperature": 0,
        "max_tokens": 24,
        **more,
    }
    answer = httpx.post(f"{app.url}/v1/chat/completions", json=asked, timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer


def test_the_model_alone_continues_a_chat_the_same_way_each_time(app):
    first, second = (chat(app).json() for _ in range(2))
    assert first["usage"] == second["usage"]
    assert 0 < first["usage"]["completion_tokens"] <= 24
    assert first["choices"][0]["message"]["content"] == second["choices"][0]["message"]["content"] != ""


def test_a_chat_is_streamed_as_it_comes(app):
    whole = chat(app).json()["choices"][0]["message"]["content"]
    lines = chat(app, stream=True).text.split("\n\n")
    pieces = [
        httpx.Response(200, text=line.removeprefix("data: ")).json() for line in lines if line.startswith("data: {")
    ]
    assert "".join(choice["delta"].get("content") or "" for piece in pieces for choice in piece["choices"]) == whole


@pytest.mark.parametrize("voice", ["default", "en_speaker_3", "zh_speaker_1"])
def test_bark_alone_speaks_with_the_voice_that_is_named(app, voice):
    asked = {"model": "default", "input": "Good morning. 你好。", "voice": voice, "response_format": "wav"}
    answer = httpx.post(f"{app.url}/v1/audio/speech", json=asked, timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    samples, rate = soundfile.read(io.BytesIO(answer.content))
    assert rate == RATE
    assert len(samples) > RATE / 10


def test_the_demo_of_the_teachers_says_that_it_is_noise(tmp_path):
    command = [sys.executable, "-m", "waijiao", "demo", "--teachers", "tiny", "--out", str(tmp_path / "answer.wav")]
    environment = {**os.environ, "WAIJIAO_MODELS": str(settings().models_folder)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "long hair and blue eyes" in done.stdout
    assert "noise" in done.stdout
    assert (tmp_path / "answer.wav").stat().st_size > 1000
