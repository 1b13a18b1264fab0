"""What a study plan has for many ledgers: facts alone, new days before their revision, free talk last."""

from collections.abc import Mapping

import pytest

from pipeline.jobs.results import Feedback
from pipeline.learners.entries import LedgerEntry, MistakeNote, UnclearNote
from pipeline.learners.ledger import DatedEntry, Ledger, build_ledger
from pipeline.levels import NO_LEVEL, find_level
from worker_llm.tutor.questions.practice import PRACTICE_QUESTIONS
from worker_llm.tutor.safety import NO_SCHOOL_WORDS
from worker_llm.tutor.study_plan.answer import PlanTurn, answer_about_plan
from worker_llm.tutor.study_plan.builder import SCHEDULES, Wishes, build_plan, find_topics, write_out
from worker_llm.tutor.study_plan.tasks import KIND_TASKS, SKILLS, find_kind_task

DAY_S = 86_400
REQUEST = "Make me a study plan."


def make_ledger(
    counts: Mapping[str, int], words: tuple[str, ...] = (), right: Mapping[str, int] | None = None
) -> Ledger:
    """`counts`: mistakes by kind; `words` were not clear; `right`: days with a right use after all of the mistakes."""
    entries = [
        LedgerEntry(
            f"{kind}{number}",
            (MistakeNote(kind, "a", "b", f"Heard {kind} {number}.", f"Better {kind} {number}."),),
        )
        for kind, count in counts.items()
        for number in range(count)
    ]
    entries.append(LedgerEntry("words", unclear=tuple(UnclearNote(word, 0, 1) for word in words)))
    uses = [
        LedgerEntry(f"right{kind}{day}", right=(kind,)) for kind, days in (right or {}).items() for day in range(days)
    ]
    dated = [DatedEntry(1e9 + place, entry) for place, entry in enumerate(entries)]
    dated += [DatedEntry(1e9 + (1 + place) * DAY_S, entry) for place, entry in enumerate(uses)]
    return build_ledger("session-anna", dated)


def ask(ledger: Ledger, *texts: str, **fields: object) -> Feedback:
    """The feedback on the last of these turns, each of which is about a plan."""
    earlier: list[Feedback] = []
    for text in texts:
        feedback = answer_about_plan(PlanTurn(text, tuple(earlier), lambda: ledger, NO_SCHOOL_WORDS, **fields))
        assert feedback is not None
        earlier.append(feedback)
    return earlier[-1]


def shape(feedback: Feedback) -> list[tuple[str, str, int]]:
    return [(day.activity, day.kind or " ".join(day.words), day.revised) for day in feedback.plan.days]


THREE = make_ledger({"R:VERB:TENSE": 4, "M:DET": 2, "R:PREP": 1}, ("mouth", "three"))


def test_the_most_frequent_kind_comes_first_then_words_and_each_is_done_again():
    assert shape(ask(THREE, REQUEST)) == [
        ("mistake", "R:VERB:TENSE", 0),
        ("words", "mouth three", 0),
        ("revision", "R:VERB:TENSE", 1),
        ("mistake", "M:DET", 0),
        ("mistake", "R:PREP", 0),
        ("revision", "mouth three", 2),
        ("free_talk", "", 0),
    ]


def test_examples_are_the_learner_s_own_and_another_one_when_it_is_done_again():
    days = ask(THREE, REQUEST).plan.days
    assert (days[0].heard, days[0].better) == ("Heard R:VERB:TENSE 3.", "Better R:VERB:TENSE 3.")
    assert (days[2].heard, days[2].better) == ("Heard R:VERB:TENSE 2.", "Better R:VERB:TENSE 2.")
    assert days[0].prompt != days[2].prompt
    assert {days[0].prompt, days[2].prompt} <= set(PRACTICE_QUESTIONS["VERB:TENSE"])


def test_words_that_were_not_clear_are_named_in_both_languages():
    task = ask(THREE, REQUEST).plan.days[1].task
    assert "mouth, three" in task["en"]
    assert "mouth、three" in task["zh"]


