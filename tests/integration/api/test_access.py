"""Access to every route: without a key, with a bad or revoked one, with each role, for own and others' data."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from api import create_app
from api.auth import OPEN, least_role
from pipeline.api_keys import ROLES, Keys, Limits
from pipeline.jobs.store import Jobs
from tests.support.job_steps import WORKER, let_job_die

LEAST_ROLES = {  # of every endpoint, the least role that may call it
    "static": OPEN,
    "status.alive": OPEN,
    "status.ready": OPEN,
    "status.metrics": "admin",
    "pages.talk": OPEN,
    "pages.homework": OPEN,
    "pages.classes": OPEN,
    "pages.batch": OPEN,
    "pages.status": OPEN,
    "pages.keys": OPEN,
    "pages.redirect_old_address": OPEN,
    "pages.remove_slash": OPEN,
    "pages.service_worker": OPEN,
    "pages.openapi": OPEN,
    "pages.docs": OPEN,
    "pages.docs_file": OPEN,
    "login.show_login": OPEN,
    "login.log_in": OPEN,
    "login.log_out": OPEN,
    "status.show_capabilities": "learner",
    "jobs.submit": "learner",
    "jobs.browse": "learner",
    "jobs.read": "learner",
    "jobs.cancel": "learner",
    "jobs.remove": "learner",
    "jobs.retry_job": "teacher",
    "jobs.answer_what_was_said": "learner",
    "tries.submit": "learner",
    "tries.read": "learner",
    "tries.recording": "learner",
    "practice.speak": "learner",
    "status.show_capacity": "teacher",
    "assignments.create": "teacher",
    "assignments.replace": "teacher",
    "assignments.browse": "teacher",
    "assignments.read": "teacher",
    "assignments.erase": "teacher",
    "submissions.hand_in": "teacher",
    "review.change_feedback": "teacher",
    "review.release": "teacher",
    "review.release_all": "teacher",
    "review.rerun_one": "teacher",
    "review.rerun_all": "teacher",
    "export.export": "teacher",
    "export.page": "teacher",
    "school.fill": "teacher",
    "classes.read_list": "teacher",
    "classes.create": "teacher",
    "classes.browse": "teacher",
    "classes.read": "teacher",
    "classes.change": "teacher",
    "classes.erase": "teacher",
    "class_progress.progress": "teacher",
    "class_progress.table": "teacher",
    "lessons.submit": "learner",
    "lessons.browse": "learner",
    "lessons.read": "learner",
    "lessons.transcript": "learner",
    "lessons.report": "learner",
    "lessons.remove": "learner",
    "learners.read": "learner",
    "learners.clip": "learner",
    "learners.erase": "learner",
    "learners.read_class": "teacher",
    "learner_export.table": "learner",
    "learner_export.fluency": "learner",
    "learner_export.deck": "learner",
    "pages.ledger": OPEN,
    "pages.answer": OPEN,
    "jobs.audio": "learner",
    "jobs.card": "learner",
    "zip_download.fetch": "learner",
    "events.events": "learner",
    "sessions.read": "learner",
    "sessions.erase": "learner",
    "sessions.reset": "learner",
    "openai_audio.transcribe": "learner",
    "chat.completions": "learner",
    "openai_audio.speak": "learner",
    "models.browse": "learner",
    "models.read": "learner",
    "webhooks.deliveries": "teacher",
    "webhooks.secret": "admin",
    "webhooks.rotate": "admin",
    "keys.browse": "admin",
    "keys.create": "admin",
    "keys.revoke": "admin",
    "keys.rotate": "admin",
}
ANNA, BEN, TEACHER, ADMIN = "anna", "ben", "teacher", "admin"
PEOPLE = {  # who -> tenant and role
    ANNA: ("north", "learner"),
    BEN: ("north", "learner"),
    TEACHER: ("north", "teacher"),
    ADMIN: ("north", "admin"),
    "other teacher": ("south", "teacher"),
    "other admin": ("south", "admin"),
}
WITHOUT = {"nobody": None, "stranger": "Bearer wj_" + "0" * 16 + "_" + "A" * 43, "another way": "Basic YTpi"}
SEE = {  # who sees what is Anna's
    "job_id": {ANNA, TEACHER, ADMIN}, "session": {ANNA}, "key_id": {ADMIN}, "assignment_id": {TEACHER, ADMIN},
    "class_id": {TEACHER, ADMIN}, "lesson_id": {ANNA, TEACHER, ADMIN}, "learner_id": {ANNA, TEACHER, ADMIN},
}  # fmt: skip
UNSEEN = {
    "job_id": "unknown_job", "session": "unknown_session", "key_id": "unknown_key_id",
    "assignment_id": "unknown_assignment", "lesson_id": "unknown_lesson",
    "learner_id": "unknown_learner", "class_id": "unknown_class",
}  # fmt: skip
# What takes a form with a file, and the name of its field.
FORMS = {"submissions.hand_in": "file", "school.fill": "file", "classes.read_list": "file", "tries.submit": "audio"}
MADE = {"assignments.replace"}  # what makes what it names
BODIES = {
    "jobs.submit": {"text": "hi"}, "keys.create": {"role": "learner", "name": "Carl"},
    "classes.create": {"name": "7B", "pupils": [{"name": "Mei"}]},
    "assignments.create": {"title": "hw"}, "assignments.replace": {"title": "hw"},
    "jobs.answer_what_was_said": {"said": "I like three"},
}  # fmt: skip
QUERIES = {"learners.clip": f"?job={'0' * 32}&number=0"}
RECORDING = b"RIFF\x24\0\0\0WAVEfmt " + bytes(40)
CAREFUL = Limits(per_minute=2, minutes_a_day=1)


@dataclass
class School:
    """A server that requires keys, and users of two tenants."""

    app: Flask
    keys: Keys
    ids: Mapping[str, str]
    shown: Mapping[str, str | None]  # who -> the Authorization header
    by_cookie: bool = False  # the same keys, as the browsers of our own page show them

    def ask(self, who: str, method: str, path: str, headers: Mapping[str, str] | None = None, **kwargs) -> TestResponse:
        every = {**self.identity(self.shown[who]), **(headers or {})}
        return self.app.test_client(use_cookies=False).open(path, method=method, headers=every, **kwargs)

    def log_in(self, key: str) -> str:
        """The login that the key's browser has."""
        answer = self.app.test_client().post("/v1/login", json={"key": key.removeprefix("Bearer ")})
        return answer.headers.get("Set-Cookie", "=unknown;").partition("=")[2].partition(";")[0]

    def identity(self, key: str | None) -> dict[str, str]:
        if key is None:
            return {}
        if self.by_cookie and key.startswith("Bearer "):
            return {"Cookie": f"waijiao_login={self.log_in(key)}", "Origin": "http://localhost"}
        return {"Authorization": key}

    def say(self, who: str, text: str = "hi", **fields) -> str:
        """The id of a new job."""
        accepted = self.ask(who, "POST", "/v1/jobs", json={"text": text, **fields})
        assert accepted.status_code == 202, accepted.text
        return accepted.json["id"]

    def assign(self, id_: str) -> str:
        """The id of an assignment of the teacher's."""
        assert self.ask(TEACHER, "PUT", f"/v1/assignments/{id_}", json={"title": "hw"}).status_code in {200, 201}
        return id_

    def teach(self, who: str) -> str:
        """The id of a new lesson."""
        form = {"audio": (io.BytesIO(RECORDING), "lesson.wav")}
        accepted = self.ask(who, "POST", "/v1/lessons", data=form)
        assert accepted.status_code == 202, accepted.text
        return accepted.json["id"]

    def name_of(self, part: str, who: str) -> str:
        """The values for the variable parts of a path: data of Anna or the teacher, made for the requests of `who`."""
        if part in {"job_id", "session"}:
            job = self.say(ANNA, session=f"for {who}")
            return job if part == "job_id" else f"for {who}"
        if part == "assignment_id":
            return self.assign(f"for-{ROLES.index(PEOPLE[who][1]) if who in PEOPLE else 9}")
        if part == "class_id":
            made = self.ask(TEACHER, "POST", "/v1/classes", json=BODIES["classes.create"])
            return made.json["id"]
        if part == "key_id":
            return self.keys.create("north", "learner", "x", Limits())[0].id
        if part == "lesson_id":
            return self.teach(ANNA)
        if part == "learner_id":
            return f"key-{self.ids[ANNA]}"
        return {"name": "swagger_style.css", "filename": "docs/main.js", "model": "whisper-base"}[part]

    def list_jobs(self, who: str, query: str = "") -> list[str]:
        return [job["id"] for job in self.ask(who, "GET", f"/v1/jobs?limit=100{query}").json["jobs"]]

    def turns(self, who: str, session: str, query: str = "") -> list[str]:
        return [turn["id"] for turn in self.ask(who, "GET", f"/v1/sessions/{session}{query}").json["turns"]]


