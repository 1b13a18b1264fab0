"""Takes each mechanism out of a copy of the project and demands that the test named for it fails.

    python -m tests.faults.mutation [NAME …]          (mutants.py lists them)

A mutant names its place without a file or a line, so that code may be reformatted and moved: in a Lua script it is the
line that ends with `-- mutant: NAME`, or follows a line that says only that; in Python it is a function. What is done
there is an operator: drop, never, always, replace … test_mutation.py tells which mutant has lost its place.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.mutation.mutants import MUTANTS
from tests.faults.mutation.operators import Mutant, Mutation, mutate

ROOT = Path(__file__).resolve().parents[3]
MUTANTS_AT_ONCE = 6  # their tests mostly wait
RUN_LIMIT_S = 600  # seconds that a run of pytest may take: a test that a mutant hangs must say so, not stop everything
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info")
NOT_COPIED_FROM_ROOT = {"benchmarks", "build", "docs", "deploy"}  # api/static/docs is the product's


def names_to_skip(folder: str, names: list[str]) -> set[str]:
    """Of the names in a folder of the project, those that no test of a mutant needs; for shutil.copytree."""
    return NOT_COPIED(folder, names) | (NOT_COPIED_FROM_ROOT if Path(folder) == ROOT else set())


def environment(copy: Path) -> dict[str, str]:
    """The copy's modules go before those of the project itself, which may be installed. They are compiled once only."""
    own = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": ""}
    return {**os.environ, **own}


def check_that_the_copy_runs(copy: Path) -> None:
    command = [sys.executable, "-c", "import pipeline; print(pipeline.__file__)"]
    found = subprocess.check_output(command, cwd=copy, env=environment(copy), text=True).strip()
    if not Path(found).is_relative_to(copy):
        sys.exit(f"the mutants would not run: pipeline is imported from {found}")


def find_tests(copy: Path, name: str) -> list[str]:
    """The tests of this name, as pytest takes them; several files may have one. LookupError when none has."""
    defined = re.compile(rf"^def {name}\(", re.MULTILINE)
    found = [
        f"{path.relative_to(copy)}::{name}"
        for path in sorted((copy / "tests").rglob("test_*.py"))
        if defined.search(path.read_text(encoding="utf-8"))
    ]
    if not found:
        raise LookupError(f"no test is named {name}")
    return found


def run_tests(copy: Path, tests: Iterable[str], *options: str) -> list[str]:
    """The names of those of the tests that fail in the copy. RuntimeError when they did not run."""
    command = [sys.executable, "-m", "pytest", "--timeout=40", "--no-header", "-rfE", *options, *tests]
    limit = ["timeout", "--kill-after=10", str(RUN_LIMIT_S)]  # ends the children too
    done = subprocess.run(
        [*limit, *command], cwd=copy, env=environment(copy), capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1) or "Error compiling script" in done.stdout:
        raise RuntimeError(f"pytest ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    failed = [*dict.fromkeys(re.findall(r"^FAILED \S+::(\w+)", done.stdout, re.MULTILINE))]
    if done.returncode == 1 and not failed:  # what a test needs could not be made: that says nothing of the mutant
        raise RuntimeError(f"no test failed, but something did:\n{done.stdout}{done.stderr}")
    return failed


def find_killers(copy: Path, mutant: Mutant, mutation: Mutation) -> list[str]:
    """The tests that fail without the mechanism; none when the mutant survives.

    A run in which nothing could be tested is shown, and there is one more.
    """
    with tempfile.TemporaryDirectory(dir=copy.parent) as folder:
        mutated = Path(folder) / "copy"
        shutil.copytree(copy, mutated)
        (mutated / mutation.path).write_text(mutation.text, encoding="utf-8")
        tests = find_tests(copy, mutant.test)
        try:
            return run_tests(mutated, tests)
        except RuntimeError as error:
            print(f"{mutant.name} runs once more, since {error}", flush=True)
            return run_tests(mutated, tests)


def find_survivors(mutants: list[Mutant]) -> list[Mutant]:
    """Those which no test notices; a line is printed for each mutant."""
    mutations = [mutate(ROOT, mutant) for mutant in mutants]
    with tempfile.TemporaryDirectory(prefix="waijiao-mutants-") as folder, ThreadPoolExecutor(MUTANTS_AT_ONCE) as pool:
        copy = Path(folder).resolve() / "copy"
        shutil.copytree(ROOT, copy, ignore=names_to_skip)
        check_that_the_copy_runs(copy)
        tests = {test for mutant in mutants for test in find_tests(copy, mutant.test)}
        if broken := run_tests(copy, sorted(tests), f"--numprocesses={MUTANTS_AT_ONCE}"):
            sys.exit(f"these fail although nothing was taken out: {', '.join(broken)}")
        survivors = []
        pairs = [*zip(mutants, mutations, strict=True)]
        pairs.reverse()  # those of the workers come last in the list and take longest
        results = pool.map(lambda pair: find_killers(copy, *pair), pairs)
        for (mutant, _), killers in zip(pairs, results, strict=True):
            print(f"{mutant.name:48} {'killed by ' + ', '.join(killers) if killers else 'SURVIVED'}", flush=True)
            survivors += [] if killers else [mutant]
        return survivors


def main(names: list[str]) -> int:
    selected = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    if not selected or len(selected) < len(names):
        sys.exit(f"expected some of: {', '.join(mutant.name for mutant in MUTANTS)}")
    return 1 if find_survivors(selected) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
