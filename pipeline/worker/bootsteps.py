"""The boot steps of a Celery worker: timely shutdown, engine loading, blob folder check, sweeper and watchdog."""

import gc
import logging
import os
import secrets
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, cast

from billiard.common import human_status
from celery import Celery, bootsteps
from celery.signals import celeryd_init, worker_before_create_process, worker_process_init
from celery.worker import state
from celery.worker.state import maybe_shutdown
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from pipeline.celery_app import TASKS, app, enqueue
from pipeline.errors import ConfigurationError, safe_traceback
from pipeline.jobs.job import MAINTENANCE
from pipeline.jobs.store import PREFIX, Jobs
from pipeline.private_files import close_to_others, set_private_umask
from pipeline.redis_connection import FAST, connect, run_with_full_memory
from pipeline.settings import settings
from pipeline.worker.engine_process import FAILED, LOADING, READY, EngineProcess
from pipeline.worker.registry import register, unregister

log = logging.getLogger("waijiao")
RELEASE_S = 3.0  # seconds that releasing jobs, and Celery's own end, may take at most


class Shutdown(bootsteps.StartStopStep):
    """Takes SIGTERM and SIGINT (finish the running jobs) and SIGQUIT (release them at once) from Celery.

    Celery's warm shutdown waits for ever, its soft one sleeps all its time, and both hang when Redis does.
    """

    requires = ("celery.worker.components:Hub",)

    def start(self, parent: Any) -> None:
        self.child = engine_process_of(parent)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self.handle)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take no more work: Celery ends when the running work is done. A thread enforces a time limit."""
        state.should_stop = os.EX_OK
        grace_s = 0 if number == signal.SIGQUIT else settings().shutdown_s
        threading.Thread(target=self.end_after, args=(grace_s,), daemon=True).start()

    def end_after(self, grace_s: float) -> None:
        time.sleep(grace_s)
        exit_timer = threading.Timer(RELEASE_S, os._exit, (os.EX_OK,))
        exit_timer.daemon = True
        exit_timer.start()
        self.release_jobs()
        self.child.kill()  # Celery's end waits for nothing else, unless Redis hangs

    def release_jobs(self) -> None:
        """Return this worker's jobs, so that another may take them at once; the child's later results are refused."""
        try:
            enqueue(Jobs(connect(settings(), FAST), settings()).release(self.child.worker))
        except (RedisError, OperationalError) as error:
            log.warning("the running jobs were not released; the sweeper will take them: %s", error)


def is_stopping() -> bool:
    """Whether this worker was told to stop."""
    return state.should_stop is not None


class LoadedEngine(bootsteps.StartStopStep):
    """Delays the worker's start until the child has an engine: a loading worker takes no work from an idle one.

    A worker whose child dies meanwhile ends, so that its supervisor starts it again, at the supervisor's pace.
    """

    requires = ("celery.worker.components:Pool", Shutdown)

    def start(self, parent: Any) -> None:
        child, limit_s = engine_process_of(parent), settings().load_s
        deadline = time.monotonic() + limit_s
        with child.killed_at_exit():
            while child.state == LOADING:
                maybe_shutdown()
                ending = find_ending(parent)
                if ending and child.state == LOADING:  # the state is read again: a child that fails says why, then ends
                    hint = " Perhaps memory ran out." if "SIGKILL" in ending else ""
                    child.fail(f"its child process ended with {ending} before the engine was loaded.{hint}")
                elif time.monotonic() > deadline:
                    child.fail(f"the engine was not loaded after {limit_s} s (WAIJIAO_LOAD_S).")
                time.sleep(0.05)
            if child.state == FAILED:
                raise SystemExit(1)


def find_ending(parent: Any) -> str:
    """How a child of a worker that still starts has ended; empty while none has.

    The pool replaces a dead child only once the event loop runs, and the loop does not run before an engine is loaded.
    """
    statuses = [process.exitcode for process in parent.pool._pool._pool]
    return next((human_status(status) for status in statuses if status is not None), "")


STORE_ID_FILE, STORE_ID_KEY = "store-id", f"{PREFIX}store"
REDIS_RETRY_S = 0.5  # seconds between two attempts to reach a Redis that is gone


def check_store_id(folder: Path, redis: "Redis") -> None:
    """Raises ConfigurationError when the blob folder is another one than that of the workers that came before."""
    # Read before the file, which is written before the key.
    expected_id = cast(str | None, redis.get(STORE_ID_KEY))
    try:
        folder_id = read_store_id(folder) or ("" if expected_id else create_store_id(folder))
    except OSError as error:
        raise ConfigurationError(f"WAIJIAO_BLOBS={folder} cannot be used: {error.strerror}.") from error
    if not folder_id:
        raise ConfigurationError(
            f"WAIJIAO_BLOBS={folder} is not the folder with the audio of this Redis's jobs. Give every host the "
            f"same shared folder; or, if that folder is lost for good, run: redis-cli del {STORE_ID_KEY}"
        )
    redis.set(STORE_ID_KEY, folder_id, nx=True)
    if redis.get(STORE_ID_KEY) != folder_id:
        raise ConfigurationError(
            f"WAIJIAO_BLOBS={folder} belongs to another Redis than WAIJIAO_REDIS_URL. Set both as on the other hosts; "
            f"or, to make them belong together from now on, run: redis-cli del {STORE_ID_KEY}"
        )


def read_store_id(folder: Path) -> str:
    """The id in the folder; empty when there is none."""
    try:
        return (folder / STORE_ID_FILE).read_text()
    except FileNotFoundError:
        return ""


def create_store_id(folder: Path) -> str:
    """The id that the folder has now: a new one, unless another worker was faster."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary_file = folder / f"{STORE_ID_FILE}.{secrets.token_hex(8)}"
    temporary_file.write_text(secrets.token_hex(16))
    with suppress(FileExistsError):
        os.link(temporary_file, folder / STORE_ID_FILE)  # all of it or nothing, and never over another's
    temporary_file.unlink()
    return read_store_id(folder)