@pytest.fixture
def school(redis, settings) -> School:
    app, keys = create_app(settings.model_copy(update={"keys": True})), Keys(redis)
    made = {who: keys.create(tenant, role, who, Limits()) for who, (tenant, role) in PEOPLE.items()}
    gone, text = keys.create("north", "admin", "gone", Limits())
    keys.revoke(gone.id)
    shown = {who: f"Bearer {each}" for who, (_, each) in made.items()} | WITHOUT | {"revoked": f"Bearer {text}"}
    return School(app, keys, {who: key.id for who, (key, _) in made.items()}, shown)


def code(answer: TestResponse) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json", answer.text
    return answer.status_code, answer.json["code"]


def test_every_endpoint_is_in_the_table_and_nothing_else(school):
    endpoints = {rule.endpoint for rule in school.app.url_map.iter_rules()}
    assert {endpoint: least_role(school.app, endpoint) for endpoint in endpoints} == LEAST_ROLES


def test_an_endpoint_whose_view_names_no_role_is_refused_to_everybody(school):
    school.app.add_url_rule("/v1/new", "new", lambda: "not for you")
    assert code(school.ask(ADMIN, "GET", "/v1/new")) == (403, "role_too_low")
    assert code(school.ask("nobody", "GET", "/v1/new")) == (401, "key_missing")


