"""Actions of a learner on the conversation page."""

import time

from playwright.sync_api import Locator, Page

ANSWER_TIMEOUT_S = 60  # how long a test waits for an answer
WRONG_SENTENCE = "He have a dog and three cat."  # the model corrects it reliably


def record(page: Page, seconds: float) -> None:
    """Press and talk: the microphone hears the recording from its start."""
    page.click("#record")
    page.wait_for_selector(".row.recording:not([hidden])")
    time.sleep(seconds)


def type_in(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def find_turn(page: Page, number: int, state: str = "succeeded") -> Locator:
    """The page's turn of this number, from 1, once it is in this state."""
    found = page.locator(f".turn:nth-child({number})[data-state={state}]")
    found.wait_for(timeout=ANSWER_TIMEOUT_S * 1000)
    return found


def find_transcript(found: Locator) -> str:
    """The transcript that a turn shows, without the words for screen readers."""
    return found.locator(".transcript").evaluate(
        "node => [...node.querySelectorAll('.transcript-line')].map((line) => { const copy = line.cloneNode(true);"
        " copy.querySelectorAll('.visually-hidden').forEach((each) => each.remove());"
        " return copy.textContent }).join(' ')"
    )


def find_job_id(found: Locator) -> str:
    return str(found.get_attribute("data-job"))


def count_clips(page: Page) -> None:
    """From now on count the clips that the page has begun to play: `expect_clips` waits for their number."""
    page.evaluate(
        "() => { window.clips = 0; const play = HTMLMediaElement.prototype.play; HTMLMediaElement.prototype.play ="
        " function () { return play.call(this).then(() => { if (this.src.startsWith('blob:')) window.clips += 1 }) } }"
    )


def expect_clips(page: Page, number: int) -> None:
    page.wait_for_function("number => window.clips === number", arg=number, timeout=ANSWER_TIMEOUT_S * 1000)
