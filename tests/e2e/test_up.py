"""`waijiao up`: the processes that it starts, restarts and stops, and the commands that talk to it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from pipeline.model_files.catalogue import locate
from pipeline.settings import settings
from tests.support.running_app import start_app, wait_until_ready
from tests.support.wait import wait_for

MODELS = settings().models_folder
LEARNERS = sorted((Path(__file__).parents[2] / "examples" / "recordings").iterdir())


def waijiao(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "waijiao", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )


def processes(app) -> list[psutil.Process]:
    """Every process that `waijiao up` started and that runs now."""
    started = psutil.Process(app.process.pid).children(recursive=True)
    return [each for each in started if runs(each)]


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command(process: psutil.Process) -> str:
    """The command line of the process; empty when it has ended."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def leader(app, name: str) -> psutil.Process | None:
    """The first process of the service whose command line has `name` in it."""
    return next((each for each in processes(app) if name in command(each)), None)


def test_a_dead_process_is_back_within_two_seconds(app):
    for name in ("worker_tts", "gunicorn"):
        dead = leader(app, name)
        its_own = dead.children(recursive=True)
        dead.kill()
        wait_for(lambda dead=dead, name=name: (found := leader(app, name)) and found.pid != dead.pid, seconds=2)
        wait_for(lambda its_own=its_own: not any(map(runs, its_own)))
    wait_for(lambda: alive(app))
    assert app.ask(text="I am back.")["state"] == "succeeded"


def alive(app) -> bool:
    try:
        return app.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_the_api_s_processes_are_small(app):
    app.ask(LEARNERS[0])
    api = [each.memory_info().rss for each in processes(app) if "gunicorn" in command(each)]
    assert api
    assert max(api) < 80e6


def test_an_idle_server_leaves_the_processor_alone(app):
    """No process spins or polls all the time. A worker takes 0.2 to 0.6 s of processor time in 10 s,
    as the machine is, and wakes 80 times; Redis, which serves all of them, 500 times.
    """
    app.ask(LEARNERS[0])
    before = {each: (seconds(each), wakings(each)) for each in processes(app)}
    time.sleep(10)
    used = {(each.pid, command(each)): (seconds(each) - s, wakings(each) - w) for each, (s, w) in before.items()}
    assert max(s for s, _ in used.values()) < 1.5, used
    often = {who: w for who, (_, w) in used.items() if w > (1000 if "redis-server" in who[1] else 200)}
    assert not often


def seconds(process) -> float:
    """Of processor time."""
    return sum(process.cpu_times()[:2])


def wakings(process) -> int:
    """How often the main thread of the process woke up."""
    return process.num_ctx_switches().voluntary


def test_a_second_server_in_the_same_home_is_refused(app):
    second = waijiao("up", "--port", "8999", WAIJIAO_HOME=str(app.home), WAIJIAO_MODELS=str(MODELS))
    assert second.returncode == 1
    assert "already running" in second.stderr


def test_status_lists_queues_and_workers(app):
    result = waijiao("status", "--json", "--url", app.url)
    assert result.returncode == 0
    assert json.loads(result.stdout)["models"]["llm"] == {"ready": 1, "loading": 0, "waiting": 0}
    assert "language model" in waijiao("status", "--url", app.url).stdout


def test_ask_sends_several_recordings_and_saves_their_answers(app, tmp_path):
    result = waijiao("ask", *map(str, LEARNERS[:2]), "--out", str(tmp_path), "--url", app.url, "--format", "flac")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("heard:") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{each.stem}-answer.flac" for each in LEARNERS[:2]]


def test_ask_reports_a_failure_and_ends_with_status_1(app, tmp_path):
    noise = tmp_path / "noise.wav"
    noise.write_bytes(os.urandom(5000))
    result = waijiao("ask", str(noise), "--url", app.url)
    assert result.returncode == 1
    assert "not_audio" in result.stdout


def test_ask_without_a_server_ends_with_status_3(tmp_path):
    result = waijiao("ask", "--text", "hi", "--url", "http://127.0.0.1:1")
    assert result.returncode == 3
    assert "waijiao up" in result.stderr