@pytest.mark.parametrize("by_cookie", [False, True], ids=["by header", "by cookie"])
@pytest.mark.parametrize("endpoint", LEAST_ROLES)
def test_each_role_may_do_what_the_table_says_with_its_own_data(school, endpoint, by_cookie):
    school.by_cookie = by_cookie
    rule = next(school.app.url_map.iter_rules(endpoint))
    (method,) = rule.methods - {"HEAD", "OPTIONS"}
    for who in school.shown:
        path = rule.rule
        for part in rule.arguments - set(rule.defaults or {}):
            name = school.name_of(part, who)
            path = path.replace(f"<path:{part}>", name).replace(f"<{part}>", name)
        path += "?from=llm" if endpoint.startswith("review.") and "rerun" in path else ""
        path += QUERIES.get(endpoint, "")
        sent = {"json": BODIES.get(endpoint, {})} if method in {"POST", "PUT", "PATCH"} else {}
        if endpoint in FORMS:
            sent = {"data": {FORMS[endpoint]: (io.BytesIO(b"x"), "a.wav")}}
        answer = school.ask(who, method, path, **sent)
        assert find_refusal(answer) == find_expected(endpoint, rule.arguments, who), who
        answer.close()


def find_refusal(answer: TestResponse) -> str:
    """The error code of a refused request; "let in" if the view answered."""
    return answer.json["code"] if answer.status_code in {401, 403, 404} else "let in"


