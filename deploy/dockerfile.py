"""Parses the Dockerfile, and builds its stages in folders of this machine, without a container engine."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGE_FOLDERS = re.compile(r"(?<![\w.*])/(venv|torch|src|build|wheels|data)(?![\w-])")  # folders that are made here
Instructions = list[tuple[str, str]]


@cache
def stages() -> dict[str, tuple[str, Instructions]]:
    """For each stage of the Dockerfile, what it is built on and its instructions as (keyword, arguments)."""
    stage_by_name: dict[str, tuple[str, Instructions]] = {}
    instructions: Instructions = []
    text = re.sub(r"\\\n\s*", "", (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8"))
    for line in text.splitlines():
        keyword, _, arguments = line.partition(" ")
        if keyword == "FROM":
            parent, _, name = arguments.partition(" AS ")
            stage_by_name[name] = parent, (instructions := [])
        elif keyword and not keyword.startswith("#"):
            instructions.append((keyword, arguments))
    return stage_by_name


class Image:
    """A built stage: folders below `root`, an environment, and `last_instructions`: the last CMD and HEALTHCHECK."""

    def __init__(self, root: Path, python: Path) -> None:
        self.root, self.python, self.folder = root, python, root
        self.environment = {"PATH": f"{python.parent}:{os.environ['PATH']}"}
        self.last_instructions: dict[str, str] = {}
        self.build_results: dict[str, tuple[dict[str, str], Path]] = {}
        root.mkdir(parents=True)

    def build(self, stage: str) -> None:
        """Run every instruction of the stage and of its base; ends the program when one fails."""
        parent, instructions = stages()[stage]
        if parent in stages() and parent not in self.build_results:
            self.build(parent)
        self.environment, self.folder = self.build_results.get(parent, (self.environment, self.folder))
        for keyword, arguments in instructions:
            getattr(self, keyword.lower(), self.keep_instruction)(
                IMAGE_FOLDERS.sub(rf"{self.root}/\1", arguments), keyword
            )
        self.build_results[stage] = self.environment, self.folder

    def keep_instruction(self, arguments: str, keyword: str) -> None:
        self.last_instructions[keyword] = arguments

    def env(self, arguments: str, _: str) -> None:
        variables = dict(pair.split("=", 1) for pair in arguments.split())
        values = {name: value.replace("$PATH", self.environment["PATH"]) for name, value in variables.items()}
        self.environment = {**self.environment, **values}

    def workdir(self, arguments: str, _: str) -> None:
        self.folder = Path(arguments)
        self.folder.mkdir(parents=True, exist_ok=True)

    def copy(self, arguments: str, _: str) -> None:
        *sources, target = arguments.split()
        if not sources[0].startswith("--from="):
            for source in sources:
                copy(ROOT / source, self.folder / target)
        elif sources[1] == target:  # built at its final path: an environment does not work elsewhere
            outer_state = self.environment, self.folder
            self.build(sources[0].removeprefix("--from="))
            self.environment, self.folder = outer_state
        else:
            copy(self.stage_folder(sources[0].removeprefix("--from=")) / Path(sources[1]).name, self.folder / target)

    def stage_folder(self, stage: str) -> Path:
        """The folder of a stage that others copy from; it is built once."""
        root = self.root.parent / f"stage-{stage}"
        if not root.exists():
            Image(root, self.python).build(stage)
        return root

    def run(self, arguments: str, _: str) -> None:
        if re.match(r"python|pip|echo", arguments):  # not useradd, which would add a user to this machine
            self.run_command(["sh", "-euc", arguments])

    def run_command(self, command: list[str], **settings: str) -> str:
        environment = {**os.environ, **self.environment, **settings}
        process = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if process.returncode:
            sys.exit(f"{' '.join(command)}: {process.stdout[-2000:]}{process.stderr[-2000:]}")
        return process.stdout


def copy(source: Path, target: Path) -> None:
    """As COPY does it: the contents of a folder, or a file into a folder."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
