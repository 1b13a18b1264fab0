"""A learner's page as a learner uses it: talk, hear, be corrected, type, send files, start over."""

import json
import re
import wave
from pathlib import Path

import pytest
from playwright.sync_api import expect

from pipeline.jobs.records import to_json
from tests.browser.conftest import DESKTOP, LEARNERS, PHONE, SPOKEN
from tests.support.talk_page import WRONG_SENTENCE, find_job_id, find_transcript, find_turn, record, type_in


def seconds_of(recording: Path) -> float:
    with wave.open(str(recording)) as file:
        return file.getnframes() / file.getframerate()


def check_level(page) -> None:
    drawn = page.evaluate(
        "() => { const c = document.getElementById('level');"
        " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((each) => each) }"
    )
    assert drawn, "the level is not shown"


def test_a_learner_records_a_sentence_and_hears_the_corrected_answer(visit, app, picture):
    for _ in range(3):  # on a busy machine Chromium's microphone skips samples, so try again
        page = visit(**PHONE)
        record(page, 1)
        check_level(page)
        picture(page, "talk-phone-recording")
        page.wait_for_timeout(seconds_of(SPOKEN) * 1000)
        page.click("#stop")
        page.wait_for_selector(".row.review:not([hidden])")
        page.click("#send-preview")
        answered = find_turn(page, 1)
        job = app.get(f"/v1/jobs/{find_job_id(answered)}").json()
        if job["feedback"]["edits"]:
            break
    pause = answered.get_by_role("button", name="Pause: the teacher")
    expect(pause).to_be_visible()  # it speaks by itself
    expect(answered.locator(".from-teacher output")).to_have_text(re.compile("0:0[1-9]"))
    assert job["transcript"]["text"].split() == [word for word in find_transcript(answered).split() if word != "has"]
    (edit,) = job["feedback"]["edits"]
    assert answered.locator("del").text_content().endswith(edit["from"])
    expect(answered.locator(".reply")).to_have_text(job["feedback"]["reply"])
    expect(answered.locator(".corrected")).to_contain_text(job["feedback"]["corrected"])
    picture(page, "talk-phone-en")
    pause.click()
    answered.get_by_role("button", name="Play: your voice").click()
    expect(answered.get_by_role("button", name="Pause: your voice")).to_be_visible()


def test_the_stages_and_the_remaining_time_are_shown(visit, app):
    page = visit()
    ahead = [app.post(LEARNERS / "ruoxi-wu.wav", session=f"ahead {number}") for number in range(5)]
    page.set_input_files("#file", SPOKEN)
    waiting = page.locator(".turn .turn-status")
    expect(waiting.locator(".steps li")).to_have_text(["Queued", "Transcribing", "Thinking", "Speaking"])
    expect(waiting).to_contain_text(re.compile(r"number [2-6] in the queue.*about \d+ sec left"), timeout=20_000)
    find_turn(page, 1)
    for accepted in ahead:
        app.wait_until_ended(accepted)


def test_typed_words_are_marked_word_by_word(visit, picture):
    page = visit()
    type_in(page, WRONG_SENTENCE)
    answered = find_turn(page, 1)
    assert answered.locator("del").all_text_contents() == ["instead of have", "instead of cat"]
    assert answered.locator("ins").all_text_contents() == ["say has", "say cats"]
    assert find_transcript(answered) == "He have has a dog and three cat cats."
    picture(page, "talk-desktop-en")


def test_typed_words_are_sent_with_a_recording(visit, app):
    page = visit()
    page.fill("#text", "Is it right?")
    record(page, seconds_of(SPOKEN) + 0.5)
    page.click("#send")
    job = app.get(f"/v1/jobs/{find_job_id(find_turn(page, 1))}").json()
    assert job["question"]["text"] == "Is it right?"
    assert job["feedback"]["heard"] == f"{job['transcript']['text']} Is it right?"


def test_a_recording_can_be_discarded(visit):
    page = visit()
    record(page, 0.5)
    page.click("#discard")
    record(page, 0.5)
    page.click("#stop")
    page.click("#discard-preview")
    expect(page.locator("#record")).to_be_focused()
    assert page.locator(".turn").count() == 0


