"""Write `data/answers.json`: what the default models recognise in the recordings of `examples/`, and how they answer.

Tests of reports read it, so that they need no models. Run with: python -m tests.support.answer_recordings
"""

import json
from pathlib import Path

from pipeline import personas
from pipeline.jobs.records import to_fields
from pipeline.jobs.results import Transcript
from pipeline.settings import settings
from tests.support.recordings import RECORDINGS, load_recording
from worker_asr import engine as asr
from worker_asr.engine import Recording
from worker_llm import engine as llm
from worker_llm.tutor.model_reply import build_feedback
from worker_llm.tutor.prompt import compose

ANSWERS = Path(__file__).parents[1] / "data" / "answers.json"


def main() -> None:
    chosen = settings()
    persona = personas.load("william", chosen.personas)
    recogniser, teacher = asr.load(chosen), llm.load(chosen)
    answers = []
    for path in RECORDINGS:
        (transcript,) = recogniser.transcribe([Recording(load_recording(path), "en")])
        assert isinstance(transcript, Transcript), path
        (raw,) = teacher.reply([compose(persona, [], transcript.text, chosen, teacher.count_tokens)])
        feedback = build_feedback(transcript.text, raw.text, persona)
        answers.append({"id": path.stem, "transcript": to_fields(transcript), "feedback": to_fields(feedback)})
    lines = ",\n".join(json.dumps(answer, ensure_ascii=False, separators=(",", ":")) for answer in answers)
    ANSWERS.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