def find_expected(endpoint: str, arguments: set[str], who: str) -> str:
    if LEAST_ROLES[endpoint] == OPEN:
        return "let in"
    if who not in PEOPLE:
        return "key_missing" if who in {"nobody", "another way"} else "key_unknown"
    if ROLES.index(PEOPLE[who][1]) < ROLES.index(LEAST_ROLES[endpoint]):
        return "role_too_low"
    if endpoint in MADE:
        return "let in"
    hidden = [UNSEEN[part] for part in arguments if who not in SEE.get(part, PEOPLE)]
    return hidden[0] if hidden else "let in"


def test_a_refusal_says_how_to_get_access(school):
    answer = school.ask("nobody", "GET", "/v1/jobs")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "waijiao key create" in answer.json["detail"]


def test_a_revoked_key_is_refused_at_once(school):
    assert school.ask(BEN, "GET", "/v1/jobs").status_code == 200
    assert school.ask(ADMIN, "DELETE", f"/v1/keys/{school.ids[BEN]}").json["revoked_at"]
    assert code(school.ask(BEN, "GET", "/v1/jobs")) == (401, "key_unknown")


def test_options_are_answered_without_a_key(school):
    answer = school.ask("nobody", "OPTIONS", "/v1/jobs")
    assert (answer.status_code, answer.data) == (200, b"")


def test_lists_never_show_foreign_jobs(school):
    jobs = {who: [school.say(who, session="s") for _ in range(3)][::-1] for who in PEOPLE}
    north = {id_ for who in (ANNA, BEN, TEACHER, ADMIN) for id_ in jobs[who]}
    for who in (ANNA, BEN):
        assert school.list_jobs(who) == school.list_jobs(who, "&session=s") == jobs[who]
        assert school.list_jobs(who, f"&session=s&owner={school.ids[TEACHER]}") == jobs[who]
    for who in (TEACHER, ADMIN):
        assert set(school.list_jobs(who)) == north
        assert school.list_jobs(who, f"&session=s&owner={school.ids[ANNA]}") == jobs[ANNA]
        assert set(school.list_jobs(who, "&session=s")) == {*jobs[TEACHER], *jobs[ADMIN]}
    assert set(school.list_jobs("other teacher")) == {*jobs["other teacher"], *jobs["other admin"]}


def test_a_page_of_a_learner_s_jobs_is_as_long_as_anybody_s(school):
    mine = []
    for _ in range(5):
        school.say(BEN)
        mine.insert(0, school.say(ANNA))
    first = school.ask(ANNA, "GET", "/v1/jobs?limit=3").json
    second = school.ask(ANNA, "GET", f"/v1/jobs?limit=3&cursor={first['next']}").json
    assert [job["id"] for job in first["jobs"] + second["jobs"]] == mine
    assert second["next"] is None


def test_lessons_are_listed_for_those_who_may_see_them(school):
    hers, his = school.teach(ANNA), school.teach(BEN)
    for who, seen in ((ANNA, [hers]), (BEN, [his]), (TEACHER, [his, hers]), ("other admin", [])):
        assert [lesson["id"] for lesson in school.ask(who, "GET", "/v1/lessons").json["lessons"]] == seen
        assert [id_ for id_ in school.list_jobs(who) if id_ in {hers, his}] == seen


def test_dead_jobs_are_listed_for_those_who_may_see_them(school, redis, settings):
    job = school.say(ANNA)
    let_job_die(Jobs(redis, settings), "llm")
    for who, seen in ((ANNA, [job]), (BEN, []), (TEACHER, [job]), ("other admin", [])):
        assert school.list_jobs(who, "&dead=true") == seen
    again = school.ask(TEACHER, "POST", f"/v1/jobs/{job}/retry")
    assert again.json["owner"] == school.ids[ANNA]
    assert again.json["id"] in school.list_jobs(ANNA)


def test_sessions_of_two_learners_with_the_same_name_are_separate(school, redis, settings):
    hers, his = school.say(ANNA, "I am Anna", session="home"), school.say(BEN, "I am Ben", session="home")
    assert [school.turns(who, "home") for who in (ANNA, BEN)] == [[hers], [his]]
    batch, _ = Jobs(redis, settings).claim("llm", WORKER, 9)
    assert {job.id for job in batch} == {hers, his}  # neither waits for the other's turn
    assert school.ask(BEN, "DELETE", "/v1/sessions/home").status_code == 204
    assert school.turns(ANNA, "home") == [hers]


