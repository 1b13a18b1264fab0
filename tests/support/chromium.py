"""A real Chromium for the tests of pages, whose microphone may be a recording."""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)


def launch(playwright: Playwright, microphone: Path | None = None, *flags: str) -> Browser:
    """The `microphone` is a wav file, heard once from each start, and then silence; without one, Chromium's beeps."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "these tests need Chromium: apt-get install chromium"
    capture_flags = [f"--use-file-for-fake-audio-capture={microphone}%noloop"] if microphone else []
    return playwright.chromium.launch(executable_path=chromium, headless=True, args=[*FLAGS, *capture_flags, *flags])