@pytest.mark.parametrize(
    ("counts", "words", "kinds"),
    [
        ({"R:VERB:TENSE": 1, "M:DET": 3}, (), ["M:DET", "R:VERB:TENSE"]),
        ({"R:DET": 2, "M:DET": 2, "U:DET": 1, "R:PREP": 4}, (), ["M:DET", "R:PREP"]),
        ({"R:OTHER": 9, "M:DET": 1, "R:PREP": 1}, (), ["R:PREP", "M:DET", "R:OTHER"]),
        ({"R:SPELL": 2, "R:ORTH": 1}, (), ["R:SPELL", "R:ORTH"]),
        ({"R:VERB:TENSE": 1}, ("ship",), ["R:VERB:TENSE", ""]),
        (
            {f"R:{kind}": 2 for kind in ("DET", "PREP", "PRON", "VERB", "WO", "CONJ")},
            (),
            ["R:CONJ", "R:WO", "R:VERB", "R:PRON"],
        ),
    ],
)
def test_a_ledger_gives_at_most_four_topics_of_what_was_said_wrong_most_often(counts, words, kinds):
    assert [topic.kind for topic in find_topics(make_ledger(counts, words))] == kinds


@pytest.mark.parametrize("count", SCHEDULES)
def test_every_plan_is_new_first_revised_later_and_ends_with_free_talk(count):
    kinds = list(KIND_TASKS)[:count]
    topics = find_topics(make_ledger({f"R:{kind}": 2 for kind in kinds}))
    plan = build_plan(topics, Wishes(), NO_LEVEL, "en", "ledger")
    assert [day.number for day in plan.days] == list(range(1, len(plan.days) + 1))
    assert len(plan.days) == (3, 5, 7, 7)[count - 1]
    assert [day.activity for day in plan.days].count("free_talk") == 1
    assert plan.days[-1].activity == "free_talk"
    for day in plan.days:
        if day.revised:
            earlier = plan.days[day.revised - 1]
            assert day.revised < day.number
            assert (earlier.revised, earlier.kind) == (0, day.kind)


def test_what_is_mastered_is_not_practised():
    ledger = make_ledger({"R:VERB:TENSE": 4, "M:DET": 2, "R:PREP": 2}, right={"R:VERB:TENSE": 3})
    assert {day.kind for day in ask(ledger, REQUEST).plan.days} == {"M:DET", "R:PREP", ""}


@pytest.mark.parametrize(
    "ledger",
    [
        make_ledger({}),
        make_ledger({"R:VERB:TENSE": 5}),
        make_ledger({}, ("ship",)),
        make_ledger({"M:DET": 2, "R:PREP": 2}, right={"M:DET": 3, "R:PREP": 3}),
    ],
)
def test_where_the_ledger_says_too_little_three_questions_come_first(ledger):
    texts = [REQUEST, "Fifteen minutes.", "Prepositions and listening.", "I like to talk about football."]
    questions = [ask(ledger, *texts[:count]).plan_question for count in range(1, 5)]
    assert questions == ["minutes", "hard", "topic", ""]
    plan = ask(ledger, *texts).plan
    assert (plan.minutes, plan.basis) == (15, "answers")
    assert "football" in plan.days[-1].task["en"]
    assert "R:PREP" in {day.kind for day in plan.days}
    assert SKILLS["listening"].task.text in [day.task for day in plan.days]


def test_what_the_ledger_says_comes_before_the_answers():
    plan = ask(make_ledger({"R:WO": 1}), REQUEST, "ten", "articles", "music").plan
    assert [day.kind for day in plan.days if not day.revised][:2] == ["R:WO", "R:DET"]


def test_what_is_mastered_is_not_filled_in_unless_the_learner_calls_it_hard():
    mastered = make_ledger({"R:VERB:SVA": 1}, right={"R:VERB:SVA": 3})
    filled, named = (
        {day.kind for day in ask(mastered, REQUEST, "ten", hard, "music").plan.days}
        for hard in ("everything", "third person")
    )
    assert "R:VERB:SVA" not in filled
    assert "R:VERB:SVA" in named


@pytest.mark.parametrize("hard", ["", "Everything.", "listening", "tenses, articles and speaking", "我不知道", "时态"])
def test_a_plan_from_answers_alone_has_seven_days_and_no_example(hard):
    plan = ask(make_ledger({}), REQUEST, "ten", hard or "hm, well", "随便").plan
    assert len(plan.days) == 7
    assert not any(day.heard or day.better for day in plan.days)


@pytest.mark.parametrize(
    ("level", "minutes", "task_minutes"),
    [("A1", None, 5), ("A2", None, 7), ("C1", None, 10), ("A1", 10, 10), ("", 3, 3)],
)
def test_the_tasks_are_sized_by_level_and_by_the_minutes_of_the_learner(level, minutes, task_minutes):
    plan = build_plan(find_topics(THREE), Wishes(minutes), find_level(level), "en", "ledger")
    assert {day.minutes for day in plan.days} == {task_minutes}


