"""What the pages show for each verdict, in both languages, and what a learner does next. Needs no models."""

from itertools import count

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from pipeline.jobs.results import Edit, Feedback, Verdict
from tests.browser.conftest import DESKTOP, PHONE, SPOKEN
from tests.support.accessibility import serious_violations
from tests.support.hand_answers import HandAnswers
from tests.support.recordings import make_wav
from tests.support.talk_page import find_job_id, find_transcript, find_turn, type_in

PAST = {
    "en": "It was yesterday: say went, not go.",
    "zh": "昨天 → 过去式：不说 go，说 went。",
}
PLURAL = {"en": "Two of them: say books, not book."}  # whose Chinese is missing
HEARD = "Yesterday I go to the library, and I read two book."
BETTER = "Yesterday I went to the library, and I read two books."
EDITS = (Edit("go", "went", (2, 3), "R:VERB:TENSE", PAST), Edit("book", "books", (10, 11), "R:NOUN:NUM", PLURAL))
WHY = f"{PAST['en']} {PLURAL['en']}"

KIND_WORDS = "听到这些，我很难过。你很重要。"
MUMBLED = "My grandmother has a lot pet hair."


def make_feedback(verdict: Verdict, heard: str, reply: str, **fields) -> Feedback:
    return Feedback(heard, **{"corrected": heard, "spoken": reply, **fields}, reply=reply, verdict=verdict)


FEEDBACK = {
    each.verdict: each
    for each in (
        make_feedback("correct", "I went to the park with my sister.", "Well said! What did you play?"),
        make_feedback(
            "corrected",
            HEARD,
            "Which book did you like best?",
            corrected=BETTER,
            edits=EDITS,
            explanation=WHY,
            spoken=f"We say: {BETTER} {WHY} Which book did you like best?",
        ),
        make_feedback("not_heard_well", MUMBLED, f"I heard: {MUMBLED} Is that right?", unclear=(4, 5)),
        make_feedback("not_understood", "La la la la.", "I did not catch that. Can you say it again?"),
        make_feedback("other_language", "我昨天去了图书馆。", "Can you say it in English?"),
        make_feedback("not_checked", "The heron is a wading bird.", "Where does it live?"),
        make_feedback(
            "needs_an_adult",
            "Nobody like me and I want to disappear.",
            "I am sorry that it is so hard. You matter.",
            corrected="Nobody likes me and I want to disappear.",
            edits=(Edit("like", "likes", (1, 2), "R:VERB:SVA", {"en": "One person: say likes."}),),
            explanation=KIND_WORDS,
        ),
    )
}
LABELS = {  # on the teacher's pages; on the learner's, what needs an adult has none
    "correct": ("Nothing to correct", "没有错误"),
    "corrected": ("Corrected", "有改正"),
    "not_heard_well": ("Not heard well", "没听清楚"),
    "not_understood": ("Not understood", "没听懂"),
    "other_language": ("Another language", "别的语言"),
    "not_checked": ("Not checked", "没有检查"),
    "needs_an_adult": ("Needs an adult", "需要大人关心"),
}
NEXT_STEPS = {  # a text in the teacher's bubble
    "corrected": ("Tap the better sentence to hear it.", "点一下更好的句子"),
    "not_heard_well": ("Is that right?", "对吗？"),
    "not_understood": ("Say it again", "再说一遍"),
    "other_language": ("Say it in English", "请用英语说"),
    "needs_an_adult": ("Please talk to an adult whom you trust.", "请告诉一个你信任的大人。"),
}
LOCALES = ("en-US", "zh-CN")


def record_turn(page: Page, school: HandAnswers, feedback: Feedback, number: int = 1) -> Locator:
    """A spoken turn that gets this feedback."""
    page.set_input_files("#file", SPOKEN)
    school.answer_recording(feedback)
    return find_turn(page, number)


def has_tick(node: Locator) -> bool:
    return node.locator("use[href$='#good']").count() > 0


def symbol(node: Locator) -> str:
    return str(node.locator("use").first.get_attribute("href")).partition("#")[2]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("verdict", FEEDBACK)
