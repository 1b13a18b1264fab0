"""Everything at once, at random: what dies, sleeps or breaks is drawn from a seed, while learners talk on.

A minute; WAIJIAO_SOAK_S=3600 makes it an hour, WAIJIAO_SOAK_SEED=7 draws other faults. Each fault is printed with its
time (pytest -s, or when the test fails): the same seed draws the same faults in the same order.
"""

import os
import random
import time
from contextlib import suppress

import psutil

from tests.faults.harness.client import Said
from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.load import Learner, steady_load

SOAK_S = float(os.environ.get("WAIJIAO_SOAK_S", "60"))  # seconds
SEED = int(os.environ.get("WAIJIAO_SOAK_SEED", "2026"))
PLAN = Plan(workers={"asr": 2, "llm": 1, "tts": 1, "maintenance": 1}, apis=2, proxied=True)
WORKERS = ("asr", "llm", "tts")
REMEMBERED = {200, 204, 404, 410}  # how the end of something is answered, also when it is asked for again


class Faults:
    """Breaks something of the house, drawn from `choices`."""

    def __init__(self, house, choices: random.Random) -> None:
        self.house, self.choices = house, choices
        self.kinds = [self.kill, self.kill, self.kill_child, self.stop, self.freeze, self.kill_redis, self.reset]
        self.kinds += [self.black_hole, self.flush_scripts, self.kill_connections]

    def one(self) -> str:
        """Do it, and say what."""
        fault = self.choices.choice(self.kinds)
        return f"{fault.__name__} {fault()}"

    def somebody(self, *kinds: str):
        return self.choices.choice(self.house.all(*kinds))

    def kill(self) -> str:
        victim = self.somebody("api", "maintenance", *WORKERS)
        victim.kill()
        return victim.name

    def kill_child(self) -> str:
        victim = self.somebody("api", *WORKERS)
        with suppress(psutil.NoSuchProcess):  # it, or its parent, has just died by itself
            victim.kill_child()
        return victim.name

    def stop(self) -> str:
        victim = self.somebody("api", "maintenance", *WORKERS)
        victim.stop()
        return victim.name

    def freeze(self) -> str:
        victim, seconds = self.somebody("redis", "api", *WORKERS), self.choices.uniform(0.5, 4)
        victim.freeze()
        time.sleep(seconds)
        victim.thaw()
        return f"{victim.name} for {seconds:.1f} s"

    def kill_redis(self) -> str:
        self.house["redis"].kill()
        return ""

    def reset(self) -> str:
        self.house.proxy.reset()
        return "every connection to Redis"

    def black_hole(self) -> str:
        seconds = self.choices.uniform(0.5, 4)
        self.house.proxy.black_hole()
        time.sleep(seconds)
        self.house.proxy.flow()
        return f"for {seconds:.1f} s"

    def flush_scripts(self) -> str:
        self.house.until_up("redis")
        self.house.redis.script_flush()
        return ""

    def kill_connections(self) -> str:
        self.house.until_up("redis")
        self.house.redis.client_kill_filter(_type="normal", skipme=True)
        return ""


def live(learner: Learner) -> None:
    """Says something; sometimes takes it back, or starts over, or has everything forgotten."""
    learner.say()
    chance = learner.choices.random()
    if chance < 0.08:
        cancel(learner, learner.said[-1])
    elif chance < 0.12:
        assert learner.ask("POST", f"/v1/sessions/{learner.session}/reset").status_code in REMEMBERED
    elif chance < 0.16:
        assert learner.ask("DELETE", f"/v1/sessions/{learner.session}").status_code in REMEMBERED
        for said in learner.said:
            learner.client.forget(said)
        learner.said.clear()


def cancel(learner: Learner, said: Said) -> None:
    answer = learner.ask("DELETE", f"/v1/jobs/{said.id}")
    assert answer.status_code in REMEMBERED
    if answer.status_code != 200:  # it had ended, or the cancel was said again: then it is erased
        learner.client.forget(said)
        learner.said.remove(said)


def test_whatever_breaks_nothing_is_lost_and_nothing_answered_twice(house):
    faults, begun = Faults(house, random.Random(SEED)), time.monotonic()
    print(f"\nseed {SEED}, {SOAK_S:.0f} s")
    house.keep_alive()
    with steady_load(house, act=live, seed=SEED):
        while (at := time.monotonic() - begun) < SOAK_S:
            print(f"{at:6.1f} s  {faults.one()}", flush=True)
            time.sleep(faults.choices.uniform(0.2, 2))
        house.until_up("redis")
    assert len(house.client.accepted) > SOAK_S / 2