def test_no_task_is_longer_than_ten_minutes_and_the_rest_is_for_talk():
    plan = build_plan(find_topics(THREE), Wishes(30), NO_LEVEL, "en", "ledger")
    assert {day.minutes for day in plan.days} == {10}
    assert "rest of the time" in plan.summary["en"]
    assert "剩下的时间" in plan.summary["zh"]


def test_a_beginner_gets_short_questions():
    level = find_level("A1")
    plan = build_plan(find_topics(THREE), Wishes(), level, "en", "ledger")
    assert all(len(day.prompt.split()) <= level.max_question_words for day in plan.days)


def test_a_long_sentence_is_no_example():
    long = " ".join(["word"] * 40)
    entry = LedgerEntry("x", (MistakeNote("R:PREP", "a", "b", long, long), MistakeNote("M:DET", "a", "b", "A.", "B.")))
    days = ask(build_ledger("x", [DatedEntry(1e9, entry)]), REQUEST).plan.days
    assert {(day.kind, day.better) for day in days if day.kind} == {("R:PREP", ""), ("M:DET", "B.")}


@pytest.mark.parametrize(
    ("request_", "reader", "can_speak", "is_chinese_written", "is_chinese_spoken"),
    [
        (REQUEST, "en", True, False, False),
        (REQUEST, "zh", True, True, True),
        (REQUEST, "zh", False, True, False),
        ("帮我做一个学习计划", "en", True, True, True),
        ("幫我做一個學習計劃", "en", False, True, False),
    ],
)
def test_a_plan_is_in_chinese_where_the_question_or_the_page_is(
    request_, reader, can_speak, is_chinese_written, is_chinese_spoken
):
    for ledger in (THREE, make_ledger({})):
        feedback = ask(ledger, request_, reader=reader, can_speak_chinese=can_speak)
        assert ("你" in feedback.explanation) is is_chinese_written
        assert ("你" in feedback.spoken) is is_chinese_spoken
        assert feedback.reply.isascii()


def test_what_is_said_is_short_and_the_text_has_every_day():
    feedback = ask(THREE, REQUEST)
    assert len(feedback.spoken.split()) < 60
    assert len(feedback.spoken.split(".")[0].split()) <= 5
    assert feedback.explanation == write_out(feedback.plan, "en")
    assert [line.split(" ")[:2] for line in feedback.explanation.splitlines()] == [["Day", str(n)] for n in range(1, 8)]
    assert "You said: “Heard R:VERB:TENSE 3.” Better: “Better R:VERB:TENSE 3.”" in feedback.explanation


def test_the_request_is_neither_corrected_nor_praised():
    feedback = ask(THREE, "make plan for me this week")
    assert (feedback.verdict, feedback.edits, feedback.corrected) == ("not_checked", (), "make plan for me this week")
    assert not feedback.is_checked


def test_a_learner_may_stop_and_noise_is_asked_about_again():
    empty = make_ledger({})
    again = ask(empty, REQUEST, "Um")
    assert again.plan_question == "minutes"
    assert again.reply.startswith("I did not catch that.")
    stopped = ask(empty, REQUEST, "No, thank you.")
    assert (stopped.plan, stopped.plan_question) == (None, "")


def test_in_homework_no_question_is_asked_and_a_request_must_stand_alone():
    level = find_level("A1")
    plan = ask(make_ledger({}), REQUEST, is_homework=True, level=level).plan
    assert {day.minutes for day in plan.days} == {5}
    turn = PlanTurn(f"I went to the zoo. {REQUEST}", (), lambda: THREE, NO_SCHOOL_WORDS, is_homework=True)
    assert answer_about_plan(turn) is None


@pytest.mark.parametrize("text", ["I like dogs.", "My plan is good.", "This is shit. Make me a study plan."])
def test_other_turns_are_left_to_the_teacher(text):
    assert answer_about_plan(PlanTurn(text, (), lambda: THREE, NO_SCHOOL_WORDS)) is None


@pytest.mark.parametrize("kind", ["VERB:TENSE", "NOUN:POSS", "NOUN", "PUNCT", "OTHER", "ADJ:FORM", "PART", "CONTR"])
def test_every_kind_has_a_task_in_both_languages(kind):
    task = find_kind_task(kind)
    assert all(task.name[language] and task.text[language] for language in ("en", "zh"))
    assert task.prompts
