"""Wall clocks that a test sets forward or back, as a laptop that slept or a corrected clock does."""

import os
import struct
from pathlib import Path

import tests.dates
from tests.support.cluster import Cluster
from tests.support.preloaded import compile_library

LIBRARY_SOURCE = Path(tests.dates.__file__).with_name("shifted_clock.c")


class RedisClock:
    """Moves the clock of a cluster's Redis, which restarts with all its records: `tests.dates` has the library."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.library = compile_library(LIBRARY_SOURCE, folder)
        self.offset_s = int(os.environ.get("SHIFTED_CLOCK_S", "0"))

    def move(self, seconds: float) -> None:
        """Move it forward, or back when `seconds` is negative."""
        self.offset_s += int(seconds)
        redis = self.cluster["redis"]
        redis.environment |= {"LD_PRELOAD": str(self.library), "SHIFTED_CLOCK_S": str(self.offset_s)}
        self.cluster.restart("redis")


class ClusterClock:
    """Moves the clock of every process of a cluster at once, while they run; all are restarted to begin with."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.offset_s = int(os.environ.get("SHIFTED_CLOCK_S", "0"))
        self.file = folder / "clock"
        self.file.write_bytes(struct.pack("=q", self.offset_s))
        environment = {"LD_PRELOAD": str(compile_library(LIBRARY_SOURCE, folder)), "SHIFTED_CLOCK_FILE": str(self.file)}
        for process in cluster.processes.values():
            process.kill()
            process.environment |= environment
        cluster.start("redis")
        cluster.start(*cluster.processes)

    def move(self, seconds: float) -> None:
        """Move it forward, or back when `seconds` is negative."""
        self.offset_s += int(seconds)
        with self.file.open("r+b") as file:  # in place: the processes have mapped it
            file.write(struct.pack("=q", self.offset_s))
