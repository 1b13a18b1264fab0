"""docker-compose.yml, the Dockerfile and the roles' locks as data."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
GOES_ON = re.compile(r"\\\n\s*")
VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::-([^}]*))?\})")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;]+)", re.MULTILINE)
Instructions = list[tuple[str, str]]


def compose(**variables: str) -> dict[str, Any]:
    """The compose file as Docker sees it with these variables: ${NAME:-default} filled in."""

    def filled(found: re.Match[str]) -> str:
        return found[1] or variables.get(found[2]) or found[3] or ""

    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#")]
    loaded: dict[str, Any] = yaml.safe_load(VARIABLE.sub(filled, "".join(lines)))
    return loaded


def services(profile: str = "", **variables: str) -> dict[str, Any]:
    """What `docker compose --profile PROFILE up` starts."""
    everything = compose(**variables)["services"]
    return {name: each for name, each in everything.items() if profile in each.get("profiles", [profile])}


@cache
def stages() -> dict[str, tuple[str, Instructions]]:
    """For each stage of the Dockerfile, what it is built on and its instructions as (keyword, rest)."""
    found: dict[str, tuple[str, Instructions]] = {}
    instructions: Instructions = []
    for line in GOES_ON.sub("", (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")).splitlines():
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            parent, _, name = rest.partition(" AS ")
            found[name] = parent, (instructions := [])
        elif keyword and not keyword.startswith("#"):
            instructions.append((keyword, rest))
    return found


def image(stage: str) -> Instructions:
    """Every instruction of a stage and of what it is built on, in order."""
    if stage not in stages():
        return []
    parent, instructions = stages()[stage]
    return image(parent) + instructions


def last(stage: str, keyword: str) -> str:
    """The instruction that counts, when it is given more than once."""
    return [rest for each, rest in image(stage) if each == keyword][-1]


def pins(lock: Path) -> dict[str, str]:
    """The version of each distribution of a lock."""
    return dict(PINNED.findall(lock.read_text(encoding="utf-8")))
