"""Everything at once, at random: what dies, sleeps or breaks is drawn from a seed, while learners go on.

A minute; WAIJIAO_SOAK_S=3600 makes it an hour, WAIJIAO_SOAK_SEED=7 draws other faults. Each fault is printed with its
time (pytest -s, or when the test fails): the same seed draws the same faults in the same order.
"""

import os
import random
import time
from contextlib import suppress

import psutil

from tests.faults.harness.client import AcceptedTurn
from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.load import Learner, steady_load

SOAK_S = float(os.environ.get("WAIJIAO_SOAK_S", "60"))  # seconds
SEED = int(os.environ.get("WAIJIAO_SOAK_SEED", "2026"))
PLAN = Plan(workers={"asr": 2, "llm": 1, "tts": 1, "maintenance": 1}, apis=2, proxied=True)
WORKERS = ("asr", "llm", "tts")
ERASURE_STATUSES = {200, 204, 404, 410}  # how the end of something is answered, also when it is asked for again


class Faults:
    """Breaks something of the cluster, drawn from `choices`."""

    def __init__(self, cluster, choices: random.Random) -> None:
        self.cluster, self.choices = cluster, choices
        self.kinds = [self.kill, self.kill, self.kill_child, self.stop, self.freeze, self.kill_redis, self.reset]
        self.kinds += [self.black_hole, self.flush_scripts, self.kill_connections]

    def inject(self) -> str:
        """Do it, and print what was done."""
        fault = self.choices.choice(self.kinds)
        return f"{fault.__name__} {fault()}"

    def choose_process(self, *kinds: str):
        return self.choices.choice(self.cluster.select(*kinds))

    def kill(self) -> str:
        victim = self.choose_process("api", "maintenance", *WORKERS)
        victim.kill()
        return victim.name

    def kill_child(self) -> str:
        victim = self.choose_process("api", *WORKERS)
        with suppress(psutil.NoSuchProcess):  # it, or its parent, has just died by itself
            victim.kill_child()
        return victim.name

    def stop(self) -> str:
        victim = self.choose_process("api", "maintenance", *WORKERS)
        victim.stop()
        return victim.name

    def freeze(self) -> str:
        victim, seconds = self.choose_process("redis", "api", *WORKERS), self.choices.uniform(0.5, 4)
        victim.freeze()
        time.sleep(seconds)
        victim.thaw()
        return f"{victim.name} for {seconds:.1f} s"

    def kill_redis(self) -> str:
        self.cluster["redis"].kill()
        return ""

    def reset(self) -> str:
        self.cluster.proxy.reset()
        return "every connection to Redis"

    def black_hole(self) -> str:
        seconds = self.choices.uniform(0.5, 4)
        self.cluster.proxy.suspend()
        time.sleep(seconds)
        self.cluster.proxy.resume()
        return f"for {seconds:.1f} s"

    def flush_scripts(self) -> str:
        self.cluster.wait_until_up("redis")
        self.cluster.redis.script_flush()
        return ""

    def kill_connections(self) -> str:
        self.cluster.wait_until_up("redis")
        self.cluster.redis.client_kill_filter(_type="normal", skipme=True)
        return ""


def act_at_random(learner: Learner) -> None:
    """Submit a turn; sometimes cancel it, start the session over, or erase it."""
    learner.submit_turn()
    chance = learner.choices.random()
    if chance < 0.08:
        cancel(learner, learner.turns[-1])
    elif chance < 0.12:
        assert learner.ask("POST", f"/v1/sessions/{learner.session}/reset").status_code in ERASURE_STATUSES
    elif chance < 0.16:
        assert learner.ask("DELETE", f"/v1/sessions/{learner.session}").status_code in ERASURE_STATUSES
        for turn in learner.turns:
            learner.client.forget(turn)
        learner.turns.clear()


def cancel(learner: Learner, turn: AcceptedTurn) -> None:
    answer = learner.ask("DELETE", f"/v1/jobs/{turn.id}")
    assert answer.status_code in ERASURE_STATUSES
    if answer.status_code != 200:  # it had ended, or the cancel was said again: then it is erased
        learner.client.forget(turn)
        learner.turns.remove(turn)


def test_whatever_breaks_nothing_is_lost_and_nothing_answered_twice(cluster):
    faults, started_at = Faults(cluster, random.Random(SEED)), time.monotonic()
    print(f"\nseed {SEED}, {SOAK_S:.0f} s")
    cluster.keep_alive()
    with steady_load(cluster, act=act_at_random, seed=SEED):
        while (at := time.monotonic() - started_at) < SOAK_S:
            print(f"{at:6.1f} s  {faults.inject()}", flush=True)
            time.sleep(faults.choices.uniform(0.2, 2))
        cluster.wait_until_up("redis")
    assert len(cluster.client.accepted) > SOAK_S / 2