def test_wrong_usage_ends_with_status_2():
    assert waijiao("ask").returncode == 2
    assert waijiao("up", "--port", "x").returncode == 2
    assert "WAIJIAO_KEYS=true" in waijiao("up", "--host", "0.0.0.0").stderr
    assert "WAIJIAO_ATTEMPTS" in waijiao("up", WAIJIAO_ATTEMPTS="none").stderr


def test_a_missing_model_is_reported_with_the_command_that_fetches_it(tmp_path):
    result = waijiao("up", WAIJIAO_HOME=str(tmp_path), WAIJIAO_MODELS=str(tmp_path / "models"))
    assert result.returncode == 1
    assert "waijiao models fetch whisper-base" in result.stderr


def test_a_worker_without_its_model_ends_with_the_same_message(tmp_path):
    command = [sys.executable, "-m", "celery", "-A", "worker_llm.tasks", "worker", "-Q", "llm", "-c", "1"]
    environment = {**os.environ, "WAIJIAO_HOME": str(tmp_path), "WAIJIAO_MODELS": str(tmp_path / "none")}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "waijiao models fetch smollm2-135m" in result.stderr


def test_a_user_s_own_model_folder_works_by_one_variable(app, tmp_path):
    own = tmp_path / "my whisper"
    own.symlink_to(locate("whisper-base", MODELS))
    (tmp_path / "home").mkdir()
    running = wait_until_ready(start_app(tmp_path / "home", WAIJIAO_ASR_MODEL=str(own), WAIJIAO_MODELS=str(MODELS)))
    try:
        assert running.ask(LEARNERS[8], language="en")["state"] == "succeeded"
    finally:
        running.process.terminate()
        running.process.wait(15)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopping_takes_less_than_ten_seconds_and_leaves_no_process(tmp_path, how):
    running = wait_until_ready(start_app(tmp_path, WAIJIAO_MODELS=str(MODELS)))
    started = psutil.Process(running.process.pid).children(recursive=True)
    assert len(started) >= 8
    start_time = time.monotonic()
    running.process.send_signal(how)
    assert running.process.wait(12) == 0
    assert time.monotonic() - start_time < 10
    assert not any(map(runs, started))


def test_a_stopped_server_answers_after_its_next_start_what_it_had_accepted(tmp_path):
    app = wait_until_ready(start_app(tmp_path, WAIJIAO_MODELS=str(MODELS), WAIJIAO_LEASE_S="3"))
    accepted = [app.post(recording, language="en") for recording in LEARNERS[8:12]]
    app.process.terminate()
    assert app.process.wait(12) == 0
    app = wait_until_ready(start_app(tmp_path, WAIJIAO_MODELS=str(MODELS), WAIJIAO_LEASE_S="3"))
    ready = app.get("/readyz").json()["models"]
    assert [ready[stage]["ready"] for stage in ("asr", "llm", "tts")] == [1, 1, 1]  # none of the first start is listed
    try:
        assert {app.wait_until_ended(answer)["state"] for answer in accepted} == {"succeeded"}
    finally:
        app.process.terminate()
        app.process.wait(12)


def test_a_redis_that_cannot_be_reached_is_named_while_it_is_waited_for(tmp_path):
    app = start_app(tmp_path, WAIJIAO_MODELS=str(MODELS), WAIJIAO_REDIS_URL="redis://:secret@127.0.0.1:1/0")
    output = wait_for(lambda: "127.0.0.1:1" in (text := (tmp_path / "up.log").read_text()) and text, seconds=60)
    app.process.send_signal(signal.SIGINT)
    assert app.process.wait(30) == 0
    assert "Waiting up to 30 s for Redis" in output
    assert "secret" not in output


def test_a_misspelt_setting_is_named_and_a_killed_server_leaves_no_process(tmp_path):
    running = wait_until_ready(start_app(tmp_path, WAIJIAO_MODELS=str(MODELS), WAIJIAO_PROT="9"))
    output = (running.home / "up.log").read_text()
    assert "WAIJIAO_PROT is not a setting and has no effect; perhaps WAIJIAO_PORT is meant." in output
    started = psutil.Process(running.process.pid).children(recursive=True)
    running.process.kill()
    running.process.wait()
    wait_for(lambda: not any(map(runs, started)), seconds=20)
