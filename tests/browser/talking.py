"""What the tests of the learner's page do as a learner would."""

import time

from playwright.sync_api import Locator, Page

ANSWERED_S = 60  # seconds for which an answer is waited for
TAUGHT = "He have a dog and three cat."  # of which the model is sure, with whatever it is answered


def record(page: Page, seconds: float) -> None:
    """Press and talk: the microphone hears the recording from its start."""
    page.click("#record")
    page.wait_for_selector(".row.recording:not([hidden])")
    time.sleep(seconds)


def type_in(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def turn(page: Page, number: int, state: str = "succeeded") -> Locator:
    """The page's turn of this number, from 1, once it is in this state."""
    found = page.locator(f".turn:nth-child({number})[data-state={state}]")
    found.wait_for(timeout=ANSWERED_S * 1000)
    return found


def said(found: Locator) -> str:
    """What a turn shows as said, as it is seen: without the words for screen readers."""
    return found.locator(".said").evaluate(
        "node => [...node.querySelectorAll('.heard')].map((line) => { const copy = line.cloneNode(true);"
        " copy.querySelectorAll('.unseen').forEach((each) => each.remove()); return copy.textContent }).join(' ')"
    )


def job_of(found: Locator) -> str:
    return str(found.get_attribute("data-job"))