def wait_for_redis(redis: "Redis") -> None:
    while True:
        maybe_shutdown()
        try:
            redis.ping()
            return
        except RedisError:
            time.sleep(REDIS_RETRY_S)


class BlobStoreCheck(bootsteps.StartStopStep):
    """Delays the start of a worker that reads or writes audio until its folder is known to be the right one."""

    requires = (LoadedEngine,)

    def start(self, parent: Any) -> None:
        child = engine_process_of(parent)
        if child.stage == "llm":  # it handles no audio, and in a container it has no such folder
            return
        with child.killed_at_exit():
            try:
                wait_for_redis(redis := connect(settings(), FAST))
                check_store_id(settings().blobs_folder, redis)
                close_to_others(settings().blobs_folder)
            except ConfigurationError as error:
                print(f"waijiao: this worker cannot start: {error}", file=sys.stderr, flush=True)
                raise SystemExit(1) from None


SWEEPING = f"{PREFIX}sweeping"
SWEEP_TIMEOUT_S = 5  # seconds that one sweep may take before another worker sweeps as well


def sweep(jobs: Jobs) -> None:
    """Take back expired leases, end overdue jobs, and enqueue the jobs whose messages were lost."""
    prefix = app.conf.broker_transport_options["global_keyprefix"]
    enqueue(jobs.sweep({queue: prefix + queue for queue in TASKS}))


TAKE_TURN = """
local left = redis.call('PTTL', KEYS[1])
if left > tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
if left > 0 then return 0 end
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 1
"""


def take_turn(redis: "Redis", key: str, seconds: float) -> bool:
    """Whether nobody has taken this turn in the last `seconds`; now it is taken.

    A turn that lasts for longer was taken before Redis's clock was set back: it ends after `seconds`.
    """
    return bool(run_with_full_memory(redis, TAKE_TURN, (key,), int(seconds * 1000)))


MAX_WAITING_MESSAGES = 10  # of maintenance; each of them has all done that is due


class Sweeper(bootsteps.StartStopStep):
    """Every sweep_s: registers this worker, sweeps unless another worker did, and at times removes orphaned blobs."""

    requires = (LoadedEngine,)  # so that it stops before the pool does: a stopping worker is not ready

    def start(self, parent: Any) -> None:
        self.child = engine_process_of(parent)
        if not self.child.stage:
            return
        self.jobs = Jobs(connect(settings(), FAST), settings())  # the event loop must not wait for it
        self.timer = parent.timer.call_repeatedly(settings().sweep_s, self.turn, ())

    def stop(self, parent: Any) -> None:
        if not self.child.stage:
            return
        self.timer.cancel()
        try:
            unregister(self.jobs.redis, self.child.stage, self.child.worker)
        except RedisError as error:
            log.warning("this worker counts as ready for a few seconds more: %s", error)

    terminate = stop

    def turn(self) -> None:
        period_s = settings().sweep_s
        try:
            state = "ready" if self.child.state == READY else "loading"
            register(self.jobs.redis, self.child.stage, self.child.worker, state, 3 * period_s)
            if take_turn(self.jobs.redis, SWEEPING, period_s + SWEEP_TIMEOUT_S):
                sweep(self.jobs)
                self.jobs.redis.pexpire(SWEEPING, int(period_s * 1000))
            if take_turn(self.jobs.redis, f"{PREFIX}tidying", settings().orphan_s / 4) and self.is_maintained():
                app.signature("maintenance.remove_orphans", immutable=True).apply_async()
        except (RedisError, OperationalError) as error:
            log.warning("the next sweep is in %s s: %s", period_s, error)

    def is_maintained(self) -> bool:
        """Whether a worker takes the messages of maintenance: while none does, no more of them are sent."""
        queue = app.conf.broker_transport_options["global_keyprefix"] + MAINTENANCE
        return self.jobs.redis.llen(queue) < MAX_WAITING_MESSAGES