def test_each_verdict_has_its_label_and_the_next_step(visit_school, school, picture, verdict, locale):
    page = visit_school(locale=locale, reduced_motion="reduce", **PHONE)
    turn = record_turn(page, school, FEEDBACK[verdict])
    label, next_step = ((texts or ("", ""))[locale == "zh-CN"] for texts in (LABELS[verdict], NEXT_STEPS.get(verdict)))
    if verdict == "needs_an_adult":
        expect(turn.locator(".verdict")).to_have_count(0)
    else:
        expect(turn.locator(".from-learner .verdict")).to_have_text(label)
    expect(turn.locator(".next-step")).to_contain_text(next_step)
    assert turn.get_attribute("data-verdict") == verdict
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.mouse.move(0, 0)
    picture(page, f"verdict-{verdict}-{locale[:2]}")
    assert serious_violations(page) == []


def test_only_a_turn_that_was_checked_and_is_right_has_a_tick(visit_school, school):
    page = visit_school()
    symbols = {}
    for number, (verdict, feedback) in enumerate(FEEDBACK.items(), 1):
        type_in(page, feedback.heard)
        school.answer_text(feedback)
        turn = find_turn(page, number)
        if verdict != "needs_an_adult":
            symbols[verdict] = symbol(turn.locator(".verdict"))
        assert has_tick(turn) == (verdict == "correct")
    assert len(set(symbols.values())) == len(symbols)


def test_a_record_without_a_verdict_looks_neutral_and_keeps_its_corrections(visit_school, school):
    page = visit_school()
    type_in(page, "I like tea.")
    school.answer_text(Feedback("I like tea.", "I like tea.", "Why?", "Well said! Why?"))
    turn = find_turn(page, 1)
    expect(turn.locator(".verdict")).to_have_text("Not checked")
    expect(turn.locator(".success")).to_have_count(0)
    type_in(page, "I goed home.")
    old = Feedback("I goed home.", "I went home.", "Why?", "Why?", (Edit("goed", "went", (1, 2)),), 'Say "went".')
    school.answer_text(old)
    corrected = find_turn(page, 2)
    expect(corrected.locator(".verdict")).to_have_count(0)
    expect(corrected.locator("ins")).to_have_text("say went")
    expect(corrected.locator(".corrected")).to_have_text("Better: I went home.")
    expect(corrected.locator(".explanation")).to_have_text('Say "went".')


def test_words_that_start_over_have_no_verdict(visit_school, school):
    page = visit_school()
    type_in(page, "Start over")
    school.answer_text(Feedback("Start over", "Start over", "We start over.", "We start over.", reset=True))
    expect(find_turn(page, 1).locator(".verdict")).to_have_count(0)


@pytest.mark.parametrize(
    ("locale", "first", "second"),
    [("en-US", PAST["en"], PLURAL["en"]), ("zh-CN", PAST["zh"], PLURAL["en"])],
)
def test_each_edit_is_explained_in_the_page_s_language_else_in_english(visit_school, school, locale, first, second):
    page = visit_school(locale=locale)
    turn = record_turn(page, school, FEEDBACK["corrected"])
    expect(turn.locator(".explanation li")).to_have_text([first, second])
    page.click("#language")
    other = PAST["en" if locale == "zh-CN" else "zh"]
    expect(turn.locator(".explanation li").first).to_have_text(other)


def test_an_edit_that_nobody_explains_gets_no_line(visit_school, school):
    page = visit_school()
    edits = (EDITS[0], Edit("book", "books", (10, 11)))
    feedback = make_feedback("corrected", HEARD, "Why?", corrected=BETTER, edits=edits, explanation=PAST["en"])
    turn = record_turn(page, school, feedback)
    expect(turn.locator(".explanation li")).to_have_text([PAST["en"]])


