"""Reads docker-compose.yml, the images of the Dockerfile and the locks of the roles."""

import re
from pathlib import Path
from typing import Any

import yaml

from deploy.dockerfile import ROOT, Instructions, stages
from pipeline.settings import Settings

VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::-([^}]*))?\})")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;]+)", re.MULTILINE)


def load_compose(**variables: str) -> dict[str, Any]:
    """The compose file as Docker sees it with these variables: ${NAME:-default} filled in."""

    def fill_in(match: re.Match[str]) -> str:
        return match[1] or variables.get(match[2]) or match[3] or ""

    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#")]
    loaded: dict[str, Any] = yaml.safe_load(VARIABLE.sub(fill_in, "".join(lines)))
    return loaded


def load_services(profile: str = "", **variables: str) -> dict[str, Any]:
    """What `docker compose --profile PROFILE up` starts."""
    everything = load_compose(**variables)["services"]
    return {name: each for name, each in everything.items() if profile in each.get("profiles", [profile])}


def list_instructions(stage: str) -> Instructions:
    """Every instruction of a stage and of its parents, in order."""
    if stage not in stages():
        return []
    parent, instructions = stages()[stage]
    return list_instructions(parent) + instructions


def find_last(stage: str, keyword: str) -> str:
    """The last instruction with this keyword, which is the one that counts."""
    return [rest for each, rest in list_instructions(stage) if each == keyword][-1]


def read_pins(lock: Path) -> dict[str, str]:
    """The version of each distribution of a lock."""
    return dict(PINNED.findall(lock.read_text(encoding="utf-8")))


def find_queue(worker: str) -> str:
    """The queue of a worker service of any profile."""
    return re.fullmatch(r"worker_(\w+?)(_gpu)?", worker)[1]


def read_settings(service: dict[str, Any]) -> Settings:
    """The settings that a service reads."""
    values = {
        name.removeprefix("WAIJIAO_").lower(): value
        for name, value in service["environment"].items()
        if name.startswith("WAIJIAO_")
    }
    return Settings(**values)
