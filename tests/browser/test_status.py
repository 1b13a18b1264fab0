"""The status page: its figures are those of the API, and it reports trouble while there is trouble."""

import json
import os
import re
import secrets
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import httpx
import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from prometheus_client.parser import text_string_to_metric_families

from pipeline.jobs.job import JobRequest
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from tests.support.wait import wait_for

ROOT = Path(__file__).parents[2]
SPOKEN = ROOT / "examples" / "recordings" / "ruoxi-wu.wav"
SILENCE = ROOT / "examples" / "silence.wav"
CANARY = "Quetzalcoatl"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def server_with_jobs(app):
    """The server after an answered recording, a silent one that failed, and a canceled job."""
    answered = app.post(SPOKEN, text=CANARY, session=CANARY)
    silent = app.ask(SILENCE)
    assert silent["error"]["code"] == "no_speech"
    assert app.wait_until_ended(answered)["state"] == "succeeded"
    canceled = app.post(text=f"I likes {CANARY}.")
    httpx.delete(app.url + canceled.headers["Location"], timeout=30, trust_env=False)
    assert app.wait_until_ended(canceled)["state"] == "canceled"
    return app


@pytest.fixture
def login_as(browser, server_with_keys):
    """A browser that shows a new key of this role."""
    contexts = []

    def log_in_with_key(role: str):
        command = [sys.executable, "-m", "waijiao", "key", "create", "--role", role, "--name", role]
        environment = {**os.environ, "WAIJIAO_HOME": str(server_with_keys.home), "WAIJIAO_URL": server_with_keys.url}
        made = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        contexts.append(browser.new_context(locale="en-US"))
        answer = contexts[-1].request.post(f"{server_with_keys.url}/v1/login", data={"key": made.stdout.split()[0]})
        assert answer.ok
        return contexts[-1]

    yield log_in_with_key
    for context in contexts:
        context.close()