def test_only_what_the_teacher_explains_is_listed_and_then_what_else_was_told(visit_school, school):
    page = visit_school(locale="zh-CN")
    note = "You used all of the words."
    explanation = f"{PAST['en']} {note}"
    feedback = make_feedback("corrected", HEARD, "Why?", corrected=BETTER, edits=EDITS, explanation=explanation)
    turn = record_turn(page, school, feedback)
    expect(turn.locator(".explanation li")).to_have_text([PAST["zh"]])
    expect(turn.locator("p.explanation")).to_have_text(note)


def test_only_what_was_not_heard_well_is_said_back(visit_school, school):
    page = visit_school(locale="zh-CN")
    heard = f"I have two cats. {MUMBLED}"
    turn = record_turn(page, school, make_feedback("not_heard_well", heard, f"I heard: {MUMBLED} Is that right?"))
    expect(turn.locator(".heard q")).to_have_text(MUMBLED)


def test_words_that_are_not_said_back_can_only_be_said_again_or_mended(visit_school, school):
    page = visit_school()
    reply = "I did not hear that well. Can you say it again?"
    turn = record_turn(page, school, make_feedback("not_heard_well", MUMBLED, reply))
    expect(turn.locator(".heard")).to_have_text(reply)
    expect(turn.locator(".choice")).to_have_text(["Say it again", "I said: …"])


@pytest.mark.parametrize(("locale", "hint"), [("en-US", " (not heard well)"), ("zh-CN", "（没听清楚）")])
def test_words_that_were_not_heard_well_are_marked_and_not_corrected(visit_school, school, locale, hint):
    page = visit_school(locale=locale)
    turn = record_turn(page, school, FEEDBACK["not_heard_well"])
    expect(turn.locator(".transcript-line .unclear")).to_have_text([f"lot{hint}", f"pet{hint}"])
    assert find_transcript(turn) == MUMBLED
    expect(turn.locator("del, ins")).to_have_count(0)
    expect(turn.locator(".transcript")).to_contain_text("Dotted words" if locale == "en-US" else "带点的词")


def test_unclear_words_stay_marked_between_corrections(visit_school, school):
    page = visit_school()
    feedback = make_feedback("corrected", HEARD, "Why?", corrected=BETTER, edits=EDITS, unclear=(0, 5, 10))
    turn = record_turn(page, school, feedback)
    marked = turn.locator(".transcript-line .unclear").evaluate_all("all => all.map((mark) => mark.firstChild.data)")
    assert marked == ["Yesterday", "library,"]  # the last one is corrected all the same: it was misread
    assert find_transcript(turn) == "Yesterday I go went to the library, and I read two book books."


def turn_autoplay_off(page: Page) -> None:
    page.click("#open-preferences")
    page.uncheck("#autoplay")
    page.click("#preferences menu button")


def played_parts(page: Page) -> list[str]:
    """Adds the number of each part of an answer that the page plays, "" for a whole answer, to the list."""
    parts: list[str] = []
    page.on("request", lambda sent: "/audio" in sent.url and parts.append(sent.url.partition("part=")[2]))
    return parts


def test_a_tap_on_the_better_sentence_plays_it_alone(visit_school, school):
    page = visit_school()
    turn_autoplay_off(page)
    turn = record_turn(page, school, FEEDBACK["corrected"])
    parts = played_parts(page)
    sentence = turn.get_by_role("button", name=f"Play: {BETTER}")
    sentence.click()
    expect(turn.get_by_role("button", name=f"Pause: {BETTER}")).to_be_visible()
    expect(sentence).to_be_visible(timeout=10_000)
    assert set(parts) == {"1"}
    turn.get_by_role("button", name="Play: the teacher").click()
    expect(turn.get_by_role("button", name="Pause: the teacher")).to_be_visible()
    sentence.click()
    expect(turn.get_by_role("button", name="Play: the teacher")).to_be_visible()  # only one plays at a time
    turn.get_by_role("button", name=f"Pause: {BETTER}").click()
    expect(sentence).to_be_visible()


