"""What the teacher answers to recordings of which the text is known: one by one, and how often it is untrue.

Run with: python -m benchmarks.hearing.answers FOLDER [--counts]

FOLDER has a `learners.json` and ID.wav for each `id` and `text` in it. Each recording is a talk's first turn, with the
default models. Untrue is praise when a word was misheard, and an edit of a misheard word.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.clearness.corpus import Utterance
from benchmarks.hearing.recordings import MAX_RECORDING_S, read_utterances
from benchmarks.hearing.truth import Truth
from pipeline import personas
from pipeline.audio.decode import decode
from pipeline.errors import WaijiaoError
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.results import Feedback, Transcript
from pipeline.settings import Settings
from pipeline.text.corrections import WORD
from worker_asr.engine import Recogniser, Recording
from worker_asr.engine import load as load_recogniser
from worker_llm.engine import LanguageModel
from worker_llm.engine import load as load_model
from worker_llm.grammar.corrector import load_checker
from worker_llm.tutor.prompt import PreparedTurn
from worker_llm.tutor.teacher import Teacher


@dataclass(frozen=True)
class Answer:
    """A recording's feedback, and which of the words of `feedback.heard` were misheard."""

    utterance: Utterance
    feedback: Feedback
    misheard: Sequence[bool]

    @property
    def has_misheard(self) -> bool:
        return any(self.misheard)

    @property
    def is_praised(self) -> bool:
        return self.feedback.verdict == "correct"

    @property
    def edits_misheard(self) -> bool:
        """Whether a misheard word is said to be wrong."""
        return any(any(self.misheard[slice(*edit.at)]) for edit in self.feedback.edits)


class FirstTurnTeacher(Teacher):
    """Without a session, and so without Redis."""

    def load_earlier(self, job: Job) -> list[tuple[int, Feedback]]:
        return []


class Talk:
    """The default recogniser, language model and teacher."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.recogniser: Recogniser = load_recogniser(self.settings)
        self.model: LanguageModel = load_model(self.settings)
        checker = load_checker(self.settings)
        self.teacher = FirstTurnTeacher(self.settings, self.model.count_tokens, checker, getattr(checker, "rank", None))
        self.languages = personas.load(self.settings.persona, self.settings.personas).languages
        self.truth = Truth()

    def answer(self, utterance: Utterance) -> Answer | None:
        """None when nothing was recognised."""
        with utterance.file.open("rb") as file:
            recording = Recording(decode(file, MAX_RECORDING_S), expected_languages=self.languages)
        (transcript,) = self.recogniser.transcribe([replace(recording, estimate_misheard=True)])
        if not isinstance(transcript, Transcript):
            return None
        request = JobRequest("answer", "learner", recording="default/answer/x")
        now = time.time()
        prepared = self.teacher.prepare(Job(request, 1, "llm", "", 1, now, now, now, transcript=transcript))
        if isinstance(prepared, PreparedTurn):
            (reply,) = self.model.reply([prepared.prompt])
            if isinstance(reply, WaijiaoError):
                raise reply
            prepared = prepared.make_feedback(reply.text)
        words = WORD.findall(prepared.heard)
        return Answer(utterance, prepared, self.truth.find_misheard(words, utterance.text))


def main(arguments: argparse.Namespace) -> None:
    talk = Talk()
    answers = []
    for utterance in read_utterances(arguments.folder):
        one = talk.answer(utterance)
        if one is None:
            print(f"{utterance.identifier} | {utterance.text} | nothing was recognised")
            continue
        answers.append(one)
        if not arguments.counts:
            feedback, mark = one.feedback, "misheard" if one.has_misheard else "right"
            print(
                " | ".join(
                    (utterance.identifier, utterance.text, feedback.heard, mark, feedback.verdict, feedback.spoken)
                )
            )
    praises = [each for each in answers if each.is_praised]
    corrections = [each for each in answers if each.feedback.verdict == "corrected"]
    questions = [each for each in answers if each.feedback.verdict == "not_heard_well"]
    print(f"{len(answers)} answered, in {sum(each.has_misheard for each in answers)} a word was misheard")
    for name, group in (
        ("asked whether it was heard right", questions),
        ("praised", praises),
        ("corrected", corrections),
    ):
        print(f"{name}: {len(group)}, in {sum(each.has_misheard for each in group)} of them a word was misheard")
    print(f"a misheard word was corrected: {sum(each.edits_misheard for each in corrections)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--counts", action="store_true", help="without the list of recordings")
    try:
        main(parser.parse_args())
    except (WaijiaoError, OSError) as error:
        parser.exit(1, f"{error}\n")
