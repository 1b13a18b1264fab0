"""The pages as files: each is served in the reader's language, loads only our own files, and works offline."""

import json
import re
from html import unescape
from posixpath import dirname, normpath
from urllib.parse import urljoin

import pytest

from api import create_app
from api.pages import PAGES, load_strings

LINKS = {"/docs", "/metrics", "/readyz"}  # opened by a press, not loaded
EXTERNAL_URL = re.compile(r"""(?:src|href|url|import|from|fetch)\s*[=(]?\s*["'(]\s*(?:https?:)?//""")
REFERENCE = re.compile(r'(?:src|href|from)[ =]"((?:/|\.{1,2}/)[\w./-]+)(?:#\w+)?"')


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


def text(client, path: str, **headers: str) -> str:
    with client.get(path, headers=headers) as answer:
        assert answer.status_code == 200, path
        return answer.text


def find_loaded_files(client, path: str, found: set[str]) -> set[str]:
    """The files that a browser loads for this page, directly and indirectly."""
    for reference in REFERENCE.findall(text(client, path)):
        file = normpath(urljoin(f"{dirname(path)}/", reference))
        if file not in found and file not in {*PAGES, *LINKS}:
            found.add(file)
            find_loaded_files(client, file, found)
    return found


def cached_files(client) -> list[str]:
    """What the service worker stores."""
    return list(json.loads(re.search(r"new Set\((\[.*?\])\)", text(client, "/sw.js"))[1]))


@pytest.mark.parametrize("path", PAGES)
def test_the_files_of_a_page_are_served_and_cached_for_offline_use(client, path):
    files = find_loaded_files(client, path, set())
    assert len(files) > 10
    assert files | {path} <= set(cached_files(client))


def test_everything_that_is_cached_is_served(client):
    files = cached_files(client)
    assert {"/static/i18n/en.json", "/static/i18n/zh.json", "/static/img/icons.svg"} <= set(files)
    for file in files:
        assert text(client, file)


@pytest.mark.parametrize("path", [*PAGES, "/sw.js"])
def test_nothing_is_loaded_from_elsewhere(client, path):
    for file in [path, *find_loaded_files(client, path, set())]:
        assert not EXTERNAL_URL.search(text(client, file)), file


def test_no_page_reads_text_as_html(client):
    for path in PAGES:
        for file in find_loaded_files(client, path, set()):
            assert not re.search(
                r"innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(", text(client, file)
            ), file


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("preferred", "cookie", "language"),
    [
        ("", None, "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", None, "zh"),
        ("de-DE,de;q=0.9", None, "en"),
        ("zh-TW", "en", "en"),
        ("en-US", "zh", "zh"),
        ("zh-CN", "../../secret", "zh"),
    ],
)
def test_a_page_is_rendered_in_the_reader_s_language(client, path, preferred, cookie, language):
    if cookie:
        client.set_cookie("language", cookie)
    headers = {"Accept-Language": preferred}
    page = unescape(text(client, path, **headers))
    strings = load_strings(language)
    assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in page
    for key, shown in re.findall(r'data-t="(\w+)"[^>]*>([^<]*)<', page):
        assert shown == strings[key], key
    with client.get(path, headers=headers) as answer:
        assert {"accept-language", "cookie"} <= {name.lower() for name in answer.vary}


@pytest.mark.parametrize(("old", "new"), [("/class", "/batch"), ("/house", "/status")])
def test_the_old_address_of_a_page_redirects_and_keeps_the_query(client, old, new):
    with client.get(old) as answer:
        assert (answer.status_code, answer.location) == (301, new)
    with client.get(f"{old}?a=1&a=2&b=%E5%A4%96") as answer:
        assert (answer.status_code, answer.location) == (301, f"{new}?a=1&a=2&b=%E5%A4%96")


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/homework/hw3", "/STATUS", "/docs/nothing", "/favicon.ico", "/v2"])
@pytest.mark.parametrize(("language", "lang"), [("en", "en"), ("zh", "zh-CN")])
def test_a_browser_at_an_unknown_address_gets_a_page_in_the_reader_s_language(client, path, language, lang):
    with client.get(path, headers={"Accept": BROWSER, "Accept-Language": language}) as answer:
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
        page = unescape(answer.text)
        assert {"accept", "accept-language", "cookie"} <= {name.lower() for name in answer.vary}
    assert f'<html lang="{lang}">' in page
    assert load_strings(language)["not_found"] in page
    for target in set(PAGES) - {"/keys"}:
        assert page.count(f'href="{target}"') >= 2, target  # in the menu, and in the text


def test_the_page_of_keys_is_reached_from_the_status_page(client):
    with client.get("/status") as answer:
        assert 'href="/keys"' in answer.text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html;q=0.5", None])
def test_whoever_does_not_prefer_html_gets_the_problem_as_json(client, accept):
    with client.get("/homework/hw3", headers={"Accept": accept} if accept else {}) as answer:
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
        assert answer.get_json(force=True)["code"] == "not_found"


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/jobs/nothing", "/static/nothing.js"])
def test_an_unknown_address_of_the_api_is_json_for_everybody(client, path):
    with client.get(path, headers={"Accept": BROWSER}) as answer:
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


@pytest.mark.parametrize("path", [*PAGES[1:], "/docs"])
def test_a_slash_at_the_end_redirects_and_keeps_the_query(client, path):
    for query in ("", "?a=1&a=2&b=%E5%A4%96"):
        with client.get(f"{path}/{query}") as answer:
            assert (answer.status_code, answer.location) == (301, f"{path}{query}")


@pytest.mark.parametrize(("old", "new"), [("/class/", "/batch"), ("/house/", "/status")])
def test_an_old_address_with_a_slash_redirects(client, old, new):
    with client.get(old) as answer:
        assert (answer.status_code, answer.location) == (301, new)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_api_s_reference_links_to_the_pages_in_the_reader_s_language(client, language):
    page = text(client, "/docs", **{"Accept-Language": language})
    assert re.search(rf'<a href="/" lang="[\w-]+">← {load_strings(language)["back_to_pages"]}</a>', page)
