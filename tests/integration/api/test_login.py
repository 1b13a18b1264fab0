"""Logging in with a key and a cookie, which no page of another site can use."""

import re

import httpx
import pytest

from api import create_app
from pipeline.api_keys import Keys, Limits
from pipeline.logins import MAX_LOGINS

OURS = "http://localhost"
FOREIGN = ["https://evil.example", "null", "", "http://localhost:3000", "http://localhost.evil.example", "localhost"]
COOKIE = "waijiao_login"


@pytest.fixture
def keys(redis) -> Keys:
    return Keys(redis)


@pytest.fixture
def key(keys) -> str:
    return keys.create("north", "teacher", "Ms Li", Limits())[1]


@pytest.fixture
def app(redis, settings):
    return create_app(settings.model_copy(update={"keys": True, "cors_origins": "https://school.example"}))


@pytest.fixture
def client(app):
    """A browser that is not logged in."""
    return app.test_client()


@pytest.fixture
def page(client, key):
    """A browser that is logged in."""
    client.post("/v1/login", json={"key": key})
    return client


def code(answer) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json", answer.text
    return answer.status_code, answer.json["code"]


def log_in(client, key: str, **options) -> str:
    """The login in the cookie that a browser got. It stays logged in when others log in."""
    browser = client.application.test_client()
    assert browser.post("/v1/login", json={"key": key, **options}).status_code == 200
    return browser.get_cookie(COOKIE).value


def test_a_good_key_logs_in_until_the_browser_is_closed(client, key):
    answer = client.post("/v1/login", json={"key": f" {key}\n"}, headers={"Origin": OURS})
    caller = {"id": key.split("_")[1], "role": "teacher", "name": "Ms Li", "tenant": "north"}
    assert (answer.status_code, answer.json) == (200, {"keys_needed": True, "caller": caller})
    name, value, *attributes = re.split("[=;]", answer.headers["Set-Cookie"], maxsplit=2)
    assert (name, attributes) == (COOKIE, [" HttpOnly; Path=/; SameSite=Strict"])
    assert len(value) > 40
    assert key.split("_", 2)[2] not in value
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert client.get("/v1/login").json == answer.json
    assert client.get("/v1/jobs").status_code == 200


def test_a_key_is_remembered_for_30_days_when_one_asks_for_it(client, key):
    client.post("/v1/login", json={"key": key, "remember": True})
    assert client.get_cookie(COOKIE).max_age == 30 * 24 * 3600


@pytest.mark.parametrize("wrong", ["", "x", "wj_" + "0" * 16 + "_" + "A" * 43])
def test_a_wrong_key_is_refused_and_sets_nothing(client, wrong):
    answer = client.post("/v1/login", json={"key": wrong})
    assert code(answer) == (401, "key_unknown")
    assert "Set-Cookie" not in answer.headers
    assert client.get("/v1/login").json == {"keys_needed": True, "caller": None}


@pytest.mark.parametrize("body", [{}, {"key": 1}, {"key": "x" * 257}, {"key": "x", "remember": "yes"}, {"name": "x"}])
def test_an_invalid_login_is_refused(client, body):
    assert code(client.post("/v1/login", json=body)) == (422, "bad_request")


