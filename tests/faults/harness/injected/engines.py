"""Engines without models, which log what they are asked and do what the test ordered for that utterance.

Utterance 7 is a recording of LEAST_S + 7 * STEP_S seconds, in which the word canary7 is recognised; the teacher echoes
it, and the spoken answer is a short tone. Actions of these engines alone: `wrong_type` gives a result of a wrong type,
`too_few` one result too few, and `leak` fails with the learner's words in the error.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.audio.decode import Waveform
from pipeline.jobs.results import Completion, Transcript
from pipeline.settings import Settings
from tests.faults.harness.injected import LEAST_S, STEP_S
from tests.faults.harness.injected.orders import KIND, always_wanted, log_event, obey
from worker_asr.engine import Recording
from worker_llm.engine import Message, Prompt
from worker_tts.engine import Utterance

CANARY = re.compile(r"canary\d+")
TONE = Waveform(0.1 * np.sin(np.arange(2_400, dtype=np.float32) / 8), 24_000)


class ScriptedEngine:
    """What the three have in common: each run is logged, and each order obeyed."""

    def __init__(self, model: Path, settings: Settings) -> None:
        obey("load")
        log_event("loaded")

    def run(self, questions: Sequence[Any], words: Sequence[str], answers: Sequence[Any]) -> list[Any]:
        """`answers`, unless an order for one of the utterances that `words` name spoils them."""
        results = list(answers)
        for number, text in enumerate(words):
            for utterance in CANARY.findall(text)[:1]:
                log_event(KIND, utterance=utterance, history=history(questions[number]))
                wanted = getattr(questions[number], "wanted", always_wanted)
                order = obey(utterance, getattr(questions[number], "still_wanted", wanted))
                if order == "leak":
                    raise RuntimeError(f"cannot work on: {text}")
                if order == "wrong_type":
                    results[number] = 42
                if order == "too_few":
                    return results[:-1]
        return results


class ScriptedRecogniser(ScriptedEngine):
    def transcribe(self, recordings: list[Recording]) -> list[Transcript]:
        lengths = [recording.waveform.duration_s for recording in recordings]
        words = [f"I like canary{round((length - LEAST_S) / STEP_S)} very much" for length in lengths]
        transcripts = [Transcript(text, "en", length) for text, length in zip(words, lengths, strict=True)]
        return self.run(recordings, words, transcripts)


class ScriptedTeacher(ScriptedEngine):
    def reply(self, prompts: Sequence[Prompt]) -> list[Completion]:
        words = [prompt.messages[-1].content for prompt in prompts]
        replies = [f'"{text}" Why do you like {"".join(CANARY.findall(text)[:1])}?' for text in words]
        for prompt, answer in zip(prompts, replies, strict=True):
            for piece in re.findall(r"\s*\S+", answer):
                prompt.on_text(piece)
        whole = [Completion(text, "stop", len(text.split()), len(text.split())) for text in replies]
        return self.run(prompts, words, whole)

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def warm(self, prompt: Prompt) -> None:
        return


class ScriptedSpeaker(ScriptedEngine):
    voices = ("default",)

    def speak(self, lines: list[Utterance]) -> list[Waveform]:
        return self.run(lines, [line.text for line in lines], [TONE] * len(lines))


def history(job_request: object) -> list[str]:
    """The utterances of the turns before the last, which a prompt shows the language model."""
    earlier: tuple[Message, ...] = job_request.messages[:-1] if isinstance(job_request, Prompt) else ()
    return [canary for message in earlier if message.role == "user" for canary in CANARY.findall(message.content)[:1]]
