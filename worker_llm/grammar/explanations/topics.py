"""Named explanations, in plain English and in Chinese: a short sentence for a child that says why.

A text has slots. `{say}` is what to do ("say went, not go", "add a", "leave out to"), and so fits whatever the edit is;
`{use}` is its Chinese form "用 went，不用 go". The other slots are named by whoever explains.
"""

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass

TEXTS: dict[str, tuple[str, str]] = {
    # times
    "past_time": ("It was {time}, so {say}.", "{time_zh} → 过去式：{say}。"),
    "future_time": ("{time} is still to come, so {say}.", "{time_zh} → 将来时：{say}。"),
    "now_time": ("{time} means it happens now: {say}.", "{time_zh} → 进行时：{say}。"),
    "habit_time": ("{time} tells of a habit: {say}.", "{time_zh} → 一般现在时：{say}。"),
    "until_now": ("It began before now and goes on: {say}.", "从过去到现在 → 完成时：{say}。"),
    "condition_present": ("With {word} we use the present: {say}.", "{word} 从句用一般现在时：{say}。"),
    # forms of verbs
    "modal_base": ("After {word} the verb stays plain: {say}.", "{word} 后面用动词原形：{say}。"),
    "modal_no_s": ("{word} never takes an s: {say}.", "{word} 永远不加 s：{say}。"),
    "do_base": ("After {word} the verb stays plain: {say}.", "{word} 后面用动词原形：{say}。"),
    "did_base": ("{word} already tells the past: {say}.", "{word} 已表示过去，动词用原形：{say}。"),
    "does_base": ("{word} already has the s: {say}.", "{word} 后面动词用原形：{say}。"),
    "to_base": ("After to the verb stays plain: {say}.", "to 后面用动词原形：{say}。"),
    "let_base": ("After {word} the verb stays plain: {say}.", "{word} 后面用动词原形：{say}。"),
    "verb_to": ("After {word} a verb needs to: {say}.", "{word} 后面的动词要加 to：{say}。"),
    "to_between_verbs": ("To joins {word} and {next}: {say}.", "{word} 和 {next} 之间用 to：{say}。"),
    "verb_ing": ("After {word} the verb ends in ing: {say}.", "{word} 后面的动词用 ing 形式：{say}。"),
    "preposition_ing": ("With {word} the verb ends in ing: {say}.", "介词 {word} 后面用 ing 形式：{say}。"),
    "be_ing": ("After {word} the verb ends in ing: {say}.", "{word} 后面用 ing 形式：{say}。"),
    "have_participle": ("After {word} comes the third form: {say}.", "{word} 后面用过去分词：{say}。"),
    "passive_participle": ("It is done to {subject}: {say}.", "被动句用过去分词：{say}。"),
    "stative_verb": ("We do not use {word} with ing: {say}.", "{word} 不用进行时：{say}。"),
    "irregular_past": ("{word} has a past of its own: {say}.", "{word} 是不规则动词：{say}。"),
    "purpose_to": ("To tell why, use to: {say}.", "表示目的用 to：{say}。"),
    # be and do
    "missing_be_adjective": ("{word} is not a verb: {say}.", "{word} 不是动词，前面{say}。"),
    "missing_helper": ("{word} needs a helper: {say}.", "{word} 前面要有 be：{say}。"),
    "missing_be": ("The sentence needs a verb: {say}.", "句子缺少动词：{say}。"),
    "extra_be": ("{word} is already the verb: {say}.", "{word} 已经是动词：{say}。"),
    "not_with_do": ("To say no here, use do: {say}.", "否定句要用 do：{say}。"),
    "question_with_do": ("With {verb} a question needs do: {say}.", "动词 {verb} 的疑问句用 do：{say}。"),
    "modal_question": ("{word} needs no do: {say}.", "{word} 的疑问句不用 do：{say}。"),
    "question_order": ("In a question {verb} comes before {subject}.", "疑问句里 {verb} 在 {subject} 前面。"),
    "inner_no_do": ("Inside a sentence we need no do: {say}.", "从句里不用 do：{say}。"),
    "inner_question_order": ("Inside a sentence {subject} comes before {verb}.", "从句里 {subject} 在 {verb} 前面。"),
    # agreement
    "subject_verb": ("With {subject} {say}.", "主语是 {subject}，动词{use}。"),
    "subject_plural": ("{subject} means more than one: {say}.", "{subject} 是复数，动词{use}。"),
    "everyone_one": ("{subject} counts as one: {say}.", "{subject} 算单数，动词{use}。"),
    "uncountable_verb": ("We do not count {subject}: {say}.", "{subject} 不可数，动词{use}。"),
    "there_one": ("One {noun}, so {say}.", "{noun} 是单数：{say}。"),
    "there_many": ("{noun} means more than one: {say}.", "{noun} 是复数：{say}。"),
    "there_have": ("We use there with be: {say}.", "“某处有某物”用 there be：{say}。"),
    "have_age": ("We tell our age with be: {say}.", "说年龄用 be：{say}。"),
    # parts of a sentence
    "missing_subject": ("A sentence says who or what: {say}.", "句子要有主语：{say}。"),
    "double_subject": ("{subject} is enough: {say}.", "有了主语 {subject}，{say}。"),
    "double_negative": ("{word} already says no: {say}.", "{word} 已经是否定：{say}。"),
    "although_but": ("{word} is enough: {say}.", "有了 {word} 就够了：{say}。"),
    "because_so": ("{word} is enough: {say}.", "有了 {word} 就够了：{say}。"),
    "same_sound": ("They sound the same, but here write {after}.", "读音一样，这里写 {after}。"),
    "not_either": ("After not, {say}.", "否定句里{use}。"),
    # nouns
    "plural_number": ("{word} means more than one: {say}.", "{word} → 复数：{say}。"),
    "plural_many": ("{word} goes with more than one: {say}.", "{word} 后面用复数：{say}。"),
    "one_of": ("It is one of several: {say}.", "one of 后面用复数：{say}。"),
    "singular_one": ("{word} goes with only one: {say}.", "{word} 后面用单数：{say}。"),
    "uncountable": ("We do not count {noun}: {say}.", "{noun} 不可数：{say}。"),
    "irregular_plural": ("{noun} has a plural of its own: {say}.", "{noun} 的复数特殊：{say}。"),
    "already_plural": ("{after} is already plural: {say}.", "{after} 已经是复数：{say}。"),
    "general_plural": ("In general, {say}.", "泛指一类用复数：{say}。"),
    "number_word": ("After a number, {say}.", "数字后面的 {after} 不加 s。"),
    "age_adjective": ("Before a noun, year takes no s: {say}.", "放在名词前，year 不加 s：{say}。"),
    "possessive": ("Whose {noun}? {say}.", "谁的 {noun}？{say}。"),
    # articles and other words before a noun
    "missing_a": ("One {noun}: say {phrase}.", "一个 {noun}：{phrase}。"),
    "an_vowel": ("{word} begins with a vowel sound: {say}.", "{word} 以元音开头：{use}。"),
    "a_consonant": ("{word} begins with a consonant sound: {say}.", "{word} 以辅音开头：{use}。"),
    "the_only_one": ("There is only one {noun}: say the {noun}.", "{noun} 只有一个：说 the {noun}。"),
    "the_superlative": ("{word} is above all others: {say}.", "最高级 {word} 前面用 the：{say}。"),
    "the_order": ("Only one is {word}, so {say}.", "{word} 是序数词，前面用 the。"),
    "the_instrument": ("We play the {noun}: {say}.", "乐器前面用 the：play the {noun}。"),
    "the_same": ("Same goes with the: {say}.", "same 前面用 the：{say}。"),
    "no_article_meal": ("Meals need no article: {say}.", "三餐前面不用冠词：{say}。"),
    "no_article_game": ("Games need no article: {say}.", "球类、棋类前面不用冠词：{say}。"),
    "no_article_language": ("Languages need no article: {say}.", "语言名称前面不用冠词：{say}。"),
    "no_article_name": ("The name {noun} needs no article: {say}.", "名字 {noun} 前面不用冠词：{say}。"),
    "no_article_phrase": ("We say {phrase}, so {say}.", "固定说法：{phrase}，{say}。"),
    "no_a_plural": ("{noun} means more than one: {say}.", "{noun} 是复数：{say}。"),
    "two_determiners": ("{word} is enough: {say}.", "有了 {word}：{say}。"),
    "these_many": ("{noun} means more than one: {say}.", "{noun} 是复数：{use}。"),
    "this_one": ("It is only one {noun}: {say}.", "{noun} 是单数：{use}。"),
    "many_count": ("We can count {noun}: {say}.", "{noun} 可数：{use}。"),
    "much_uncountable": ("We do not count {noun}: {say}.", "{noun} 不可数：{use}。"),
    "any_negative": ("{word} says no, so {say}.", "否定句：{use}。"),
    # pronouns
    "she_for": ("We call {noun} she: {say}.", "{noun} 是女性：{use}。"),
    "he_for": ("We call {noun} he: {say}.", "{noun} 是男性：{use}。"),
    "object_pronoun": ("After {word} {say}.", "{word} 后面用宾格：{say}。"),
    "subject_pronoun": ("Who? Before {word} {say}.", "作主语用主格：{say}。"),
    "whose": ("Whose {noun}? {say}.", "谁的 {noun}？{say}。"),
    "whose_alone": ("No noun follows: {say}.", "后面没有名词：{say}。"),
    "who_person": ("{noun} is a person: {say}.", "{noun} 是人：{use}。"),
    "which_thing": ("{noun} is a thing: {say}.", "{noun} 是物：{use}。"),
    # adjectives and adverbs
    "double_comparative": ("{word} already means more: {say}.", "{word} 已经是比较级：{say}。"),
    "double_superlative": ("{word} already means most: {say}.", "{word} 已经是最高级：{say}。"),
    "comparative_than": ("Than compares two: {say}.", "有 than 用比较级：{say}。"),
    "short_comparative": ("{word} is a short word: {say}.", "{word} 是短词，加词尾：{say}。"),
    "long_comparative": ("{word} is a long word: {say}.", "{word} 是长词，前面加词：{say}。"),
    "irregular_comparative": ("{word} has forms of its own: {say}.", "{word} 的变化特殊：{say}。"),
    "superlative_of_all": ("One above all others: {say}.", "三者以上用最高级：{say}。"),
    "feeling_ed": ("How we feel ends in ed: {say}.", "表示感受用 ed 形式：{say}。"),
    "feeling_ing": ("{subject} gives the feeling: {say}.", "表示令人…的用 ing 形式：{say}。"),
    "adverb_how": ("It tells how we {verb}: {say}.", "修饰动词 {verb} 用副词：{say}。"),
    "adjective_after": ("After {verb} comes an adjective: {say}.", "{verb} 后面用形容词：{say}。"),
    "adjective_before_noun": ("{word} comes before {noun}.", "形容词 {word} 放在 {noun} 前面。"),
    "adverb_before_verb": ("{word} comes before {verb}.", "{word} 放在 {verb} 前面。"),
    "adverb_after_verb": ("{word} comes after {verb}.", "{word} 放在 {verb} 后面。"),
    "adjective_no_s": ("An adjective takes no s: {say}.", "形容词不加 s：{say}。"),
    "as_as": ("Between as and as {say}.", "as 和 as 之间用原级：{say}。"),
    "too_much": ("Before {word} too is enough: {say}.", "{word} 前面用 too 就够了：{say}。"),
    "enough_after": ("Enough comes after {word}.", "enough 放在 {word} 后面。"),
    "very_verb": ("Very does not go before a verb: {say}.", "very 不放在动词前：{say}。"),
    # prepositions
    "together": ("These words go together: {phrase}.", "固定搭配：{phrase}。"),
    "listen_to": ("Listen needs to: {say}.", "listen 后面要加 to：{say}。"),
    "no_preposition": ("{word} needs no {before}.", "{word} 不用 {before}。"),
    "on_day": ("With a day {say}.", "星期几、某一天用 on：{say}。"),
    "at_clock": ("With a clock time {say}.", "几点钟用 at：{say}。"),
    "in_month": ("With a month {say}.", "月份用 in：{say}。"),
    "in_year": ("With a year {say}.", "年份用 in：{say}。"),
    "in_season": ("With a season {say}.", "季节用 in：{say}。"),
    "in_place": ("With a town or country {say}.", "城市、国家用 in：{say}。"),
    "since_point": ("{phrase} is when it began: {say}.", "{phrase} 是起点：{use}。"),
    "for_length": ("{phrase} tells how long: {say}.", "{phrase} 是一段时间：{use}。"),
    "since_for": ("For tells how long, since tells the start: {say}.", "for 接时间段，since 接起点：{say}。"),
    "explain_to": ("We {verb} something to somebody: {say}.", "{verb} 某事 to 某人：{say}。"),
    "most_of": ("Before {noun} most needs no of.", "most 直接接 {noun}，不用 of。"),
    # words that are mistaken for each other
    "borrow_lend": ("Who takes borrows, who gives lends: {say}.", "borrow 借入，lend 借出：{say}。"),
    "teach_learn": ("Teachers teach, students learn: {say}.", "teach 教，learn 学：{say}。"),
    "say_tell": ("We tell somebody something: {say}.", "tell 后面接人：{say}。"),
    "speak_language": ("For a language use speak: {say}.", "说某种语言用 speak：{say}。"),
    "turn_on": ("For a light or machine, {say}.", "开关电器：{say}。"),
    # only the kind is known
    "other_tense": ("For this time {say}.", "时态：{say}。"),
    "other_agreement": ("The verb fits its subject: {say}.", "主语和动词要一致：{say}。"),
    "other_form": ("The form of the verb: {say}.", "动词形式：{say}。"),
    "other_plural": ("Here the noun is plural: {say}.", "这里用复数：{say}。"),
    "other_singular": ("Here the noun is singular: {say}.", "这里用单数：{say}。"),
    "before_noun": ("Before {next} {say}.", "{next} 前面{use}。"),
    "missing_verb": ("A verb is missing: {say}.", "缺少动词：{say}。"),
    "better_word": ("The right word here is {after}, not {before}.", "这里用 {after}，不用 {before}。"),
    "spelling": ("We write {after}.", "写作 {after}。"),
    "punctuation": ("Only the punctuation changes.", "只改标点符号。"),
    "capital_letter": ("We write {after} with a capital letter.", "{after} 要大写。"),
    "than": ("To compare, {say}.", "作比较用 than，不用 then。"),
    "no_word_before": ("Before {next} we need no {before}.", "{next} 前面不用 {before}。"),
    "order": ("The order is: {after}.", "语序：{after}。"),
    # any edit
    "replace": ("{say}.", "{say}。"),
    "leave_out": ("Leave out {before}.", "去掉 {before}。"),
    "add": ("Add {after} before {next}.", "在 {next} 前面加 {after}。"),
    "add_at_end": ("Add {after} at the end.", "在句末加 {after}。"),
}
WORDS = 12  # of an English explanation, at most


