"""How long a learner waits at the page: until it is ready, and from sending until the teacher is heard.

Run with: .venv/bin/python benchmarks/page.py [TIMES]     (needs the developers' packages, and Chromium)
"""

import statistics
import sys
import tempfile
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Page, sync_playwright

from pipeline.settings import Settings
from tests.support.chromium import launch
from waijiao import Client
from waijiao.local.supervisor import Supervisor
from waijiao.local.up import free_port

SENTENCE = "Yesterday I go to the library and I read two book."
RECORDING = Path(__file__).resolve().parent.parent / "examples" / "recordings" / "ruoxi-wu.wav"
WATCH = """
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    this.addEventListener("playing", () => (window.heard ??= performance.now()), { once: true });
    return play.call(this);
  };
"""  # when the first sound of an answer is heard, as the browser tells
BEGIN = "window.heard = undefined; window.sent = performance.now()"


def main(times: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        apart = {"home": Path(home), "models": Settings().models_folder, "blobs": None, "redis_url": ""}
        settings = Settings().model_copy(update={**apart, "host": "127.0.0.1", "keys": False, "port": free_port()})
        with Supervisor(settings, {"asr": 1, "llm": 1, "tts": 1}) as house, sync_playwright() as playwright:
            house.wait_until_ready()
            browser = launch(playwright)
            page = browser.new_page()
            page.add_init_script(WATCH)
            page.goto(house.url)
            ready = [loaded(page) for _ in range(times)]
            print(f"the page is ready after {statistics.median(ready):.0f} ms (median of {times} reloads)")
            for what, ask in (("a typed sentence", typed), ("a recording of 3.6 s", uploaded)):
                told(what, [asked(page, ask, Client(house.url)) for _ in range(times)])
            browser.close()


def loaded(page: Page) -> float:
    """Milliseconds from a reload until the page takes a question."""
    page.reload()
    page.wait_for_selector("body[data-ready]")
    return float(page.evaluate("performance.now()"))


def typed(page: Page) -> None:
    page.fill("#text", SENTENCE)
    page.evaluate(BEGIN)
    page.press("#text", "Enter")


def uploaded(page: Page) -> None:
    page.evaluate(BEGIN)
    page.set_input_files("#file", RECORDING)


def asked(page: Page, ask, client: Client) -> tuple[float, float]:
    """Seconds from sending until the first sound, and those of the job alone, accepted to answered."""
    page.evaluate("localStorage.removeItem('session')")  # a new conversation: nothing is said before, nothing is heard
    loaded(page)
    ask(page)
    page.wait_for_selector(".turn[data-state=succeeded]", timeout=60_000)
    page.wait_for_function("window.heard")
    job = client.job(str(page.get_attribute(".turn", "data-job")))
    return float(page.evaluate("(window.heard - window.sent) / 1000")), seconds(job.created_at, job.updated_at)


def seconds(begin: datetime, end: datetime) -> float:
    return (end - begin).total_seconds()


def told(what: str, measured: list[tuple[float, float]]) -> None:
    heard = statistics.median(heard for heard, _ in measured)
    alone = statistics.median(alone for _, alone in measured)
    print(f"{what}: heard after {heard:.2f} s, the job alone took {alone:.2f} s: {heard / alone:.2f} of it")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