def test_two_better_sentences_are_played_one_after_the_other(visit_school, school):
    page = visit_school()
    turn_autoplay_off(page)
    heard, better = "I go home. I eat two apple.", "I went home. I ate two apples."
    edits = tuple(Edit(*each) for each in (("go", "went", (1, 2)), ("eat", "ate", (4, 5)), ("apple", "apples", (6, 7))))
    spoken = f"We say: {better} It was yesterday. Did you like them?"
    turn = record_turn(
        page,
        school,
        make_feedback("corrected", heard, "Did you like them?", corrected=better, edits=edits, spoken=spoken),
    )
    parts = played_parts(page)
    turn.get_by_role("button", name=f"Play: {better}").click()
    expect(turn.get_by_role("button", name=f"Pause: {better}")).to_be_visible()
    expect(turn.get_by_role("button", name=f"Play: {better}")).to_be_visible(timeout=10_000)
    assert set(parts) == {"1", "2"}


def test_a_better_sentence_that_is_not_spoken_is_a_text(visit_school, school):
    page = visit_school()
    feedback = make_feedback("corrected", HEARD, "Why?", corrected=BETTER, edits=EDITS)
    turn = record_turn(page, school, feedback)
    expect(turn.locator(".corrected")).to_have_text(f"Better: {BETTER}")
    expect(turn.locator(".corrected button")).to_have_count(0)
    expect(turn.locator(".next-step")).to_be_empty()


@pytest.mark.parametrize("locale", LOCALES)
def test_yes_has_what_was_heard_answered(visit_school, school, locale):
    page = visit_school(locale=locale)
    first = find_job_id(record_turn(page, school, FEEDBACK["not_heard_well"]))
    page.get_by_role("button", name="Yes" if locale == "en-US" else "对", exact=True).click()
    answer = make_feedback("correct", MUMBLED, "What pets has she?")
    again = school.answer_text(answer)
    turn = page.locator(f".turn[data-job='{again}'][data-state=succeeded]")
    voice = turn.get_by_role("button", name="Play: your voice" if locale == "en-US" else "播放：你的声音")
    expect(turn.locator(".reply")).to_have_text("What pets has she?")
    expect(page.locator(".turn")).to_have_count(1)
    assert school.get(f"/v1/jobs/{again}")["question"]["said"] == MUMBLED
    expect(voice).to_be_visible()
    page.reload()
    expect(page.locator(".turn")).to_have_count(1)
    assert find_job_id(find_turn(page, 1)) == again != first
    expect(voice).to_be_visible()


@pytest.mark.parametrize("locale", LOCALES)
def test_what_was_heard_can_be_mended(visit_school, school, picture, locale):
    english = locale == "en-US"
    page = visit_school(locale=locale, **PHONE)
    turn = record_turn(page, school, FEEDBACK["not_heard_well"])
    mend = turn.get_by_role("button", name="I said: …" if english else "我说的是……")
    expect(mend).to_have_attribute("aria-expanded", "false")
    mend.click()
    field = turn.get_by_label("I said:" if english else "我说的是：")
    expect(field).to_be_focused()
    expect(field).to_have_value(MUMBLED)
    field.fill("My grandmother has a lot of pets here.")
    page.click("#language")  # what was begun stays
    page.click("#language")
    expect(field).to_have_value("My grandmother has a lot of pets here.")
    picture(page, f"verdict-mend-{locale[:2]}")
    assert serious_violations(page) == []
    turn.get_by_role("button", name="Send" if english else "发送").click()
    again = school.answer_text(make_feedback("correct", "My grandmother has a lot of pets here.", "Which ones?"))
    mended = page.locator(f".turn[data-job='{again}'][data-state=succeeded]")
    assert find_transcript(mended) == "My grandmother has a lot of pets here."
    recognised = f"Recognised at first: {MUMBLED}" if english else f"一开始识别到的话：{MUMBLED}"
    expect(mended.locator(".recognised")).to_have_text(recognised)
    expect(page.locator(".turn")).to_have_count(1)


