"""JSON of requests and responses. Text that cannot be read is a ValueError, however it is malformed."""

import json
from typing import Any

from flask.json.provider import DefaultJSONProvider


def parse_json(text: str | bytes) -> Any:
    """The value that the text stands for. ValueError for malformed text, also if it is nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


class JsonText(DefaultJSONProvider):
    """How the application reads and writes JSON: as UTF-8, with the fields of an object in our order."""

    ensure_ascii = False
    sort_keys = False

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return parse_json(s)
