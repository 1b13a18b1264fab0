"""Study plans in a session: reads the learner's ledger, and whether a question before a plan is still open."""

from collections.abc import Sequence

from redis import Redis

from pipeline.jobs.job import Job
from pipeline.jobs.listing import turns
from pipeline.jobs.plans import PlanLanguage
from pipeline.jobs.results import Feedback
from pipeline.learners.identity import find_learner
from pipeline.learners.store import Ledgers
from pipeline.personas import Persona
from pipeline.settings import Settings
from worker_llm.tutor.homework import Homework
from worker_llm.tutor.known_answers import answer_known_questions
from worker_llm.tutor.known_questions import asks_teacher_only, find_known_questions
from worker_llm.tutor.safety import SchoolWords
from worker_llm.tutor.study_plan.answer import PlanTurn, answer_about_plan

OPEN_QUESTION_S = 3600  # after which what is said is no answer to a question any more


class StudyPlanner:
    """Answers the turns of any session that are about a study plan."""

    def __init__(self, redis: "Redis", settings: Settings, school: SchoolWords) -> None:
        self.redis, self.settings, self.school = redis, settings, school
        self.ledgers = Ledgers(redis, settings)

    def answer(
        self, job: Job, persona: Persona, homework: Homework, utterance: str, earlier: Sequence[tuple[int, Feedback]]
    ) -> Feedback | None:
        """The plan, or the next question before it; None if the turn is about something else, or of a lesson.

        `earlier`: the session's turns before it, oldest first, each as its number and feedback.
        """
        request = job.request
        if request.task == "turn" or persona.languages[0] != "en":
            return None
        learner = find_learner(request)
        turn = PlanTurn(
            utterance,
            [feedback for _, feedback in earlier] if self.is_question_open(job, earlier) else [],
            lambda: self.ledgers.read(request.tenant, learner),
            self.school,
            is_homework=bool(request.assignment),
            level=homework.level if homework.level_name else None,
            reader=find_reader_language(persona, request.page_language),
            can_speak_chinese=self.settings.tts_chinese != "none",
            own_answer=answer_question_to_teacher(utterance, persona),
        )
        return answer_about_plan(turn)

    def is_question_open(self, job: Job, earlier: Sequence[tuple[int, Feedback]]) -> bool:
        """Whether the last turn asked a question before a plan, and not long ago."""
        if not earlier or not earlier[-1][1].plan_question:
            return False
        asked_turns = turns(self.redis, job.request.tenant, job.request.conversation, earlier[-1][0] + 1, 1)
        return bool(asked_turns) and job.created_at - asked_turns[-1].created_at <= OPEN_QUESTION_S


def answer_question_to_teacher(utterance: str, persona: Persona) -> str:
    """The answer to words that only ask about the teacher; "" to all others."""
    return answer_known_questions(find_known_questions(utterance), persona) if asks_teacher_only(utterance) else ""


def find_reader_language(persona: Persona, page_language: str) -> PlanLanguage:
    """The language that the learner reads: that of the page, or the one in which the persona explains."""
    language = page_language if persona.explained_in == "page" else persona.explained_in
    return "zh" if language == "zh" else "en"
