"""What the pages say while the disk is full, in both languages; what waits is sent when there is space again."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from pipeline.disk_space import MB
from pipeline.jobs.job import MODEL_STAGES
from pipeline.worker.registry import register
from tests.browser.conftest import SPOKEN, visits
from tests.support.talk_page import type_in
from waijiao.local.redis_disk import count_free_bytes

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


STATUS_TEXTS = {
    ("full", "en-US"): ("The disk is full: uploads are refused.", "Delete files that nobody needs", "1,000 TB"),
    ("full", "zh-CN"): ("磁盘满了：不接受上传。", "请删除这个磁盘上不需要的文件", "WAIJIAO_RETENTION_H"),
    ("low", "en-US"): ("The disk is nearly full.", "uploads are refused. Delete files", "WAIJIAO_RETENTION_H"),
    ("low", "zh-CN"): ("磁盘快满了。", "就不接受上传", "WAIJIAO_RETENTION_H"),
}
REFUSAL_TEXTS = {
    "en-US": ("Redis refuses to store anything new.", "Its memory is full", "All systems normal."),
    "zh-CN": ("Redis 拒绝写入。", "Redis 的内存满了", "一切正常。"),
}


@pytest.fixture
def show_status(browser, cluster, settings):
    """Opens the status page of an API with ready workers, where so many megabytes must stay free."""
    for stage in MODEL_STAGES:
        register(cluster.redis, stage, "one", "ready", 600)

    def start(min_free_mb: int) -> str:
        cluster.add_api("api1", min_free_mb=min_free_mb)
        cluster.start("api1")
        return cluster.url("api1")

    with visits(browser, "") as open_page:
        yield lambda min_free_mb, locale: open_page("/status", url=start(min_free_mb), locale=locale)


@pytest.mark.parametrize(("state", "locale"), STATUS_TEXTS)
def test_the_status_page_says_how_full_the_disk_is_and_what_to_do(show_status, settings, picture, state, locale):
    half_of_what_is_free_mb = count_free_bytes(settings.home) // MB // 2
    page = show_status({"full": NO_DISK_IS_SO_LARGE_MB, "low": half_of_what_is_free_mb}[state], locale)
    title, *advice = STATUS_TEXTS[state, locale]
    expect(page.locator("#headline")).to_have_text(title)
    for words in (*advice, str(settings.home)):
        expect(page.locator("#advice")).to_contain_text(words)
    expect(page.locator("#overall")).to_have_attribute("data-health", {"full": "bad", "low": "busy"}[state])
    expect(page.locator("#facts")).to_contain_text(re.compile(r"\d ?[GT]B"))
    picture(page, f"status-disk-{state}-{locale}")


@pytest.mark.parametrize("locale", REFUSAL_TEXTS)
def test_the_status_page_says_that_redis_refuses_writes_until_it_takes_them(show_status, cluster, locale):
    page = show_status(0, locale)
    trouble, advice, normal = REFUSAL_TEXTS[locale]
    expect(page.locator("#headline")).to_have_text(normal)
    cluster.redis.config_set("maxmemory", 1)
    expect(page.locator("#headline")).to_have_text(trouble, timeout=SENT_MS)
    expect(page.locator("#advice")).to_contain_text(advice)
    cluster.redis.config_set("maxmemory", 0)
    expect(page.locator("#headline")).to_have_text(normal, timeout=SENT_MS)
