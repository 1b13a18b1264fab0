"""docker-compose.yml, images and the roles' locks as data."""

import re
from pathlib import Path
from typing import Any

import yaml

from deploy.dockerfile import ROOT, Instructions, stages
from pipeline.settings import Settings

VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::-([^}]*))?\})")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;]+)", re.MULTILINE)


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


def queue(worker: str) -> str:
    """The queue of a worker, of whichever profile."""
    return re.fullmatch(r"worker_(\w+?)(_gpu)?", worker)[1]


def chosen(service: dict[str, Any]) -> Settings:
    """The settings that a service reads."""
    values = {
        name.removeprefix("WAIJIAO_").lower(): value
        for name, value in service["environment"].items()
        if name.startswith("WAIJIAO_")
    }
    return Settings(**values)
