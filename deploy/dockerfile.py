"""The Dockerfile as data, and what its stages leave behind when they are done in folders of this machine."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES = re.compile(r"(?<![\w.*])/(venv|torch|src|build|wheels|data)(?![\w-])")  # folders that are made here
Instructions = list[tuple[str, str]]


@cache
def stages() -> dict[str, tuple[str, Instructions]]:
    """For each stage of the Dockerfile, what it is built on and its instructions as (keyword, rest)."""
    found: dict[str, tuple[str, Instructions]] = {}
    instructions: Instructions = []
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8"))
    for line in text.splitlines():
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            parent, _, name = rest.partition(" AS ")
            found[name] = parent, (instructions := [])
        elif keyword and not keyword.startswith("#"):
            instructions.append((keyword, rest))
    return found


class Image:
    """What stages leave behind: folders below `root`, an environment, and the CMD and HEALTHCHECK said last."""

    def __init__(self, root: Path, python: Path) -> None:
        self.root, self.python, self.folder = root, python, root
        self.environment = {"PATH": f"{python.parent}:{os.environ['PATH']}"}
        self.said: dict[str, str] = {}
        self.built: dict[str, tuple[dict[str, str], Path]] = {}
        root.mkdir(parents=True)

    def build(self, stage: str) -> None:
        """Do every instruction of the stage and of what it is built on; ends the program where one fails."""
        parent, instructions = stages()[stage]
        if parent in stages() and parent not in self.built:
            self.build(parent)
        self.environment, self.folder = self.built.get(parent, (self.environment, self.folder))
        for keyword, rest in instructions:
            getattr(self, keyword.lower(), self.say)(PLACES.sub(rf"{self.root}/\1", rest), keyword)
        self.built[stage] = self.environment, self.folder

    def say(self, rest: str, keyword: str) -> None:
        self.said[keyword] = rest

    def env(self, rest: str, _: str) -> None:
        given = dict(pair.split("=", 1) for pair in rest.split())
        filled = {name: value.replace("$PATH", self.environment["PATH"]) for name, value in given.items()}
        self.environment = {**self.environment, **filled}

    def workdir(self, rest: str, _: str) -> None:
        self.folder = Path(rest)
        self.folder.mkdir(parents=True, exist_ok=True)

    def copy(self, rest: str, _: str) -> None:
        *sources, target = rest.split()
        if not sources[0].startswith("--from="):
            for source in sources:
                copy(ROOT / source, self.folder / target)
        elif sources[1] == target:  # built in its place: an environment does not work elsewhere
            here = self.environment, self.folder
            self.build(sources[0].removeprefix("--from="))
            self.environment, self.folder = here
        else:
            copy(self.other(sources[0].removeprefix("--from=")) / Path(sources[1]).name, self.folder / target)

    def other(self, stage: str) -> Path:
        """The folders of a stage that others copy from; it is done once."""
        root = self.root.parent / f"stage-{stage}"
        if not root.exists():
            Image(root, self.python).build(stage)
        return root

    def run(self, rest: str, _: str) -> None:
        if re.match(r"python|pip|echo", rest):  # not useradd: that is the machine's
            self.do(["sh", "-euc", rest])

    def do(self, command: list[str], **settings: str) -> str:
        environment = {**os.environ, **self.environment, **settings}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout


def copy(source: Path, target: Path) -> None:
    """As COPY does it: the contents of a folder, or a file into a folder."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