def test_a_teacher_reads_a_learner_s_session_by_naming_its_owner(school):
    hers = school.say(ANNA, session="home")
    assert school.turns(TEACHER, "home", f"?owner={school.ids[ANNA]}") == [hers]
    assert code(school.ask("other teacher", "GET", f"/v1/sessions/home?owner={school.ids[ANNA]}"))[0] == 404
    assert code(school.ask(BEN, "GET", f"/v1/sessions/home?owner={school.ids[ANNA]}"))[0] == 404


def test_idempotency_keys_of_different_api_keys_are_independent(school):
    header = {"Idempotency-Key": "lesson-1"}
    ids = [
        school.ask(who, "POST", "/v1/jobs", headers=header, json={"text": "hi", "session": "s"}).json["id"]
        for who in (ANNA, BEN, TEACHER, "other teacher", ANNA)
    ]
    assert ids[0] == ids[4]
    assert len(set(ids)) == 4


def test_too_many_requests_are_refused_with_retry_after(school, redis):
    key, text = school.keys.create("north", "learner", "eager", CAREFUL)
    eager = School(school.app, school.keys, {"eager": key.id}, {"eager": f"Bearer {text}"})
    for _ in range(2):
        eager.say("eager")
    refused = eager.ask("eager", "POST", "/v1/jobs", json={"text": "hi"})
    assert code(refused) == (429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 30
    assert len(eager.list_jobs("eager")) == 2
    assert school.say(ANNA)


def test_an_admin_makes_keys_of_its_own_tenant_that_work_at_once(school):
    made = school.ask(ADMIN, "POST", "/v1/keys", json={"role": "learner", "name": "Carl", "per_minute": 7})
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "private, no-store"
    assert (made.json["tenant"], made.json["per_minute"], made.json["revoked_at"]) == ("north", 7, None)
    carl = {"Authorization": f"Bearer {made.json['key']}"}
    assert school.app.test_client().get("/v1/jobs", headers=carl).json == {"jobs": [], "next": None}
    key_list = school.ask(ADMIN, "GET", "/v1/keys")
    assert made.json["key"] not in key_list.text
    assert {key["tenant"] for key in key_list.json["keys"]} == {"north"}
    assert made.json["id"] not in school.ask("other admin", "GET", "/v1/keys").text


@pytest.mark.parametrize(
    "body", [{}, {"role": "root", "name": "x"}, {"role": "admin", "name": ""}, {"role": "admin", "name": "x", "a": 1}]
)
def test_a_key_that_cannot_be_made_is_refused(school, body):
    assert code(school.ask(ADMIN, "POST", "/v1/keys", json=body)) == (422, "bad_request")


# --- without keys ----------------------------------------------------------------------------------------------------


@pytest.fixture
def app_without_keys(redis, settings) -> Flask:
    return create_app(settings.model_copy(update={"cors_origins": "https://school.example"}))


@pytest.fixture
def client(app_without_keys):
    return app_without_keys.test_client()


def test_without_keys_everything_is_allowed_on_this_machine(client):
    assert client.post("/v1/jobs", json={"text": "hi"}).status_code == 202
    assert client.post("/v1/keys", json={"role": "learner", "name": "x"}).status_code == 201


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000", "https://localhost", ""])
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/jobs"), ("GET", "/v1/jobs"), ("OPTIONS", "/v1/jobs")])
def test_a_page_of_another_site_is_refused(client, redis, origin, method, path):
    answer = client.open(path, method=method, data={"text": "hi"}, headers={"Origin": origin})
    assert code(answer) == (403, "foreign_origin")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert not redis.keys("waijiao:job:*")


LOADS = {  # what a page can make a browser load without saying its origin: Sec-Fetch-Mode and -Dest
    "an image": ("no-cors", "image"),
    "a sound": ("no-cors", "audio"),
    "a script": ("no-cors", "script"),
    "a style": ("no-cors", "style"),
    "a request that must not be read": ("no-cors", "empty"),
    "a frame": ("navigate", "iframe"),
    "an object": ("navigate", "object"),
    "a link": ("navigate", "document"),
}


def load_from(site: str, load: str) -> dict[str, str]:
    mode, destination = LOADS[load]
    return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("load", LOADS)
def test_without_keys_another_page_gets_nothing_but_links_to_pages(app_without_keys, site, load):
    client = app_without_keys.test_client()
    for rule in app_without_keys.url_map.iter_rules():
        if "GET" not in rule.methods:
            continue
        path = re.sub(r"<[^>]*>", "x", rule.rule)
        with client.get(path, headers=load_from(site, load)) as answer:
            if load == "a link" and least_role(app_without_keys, rule.endpoint) == OPEN:
                assert answer.status_code in {200, 301, 404, 503}, path
            else:
                assert code(answer) == (403, "foreign_origin"), path


@pytest.mark.parametrize("site", ["same-origin", "none", None])
@pytest.mark.parametrize("load", LOADS)
def test_without_keys_our_own_pages_and_the_user_load_everything(client, site, load):
    headers = load_from(site, load) if site else {}
    for path in ("/", "/v1/jobs", "/v1/capabilities", "/docs", "/v1/assignments"):
        assert client.get(path, headers=headers).status_code == 200


def test_a_configured_origin_is_another_site_that_may_read(client):
    fetched = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
    assert client.get("/v1/jobs", headers={**fetched, "Origin": "https://school.example"}).status_code == 200
    assert code(client.get("/v1/jobs", headers={**fetched, "Origin": "https://evil.example"})) == (
        403,
        "foreign_origin",
    )
    assert code(client.get("/v1/jobs", headers=fetched)) == (403, "foreign_origin")


@pytest.mark.parametrize("load", LOADS)
def test_another_site_loads_nothing_with_a_login(school, load):
    cookie = {"Cookie": f"waijiao_login={school.log_in(school.shown[TEACHER])}"}
    neighbour = 200 if load == "a link" else 403
    for site, status in (("cross-site", 403), ("same-site", neighbour), ("same-origin", 200), ("none", 200)):
        headers = {**cookie, **load_from(site, load)}
        assert school.ask("nobody", "GET", "/v1/jobs", headers=headers).status_code == status, site


@pytest.mark.parametrize("origin", ["http://localhost", "https://school.example"])
def test_our_own_pages_and_configured_origins_are_allowed(client, origin):
    assert client.post("/v1/jobs", json={"text": "hi"}, headers={"Origin": origin}).status_code == 202


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.5:8000", "localhost.evil", "[x"])
def test_a_host_name_of_another_machine_is_refused(client, host):
    assert code(client.get("/v1/jobs", headers={"Host": host})) == (421, "foreign_host")


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:80", "127.0.0.1:8000", "127.1.2.3", "[::1]:8000", "LOCALHOST"]
)
def test_host_names_of_this_machine_are_allowed(client, host):
    assert client.get("/v1/jobs", headers={"Host": host}).status_code == 200


def test_an_erased_job_is_gone_for_its_owner_and_unknown_to_others(school):
    job = school.say(ANNA)
    for _ in range(2):  # cancel, then erase
        school.ask(ANNA, "DELETE", f"/v1/jobs/{job}")
    assert code(school.ask(ANNA, "GET", f"/v1/jobs/{job}")) == (410, "erased")
    assert code(school.ask(TEACHER, "GET", f"/v1/jobs/{job}")) == (410, "erased")
    assert code(school.ask(BEN, "GET", f"/v1/jobs/{job}")) == (404, "unknown_job")
    assert code(school.ask("other teacher", "GET", f"/v1/jobs/{job}")) == (404, "unknown_job")
