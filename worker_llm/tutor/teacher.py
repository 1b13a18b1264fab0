"""The teacher: what is found in a learner's turn, what the language model is still asked, and the feedback of both.

In this order: danger, a text to be read aloud, a request to start over, for a study plan or to say it again, another
language, words that were not heard well; then every sentence is checked. The model is only asked for the question that
ends the answer, about the corrected sentences; where there is no checker, also for small corrections. A model that
corrects well is asked for its corrected sentences first: they are one more suggestion to the checker.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pipeline import personas
from pipeline.jobs.job import Job
from pipeline.jobs.listing import turns
from pipeline.jobs.results import Exchange, Feedback
from pipeline.learners.identity import find_learner
from pipeline.learners.store import Ledgers
from pipeline.personas import Persona
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from pipeline.text.statistics import find_clear_texts
from worker_llm.engine import Prompt
from worker_llm.grammar.checker import Checker
from worker_llm.tutor.feedback import Correction, Manner, collect_corrections, compose_feedback, join_texts
from worker_llm.tutor.hearing import Hearing, ask_to_say_again, ask_whether_heard_right, is_no, is_yes, listen
from worker_llm.tutor.homework import Homework
from worker_llm.tutor.known_answers import answer_and_ask_back, answer_other_language
from worker_llm.tutor.known_questions import KnownQuestion, find_known_questions
from worker_llm.tutor.language import find_foreign_words, find_language, say_not_understood
from worker_llm.tutor.model_reply import Conversation, correct_by_model, count_suggested_chars, find_suggestion
from worker_llm.tutor.prompt import PreparedTurn, as_exchange, compose
from worker_llm.tutor.questions.choose import BANK_TURNS, Ranker
from worker_llm.tutor.questions.practice import MIN_COUNT, choose_practice, is_due
from worker_llm.tutor.read_aloud import ReadingAttempt, ask_to_read, build_reading_feedback, choose_passage
from worker_llm.tutor.safety import (
    Danger,
    SchoolWords,
    contains_swearing,
    find_danger,
    find_private_details,
    is_insult,
    is_unfit_to_say,
    load_school_words,
    private_details_reply,
    swearing_reply,
)
from worker_llm.tutor.small_talk import asks_to_repeat, is_courtesy, repeat_last
from worker_llm.tutor.start_over import confirm_start_over, is_start_over_request
from worker_llm.tutor.study_plan.planner import StudyPlanner

WARM_UP_TEXTS = ("He go to school by bus.", "我喜欢苹果。")
FORGOTTEN_VERDICTS = frozenset(("not_heard_well", "not_understood", "other_language", "needs_an_adult"))


@dataclass(frozen=True)
class Turn:
    """A learner's turn: `earlier` are the feedbacks of the session's turns before it, oldest first.

    `is_recognised`: the utterance begins with a transcript that may be wrong; else it was typed or confirmed.
    """

    job: Job
    persona: Persona
    homework: Homework
    utterance: str
    is_recognised: bool
    earlier: Sequence[tuple[int, Feedback]] = ()

    @property
    def is_of_lesson(self) -> bool:
        """Whether it is a turn of a recorded lesson, which is not answered aloud."""
        return self.job.request.task == "turn"

    @property
    def language(self) -> str:
        """The taught language."""
        return self.persona.languages[0]

    @property
    def recognised_language(self) -> str:
        """The recogniser's, where nothing but the recording was said; else ""."""
        transcript = self.job.transcript
        return transcript.language if self.is_recognised and transcript and not self.job.request.text else ""


