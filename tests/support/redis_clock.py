"""A Redis whose wall clock a test sets forward or back, as a laptop that slept or a corrected clock does."""

import os
from pathlib import Path

from tests.dates.__main__ import compile_library
from tests.support.cluster import Cluster


class RedisClock:
    """Moves the clock of a cluster's Redis, which restarts with all its records: `tests.dates` has the library."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.library = compile_library(folder)
        self.offset_s = int(os.environ.get("SHIFTED_CLOCK_S", "0"))

    def move(self, seconds: float) -> None:
        """Move it forward, or back when `seconds` is negative."""
        self.offset_s += int(seconds)
        redis = self.cluster["redis"]
        redis.environment |= {"LD_PRELOAD": str(self.library), "SHIFTED_CLOCK_S": str(self.offset_s)}
        self.cluster.restart("redis")
