"""The supervisor behind `waijiao up` restarts what ends."""

import os
import signal
import subprocess
import sys

from redis.exceptions import RedisError

from pipeline.redis_connection import FAST, connect
from pipeline.settings import Settings
from tests.support.wait import wait_for

SUPERVISE_REDIS = """
import signal, sys
from pathlib import Path
from pipeline.settings import Settings
from waijiao.local import supervisor

supervisor.api_service = lambda _: supervisor.Service("api", ["sleep", "600"], {})
supervisor.worker_services = lambda *_: []
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
with supervisor.Supervisor(Settings(home=Path(sys.argv[1]), redis_url=""), {}) as running:
    running.restart_dead_processes()
"""


def test_redis_is_started_again_also_when_its_log_was_removed(tmp_path):
    command = [sys.executable, "-c", SUPERVISE_REDIS, str(tmp_path)]
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
