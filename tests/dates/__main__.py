"""Runs the quick tests on other days and in other time zones, since no test may depend on the day it runs on.

    python -m tests.dates                                      # unit and redis tests at every moment of MOMENTS
    python -m tests.dates --moment leap-day tests/integration -k due # at one moment; the rest goes to pytest

Every process of a run (pytest, Redis, servers, workers) sees a wall clock that is ahead by the same number of seconds:
LD_PRELOAD loads a small library (shifted_clock.c) before all others, which is compiled first. That needs a C compiler
and a 64-bit Linux with glibc 2.33 or newer.
"""

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.support.preloaded import compile_preloaded

QUICK_TESTS = ["tests/unit", "tests/integration"]
MOMENTS = {  # local time at which a run starts, and the time zone of its processes
    "leap-day": ("2028-02-29T12:00:00", "Asia/Shanghai"),
    "new-year": ("2028-12-31T23:59:15", "America/New_York"),
    "new-day-in-utc": ("2029-05-31T19:59:15", "America/New_York"),
    "summer-time-begins": ("2028-03-26T01:59:15", "Europe/Berlin"),
    "summer-time-ends": ("2028-11-05T01:59:15", "America/New_York"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moment", action="append", choices=MOMENTS, help="repeat it for several; all by default")
    options, pytest_arguments = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        library = compile_library(Path(folder))
        statuses = [run_tests(pytest_arguments or QUICK_TESTS, moment, library) for moment in options.moment or MOMENTS]
    return max(statuses)


def compile_library(folder: Path) -> Path:
    return compile_preloaded(Path(__file__).with_name("shifted_clock.c"), folder)


def run_tests(pytest_arguments: list[str], moment: str, library: Path) -> int:
    """The exit status of pytest, whose processes believe that it is this moment."""
    local_time, zone = MOMENTS[moment]
    start = datetime.fromisoformat(local_time).replace(tzinfo=ZoneInfo(zone))
    print(f"{moment}: {start:%A %Y-%m-%d %H:%M:%S} {zone}", flush=True)
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "SHIFTED_CLOCK_S": str(math.ceil(start.timestamp() - time.time())),
        "TZ": zone,
        "PYTHONPYCACHEPREFIX": str(library.parent / moment),  # bytecode is valid for one time of its source file
        "PYTHONDONTWRITEBYTECODE": "",  # else every process would compile all modules, those of libraries as well
    }
    check_clock(environment, start)
    return subprocess.run([sys.executable, "-m", "pytest", *pytest_arguments], env=environment, check=False).returncode


def check_clock(environment: dict[str, str], start: datetime) -> None:
    """Exits unless a process in this environment has the clock and the time zone that are wanted."""
    command = [sys.executable, "-c", "import time; print(time.time(), time.localtime().tm_gmtoff)"]
    now, utc_offset_s = map(float, subprocess.check_output(command, env=environment, text=True).split())
    if not 0 <= now - start.timestamp() < 60:
        sys.exit("the library does not shift the clock of this Python")
    if start.utcoffset() != timedelta(seconds=utc_offset_s):
        sys.exit(f"this system does not know the time zone {environment['TZ']}: install tzdata")


if __name__ == "__main__":
    sys.exit(main())
