"""How long a learner waits at the page: until it is ready, and from sending until the teacher is heard.

Run with: .venv/bin/python -m benchmarks.server.page_latency [TIMES]     (needs the developers' packages, and Chromium)
"""

import argparse
import statistics
from collections.abc import Callable

from playwright.sync_api import Page, sync_playwright

from benchmarks.harness import EXAMPLE_RECORDINGS, job_seconds, run_server, temporary_settings
from tests.support.chromium import launch
from waijiao import Client

SENTENCE = "Yesterday I go to the library and I read two book."
RECORDING = EXAMPLE_RECORDINGS / "ruoxi-wu.wav"
WATCH_PLAYBACK = """
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    this.addEventListener("playing", () => (window.heardAt ??= performance.now()), { once: true });
    return play.call(this);
  };
"""  # stores when the first sound of an answer is played
START_CLOCK = "window.heardAt = undefined; window.sentAt = performance.now()"


def main(times: int) -> None:
    with (
        temporary_settings(blobs=None, host="127.0.0.1", keys=False) as settings,
        run_server(settings) as server,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        page = browser.new_page()
        page.add_init_script(WATCH_PLAYBACK)
        page.goto(server.url)
        ready_ms = [reload_page(page) for _ in range(times)]
        print(f"the page is ready after {statistics.median(ready_ms):.0f} ms (median of {times} reloads)")
        for name, send in (("a typed sentence", send_sentence), ("a recording of 3.6 s", send_recording)):
            print_medians(name, [measure_answer(page, send, Client(server.url)) for _ in range(times)])
        browser.close()


def reload_page(page: Page) -> float:
    """Milliseconds from a reload until the page takes a question."""
    page.reload()
    page.wait_for_selector("body[data-ready]")
    return float(page.evaluate("performance.now()"))


def send_sentence(page: Page) -> None:
    page.fill("#text", SENTENCE)
    page.evaluate(START_CLOCK)
    page.press("#text", "Enter")


def send_recording(page: Page) -> None:
    page.evaluate(START_CLOCK)
    page.set_input_files("#file", RECORDING)


def measure_answer(page: Page, send: Callable[[Page], None], client: Client) -> tuple[float, float]:
    """Seconds from sending until the first sound, and those of the job alone, accepted to answered."""
    page.evaluate("localStorage.removeItem('session')")  # a new conversation, without earlier answers
    reload_page(page)
    send(page)
    page.wait_for_selector(".turn[data-state=succeeded]", timeout=60_000)
    page.wait_for_function("window.heardAt")
    job = client.job(str(page.get_attribute(".turn", "data-job")))
    return float(page.evaluate("(window.heardAt - window.sentAt) / 1000")), job_seconds(job)


def print_medians(name: str, measurements: list[tuple[float, float]]) -> None:
    page_s = statistics.median(page_s for page_s, _ in measurements)
    job_s = statistics.median(job_s for _, job_s in measurements)
    print(f"{name}: heard after {page_s:.2f} s, the job alone took {job_s:.2f} s: {page_s / job_s:.2f} times as long")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("times", nargs="?", type=int, default=10, help="how often each measurement is repeated")
    main(parser.parse_args().times)