class Teacher:
    """Teaches with any language model, whose tokens `count_tokens` counts.

    Without `checker` nothing is called correct; without `rank` the bank's questions are chosen by their topics.
    """

    def __init__(
        self,
        settings: Settings,
        count_tokens: Callable[[str], int],
        checker: Checker | None = None,
        rank: Ranker | None = None,
    ) -> None:
        self.settings, self.count_tokens, self.checker, self.rank = settings, count_tokens, checker, rank
        self.suggested_chars = count_suggested_chars(settings)
        self.school = load_school_words(settings.safety)
        self.redis = connect(settings)
        self.ledgers = Ledgers(self.redis, settings)
        self.planner = StudyPlanner(self.redis, settings, self.school)

    def build_warmup_prompt(self) -> Prompt:
        """A prompt with the default persona, which most prompts begin with."""
        return compose(self.load_persona(self.settings.persona), [], "Hello.", self.settings, self.count_tokens)

    def warm(self) -> None:
        """Load what is read and compiled when it is first used, so that no learner waits for it."""
        for text in WARM_UP_TEXTS:
            find_danger(text, self.school)
            contains_swearing(text, self.school)
            find_private_details(text)
            is_unfit_to_say(text, self.school)
        if self.checker:
            self.checker.check(WARM_UP_TEXTS[0])

    def prepare(self, job: Job) -> PreparedTurn | Feedback:
        """What to ask the language model, or the feedback where it need not be asked."""
        turn = self.read_turn(job)
        if danger := find_danger_in(turn, self.school):
            return warn(turn.utterance, danger)
        if turn.homework.text:
            return self._prepare_reading(turn)
        if is_start_over_request(job, turn.utterance, turn.persona):
            return confirm_start_over(turn.persona, turn.utterance)
        last = turn.earlier[-1][1] if turn.earlier else None
        if last and last.verdict == "not_heard_well" and not turn.is_of_lesson:
            if is_no(turn.utterance):
                return ask_to_say_again(turn.utterance)
            if is_yes(turn.utterance):
                turn = replace(turn, utterance=last.heard, is_recognised=False)
        if about_plan := self.planner.answer(job, turn.persona, turn.homework, turn.utterance, turn.earlier):
            return about_plan
        if not (job.request.assignment or turn.is_of_lesson) and asks_to_repeat(turn.utterance):
            return repeat_last(turn.utterance, [feedback for _, feedback in turn.earlier], turn.persona)
        feedback = self._answer(turn)
        if turn.is_of_lesson and isinstance(feedback, Feedback) and feedback.verdict != "needs_an_adult":
            return replace(feedback, reply="", spoken="")
        return feedback

    def _answer(self, turn: Turn) -> PreparedTurn | Feedback:
        """To words that are neither dangerous nor a command."""
        language = find_language(turn.utterance, turn.recognised_language, turn.language)
        has_swearing = contains_swearing(turn.utterance, self.school)
        if language == "none":
            return say_not_understood(turn.utterance, turn.persona)
        if language == "other" and has_swearing:
            return self._request_kind_words(turn)
        if language == "other":
            return answer_other_language(turn.utterance, turn.persona)
        hearing = listen(turn.utterance, turn.job.transcript, turn.is_recognised)
        if hearing.is_too_unclear:
            return ask_whether_heard_right(hearing, is_speakable=not has_swearing)
        if has_swearing or is_insult(turn.utterance):
            return self._request_kind_words(turn)
        if self.checker and turn.language == "en":
            return self._prepare_checked(turn, hearing, self.checker)
        return self._prepare_unchecked(turn, hearing)

    def _request_kind_words(self, turn: Turn) -> Feedback:
        return request_kind_words(turn, self.choose_conversation(turn).choose_new_subject())

    def _prepare_checked(self, turn: Turn, hearing: Hearing, checker: Checker) -> PreparedTurn | Feedback:
        """Every sentence is checked, and the model asked for a question about the corrected ones.

        A model that corrects well is asked first, about the learner's own sentences, of a long turn the last ones.
        """
        foreign_words = find_foreign_words(hearing.words)
        is_praiseworthy = hearing.is_praiseworthy and not foreign_words and not is_courtesy(turn.utterance)
        manner = self.choose_manner(turn, hearing, can_praise=is_praiseworthy)
        conversation = self.choose_conversation(turn)

        def correct(suggestion: str = "") -> tuple[Correction, str]:
            """The correction, and the answer to what the learner asked."""
            sentences = checker.check(turn.utterance, hearing.unclear | foreign_words, suggestion)
            correction = collect_corrections(turn.utterance, sentences)
            questions = find_known_questions(turn.utterance, correction.corrected)
            return correction, answer_and_ask_back(questions, conversation, correction.corrected)

        def give(correction: Correction, answer: str, reply: str) -> Feedback:
            question = answer or conversation.choose_question(correction.corrected, reply)
            return compose_feedback(turn.utterance, correction, question, manner)

        if self.suggested_chars:
            passage = choose_passage(turn.utterance, self.suggested_chars)

            def make_feedback(reply: str) -> Feedback:
                return give(*correct(find_suggestion(passage, reply, self.school)), reply)

            return PreparedTurn(self.compose_prompt(turn, passage), make_feedback)
        correction, answer = correct()
        if answer:
            return give(correction, answer, "")
        prompt = self.compose_prompt(turn, choose_passage(correction.corrected))
        return PreparedTurn(prompt, partial(give, correction, ""))

    def _prepare_unchecked(self, turn: Turn, hearing: Hearing) -> PreparedTurn | Feedback:
        """The model is asked for its corrected sentence too, of which small corrections are used."""
        manner = self.choose_manner(turn, hearing, can_praise=False)
        conversation = self.choose_conversation(turn)
        questions = find_known_questions(turn.utterance) if turn.language == "en" else []
        make_feedback = partial(
            build_unchecked_feedback, turn.utterance, conversation=conversation, manner=manner, questions=questions
        )
        return PreparedTurn(self.compose_prompt(turn, turn.utterance), make_feedback)

    def _prepare_reading(self, turn: Turn) -> PreparedTurn | Feedback:
        attempt = ReadingAttempt(turn.utterance, turn.homework.text)
        if attempt.is_other_text:
            is_other = find_language(turn.utterance, turn.recognised_language, turn.language) == "other"
            return replace(ask_to_read(attempt), verdict="other_language") if is_other else ask_to_read(attempt)
        conversation = self.choose_conversation(turn)
        passage = choose_passage(attempt.text)
        prompt = compose(turn.persona, [], passage, self.settings, self.count_tokens)
        return PreparedTurn(prompt, partial(build_reading_feedback, attempt, conversation=conversation))

    def read_turn(self, job: Job) -> Turn:
        """What the job says, with the session's turns before it."""
        persona = self.load_persona(job.request.persona)
        is_recognised = job.transcript is not None and not job.request.said
        return Turn(job, persona, Homework.from_job(job), get_utterance(job), is_recognised, self.load_earlier(job))

    def load_earlier(self, job: Job) -> list[tuple[int, Feedback]]:
        """The session's earlier turns that were answered, oldest first, each as its number and feedback.

        Three times as many turns are read as the model sees, since some may have failed, and up to `history_turns`
        more: so the first turn that is read stays the same for as many turns, as the prompt's cache needs it. At least
        as many are read as the questions of the bank must differ from.
        """
        request, max_turns = job.request, self.settings.history_turns
        max_jobs = 3 * max_turns + (job.seq % max_turns if max_turns else 0)
        earlier = turns(self.redis, request.tenant, request.conversation, job.seq, max(max_jobs, BANK_TURNS))
        return [(each.seq, each.feedback) for each in earlier if each.feedback and not each.feedback.reset]

    def compose_prompt(self, turn: Turn, text: str) -> Prompt:
        """The prompt for a question about `text`, after the turns that may be remembered."""
        history = [as_exchange(each, number) for number, each in turn.earlier if is_remembered(each, self.school)]
        exchanges: list[Exchange] = [*turn.homework.as_history(turn.persona), *history]
        return compose(turn.persona, exchanges, text, self.settings, self.count_tokens)

    def choose_conversation(self, turn: Turn) -> Conversation:
        replies = [feedback.reply for _, feedback in turn.earlier]
        level, focus = turn.homework.level, turn.homework.focus
        practice = self.choose_practice(turn, replies, level.max_question_words)
        tells_details = find_private_details(turn.utterance)  # of which a child is not to be asked more
        return Conversation(turn.persona, replies, level, focus, self.rank, self.school, practice, tells_details)

    def choose_practice(self, turn: Turn, replies: Sequence[str], max_words: int) -> str:
        """A question for the kind of mistake that comes most often in the learner's ledger; "" where none is due."""
        request = turn.job.request
        learner = find_learner(request)
        if not learner or request.assignment or turn.language != "en" or not is_due(replies):
            return ""  # homework has a subject of its own
        records = self.ledgers.read(request.tenant, learner).recurring
        return choose_practice([each.kind for each in records if each.count >= MIN_COUNT], replies, max_words)

    def choose_manner(self, turn: Turn, hearing: Hearing, can_praise: bool) -> Manner:
        """How feedback is given on a turn that is checked. Private details are neither praised nor said aloud."""
        request = turn.job.request
        transcript = turn.job.transcript if turn.is_recognised else None
        texts = find_clear_texts(transcript, request.text, request.said) if turn.is_recognised else [turn.utterance]
        warning = private_details_reply()[0] if find_private_details(turn.utterance) else ""
        return Manner(
            turn.persona,
            turn.homework.level,
            turn.homework.focus,
            join_texts(turn.homework.describe_word_use(texts), warning),
            can_praise=can_praise and not warning,
            can_repeat=not warning,
            unclear=hearing.unclear_words,
            spoken_language=choose_spoken_language(turn, self.settings),
        )

    def load_persona(self, name: str) -> Persona:
        return personas.load(name, self.settings.personas)