def test_a_recording_can_be_dropped_on_the_page(visit):
    page = visit()
    held = page.evaluate_handle(
        """async (bytes) => { const held = new DataTransfer();
        held.items.add(new File([Uint8Array.from(bytes)], "homework.wav", { type: "audio/wav" })); return held }""",
        list(SPOKEN.read_bytes()),
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": held})
    expect(page.locator("#drop-overlay")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": held})
    expect(page.locator("#drop-overlay")).to_be_hidden()
    assert "long hair" in find_transcript(find_turn(page, 1))


@pytest.mark.parametrize(("name", "content"), [("song.wav", b"these are words, not sounds"), ("empty.wav", b"")])
def test_a_wrong_file_is_refused_in_the_page_s_language_and_can_be_discarded(visit, picture, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    page = visit(locale="zh-CN")
    page.set_input_files("#file", tmp_path / name)
    if not content:
        expect(page.locator("#hint")).to_have_text("empty.wav 是空的。")
        return
    refused = find_turn(page, 1, "refused")
    expect(refused.locator(".transcript")).to_have_text("song.wav")
    expect(refused.locator(".error")).to_contain_text("这个文件不是支持的录音格式")
    picture(page, "talk-desktop-wrong-file-zh")
    refused.get_by_role("button", name="不要了").click()
    expect(page.locator(".turn")).to_have_count(0)


def test_a_silent_recording_gets_a_friendly_message_and_can_be_repeated(visit):
    page = visit()
    page.set_input_files("#file", LEARNERS.parent / "silence.wav")
    failed = find_turn(page, 1, "failed")
    expect(failed.locator(".error")).to_contain_text("No speech was heard")
    failed.get_by_role("button", name="Try again").click()
    find_turn(page, 2, "failed")


def test_a_question_can_be_canceled_while_it_waits(visit, app):
    page = visit()
    ahead = [app.post(SPOKEN, session=f"before {number}") for number in range(4)]
    type_in(page, "I am in a hurry.")
    page.get_by_role("button", name="Cancel").click()
    expect(find_turn(page, 1, "canceled").locator(".error")).to_have_text("You canceled this.")
    for accepted in ahead:
        app.wait_until_ended(accepted)


def test_the_teacher_the_voice_and_the_speed_are_chosen_and_remembered(visit, app):
    page = visit()
    page.click("#open-preferences")
    page.get_by_role("radio", name="Emma").check()
    page.select_option("#voice", "heart")
    page.fill("#speed", "0.7")
    page.click("#preferences menu button")
    expect(page.locator("#teacher-name")).to_have_text("Emma")
    page.reload()
    expect(page.locator("#teacher-name")).to_have_text("Emma")
    type_in(page, "I has a dog.")
    job = app.get(f"/v1/jobs/{find_job_id(find_turn(page, 1))}").json()
    assert job["persona"] == "emma"
    slow = job["answer"]["duration_s"] / len(job["answer"]["text"])
    quick = app.ask(text="I has a dog.", persona="emma", voice="heart", speed="2")["answer"]
    assert slow > 1.8 * quick["duration_s"] / len(quick["text"])


def test_an_answer_is_played_to_its_end_and_again(visit, app):
    page = visit()
    page.click("#open-preferences")
    page.fill("#speed", "2")
    page.click("#preferences menu button")
    type_in(page, WRONG_SENTENCE)
    answered = find_turn(page, 1)
    job = app.get(f"/v1/jobs/{find_job_id(answered)}").json()
    assert len(job["parts"]) > 2  # it began with the first sentence, before the others were spoken
    again = answered.get_by_role("button", name="Play: the teacher")
    expect(again).to_be_visible(timeout=15_000)
    again.click()
    stop = answered.get_by_role("button", name="Pause: the teacher")
    expect(answered.locator(".from-teacher output")).to_have_text("0:02")
    answered.locator(".from-teacher input").fill("900")
    expect(answered.locator(".from-teacher output")).to_have_text(f"0:0{int(job['answer']['duration_s'])}")
    expect(stop).to_be_hidden(timeout=5_000)


def test_an_answer_that_is_stopped_stays_silent(visit):
    page = visit()
    type_in(page, WRONG_SENTENCE)
    page.get_by_role("button", name="Pause: the teacher").click(timeout=30_000)
    answered = find_turn(page, 1)
    page.wait_for_timeout(1500)
    expect(answered.get_by_role("button", name="Play: the teacher")).to_be_visible()


def test_an_answer_plays_automatically_only_if_the_learner_chose_that(visit):
    page = visit()
    page.click("#open-preferences")
    page.uncheck("#autoplay")
    page.click("#preferences menu button")
    type_in(page, "I like tea.")
    answered = find_turn(page, 1)
    page.wait_for_timeout(500)
    expect(answered.get_by_role("button", name="Play: the teacher")).to_be_visible()


def test_saying_start_over_begins_a_new_conversation(visit):
    page = visit()
    type_in(page, "I like tea.")
    find_turn(page, 1)
    type_in(page, "重新开始")
    expect(page.locator(".turn")).to_have_count(1, timeout=30_000)
    expect(find_turn(page, 1).locator(".reply")).to_contain_text("we start over")


def test_a_conversation_is_started_over_and_erased(visit, app):
    page = visit()
    for press, status in (("#reset", 200), ("#erase", 410)):
        type_in(page, "I like tea.")
        job = find_job_id(find_turn(page, 1))
        page.once("dialog", lambda asked: asked.accept())
        page.click("#open-preferences")
        page.click(press)
        expect(page.locator(".turn")).to_have_count(0)
        assert app.get(f"/v1/jobs/{job}").status_code == status
        page.reload()
        expect(page.locator(".turn")).to_have_count(0)


def test_one_turn_is_erased_for_good(visit, app):
    page = visit()
    type_in(page, "I like tea.")
    answered = find_turn(page, 1)
    job = find_job_id(answered)
    answered.get_by_role("button", name="Delete this turn").click()
    expect(page.locator(".turn")).to_have_count(0)
    assert app.get(f"/v1/jobs/{job}").json()["code"] == "erased"


def test_everything_can_be_done_by_keyboard(visit):
    page = visit()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    assert reached == ["open-preferences", "text", "send-text", "file", "record"]
    page.keyboard.press("Space")
    expect(page.locator("#send")).to_be_focused()
    page.wait_for_timeout(3000)
    page.keyboard.press("Enter")
    find_turn(page, 1)


def test_marks_can_be_taken_out_again(visit):
    """For real corrections: the transcript without insertions, and the corrected sentence without deletions."""
    from pipeline.text.corrections import apply_changes, compare, select_corrections

    pairs = [
        (
            "Yesterday I go to the library, and I read two book.",
            "Yesterday I went to the library, and I read two books.",
        ),
        ("he is go to buy new phone", "He is going to buy a new phone."),
        ("She is more taller than me, I think.", "She is taller than me, I think."),
        ("  I  like the   apple!", "I like apples!"),
        ("我昨天去图书馆，看书。", "我昨天去了图书馆，看书。"),
        ('<b>I</b> has a "dog".', '<b>I</b> have a "dog".'),
    ]
    page = visit()
    shown = """async (feedback) => { const { correctionMarks } = await import("/static/feedback/marks.js");
      const without = (name) => { const line = correctionMarks(feedback);
        line.querySelectorAll(`${name}, .visually-hidden`).forEach((each) => each.remove()); return line.textContent };
      return [without("ins"), without("del")] }"""
    for heard, better in pairs:
        pieces = compare(heard, better)
        accepted = select_corrections([piece for piece in pieces if not piece.is_unchanged])
        edits = [json.loads(to_json(piece.edit)) for piece in accepted]
        before, after = page.evaluate(shown, {"heard": heard, "edits": edits})
        assert edits
        assert words(before) == words(heard)
        assert words(after).casefold() == words(apply_changes(pieces, accepted)).casefold()


def words(text: str) -> str:
    """Without spaces and the punctuation that a correction may bring along."""
    return re.sub(r"[\s.]", "", text)


@pytest.mark.parametrize("look", [{"locale": "zh-CN", **PHONE}, {"locale": "zh-CN", "color_scheme": "dark", **DESKTOP}])
def test_the_page_speaks_chinese(visit, picture, look):
    page = visit(**look)
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    type_in(page, WRONG_SENTENCE)
    answered = find_turn(page, 1)
    expect(answered.locator(".corrected")).to_contain_text("更好的说法：")
    picture(page, "talk-phone-zh" if look.get("is_mobile") else "talk-desktop-dark-zh")
    page.click("#language")
    expect(answered.locator(".corrected")).to_contain_text("Better:")
    page.reload()
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_visible()
