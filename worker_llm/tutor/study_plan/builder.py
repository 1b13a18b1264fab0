"""A study plan made of facts: what the ledger says is not mastered, what the learner answered, and the level."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.jobs.plans import PlanActivity, PlanBasis, PlanDay, PlanLanguage, StudyPlan
from pipeline.learners.ledger import KindRecord, Ledger
from pipeline.levels import BEGINNERS_KINDS, Level
from worker_llm.tutor.study_plan.chinese import write_number
from worker_llm.tutor.study_plan.tasks import (
    FREE_TALK,
    FREE_TALK_ABOUT,
    REVISION,
    SKILLS,
    WORDS,
    Task,
    find_kind_task,
)

MIN_TOPICS = 2  # things to practise that a ledger must have, so that a plan can be made of it alone
MAX_TOPICS = 4
MAX_WORDS = 4  # of a day
MAX_EXAMPLE_CHARS = 120
MAX_TASK_MINUTES = 10
SCHEDULES: Mapping[int, str] = {  # by the number of topics: the days before the last one, with the topics' numbers
    1: "1 1+",
    2: "1 2 1+ 2+",
    3: "1 2 1+ 3 2+ 3+",
    4: "1 2 1+ 3 4 2+",
}


@dataclass(frozen=True)
class Sentence:
    """A sentence of the learner with a mistake, and put right."""

    heard: str = ""
    better: str = ""


@dataclass(frozen=True)
class Topic:
    """What is practised on a day, and revised on a later one; `examples` are the learner's own, the latest first."""

    activity: PlanActivity
    task: Task
    kind: str = ""
    words: tuple[str, ...] = ()
    examples: tuple[Sentence, ...] = ()


@dataclass(frozen=True)
class Wishes:
    """What the learner answered: `minutes` a day, None where they were not named; kinds and skills that are hard;
    what to talk about, and a question about it."""

    minutes: int | None = None
    kinds: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    talk_about: str = ""
    talk_prompt: str = ""


def find_topics(ledger: Ledger) -> list[Topic]:
    """What the ledger says is to be practised, most of all first; words that were not clear come second."""
    kinds = list(group_kinds(ledger.recurring))
    words = tuple(record.word for record in ledger.words if not record.is_mastered)[:MAX_WORDS]
    if words:
        texts = {
            "en": WORDS.text["en"].format(words=", ".join(words)),
            "zh": WORDS.text["zh"].format(words="、".join(words)),
        }
        kinds.insert(1, Topic("words", replace(WORDS, text=texts), words=words))
    return kinds[:MAX_TOPICS]


def group_kinds(records: Sequence[KindRecord]) -> Iterator[Topic]:
    """A topic for each sort of mistakes, whatever was done: a missing, a needless and a wrong article are one sort.

    The most frequent sort is the first; those without a name of their own come last.
    """
    sorts: dict[str, list[KindRecord]] = {}
    for record in records:
        sorts.setdefault(sort_of(record.kind), []).append(record)

    def rank(sort: str) -> tuple[bool, int]:
        return sort == "OTHER", -sum(record.count for record in sorts[sort])

    for sort in sorted(sorts, key=rank):
        examples = sorted((each for record in sorts[sort] for each in record.examples), key=lambda each: -each.at)
        sentences = [Sentence(each.note.heard, each.note.better) for each in examples]
        short = [each for each in sentences if max(len(each.heard), len(each.better)) <= MAX_EXAMPLE_CHARS]
        yield Topic("mistake", find_kind_task(sort), sorts[sort][0].kind, examples=tuple(dict.fromkeys(short)))


def sort_of(kind: str) -> str:
    """ERRANT's name without what was done, such as VERB:TENSE of R:VERB:TENSE."""
    return kind.partition(":")[2] or kind


def add_wishes(topics: Sequence[Topic], wishes: Wishes, level: Level, mastered: Collection[str]) -> list[Topic]:
    """What the learner called hard follows what the ledger says, and then what most learners of the level need.

    Of the latter none is taken that is `mastered`, a kind without its first letter.
    """
    hard = _alternate(make_kind_topics(wishes.kinds), [Topic("skill", SKILLS[name].task) for name in wishes.skills])
    usual = make_kind_topics(kind for kind in (*level.first_kinds, *BEGINNERS_KINDS) if kind not in mastered)
    by_name: dict[str, Topic] = {}
    for topic in (*topics, *hard, *usual):
        by_name.setdefault(topic.task.name["en"], topic)
    return list(by_name.values())[:MAX_TOPICS]


def make_kind_topics(kinds: Iterable[str]) -> list[Topic]:
    """The topics of these kinds, ERRANT's names without their first letter."""
    return [Topic("mistake", find_kind_task(kind), f"R:{kind}") for kind in kinds]


def _alternate(first: Sequence[Topic], second: Sequence[Topic]) -> list[Topic]:
    length = max(len(first), len(second))
    return [topics[place] for place in range(length) for topics in (first, second) if place < len(topics)]