def figures(app) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(app.get("/metrics").text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def figure(page, place: str) -> str:
    return page.locator(f"{place} dd").inner_text()


def latest_failure(page):
    return page.locator("#failures > li").first


def submit_dead_job(app) -> str:
    """A job whose workers died at every attempt."""
    settings = Settings(home=app.home, redis_url="", url="")
    redis = connect(settings)
    jobs, job_request = Jobs(redis, settings), JobRequest(secrets.token_hex(16), CANARY, text="Yesterday I go home.")
    jobs.submit(job_request)
    for _ in range(settings.attempts + 1):  # each claim finds the same worker's earlier one broken off
        jobs.claim("llm", "unlucky", 1)
    assert jobs.get("default", job_request.id).dead
    redis.close()
    return job_request.id


def test_the_figures_are_those_of_metrics(server_with_jobs, visit):
    page = visit("/status")
    known = figures(server_with_jobs)
    for key, name in [
        ("accepted", ("waijiao_jobs_accepted_total",)),
        ("unfinished", ("waijiao_jobs_unfinished",)),
        ("webhooks", ("waijiao_webhooks_waiting",)),
        *((state, ("waijiao_jobs_ended_total", state)) for state in ("succeeded", "failed", "canceled")),
    ]:
        assert figure(page, f"#counts [data-figure={key}]") == str(int(known[name])), key
    models = [model["id"] for model in server_with_jobs.get("/v1/models").json()["data"]]
    for stage, model in zip(("asr", "llm", "tts"), models, strict=True):
        card = page.locator(f"#stages [data-stage={stage}]")
        seconds = known["waijiao_stage_seconds", stage]
        assert model in card.inner_text()
        assert "1 ready" in card.inner_text()
        assert figure(page, f"[data-stage={stage}] [data-figure=waiting]") == "0"
        measured = float(figure(page, f"[data-stage={stage}] [data-figure=seconds]").removesuffix(" sec"))
        assert measured == pytest.approx(seconds, abs=0.005 if seconds < 1 else 0.05)
        per_minute = float(figure(page, f"[data-stage={stage}] [data-figure=per-minute]").replace(",", ""))
        assert per_minute == pytest.approx(60 / seconds, abs=0.5)
        expect(card.get_by_role("img", name="Waiting jobs in the last 5 minutes: 0 now")).to_be_attached()
    expect(page.get_by_role("heading", name="All systems normal.")).to_be_visible()


def test_each_of_the_newest_jobs_shows_how_its_time_was_spent(server_with_jobs, visit):
    page = visit("/status")
    for job in server_with_jobs.get("/v1/jobs?limit=3").json()["jobs"]:
        row = page.locator(f"#recent-jobs [data-job='{job['id']}']")
        assert row.locator(f"[data-state={job['state']}]").count() == 1
        for stage, timing in job["timings"].items():
            ran = row.locator(f"td.{stage} b").inner_text()
            assert (ran == "–") == (timing["ran_s"] is None)
            assert ran == "–" or float(ran.removesuffix(" sec")) == pytest.approx(timing["ran_s"], abs=0.05)
    answered = page.locator("#recent-jobs tr", has=page.locator("[data-state=succeeded]")).first
    assert answered.locator(".bar .run-time").count() == 3


def test_the_total_of_a_lesson_is_the_time_from_its_submission_to_its_end(app, visit):
    """Most of it is in stages that have no column: the segmentation, and the turns."""
    with SPOKEN.open("rb") as recording:
        response = httpx.post(f"{app.url}/v1/lessons", files={"audio": recording}, timeout=60, trust_env=False)
    job = app.get(f"/v1/jobs/{app.wait_until_ended(response)['id']}").json()
    assert job["task"] == "lesson"
    took = datetime.fromisoformat(job["updated_at"]) - datetime.fromisoformat(job["created_at"])
    page = visit("/status")
    total = page.locator(f"#recent-jobs [data-job='{job['id']}'] .sum").inner_text()
    assert float(total.removesuffix(" sec")) == pytest.approx(took.total_seconds(), abs=0.5)


def test_all_durations_are_written_alike(server_with_jobs, visit):
    page = visit("/status")
    waits = page.locator("#recent-jobs .stage small").all_inner_texts()
    assert waits
    assert all(re.fullmatch(r"waited [\d.]+ (sec|min)|[\d.]+ (sec|min) so far", wait) for wait in waits), waits


def test_a_learner_sees_what_to_do_and_where_to_go(visit, login_as, server_with_keys):
    page = visit("/status", context=login_as("learner"), url=server_with_keys.url)
    expect(page.locator("#admins-only code")).to_have_text("waijiao key create --role admin")
    assert "`" not in page.locator("#admins-only").inner_text()
    heading, text = (page.locator(f"#admins-only {name}").bounding_box() for name in ("h1", "p"))
    assert text["y"] - heading["y"] - heading["height"] >= 8
    page.click("#admins-only a")
    page.wait_for_selector("body.talk[data-ready]")


def test_a_failure_says_why_where_and_how_often_it_was_tried(server_with_jobs, visit):
    page = visit("/status", locale="zh-CN")
    job = server_with_jobs.get("/v1/jobs?state=failed&limit=1").json()["jobs"][0]
    text = latest_failure(page).inner_text()
    for each in ("no_speech", "语音识别", "没听到有人说话", job["id"], job["error"]["detail"], "前"):
        assert each in text
    assert latest_failure(page).get_by_role("button", name="再试一次").count() == 0


def test_the_page_shows_nothing_that_a_learner_said(server_with_jobs, visit):
    job = server_with_jobs.get("/v1/jobs?state=succeeded&task=teach&limit=1").json()["jobs"][0]
    page = visit("/status")
    everything = page.content()
    assert CANARY not in everything
    for words in (job["transcript"]["text"], job["answer"]["text"]):
        assert words not in everything


def test_a_dead_job_is_retried_by_keyboard_and_answered(app, visit):
    dead = submit_dead_job(app)
    page = visit("/status")
    page.get_by_label("Only failures that can be retried").focus()
    page.keyboard.press("Space")
    expect(page.locator("#failures > li")).to_have_count(1)
    assert dead in latest_failure(page).inner_text()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(latest_failure(page).get_by_role("button", name="Try again")).to_be_focused()
    page.keyboard.press("Enter")
    expect(latest_failure(page).locator("[data-state=succeeded]")).to_be_visible(timeout=20_000)
    new = app.get(f"/v1/jobs/{dead}").json()["retried_as"]
    assert new in latest_failure(page).inner_text()
    assert latest_failure(page).get_by_role("button", name="Try again").count() == 0
    assert app.get(f"/v1/jobs/{new}").json()["state"] == "succeeded"


def test_older_failures_come_page_by_page(app, visit):
    for accepted in [app.post(SILENCE) for _ in range(9)]:
        app.wait_until_ended(accepted)
    failed = [job["id"] for job in app.get("/v1/jobs?state=failed&limit=100").json()["jobs"]]
    page = visit("/status")
    expect(page.locator("#failures > li")).to_have_count(8)
    page.get_by_role("button", name="Show older").click()
    expect(page.locator("#failures > li")).to_have_count(min(len(failed), 16))
    ids = page.locator("#failures > li").evaluate_all("all => all.map((each) => each.dataset.job)")
    assert ids == failed[:16]


def test_figures_are_kept_and_marked_as_old_while_the_server_is_away(server_with_jobs, visit, browser, picture):
    context = browser.new_context(locale="en-US", **PHONE)
    page = visit("/status", context=context)
    before = figure(page, "#counts [data-figure=accepted]")
    context.set_offline(True)
    expect(page.get_by_role("heading", name="The server is not responding.")).to_be_visible()
    expect(page.locator("#updated-at")).to_have_text(re.compile("^Outdated: last updated at "))
    assert figure(page, "#counts [data-figure=accepted]") == before
    picture(page, "status-phone-away")
    server_with_jobs.wait_until_ended(server_with_jobs.post(text="Hello."))
    context.set_offline(False)
    expect(page.locator("#counts [data-figure=accepted] dd")).to_have_text(str(int(before) + 1), timeout=15_000)
    expect(page.locator("#updated-at")).to_have_text(re.compile("^Updated at "))
    context.close()


def test_no_request_is_sent_while_the_page_is_hidden(app, visit):
    page = visit("/status")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hide = "(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
    hide += " document.dispatchEvent(new Event('visibilitychange')) }"
    page.evaluate(hide, True)
    page.wait_for_timeout(1000)  # what was on its way
    asked.clear()
    page.wait_for_timeout(2500)
    assert asked == []
    page.evaluate(hide, False)
    wait_for(lambda: page.wait_for_timeout(50) or asked)


def test_a_killed_worker_is_missed_and_then_seen_again(server_with_keys, visit, login_as):
    page = visit("/status", context=login_as("admin"), url=server_with_keys.url)
    expect(page.get_by_text("Every model is ready for the first job.")).to_be_visible()
    expect(page.get_by_text("No jobs yet.")).to_be_visible()
    card = page.locator("[data-stage=tts]")

    def kill_until_missed() -> bool:
        for process in psutil.Process(server_with_keys.process.pid).children():
            if "worker_tts.tasks" in process.cmdline():
                process.kill()
        page.wait_for_timeout(200)
        return card.get_by_text("no worker").is_visible()

    wait_for(kill_until_missed)
    expect(page.get_by_role("heading", name="No worker for text to speech.")).to_be_visible()
    expect(page.get_by_text("docker compose up --detach worker_tts")).to_be_visible()
    expect(card.get_by_text("1 ready")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("heading", name="All systems normal.")).to_be_visible()


def test_a_user_without_permission_gets_a_friendly_message(server_with_keys, visit, login_as):
    page = visit("/status", context=login_as("teacher"), url=server_with_keys.url)
    expect(page.get_by_role("heading", name="This page is for administrators")).to_be_visible()
    assert page.locator(".status-section:visible").count() == 0
    page.locator("#language").click()
    expect(page.get_by_role("heading", name="这个页面是给管理员用的")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("status-desktop-en", {}),
        ("status-desktop-dark", {"color_scheme": "dark"}),
        ("status-phone-zh", {**PHONE, "locale": "zh-CN"}),
    ],
)
def test_the_page_is_accessible_on_every_screen(server_with_jobs, visit, picture, name, options):
    page = visit("/status", **options)
    picture(page, name)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page).response["violations"]
    assert not [each["id"] for each in found if each["impact"] in {"serious", "critical"}], json.dumps(found)