TICK_S, WATCH_S = 0.5, 1.0  # seconds between two ticks of the event loop; between two checks of them


@dataclass(frozen=True)
class Heartbeat:
    """How often the event loop ticked, how many messages came, how many wait (None: Redis is away, or full)."""

    ticks: int
    message_count: int
    waiting: int | None


class Watchdog(bootsteps.StartStopStep):
    """A thread of the parent that ends the worker when the parent's event loop stands still or takes no messages."""

    requires = (BlobStoreCheck,)

    def start(self, parent: Any) -> None:
        self.child = engine_process_of(parent)
        self.ticks = 0
        self.timer = parent.timer.call_repeatedly(TICK_S, self.tick, ())
        threading.Thread(target=self.watch, daemon=True).start()

    def stop(self, parent: Any) -> None:
        self.timer.cancel()

    terminate = stop

    def tick(self) -> None:
        self.ticks += 1
        if self.child.state == FAILED:
            raise SystemExit(1)  # a new child could not load the engine, and printed why

    def watch(self) -> None:
        redis = connect(settings(), FAST)
        healthy_at, before = time.monotonic(), Heartbeat(self.ticks, state.all_total_count[0], None)
        while True:
            time.sleep(WATCH_S)
            try:
                now = self.heartbeat(redis)
            except Exception as error:  # noqa: BLE001 - a watchdog that has ended watches nothing
                log.error("the watchdog could not look: %s", safe_traceback(error))
                continue
            if takes_work(self.child, before, now):
                healthy_at = time.monotonic()
            elif time.monotonic() - healthy_at > settings().stall_s:
                self.end(f"takes no messages although Redis answers; messages waiting: {now.waiting}")
            before = now

    def heartbeat(self, redis: "Redis") -> Heartbeat:
        try:
            # with a full memory or disk no message can be received, and a new start of this worker changes nothing
            is_full = is_memory_full(redis) or is_disk_full(redis)
            waiting = None if is_full else sum(redis.llen(queue) for queue in queues())
        except RedisError:
            waiting = None
        return Heartbeat(self.ticks, state.all_total_count[0], waiting)

    def end(self, reason: str) -> None:
        log.critical("this worker %s. It ends, so that it is started again.", reason)
        self.child.kill()
        os._exit(1)


def is_memory_full(redis: "Redis") -> bool:
    """Whether Redis refuses to store anything new."""
    memory = redis.info("memory")
    return bool(0 < memory["maxmemory"] <= memory["used_memory"])


def is_disk_full(redis: "Redis") -> bool:
    """Whether Redis refuses to write, since it could not write to its append-only file."""
    return bool(redis.info("persistence").get("aof_last_write_status") == "err")


def takes_work(child: EngineProcess, before: Heartbeat, now: Heartbeat) -> bool:
    """Whether the worker took the messages that waited since the last check, or has a reason not to."""
    has_messages = now.waiting or state.reserved_requests
    # a request that is active without a busy child is done, and the parent did not learn it
    is_at_work = state.active_requests and child.busy_s()
    took_work = not has_messages or is_at_work or now.message_count != before.message_count
    is_computing = 0 < child.busy_s() < app.conf.task_time_limit + settings().stall_s
    need_not_take = now.waiting is None or is_computing or is_stopping() or child.state == LOADING
    return need_not_take or bool(took_work and now.ticks != before.ticks)


def queues() -> list[str]:
    """The Redis lists that this worker takes its messages from."""
    prefix: str = app.conf.broker_transport_options["global_keyprefix"]
    return [prefix + name for name in app.amqp.queues.consume_from]


def install(celery: Celery, child: EngineProcess) -> None:
    """Make this process, when it runs as a worker of `celery`, a worker whose child is `child`."""
    celeryd_init.connect(start_privately, weak=False)
    celery.engine_process = child
    celery.steps["worker"].update({Shutdown, LoadedEngine, BlobStoreCheck, Sweeper, Watchdog})
    worker_before_create_process.connect(keep_memory_shared, weak=False)
    worker_process_init.connect(child.load, weak=False)


def start_privately(**_: object) -> None:
    """Before the worker writes anything, and before it forks its child."""
    set_private_umask()


def keep_memory_shared(**_: object) -> None:
    """Just before a child is forked: no later garbage collection writes to what the parent and the child share.

    What was shared with an earlier child, and is garbage by now, is freed first: else it would stay for ever.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def engine_process_of(parent: Any) -> EngineProcess:
    """The child of a Celery worker, as `install` set it."""
    return cast(EngineProcess, parent.app.engine_process)