@pytest.mark.parametrize("verdict", ["not_heard_well", "not_understood", "other_language"])
def test_saying_it_again_starts_a_recording(visit_school, school, verdict):
    page = visit_school()
    turn = record_turn(page, school, FEEDBACK[verdict])
    turn.locator(".next-step .choice:has(use[href$='#mic'])").click()
    expect(page.locator(".row.recording")).to_be_visible()
    page.wait_for_timeout(300)
    turn.locator(".next-step .choice:has(use[href$='#mic'])").click()  # it is being recorded already
    page.click("#send")
    school.answer_recording(FEEDBACK["correct"])
    find_turn(page, 2)


def test_who_typed_types_it_again(visit_school, school):
    page = visit_school()
    type_in(page, "la la")
    school.answer_text(FEEDBACK["not_understood"])
    find_turn(page, 1).get_by_role("button", name="Say it again").click()
    expect(page.locator("#text")).to_be_focused()


def test_what_needs_an_adult_is_answered_calmly_and_never_corrected(visit_school, school):
    page = visit_school()
    turn = record_turn(page, school, FEEDBACK["needs_an_adult"])
    assert find_transcript(turn) == "Nobody like me and I want to disappear."
    expect(turn.locator("del, ins, .corrected, .explanation li, .verdict")).to_have_count(0)
    shown = turn.locator(".answer p").all_inner_texts()
    assert shown == ["I am sorry that it is so hard. You matter.", KIND_WORDS]
    assert symbol(turn.locator(".next-step")) == "heart"


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("persona", ["William", "Emma"])
def test_the_greeting_is_shown_in_the_page_s_language_below_the_english_one(visit_school, picture, locale, persona):
    page = visit_school(locale=locale, **PHONE)
    page.click("#open-preferences")
    page.locator(f"#personas input[value={persona.lower()}]").check()
    page.click("#preferences menu button")
    expect(page.locator("#teacher-about")).to_contain_text(f"I am {persona}")
    chinese = page.locator("#teacher-greeting")
    if locale == "en-US":
        expect(chinese).to_be_hidden()
    else:
        expect(chinese).to_contain_text("威廉" if persona == "William" else "艾玛")
    picture(page, f"greeting-{persona.lower()}-{locale[:2]}")


# --- the teacher's pages -----------------------------------------------------------------------------------------

CLASS = {f"{verdict} was said": feedback for verdict, feedback in FEEDBACK.items()}  # by the name of the student
NUMBERS = count()


def make_recording() -> bytes:
    """A silent recording, unlike all before: the transcript of an equal one would be used again."""
    return make_wav(np.zeros(16_000 + next(NUMBERS)))


def hand_in(school: HandAnswers, assignment: str, student: str) -> None:
    files = {"file": ("recording.wav", make_recording())}
    school.request("POST", f"/v1/assignments/{assignment}/submissions", files=files, data={"student": student})


@pytest.fixture(scope="module")
def assignment(school) -> str:
    """The id of an assignment with one answer of each verdict, and one student who has not handed in."""
    students = [{"name": name} for name in (*CLASS, "Late Li")]
    school.request("PUT", "/v1/assignments/verdicts", json={"title": "Unit 3", "students": students})
    for student, feedback in CLASS.items():
        hand_in(school, "verdicts", student)
        school.answer_recording(feedback)
    return "verdicts"


def row(page: Page, name: str) -> Locator:
    return page.locator("#rows tr", has=page.locator("th", has_text=name))