@pytest.mark.parametrize(
    "type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_form_of_another_site_cannot_log_in(client, key, type_):
    answer = client.post("/v1/login", data=f'{{"key": "{key}"}}', content_type=type_)
    assert code(answer) == (422, "bad_request")
    assert "Set-Cookie" not in answer.headers


def test_a_key_in_the_header_wins_over_the_cookie(page, keys):
    ben, learner = keys.create("south", "learner", "Ben", Limits())
    asked = page.get("/v1/login", headers={"Authorization": f"Bearer {learner}"})
    assert asked.json["caller"] == {"id": ben.id, "role": "learner", "name": "Ben", "tenant": "south"}
    assert code(page.get("/v1/jobs", headers={"Authorization": "Bearer wj_no"})) == (401, "key_unknown")
    assert page.get("/v1/jobs").status_code == 200  # the cookie is still there


def test_a_logged_out_browser_is_not_authenticated(page):
    answer = page.delete("/v1/login", headers={"Origin": OURS})
    assert (answer.status_code, answer.data) == (204, b"")
    assert page.get_cookie(COOKIE) is None
    assert code(page.get("/v1/jobs")) == (401, "key_missing")


def test_logging_out_ends_the_login_for_whoever_copied_the_cookie(client, key):
    logins = [log_in(client, key), log_in(client, key, remember=True)]
    client.set_cookie(COOKIE, logins[0])
    assert client.delete("/v1/login", headers={"Origin": OURS}).status_code == 204
    for login, status in zip(logins, (401, 200), strict=True):
        client.set_cookie(COOKIE, login)
        assert client.get("/v1/jobs").status_code == status


def test_logging_in_again_ends_the_browser_s_earlier_login(client, key):
    client.post("/v1/login", json={"key": key})
    first = client.get_cookie(COOKIE).value
    client.post("/v1/login", json={"key": key})
    assert client.get_cookie(COOKIE).value != first
    assert client.get("/v1/jobs").status_code == 200
    client.set_cookie(COOKIE, first)
    assert client.get("/v1/jobs").status_code == 401


@pytest.mark.parametrize(("options", "days"), [({}, 1), ({"remember": True}, 30)])
def test_a_login_expires_on_the_server_too(client, key, redis, options, days):
    login = log_in(client, key, **options)
    client.set_cookie(COOKIE, login)
    (name,) = redis.keys("waijiao:logins:*")
    ((member, expires_at),) = redis.zrange(name, 0, -1, withscores=True)
    assert expires_at - redis.time()[0] == pytest.approx(days * 86_400, abs=60)
    assert redis.ttl(name) == pytest.approx(days * 86_400, abs=60)
    assert client.get("/v1/jobs").status_code == 200
    redis.zadd(name, {member: redis.time()[0] - 1})
    assert code(client.get("/v1/jobs")) == (401, "key_unknown")


def test_redis_has_neither_the_key_nor_the_login(client, key, redis):
    login = log_in(client, key)
    stored = [redis.dump(name) for name in redis.keys("*")]
    for secret in (key.split("_", 2)[2], login.split("_", 1)[1]):
        assert not [entry for entry in stored if secret.encode() in entry]


@pytest.mark.parametrize("forged", ["{key}", "{id}_", "{id}_{other}", "{other_id}_{secret}", "x", "{id}_{secret}x"])
def test_what_is_no_login_opens_nothing(client, key, keys, forged):
    id_, secret = log_in(client, key).split("_", 1)
    other, text = keys.create("north", "admin", "Ben", Limits())
    client.set_cookie(COOKIE, forged.format(key=text, id=id_, secret=secret, other="A" * 43, other_id=other.id))
    assert client.get("/v1/jobs").status_code == 401


def test_the_logins_of_a_key_are_bounded_and_the_newest_is_never_refused(client, key, redis):
    first = log_in(client, key)
    for number in range(MAX_LOGINS + 20):
        login = log_in(client, key, remember=number % 2 == 0)
    client.set_cookie(COOKIE, login)
    assert client.get("/v1/jobs").status_code == 200
    client.set_cookie(COOKIE, first)
    assert client.get("/v1/jobs").status_code == 401
    (name,) = redis.keys("waijiao:logins:*")
    assert redis.zcard(name) == MAX_LOGINS


def test_revoking_a_key_leaves_none_of_its_logins(client, keys, redis):
    key, text = keys.create("north", "teacher", "gone", Limits())
    log_in(client, text, remember=True)
    keys.revoke(key.id)
    assert redis.keys("waijiao:logins:*") == []


def test_somebody_can_log_in_and_out_while_the_memory_of_redis_is_full(client, key, redis):
    redis.config_set("maxmemory", 1)
    redis.config_set("maxmemory-policy", "noeviction")
    try:
        client.set_cookie(COOKIE, log_in(client, key))
        assert client.get("/v1/login").json["caller"]["name"] == "Ms Li"
        assert client.delete("/v1/login", headers={"Origin": OURS}).status_code == 204
    finally:
        redis.config_set("maxmemory", 0)


def test_a_cookie_of_the_earlier_version_which_held_the_key_is_removed(client, key):
    client.set_cookie("waijiao_key", key)
    assert code(client.get("/v1/jobs")) == (401, "key_missing")
    assert client.get_cookie("waijiao_key") is None


def test_the_cookie_of_a_revoked_key_is_refused_and_removed(client, keys):
    revoked, text = keys.create("north", "admin", "gone", Limits())
    logins = [log_in(client, text) for _ in range(2)]
    keys.revoke(revoked.id)
    for path, status, login in (("/v1/jobs", 401, logins[0]), ("/v1/login", 200, logins[1])):
        client.set_cookie(COOKIE, login)
        answer = client.get(path)
        assert answer.status_code == status
        assert client.get_cookie(COOKIE) is None
        assert not (answer.json.get("caller") if status == 200 else answer.json["code"] != "key_unknown")


def test_an_unreachable_redis_logs_nobody_out(settings):
    app = create_app(settings.model_copy(update={"keys": True, "redis_url": "redis://127.0.0.1:1/0"}))
    client = app.test_client()
    client.set_cookie(COOKIE, "0" * 16 + "_" + "A" * 43)
    assert code(client.get("/v1/jobs")) == (503, "unavailable")
    assert code(client.delete("/v1/login", headers={"Origin": OURS})) == (503, "unavailable")
    assert client.get_cookie(COOKIE)


@pytest.mark.parametrize("origin", [None, *FOREIGN, "https://school.example"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/jobs"), ("DELETE", "/v1/sessions/x"), ("DELETE", "/v1/login")]
)
def test_with_the_cookie_only_our_own_pages_change_anything(page, redis, origin, method, path):
    headers = {} if origin is None else {"Origin": origin}
    answer = page.open(path, method=method, json={"text": "hi"}, headers=headers)
    assert code(answer) == (403, "foreign_origin")
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert not redis.keys("waijiao:job:*")
    assert page.get_cookie(COOKIE)


def test_our_own_pages_may_do_what_the_key_may(page):
    assert page.post("/v1/jobs", json={"text": "hi"}, headers={"Origin": OURS}).status_code == 202
    assert code(page.get("/v1/keys")) == (403, "role_too_low")


def test_the_server_s_own_origin_is_that_of_the_request(app, key):
    client = app.test_client(use_cookies=False)
    login = log_in(client, key)
    for host in ("school.example", "school.example:8443", "[::1]:8000"):
        shown = {"Host": host, "Cookie": f"{COOKIE}={login}"}
        for origin, status in ((f"http://{host}", 202), (f"https://{host}", 202), (f"http://{host}0", 403)):
            asked = client.post("/v1/jobs", json={"text": "hi"}, headers={**shown, "Origin": origin})
            assert asked.status_code == status, (host, origin)


def test_over_https_a_page_of_http_is_another_origin(app, key):
    client = app.test_client()
    client.set_cookie(COOKIE, log_in(client, key), domain="school.example")
    for origin, status in (("https://school.example", 202), ("http://school.example", 403)):
        headers = {"Origin": origin}
        asked = client.post("/v1/jobs", base_url="https://school.example", json={"text": "hi"}, headers=headers)
        assert asked.status_code == status, origin


def test_cross_site_requests_are_not_authenticated_by_the_cookie(page, key):
    for site, status in (("cross-site", 403), ("same-origin", 200), ("none", 200)):
        assert page.get("/v1/jobs", headers={"Sec-Fetch-Site": site}).status_code == status
    bearer = {"Authorization": f"Bearer {key}", "Sec-Fetch-Site": "cross-site", "Origin": "https://school.example"}
    assert page.get("/v1/jobs", headers=bearer).status_code == 200  # a page that has a key itself


@pytest.mark.parametrize("origin", [*FOREIGN, "https://school.example"])
def test_another_site_cannot_log_a_browser_in(client, key, origin):
    answer = client.post("/v1/login", json={"key": key}, headers={"Origin": origin})
    assert code(answer) == (403, "foreign_origin")
    assert "Set-Cookie" not in answer.headers


def test_an_allowed_origin_never_gets_answers_by_the_cookie(page):
    asked = {"Origin": "https://school.example", "Access-Control-Request-Method": "POST"}
    for answer in (page.options("/v1/jobs", headers=asked), page.get("/v1/jobs", headers=asked)):
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_where_no_key_is_needed_everybody_is_an_administrator(redis, settings):
    client = create_app(settings).test_client()
    nobody = {"keys_needed": False, "caller": {"id": None, "role": "admin", "name": None, "tenant": "default"}}
    assert client.get("/v1/login").json == nobody
    answer = client.post("/v1/login", json={"key": "any"})
    assert (answer.status_code, answer.json) == (200, nobody)
    assert "Set-Cookie" not in answer.headers


def test_the_cookie_is_secure_when_the_proxy_says_that_the_browser_came_by_https(serve, key):
    server: httpx.Client = serve(keys="true")
    for proto, secure in (("https", True), ("http", False), (None, False)):
        origin = {"Origin": f"{proto or 'http'}://{server.base_url.netloc.decode()}"}
        headers = {**origin, "X-Forwarded-Proto": proto} if proto else origin
        for answer in (
            server.post("/v1/login", json={"key": key}, headers=headers),
            server.delete("/v1/login", headers=headers),
        ):
            assert answer.is_success, answer.text
            assert ("Secure" in answer.headers["Set-Cookie"].split("; ")) is secure
