"""The supervisor behind `waijiao up` restarts what ends, and keeps the logs small."""

import os
import signal
import subprocess
import sys

from redis.exceptions import RedisError

from pipeline.redis_connection import FAST, connect
from pipeline.settings import Settings
from tests.support.wait import wait_for
from waijiao.local import logs

MAX_LOG_BYTES = 20_000
LINE_CHARS = 100
WRITE_FOR_EVER = """
import itertools, time
for number in itertools.count():
    print(f"{number:099}", flush=True)
    time.sleep(0.001)
"""
SUPERVISE = f"""
import signal, sys
from pathlib import Path
from pipeline.settings import Settings
from waijiao.local import supervisor

supervisor.api_service = lambda _: supervisor.Service("api", sys.argv[2:], {{}})
supervisor.logs.MAX_LOG_BYTES = {MAX_LOG_BYTES}
supervisor.worker_services = lambda *_: []
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
with supervisor.Supervisor(Settings(home=Path(sys.argv[1]), redis_url=""), {{}}) as running:
    running.restart_dead_processes()
"""


def test_redis_is_started_again_also_when_its_log_was_removed(tmp_path):
    command = [sys.executable, "-c", SUPERVISE, str(tmp_path), "sleep", "600"]
    with connect(Settings(home=tmp_path, redis_url=""), FAST) as redis, subprocess.Popen(command) as supervisor:

        def read_process_id() -> int:
            try:
                return int(redis.info("server")["process_id"])
            except RedisError:
                return 0

        try:
            wait_for((tmp_path / "logs" / "api.log").exists)  # Redis was waited for
            for _ in range(2):
                first = read_process_id()
                for log in (tmp_path / "logs").iterdir():
                    log.unlink()
                os.kill(first, signal.SIGKILL)
                wait_for(lambda first=first: read_process_id() not in {0, first})
            assert supervisor.poll() is None
        finally:
            supervisor.terminate()  # SIGINT is ignored where tests run in the background


def test_the_log_of_a_process_that_goes_on_writing_stays_small(tmp_path):
    command = [sys.executable, "-c", SUPERVISE, str(tmp_path), sys.executable, "-c", WRITE_FOR_EVER]
    log, older_log = (tmp_path / "logs" / name for name in ("api.log", "api.log.1"))
    with subprocess.Popen(command) as supervisor:
        try:
            first_line = wait_for(lambda: older_log.exists() and older_log.read_text()[:LINE_CHARS])
            wait_for(lambda: older_log.read_text()[:LINE_CHARS] not in {"", first_line})  # it was rotated again
            newest = wait_for(lambda: log.read_text()[:LINE_CHARS])
            assert supervisor.poll() is None
        finally:
            supervisor.terminate()
    oldest = older_log.read_text()[:LINE_CHARS]
    assert int(first_line) < int(oldest) < int(newest), "one process has written all of them"


def test_a_log_is_moved_while_its_process_has_it_open(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MAX_LOG_BYTES", 10)
    log, older_log = tmp_path / "asr1.log", tmp_path / "asr1.log.1"
    older_log.write_text("of yesterday")
    with log.open("ab", buffering=0) as process:
        process.write(b"0123456789")
        assert not logs.rotate(log), "not yet too large"
        process.write(b"a")
        assert logs.rotate(log)
        process.write(b"more")
    assert (older_log.read_text(), log.read_text()) == ("0123456789a", "more")


def test_a_log_that_was_removed_or_cannot_be_copied_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MAX_LOG_BYTES", 10)
    log = tmp_path / "asr1.log"
    assert not logs.rotate(log)
    log.write_text("0123456789a")
    (tmp_path / "asr1.log.1").mkdir()
    assert not logs.rotate(log)
    assert log.read_text() == "0123456789a"