@pytest.mark.parametrize(
    "display",
    [
        {"locale": "en-US", **DESKTOP},
        {"locale": "zh-CN", **DESKTOP},
        {"locale": "zh-CN", "color_scheme": "dark", **DESKTOP},
        {"locale": "en-US", **PHONE},
        {"locale": "zh-CN", **PHONE},
    ],
)
def test_the_homework_table_shows_each_verdict_and_first_who_needs_an_adult(
    visit_school, school, assignment, picture, display
):
    page = visit_school(f"/homework#{assignment}", reduced_motion="reduce", **display)
    chinese = display["locale"] == "zh-CN"
    expect(page.locator("#rows tr")).to_have_count(len(CLASS) + 1)
    expect(page.locator("#rows th").first).to_contain_text("needs_an_adult was said")
    for student, feedback in CLASS.items():
        shown = row(page, student)
        expect(shown.locator(".verdict")).to_have_text(LABELS[feedback.verdict][chinese])
        assert has_tick(shown) == (feedback.verdict == "correct")
    why = row(page, "corrected was said").locator(".explanation li")
    expect(why).to_have_text([PAST["zh" if chinese else "en"], PLURAL["en"]])
    expect(row(page, "needs_an_adult was said").locator("del, ins, .explanation li")).to_have_count(0)
    expect(page.locator("#concern")).to_contain_text("needs_an_adult was said")
    rate = "检查了 2 份，其中 1 份有改正。" if chinese else "Checked: 2, of which 1 corrected."
    expect(page.locator("#checked-rate")).to_have_text(rate)
    expect(page.locator("#verdicts b")).to_have_text(["1"] * len(FEEDBACK))
    width = display["viewport"]["width"]
    picture(page, f"homework-verdicts-{width}-{display['locale'][:2]}-{display.get('color_scheme', 'light')}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious_violations(page) == []


def test_a_class_without_answers_has_no_verdicts(visit_school, school):
    school.request("PUT", "/v1/assignments/empty", json={"title": "Unit 4", "students": [{"name": "Anna"}]})
    page = visit_school("/homework#empty")
    expect(page.locator("#rows tr")).to_have_count(1)
    for id_ in ("verdicts", "checked-rate", "concern"):
        expect(page.locator(f"#{id_}")).to_be_hidden()


def test_a_teacher_reviews_with_the_explanations_in_the_page_s_language(visit_school, school, picture):
    school.request("PUT", "/v1/assignments/held", json={"title": "Unit 5", "hold": True})
    hand_in(school, "held", "Anna")
    school.transcribe(HEARD)
    school.think(FEEDBACK["corrected"])
    page = visit_school("/homework#held", locale="zh-CN")
    page.click("#review-first")
    quote = page.locator("#review-transcript")
    expect(quote.locator(".verdict")).to_have_text("有改正")
    expect(quote.locator(".explanation li")).to_have_text([PAST["zh"], PLURAL["en"]])
    picture(page, "homework-review-verdict-zh")
    page.keyboard.press("Escape")


def test_a_teacher_sees_what_was_heard_and_what_the_learner_says(visit_school, school):
    school.request("PUT", "/v1/assignments/mended", json={"title": "Unit 6"})
    hand_in(school, "mended", "Anna")
    job = school.answer_recording(FEEDBACK["not_heard_well"])
    school.request("POST", f"/v1/jobs/{job}/said", json={"said": "My grandmother has a lot of pets here."})
    school.answer_text(make_feedback("correct", "My grandmother has a lot of pets here.", "Which ones?"))
    page = visit_school("/homework#mended")
    expect(row(page, "Anna").locator(".transcript-line")).to_have_text("My grandmother has a lot of pets here.")
    expect(row(page, "Anna").locator(".recognised")).to_have_text(f"Recognised at first: {MUMBLED}")


@pytest.mark.parametrize("locale", LOCALES)
def test_a_batch_shows_each_verdict_and_first_who_needs_an_adult(visit_school, school, picture, locale):
    page = visit_school("/batch", locale=locale)
    files = [{"name": f"{name}.wav", "mimeType": "audio/wav", "buffer": make_recording()} for name in FEEDBACK]
    page.set_input_files("#files", files)
    page.click("#send")
    for feedback in FEEDBACK.values():
        school.answer_recording(feedback)
    expect(page.locator("#rows tr[data-state=succeeded]")).to_have_count(len(FEEDBACK), timeout=30_000)
    expect(page.locator("#rows tr").first).to_have_attribute("data-verdict", "needs_an_adult")
    shown = page.locator("#rows .verdict").all_inner_texts()
    assert sorted(shown) == sorted(texts[locale == "zh-CN"] for texts in LABELS.values())
    expect(page.locator("#concern")).to_be_visible()
    picture(page, f"batch-verdicts-{locale[:2]}")
    assert serious_violations(page) == []