@dataclass(frozen=True)
class Reason:
    """Why an edit is made: a topic, and the slots of its text besides those that every edit fills."""

    topic: str
    slots: Mapping[str, str]


def because(topic: str, **slots: str) -> Reason:
    return Reason(topic, slots)


def explain_topic(topic: str, before: str, after: str, **slots: str) -> tuple[str, str]:
    """The explanation named `topic`, in English and in Chinese, of an edit from the words `before` to `after`.

    One of the words may be "", for an insertion or a deletion. `slots` fill the other slots of the text. A ValueError
    names what is unknown or missing.
    """
    if topic not in TEXTS:
        raise ValueError(f"{topic!r} is not a topic of explanations")
    if not (before or after):
        raise ValueError(f"{topic}: an edit needs words that went or words that came")
    english, chinese = TEXTS[topic]
    texts = {name: text for name, text in {"before": before, "after": after, **slots}.items() if text}
    text = fill(topic, english, {**texts, "say": what_to_do(before, after)})
    if len(text.split()) > WORDS and before and after:
        text = fill(topic, english, {**texts, "say": f"say {after}"})
    return (
        capitalise(text),
        fill(topic, chinese, {**texts, "say": what_to_do_in_chinese(before, after), "use": use(before, after)}),
    )


def fill(topic: str, text: str, slots: Mapping[str, str]) -> str:
    names = [name for _, name, _, _ in string.Formatter().parse(text) if name]
    if missing := [name for name in names if name not in slots]:
        raise ValueError(f"{topic}: nothing was said for {', '.join(missing)}")
    return text.format_map(slots)


def capitalise(text: str) -> str:
    """The text with a capital letter at its start and after each question mark."""
    return re.sub(r"(^|\? )(\w)", lambda match: match[1] + match[2].upper(), text)


def what_to_do(before: str, after: str) -> str:
    if not after:
        return f"leave out {before}"
    if not before:
        return f"add {after}"
    if is_long(before, after):
        return f"say {after}"
    is_no = before in {"not", "no"}  # "not not" would not be understood
    return f"say {after} instead of {before}" if is_no else f"say {after}, not {before}"


def is_long(before: str, after: str) -> bool:
    return len(before.split()) + len(after.split()) > 5


def what_to_do_in_chinese(before: str, after: str) -> str:
    if not after:
        return f"去掉 {before}"
    if not before:
        return f"加上 {after}"
    return f"说 {after}" if is_long(before, after) else f"不说 {before}，说 {after}"


def use(before: str, after: str) -> str:
    if not after:
        return f"不用 {before}"
    return f"用 {after}，不用 {before}" if before else f"用 {after}"
