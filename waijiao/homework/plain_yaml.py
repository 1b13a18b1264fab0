"""YAML of which every value is read as it is written, and none guessed at, from a file that nobody vouches for."""

from collections import Counter
from pathlib import Path
from typing import Any, cast

import yaml

from pipeline.errors import BadRequest

MOST_BYTES = 300_000  # of a file, which an assignment for a class of 2,000 fits into
DEEPEST = 6  # levels within each other, of which an assignment needs three


class Plain(yaml.BaseLoader):
    """Makes only texts, lists and mappings: a student may be called No, and have the number 0012."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for name, times in Counter(str(key.value) for key, _ in node.value).items():
            if times > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read(path: Path) -> object:
    """What a YAML file says. BadRequest."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadRequest(f"{path.name} has more than {MOST_BYTES:,} bytes, and is no assignment.")
    try:
        return said(path.name, data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadRequest(f"{path.name} is not in UTF-8. Save it so.") from None


def said(name: str, text: str) -> object:
    """What a YAML text says. No anchors, which make little text mean much; no key twice; nothing deep. BadRequest."""
    try:
        refuse_odd(name, text)
        return cast(object, yaml.load(text, Plain))  # noqa: S506 - makes texts, lists and mappings only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        why = getattr(error, "problem", None) or getattr(error, "reason", "")
        raise BadRequest(f"{name}{where} is no YAML: {why}.") from None


def refuse_odd(name: str, text: str) -> None:
    """Raises BadRequest for what no assignment needs, before anything is made of it."""
    depth = 0
    for event in yaml.parse(text, Plain):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if getattr(event, "anchor", None) or getattr(event, "tag", None) or depth > DEEPEST:
            where = f", line {event.start_mark.line + 1}" if event.start_mark else ""
            raise BadRequest(f"{name}{where}: anchors, tags and lists in lists are not read here.")
