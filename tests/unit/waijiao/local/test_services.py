"""`waijiao up`: the processes that it starts, their threads, and how it stops them."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.errors import ConfigurationError
from pipeline.redis_connection import broker_url, redis_url, socket_path
from pipeline.settings import Settings
from tests.support.wait import wait_for
from waijiao.local.services import redis_command, threads_per_worker, worker_services
from waijiao.local.supervisor import terminate
from waijiao.local.up import ONE_WORKER_EACH, prepare


@pytest.mark.parametrize("cores", [1, 2, 4, 8, 64])
@pytest.mark.parametrize("counts", [{"asr": 1, "llm": 1, "tts": 1}, {"asr": 4, "llm": 2, "tts": 1}])
def test_all_workers_together_compute_with_at_most_the_cores_or_one_thread_each(cores, counts):
    threads = threads_per_worker(counts, cores)
    assert sum(threads[stage] * count for stage, count in counts.items()) <= max(cores, sum(counts.values()))
    assert min(threads.values()) >= 1


def test_each_model_has_the_configured_number_of_workers(tmp_path):
    services = worker_services(Settings(home=tmp_path), {"asr": 2, "llm": 1, "tts": 3})
    names = [each.name for each in services]
    assert names == ["asr1", "asr2", "llm1", "tts1", "tts2", "tts3", "segment1", "maintenance1"]


def test_celery_s_warning_about_root_is_not_in_the_log_of_a_worker(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "ignore:another")
    worker = worker_services(Settings(home=tmp_path), ONE_WORKER_EACH)[0]
    code = (
        "import warnings; from celery.platforms import ROOT_DISCOURAGED, SecurityWarning;"
        "warnings.warn(SecurityWarning(ROOT_DISCOURAGED)); warnings.warn('another'); warnings.warn('a third')"
    )
    command = [sys.executable, "-c", code]
    shown = subprocess.run(command, env=os.environ | worker.environment, capture_output=True, text=True).stderr
    assert "UserWarning: a third" in shown
    assert "another\n" not in shown
    assert "absolutely not recommended" not in shown


@pytest.fixture
def without_models(monkeypatch):
    monkeypatch.setattr("waijiao.local.up.check_models", lambda _: None)


@pytest.mark.usefixtures("without_models")
def test_a_port_that_is_taken_names_the_option_and_the_setting(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} .* with --port, or with WAIJIAO_PORT"):
            prepare(Settings(home=tmp_path, port=port), ONE_WORKER_EACH)


@pytest.mark.usefixtures("without_models")
def test_an_unknown_persona_is_reported_before_anything_is_started(tmp_path):
    with pytest.raises(ConfigurationError, match="WAIJIAO_PERSONA: persona 'nobody': expected one of emma, william"):
        prepare(Settings(home=tmp_path, persona="nobody"), ONE_WORKER_EACH)


def test_the_embedded_redis_has_a_short_private_path_however_long_home_is(tmp_path):
    near, far = Settings(home=tmp_path), Settings(home=tmp_path / ("x" * 90))
    assert socket_path(near) == str(tmp_path / "redis.sock")
    assert len(socket_path(far)) <= 100
    assert socket_path(far) != socket_path(Settings(home=tmp_path / ("y" * 90)))


def test_a_folder_for_the_socket_that_another_user_made_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings = Settings(home=tmp_path / ("x" * 90), redis_url="")
    folder = Path(socket_path(settings)).parent
    folder.mkdir()
    monkeypatch.setattr(Path, "lstat", lambda path: SimpleNamespace(st_uid=12_345 if path == folder else os.getuid()))
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        redis_command(settings)


def test_records_and_broker_have_the_same_address(tmp_path):
    local = Settings(home=tmp_path)
    assert broker_url(local).partition(":")[2] == redis_url(local).partition(":")[2]
    remote = Settings(redis_url="rediss://:secret@redis.example:6380/1")
    assert broker_url(remote) == redis_url(remote) == "rediss://:secret@redis.example:6380/1"


def test_tls_without_certificate_checks_is_refused():
    with pytest.raises(ConfigurationError, match="certificate"):
        redis_url(Settings(redis_url="rediss://redis.example:6380/1?ssl_cert_reqs=none"))


def start_shell(script):
    """A shell that runs `script`; it is running when this returns."""
    process = subprocess.Popen(["sh", "-c", f"{script} echo; sleep 60"], stdout=subprocess.PIPE, start_new_session=True)
    with process.stdout as output:
        output.readline()
    return process


def test_a_process_is_asked_to_end_and_then_killed_with_its_children():
    obedient, stubborn = start_shell(""), start_shell("trap '' TERM;")
    terminate([obedient, stubborn], 0.5)
    assert (obedient.returncode, stubborn.returncode) == (-signal.SIGTERM, -signal.SIGKILL)
    wait_for(lambda: not any(map(group_exists, (obedient.pid, stubborn.pid))))


def group_exists(leader):
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def test_processes_end_although_ctrl_c_arrived_during_the_check():
    locked, forgotten = start_shell(""), start_shell("")
    for each in (locked, forgotten):
        each._waitpid_lock.acquire()  # as it stays when Popen.poll is interrupted before it can promise to release it
    os.kill(forgotten.pid, signal.SIGKILL)
    os.waitpid(forgotten.pid, 0)  # and when it is interrupted before it notes how the process ended
    terminate([locked, forgotten], 5)
    assert (locked.returncode, forgotten.returncode) == (-signal.SIGTERM, 0)
