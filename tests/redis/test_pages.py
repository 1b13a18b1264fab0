"""The pages as files: each is served, loads only what is here, and is whole without the server."""

import json
import re

import pytest

from api import create_app
from api.page import PAGES

LINKED = {"/docs", "/metrics", "/readyz"}  # opened by who presses, not loaded
ELSEWHERE = re.compile(r"""(?:src|href|url|import|from|fetch)\s*[=(]?\s*["'(]\s*(?:https?:)?//""")


@pytest.fixture
def client(redis, here):
    return create_app(here).test_client()


def text(client, path: str) -> str:
    with client.get(path) as answer:
        assert answer.status_code == 200, path
        return answer.text


def loaded(client, path: str, found: set[str]) -> set[str]:
    """What a browser that opens this loads, and what that loads."""
    for name in re.findall(r'(?:src|href|from)[ =]"(?:/static)?\.?(/[\w.-]+)(?:#\w+)?"', text(client, path)):
        file = f"/static{name}"
        if file not in found and name not in {*PAGES, *LINKED}:
            found.add(file)
            loaded(client, file, found)
    return found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_s_files_are_here_and_are_kept_for_when_the_server_is_away(client, path):
    kept = json.loads(re.search(r"new Set\((\[.*?\])\)", text(client, "/sw.js"))[1])
    files = loaded(client, path, set())
    assert len(files) > 10
    assert files | {path} <= set(kept)


def test_what_is_kept_for_then_is_all_there(client):
    for file in json.loads(re.search(r"new Set\((\[.*?\])\)", text(client, "/sw.js"))[1]):
        assert text(client, file)


@pytest.mark.parametrize("path", [*PAGES, "/sw.js"])
def test_nothing_is_loaded_from_elsewhere(client, path):
    for file in [path, *loaded(client, path, set())]:
        assert not ELSEWHERE.search(text(client, file)), file


def test_no_page_reads_words_as_html(client):
    for path in PAGES:
        for file in loaded(client, path, set()):
            assert not re.search(
                r"innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(", text(client, file)
            ), file
