"""What the pages say while the disk is full, in both languages; what waits is sent when there is space again."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SPOKEN
from tests.support.talk_page import type_in

NO_DISK_IS_SO_LARGE_MB = 10**9
TEXTS = {"en-US": "The server's disk is full", "zh-CN": "服务器的磁盘满了"}
SENT_MS = 30_000


@pytest.fixture
def full_url(cluster) -> str:
    """The address of an API whose disk has less space than it must keep free."""
    cluster.add_api("api1", min_free_mb=NO_DISK_IS_SO_LARGE_MB)
    cluster.start("api1")
    return cluster.url("api1")


def make_room(cluster) -> None:
    """The same API on a disk with space."""
    cluster["api1"].environment["WAIJIAO_MIN_FREE_MB"] = "0"
    cluster.restart("api1")


@pytest.mark.parametrize("locale", TEXTS)
def test_a_learner_reads_why_nothing_is_sent_and_need_not_send_it_again(visit, cluster, full_url, locale):
    page = visit(url=full_url, locale=locale)
    type_in(page, "I goed to school.")
    expect(page.locator(".turn[data-state=unsent]")).to_contain_text(TEXTS[locale])
    make_room(cluster)
    expect(page.locator(".turn[data-job]")).to_have_count(1, timeout=SENT_MS)


@pytest.mark.parametrize("locale", TEXTS)
def test_a_teacher_reads_why_a_batch_is_not_sent_and_it_is_later(visit, cluster, full_url, locale):
    page = visit("/batch", url=full_url, locale=locale)
    page.set_input_files("#files", SPOKEN)
    page.click("#send")
    expect(page.locator("#rows tr")).to_contain_text(TEXTS[locale], timeout=SENT_MS)
    make_room(cluster)
    expect(page.locator("#rows tr[data-state=queued]")).to_have_count(1, timeout=SENT_MS)


@pytest.mark.parametrize("locale", TEXTS)
def test_a_teacher_reads_why_homework_is_not_handed_in_and_it_is_later(visit, cluster, full_url, locale):
    fields = {"title": "Homework", "students": [{"name": "Anna"}]}
    httpx.put(f"{full_url}/v1/assignments/full", json=fields, trust_env=False).raise_for_status()
    page = visit("/homework#full", url=full_url, locale=locale)
    page.set_input_files("#files", {"name": "Anna.wav", "mimeType": "audio/wav", "buffer": SPOKEN.read_bytes()})
    expect(page.locator("#results-summary")).to_contain_text(TEXTS[locale])
    make_room(cluster)
    expect(page.locator("#results-list li.accepted")).to_have_count(1, timeout=SENT_MS)
