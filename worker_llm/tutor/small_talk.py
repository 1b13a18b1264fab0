"""Short words that are no practice: courtesies, which are not praised, and a request to say the last answer again."""

import re
from collections.abc import Sequence

from pipeline.jobs.results import Feedback
from pipeline.personas import Persona
from worker_llm.tutor.feedback import join_texts
from worker_llm.tutor.start_over import letters_only

COURTESY_PHRASES = """
yes, no, yeah, yep, nope, ok, okay, all right, alright, sure, of course, fine, good, great, nothing, hi, hello, hey,
bye, goodbye, see you, sorry, i am sorry, i'm sorry, excuse me, please, maybe, i don't know, i do not know, no idea,
thanks, thank you, very much, so much, a lot, teacher, well, oh, wow, haha
"""
# The longest first and never tried otherwise: "goodbye" is two of them as well, and many would take for ever.
COURTESIES = re.compile(
    f"(?:{'|'.join(sorted(map(letters_only, COURTESY_PHRASES.split(',')), key=len, reverse=True))})++"
)
REPEAT_ENGLISH = re.compile(
    r"(?:(?:sorry|oh|well|please|excuse me|teacher|pardon|hey|um|no|but)[, ]+)*(?:"
    r"(?:(?:can|could|will|would) you )?(?:please )?(?:say|repeat|speak|tell me)(?: (?:it|that|this|the question))*"
    r"(?: (?:again|once more|one more time|more slowly|slowly|slower|more slow|slow))+|"
    r"(?:(?:can|could|will|would) you )?(?:please )?repeat(?: (?:it|that|this|the question))?|"
    r"(?:again|once more|one more time|pardon(?: me)?|i beg your pardon|slower|slowly|slow down)|"
    r"what (?:did|do) you (?:say|mean)|what was (?:that|the question)|you (?:speak|talk|are) too (?:fast|quick)(?:ly)?|"
    r"i (?:do not|don't|dont|cannot|can't|cant|could not|couldn't|did not|didn't|not)"
    r" (?:understand|hear|catch|get|follow|know what you (?:say|said|mean))"
    r"(?: (?:it|that|you|this|what you (?:say|said|mean)|the question|your question))?"
    r")(?:[, ]+(?:please|teacher|sir|miss|again|clearly|now))*"
)
REPEAT_CHINESE = re.compile(
    r"(?:请|老师|你|能不能|可以|能|再|麻烦|对不起|不好意思)*"
    r"(?:(?:再?说|重复|再讲|再来|讲)(?:一遍|一次|一下|慢一?点|慢些)(?:再说一遍)?|慢一?点(?:说|讲)?|说(?:得)?太快了?)"
    r"(?:吗|吧|好吗|可以吗|行吗|啊|呢|儿)*|(?:我)?(?:听不懂|没听懂|没听清楚?|听不清楚?|不懂|不明白|没明白)(?:了|啊|呢|你说什么|你的话|你的意思)*|"
    r"(?:你)?(?:说什么|刚才说什么|什么意思)"
)
REPEATED = "Of course. "
REPEATED_CHINESE = "好的，我再说一遍。"
NOTHING_SAID = "I have not said anything yet."


def is_courtesy(text: str) -> bool:
    """Whether the text is nothing but courtesies and other words that are no practice, such as "Yes. Thank you."."""
    return COURTESIES.fullmatch(letters_only(text)) is not None


def asks_to_repeat(text: str) -> bool:
    """Whether the whole text asks for the last answer once more, or says that it was not understood."""
    english = " ".join(re.sub(r"[^\w\s']", " ", text.lower().replace("\u2019", "'")).split())
    return bool(REPEAT_ENGLISH.fullmatch(english) or REPEAT_CHINESE.fullmatch(re.sub(r"[\W_]+", "", text)))


def repeat_last(utterance: str, earlier: Sequence[Feedback], persona: Persona) -> Feedback:
    """What was said last, once more; the greeting if nothing was."""
    last = next((each.spoken for each in reversed(earlier) if each.spoken), "")
    answer = REPEATED + last.removeprefix(REPEATED) if last else join_texts(NOTHING_SAID, persona.greeting)
    return Feedback(
        utterance, corrected=utterance, reply=answer, spoken=answer, explanation=REPEATED_CHINESE if last else ""
    )