def build_plan(
    topics: Sequence[Topic], wishes: Wishes, level: Level, asked_in: PlanLanguage, basis: PlanBasis
) -> StudyPlan:
    """The plan of these topics, at least one and at most MAX_TOPICS: two days for most, and one of free talk."""
    minutes = wishes.minutes or level.task_minutes
    task_minutes = min(minutes, MAX_TASK_MINUTES)
    first_days: dict[int, int] = {}
    days: list[PlanDay] = []
    for number, entry in enumerate(SCHEDULES[len(topics)].split(), 1):
        place = int(entry[0]) - 1
        topic = topics[place]
        days.append(make_day(number, topic, task_minutes, level, first_days.get(place, 0)))
        first_days.setdefault(place, number)
    days.append(make_free_talk(len(days) + 1, wishes, task_minutes))
    return StudyPlan(tuple(days), minutes, asked_in, basis, summarize(topics, days, minutes))


def make_day(number: int, topic: Topic, minutes: int, level: Level, first_day: int) -> PlanDay:
    """A day with a topic; `first_day`: the one on which it was new, 0 if it is new. Then other examples are shown."""
    turn = 1 if first_day else 0
    example = topic.examples[turn % len(topic.examples)] if topic.examples else Sentence()
    prompts = [each for each in topic.task.prompts if len(each.split()) <= level.max_question_words]
    return PlanDay(
        number=number,
        activity="revision" if first_day else topic.activity,
        minutes=minutes,
        task=describe_revision(first_day, topic.task) if first_day else topic.task.text,
        kind=topic.kind,
        words=topic.words,
        heard=example.heard,
        better=example.better,
        prompt=prompts[turn % len(prompts)] if prompts else "",
        revised=first_day,
    )


def describe_revision(first_day: int, task: Task) -> Mapping[str, str]:
    return {
        "en": REVISION["en"].format(number=first_day, name=task.name["en"]),
        "zh": REVISION["zh"].format(number=write_number(first_day), name=task.name["zh"]),
    }


def make_free_talk(number: int, wishes: Wishes, minutes: int) -> PlanDay:
    about = {language: text.format(topic=wishes.talk_about) for language, text in FREE_TALK_ABOUT.items()}
    task = about if wishes.talk_about else FREE_TALK.text
    return PlanDay(number, "free_talk", minutes, task, prompt=wishes.talk_prompt or FREE_TALK.prompts[0])


# --- in words ------------------------------------------------------------------------------------------------------


def summarize(topics: Sequence[Topic], days: Sequence[PlanDay], minutes: int) -> Mapping[str, str]:
    """A few sentences about the plan, by language, without the days' tasks; a short one is heard first."""
    first, *others = (topic.task.name for topic in topics)
    prompt, has_more_time = days[0].prompt, minutes > MAX_TASK_MINUTES
    then = f" Then: {list_names(each['en'] for each in others)}." if others else ""
    then_zh = f"然后练{'、'.join(each['zh'] for each in others)}。" if others else ""
    english = (
        f"Here is your plan. It has {len(days)} days, with about {minutes} minutes a day. You begin with this: "
        f"{first['en']}.{then} On the last day we just talk."
    )
    chinese = (
        f"这是你的学习计划。一共{write_number(len(days))}天，每天大约{write_number(minutes)}分钟。先练{first['zh']}。{then_zh}"
        "最后一天我们自由聊天。"
    )
    more = " Use the rest of the time to talk with me about anything." if has_more_time else ""
    more_zh = "剩下的时间随便和我聊聊。" if has_more_time else ""
    return {
        "en": f"{english}{more} Let us begin. {prompt}".strip(),
        "zh": f"{chinese}{more_zh}我们现在就开始。{prompt}".strip(),
    }


def list_names(names: Iterable[str]) -> str:
    """One after the other with semicolons, since names have commas themselves."""
    return "; ".join(names)


TEXTS = {
    "en": {
        "day": "Day {number} ({minutes} minutes): {task}",
        "example": " You said: “{heard}” Better: “{better}”",
        "prompt": " Begin with: {prompt}",
    },
    "zh": {
        "day": "第{number}天（{minutes} 分钟）：{task}",
        "example": "你说过：“{heard}” 更好的说法：“{better}”",
        "prompt": "可以从这里开始：{prompt}",
    },
}


def write_out(plan: StudyPlan, language: PlanLanguage) -> str:
    """The whole plan as text, a line for each day."""
    return "\n".join(describe_day(day, language) for day in plan.days)


def describe_day(day: PlanDay, language: PlanLanguage) -> str:
    texts = TEXTS[language]
    number = write_number(day.number) if language == "zh" else day.number
    line = texts["day"].format(number=number, minutes=day.minutes, task=day.task[language])
    if day.better:
        line += texts["example"].format(heard=day.heard, better=day.better)
    return line + (texts["prompt"].format(prompt=day.prompt) if day.prompt else "")