def build_unchecked_feedback(
    utterance: str, reply: str, conversation: Conversation, manner: Manner, questions: Sequence[KnownQuestion] = ()
) -> Feedback:
    """Feedback without a checker: the small corrections of the model's `reply`, and an answer to known questions."""
    correction = correct_by_model(utterance, reply, manner.unclear)
    answer = answer_and_ask_back(questions, conversation, correction.corrected)
    question = answer or conversation.choose_question(correction.corrected, reply)
    return compose_feedback(utterance, correction, question, manner)


def choose_spoken_language(turn: Turn, settings: Settings) -> str:
    """In which language explanations are said: in Chinese if the persona wants it here, and a voice can speak it."""
    preference = turn.persona.explained_in
    language = turn.job.request.page_language if preference == "page" else preference
    return "zh" if language == "zh" and settings.tts_chinese != "none" else "en"


def get_utterance(job: Job) -> str:
    """The learner's own words where they mended the transcript; else the transcript, followed by the typed text."""
    if job.request.said:
        return job.request.said
    transcript = job.transcript.text if job.transcript else ""
    return f"{transcript} {job.request.text}".strip()


def is_remembered(feedback: Feedback, school: SchoolWords) -> bool:
    """Whether later prompts may show the turn: it was understood, is talk, and can be quoted."""
    is_understood = feedback.verdict not in FORGOTTEN_VERDICTS and not feedback.is_of_plan
    return is_understood and not contains_swearing(feedback.heard, school)


# --- what is said without a model --------------------------------------------------------------------------------


def find_danger_in(turn: Turn, school: SchoolWords) -> Danger | None:
    """The danger that the learner's words tell of; none where they are those of the text to be read."""
    danger = find_danger(turn.utterance, school)
    return None if danger and turn.homework.text and find_danger(turn.homework.text, school) else danger


def warn(utterance: str, danger: Danger) -> Feedback:
    """Fixed kind words, in English and Chinese; nothing is corrected or praised."""
    return Feedback(
        utterance,
        corrected=utterance,
        reply=danger.reply_en,
        spoken=danger.reply_en,
        explanation=danger.reply_zh,
        verdict="needs_an_adult" if danger.needs_an_adult else "not_checked",
    )


def request_kind_words(turn: Turn, question: str) -> Feedback:
    """Bad words are neither corrected nor said again; `question` ends the answer."""
    english, chinese = swearing_reply()
    answer = join_texts(english, question)
    return Feedback(turn.utterance, corrected=turn.utterance, reply=answer, spoken=answer, explanation=chinese)
