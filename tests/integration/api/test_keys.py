"""API keys with a real Redis: how they are stored, found, revoked and limited."""

import csv
from dataclasses import replace

import pytest
from click.testing import CliRunner
from redis import Redis

from pipeline.api_keys import Key, Keys, Limits
from pipeline.errors import BadRequest, MinutesUsed, RateLimited, UnknownKeyId
from pipeline.jobs.job import JobRequest
from pipeline.jobs.store import Idempotency, Jobs
from pipeline.logins import Logins
from tests.support.job_steps import TRANSCRIPT, let_job_die, make_job_request, reach, run_stage
from waijiao.cli.main import main

NORTH, SOUTH = "north", "south"


@pytest.fixture
def keys(redis) -> Keys:
    return Keys(redis)


def read_all_keys(redis: Redis) -> dict[str, bytes]:
    """Every key with its content."""
    return {key: redis.dump(key) for key in redis.scan_iter("*")}


def make_request(key: Key, id_: str, recording: bool = False) -> JobRequest:
    """A request with a key, in a session of its own."""
    sound = f"{key.tenant}/{id_}/x" if recording else ""
    return JobRequest(id_, id_, key.tenant, recording=sound, text="hi", key=key.id, owner=key.id)


def submit_refused(jobs: Jobs, error: type, job_request: JobRequest) -> float:
    """Submit a job that must be refused without writing anything; return the seconds of Retry-After."""
    before = read_all_keys(jobs.redis)
    with pytest.raises(error) as refusal:
        jobs.submit(job_request)
    assert read_all_keys(jobs.redis) == before
    return refusal.value.retry_after_s


def test_a_key_that_was_made_is_found_by_its_text_alone(keys):
    made, text = keys.create(NORTH, "teacher", "Ms Li", Limits(5, 30))
    assert keys.find(text) == made
    assert (made.tenant, made.role, made.name, made.limits) == (NORTH, "teacher", "Ms Li", Limits(5, 30))
    assert text.startswith(f"wj_{made.id}_")


def test_no_secret_is_stored(keys, redis):
    _, text = keys.create(NORTH, "teacher", "Ms Li", Limits())
    secret = text.split("_", 2)[2]
    assert not any(secret.encode() in content for content in read_all_keys(redis).values())


def test_all_keys_are_different(keys):
    texts = {keys.create(NORTH, "learner", "a", Limits())[1] for _ in range(50)}
    assert len(texts) == len({text.split("_")[1] for text in texts}) == 50


@pytest.mark.parametrize("spoil", [lambda t: t[:-1], lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), str.upper])
def test_a_slightly_wrong_key_is_refused(keys, spoil):
    _, text = keys.create(NORTH, "teacher", "Ms Li", Limits())
    assert keys.find(spoil(text)) is None


@pytest.mark.parametrize("text", ["", "wj_", "wj_" + "0" * 16 + "_" + "A" * 43, "x" * 10_000, "wj_*_*", "é"])
def test_a_key_that_was_never_made_is_refused(keys, text):
    assert keys.find(text) is None


def test_the_secret_of_one_key_does_not_match_another_key(keys):
    (one, _), (_, text) = (keys.create(NORTH, "learner", name, Limits()) for name in "ab")
    assert keys.find(f"wj_{one.id}_{text.split('_', 2)[2]}") is None


def test_a_revoked_key_is_refused_and_still_listed(keys):
    made, text = keys.create(NORTH, "teacher", "Ms Li", Limits())
    revoked = keys.revoke(made.id)
    assert revoked.revoked_at >= made.created_at
    assert keys.find(text) is None
    assert keys.list() == [revoked]
    assert keys.revoke(made.id) == revoked


def test_a_tenant_s_keys_are_its_own_to_list_and_to_revoke(keys):
    (north, _), (south, _) = (keys.create(tenant, "admin", "a", Limits()) for tenant in (NORTH, SOUTH))
    assert keys.list() == [north, south]
    assert keys.list(NORTH) == [north]
    for id_ in (south.id, "0" * 16):
        with pytest.raises(UnknownKeyId):
            keys.revoke(id_, NORTH)
    assert keys.list(SOUTH) == [south]


@pytest.mark.parametrize(
    "wrong",
    [
        {"tenant": "../north"},
        {"tenant": "North"},
        {"tenant": ""},
        {"tenant": "x" * 33},
        {"role": "root"},
        {"name": ""},
        {"name": "two\nlines"},
        {"limits": Limits(-1, 0)},
    ],
)
def test_an_invalid_description_of_a_key_is_refused(keys, redis, wrong):
    with pytest.raises(BadRequest):
        keys.create(**{"tenant": NORTH, "role": "admin", "name": "a", "limits": Limits(), **wrong})
    assert not redis.keys("*")


def test_a_key_may_submit_a_burst_and_then_jobs_at_its_rate(keys, jobs):
    key, _ = keys.create(NORTH, "learner", "Anna", Limits(per_minute=3))
    other, _ = keys.create(NORTH, "learner", "Ben", Limits(per_minute=3))
    for name in "abc":
        jobs.submit(make_request(key, name))
    assert submit_refused(jobs, RateLimited, make_request(key, "d")) == pytest.approx(20, abs=2)
    assert jobs.submit(make_request(other, "e")).ready_jobs
    rate = f"waijiao:rate:{key.id}"
    jobs.redis.set(rate, float(jobs.redis.get(rate)) - 20)  # 20 seconds pass by Redis's clock
    jobs.submit(make_request(key, "d"))
    submit_refused(jobs, RateLimited, make_request(key, "f"))


def test_a_repeated_request_is_not_counted_and_is_answered_at_the_limit(keys, jobs):
    key, _ = keys.create(NORTH, "learner", "Anna", Limits(per_minute=2))
    for name in "abcd":
        jobs.submit(make_request(key, name), Idempotency("again", "print"))
    jobs.submit(make_request(key, "e"))
    submit_refused(jobs, RateLimited, make_request(key, "f"))
    assert jobs.submit(make_request(key, "g"), Idempotency("again", "print")).job.id == "a"


def test_a_repeated_submission_script_counts_once(keys, jobs):
    key, _ = keys.create(NORTH, "learner", "Anna", Limits(per_minute=2))
    jobs.submit(make_request(key, "a"))
    jobs.submit(make_request(key, "a"))
    assert jobs.submit(make_request(key, "b")).ready_jobs


def test_a_request_that_is_refused_for_another_reason_does_not_count(keys, redis, settings):
    key, _ = keys.create(NORTH, "learner", "Anna", Limits(per_minute=2))
    jobs = Jobs(redis, settings.model_copy(update={"max_jobs": 1}))
    jobs.submit(make_request(key, "a"))
    for name in "bcd":
        with pytest.raises(Exception, match="unfinished"):
            jobs.submit(make_request(key, name))
    jobs.cancel(NORTH, "a")
    assert jobs.submit(make_request(key, "e")).ready_jobs


def test_without_a_limit_and_without_a_key_nothing_is_counted(keys, jobs, redis):
    key, _ = keys.create(NORTH, "learner", "Anna", Limits())
    for number in range(100):
        jobs.submit(make_request(key, f"k{number}"))
        jobs.submit(make_job_request(f"n{number}", session=str(number)))
    assert not redis.keys("waijiao:rate:*")


def test_the_daily_minutes_count_recognised_audio_and_limit_only_recordings(keys, jobs, redis):
    key, _ = keys.create(NORTH, "learner", "Anna", Limits(minutes_a_day=1))
    long = TRANSCRIPT.__class__("hello", "en", 40.0)
    for name in "abc":
        jobs.submit(
            make_request(key, name, recording=True)
        )  # none is transcribed yet: jobs in progress may exceed the limit
    run_stage(jobs, "asr", long)
    jobs.submit(make_request(key, "d", recording=True))
    run_stage(jobs, "asr", long)
    assert 1 <= submit_refused(jobs, MinutesUsed, make_request(key, "e", recording=True)) <= 86_400
    assert jobs.submit(make_request(key, "f")).ready_jobs
    (counted,) = redis.keys(f"waijiao:heard:{key.id}:*")
    assert int(redis.get(counted)) == 80_000
    assert 0 < redis.ttl(counted) <= 2 * 86_400
    redis.rename(counted, f"{counted}-yesterday")
    assert jobs.submit(make_request(key, "e", recording=True)).ready_jobs


def test_a_lesson_s_turns_are_counted_and_a_lesson_is_refused_when_the_day_s_minutes_are_used(keys, jobs, redis):
    key, _ = keys.create(NORTH, "learner", "Anna", Limits(minutes_a_day=1))
    jobs.submit(replace(make_request(key, "lesson", recording=True), task="lesson", text=""))
    turn = replace(
        make_request(key, "turn", recording=True), task="turn", text="", lesson="lesson", details={"number": 1}
    )
    jobs.submit(turn)
    run_stage(jobs, "asr", TRANSCRIPT.__class__("hello", "en", 70.0))
    assert submit_refused(
        jobs, MinutesUsed, replace(make_request(key, "another", recording=True), task="lesson", text="")
    )
    assert jobs.submit(replace(turn, id="turn 2", details={"number": 2})).ready_jobs  # of the lesson that was accepted


def test_a_recording_that_is_transcribed_twice_is_counted_once(keys, jobs, redis):
    key, _ = keys.create(NORTH, "learner", "Anna", Limits(minutes_a_day=1))
    jobs.submit(make_request(key, "a", recording=True))
    job = reach(jobs, "asr")
    for _ in range(2):
        assert jobs.complete("asr", job, TRANSCRIPT)[0]
    assert not jobs.complete("asr", reach_stale(job), TRANSCRIPT)[0]
    (counted,) = redis.keys("waijiao:heard:*")
    assert int(redis.get(counted)) == 1000 * TRANSCRIPT.duration_s


def reach_stale(job):
    """The job as an earlier worker claimed it."""
    return job.__class__(**{**vars(job), "fence": "0"})


def test_a_retry_is_not_counted_as_a_request(keys, jobs):
    key, _ = keys.create(NORTH, "learner", "Anna", Limits(per_minute=1))
    jobs.submit(make_request(key, "a"))
    let_job_die(jobs, "llm")
    dead = jobs.get(NORTH, "a")
    assert dead.dead
    assert jobs.retry(dead, make_request(key, "b")).ready_jobs
    submit_refused(jobs, RateLimited, make_request(key, "c"))


def test_an_owner_finds_only_its_own_jobs_and_tombstones(keys, jobs):
    (anna, _), (ben, _) = (keys.create(NORTH, "learner", name, Limits()) for name in ("Anna", "Ben"))
    jobs.submit(make_request(anna, "a"))
    jobs.cancel(NORTH, "a")
    for ending in (lambda: None, lambda: jobs.forget(NORTH, "a")):
        ending()
        assert catch_error_code(lambda: jobs.get(NORTH, "a", ben.id)) == "unknown_job"
        assert catch_error_code(lambda: jobs.get(SOUTH, "a")) == "unknown_job"
    assert (
        catch_error_code(lambda: jobs.get(NORTH, "a", anna.id))
        == catch_error_code(lambda: jobs.get(NORTH, "a"))
        == "erased"
    )


def catch_error_code(call) -> str:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whichever it is, it says its code
        call()
    return raised.value.code


def test_a_rotated_key_has_another_text_and_keeps_what_is_its_own(keys, redis):
    made, text = keys.create(NORTH, "learner", "Anna", Limits(5, 30))
    logins = Logins(redis)
    login = logins.begin(made.id, 60)
    rotated, new_text = keys.rotate(made.id, NORTH)
    assert rotated == made
    assert (keys.find(text), keys.find(new_text)) == (None, made)
    assert logins.find(login) is None


@pytest.mark.parametrize("whose", ["unknown", "another tenant's", "revoked"])
def test_a_key_that_is_not_valid_here_is_not_rotated(keys, redis, whose):
    made, text = keys.create(SOUTH if whose == "another tenant's" else NORTH, "learner", "Anna", Limits())
    if whose == "revoked":
        keys.revoke(made.id)
    before = read_all_keys(redis)
    with pytest.raises(UnknownKeyId):
        keys.rotate("0" * 16 if whose == "unknown" else made.id, NORTH)
    assert read_all_keys(redis) == before
    assert (keys.find(text) is None) is (whose == "revoked")


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def waijiao(redis, settings, monkeypatch):
    """The `waijiao` command next to a running server."""
    monkeypatch.setenv("WAIJIAO_HOME", str(settings.home))
    return lambda *words: CliRunner().invoke(main, words)


def test_the_command_makes_lists_and_revokes_keys(waijiao, keys):
    made = waijiao("key", "create", "--role", "learner", "--name", "Anna", "--tenant", "north", "--per-minute", "9")
    text = made.stdout.split()[0]
    key = keys.find(text)
    assert (key.tenant, key.role, key.name, key.limits) == ("north", "learner", "Anna", Limits(9, 0))
    assert f"WAIJIAO_KEY={text}" in made.stdout
    listed = waijiao("key", "list").stdout
    assert all(word in listed for word in (key.id, "Anna", "north", "learner", "9 jobs"))
    assert text.split("_", 2)[2] not in listed
    assert "No keys yet" in waijiao("key", "list", "--tenant", "south").stdout
    assert f"Revoked {key.id}" in waijiao("key", "revoke", key.id).stdout
    assert keys.find(text) is None


def test_a_new_key_has_the_limits_that_the_settings_say(waijiao, keys, monkeypatch):
    monkeypatch.setenv("WAIJIAO_KEY_MINUTES_A_DAY", "30")
    waijiao("key", "create", "--role", "teacher", "--name", "Li")
    assert [key.limits for key in keys.list()] == [Limits(60, 30)]


@pytest.fixture
def roster(tmp_path):
    """Writes a roster and returns its file."""

    def write(text: str) -> str:
        (tmp_path / "class.csv").write_text(text, encoding="utf-8")
        return str(tmp_path / "class.csv")

    return write


def test_a_class_gets_a_key_for_each_student_as_csv(waijiao, keys, roster):
    file = roster('姓名,学号\n王小明,07\n"Li, Anna",08\n=1+1,09\n')
    made = waijiao("key", "create", "--class", file, "--tenant", "north", "--minutes-a-day", "20")
    assert made.exit_code == 0, made.stderr
    rows = list(csv.DictReader(made.stdout.splitlines()))
    assert [(row["name"], row["student_id"]) for row in rows] == [("王小明", "07"), ("Li, Anna", "08"), ("'=1+1", "09")]
    for row, name in zip(rows, ("王小明", "Li, Anna", "=1+1"), strict=True):
        key = keys.find(row["key"])
        assert (key.id, key.name, key.role, key.tenant) == (row["key_id"], name, "learner", "north")
        assert key.limits == Limits(60, 20)
    assert "3 keys made" in made.stderr
    assert "wj_" not in made.stderr


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("name\nAnna\nAnna\n", (), "repeats the name"),
        ("", (), "empty"),
        (f"name\nAnna\n{'x' * 65}\n", (), "1 to 64 characters"),
        ("name\nAnna\n", ("--tenant", "../x"), "tenant"),
    ],
)
def test_of_a_class_that_cannot_have_keys_nobody_gets_one(waijiao, keys, roster, text, words, message):
    refused = waijiao("key", "create", "--class", roster(text), *words)
    assert (refused.exit_code, message in refused.stderr) == (1, True), refused.stderr
    assert (refused.stdout, keys.list()) == ("", [])


@pytest.mark.parametrize(
    "words",
    [("--role", "admin"), ("--role", "teacher"), ("--name", "Li"), ("--role", "learner", "--name", "Li")],
)
def test_a_class_has_learners_with_their_own_names_only(waijiao, keys, roster, words):
    assert waijiao("key", "create", "--class", roster("name\nAnna\n"), *words).exit_code == 2
    assert keys.list() == []


@pytest.mark.parametrize("words", [(), ("--role", "learner"), ("--name", "Li")])
def test_a_single_key_needs_a_role_and_a_name(waijiao, words):
    refused = waijiao("key", "create", *words)
    assert (refused.exit_code, "--role and --name" in refused.stderr) == (2, True)


def test_the_command_prints_clear_errors(waijiao, redis):
    unknown = waijiao("key", "revoke", "nobody")
    assert (unknown.exit_code, "no key with the id" in unknown.stderr) == (1, True)
    assert waijiao("key", "create", "--role", "root", "--name", "x").exit_code == 2
    assert waijiao("key", "create", "--role", "admin", "--name", "x", "--tenant", "../x").exit_code == 1


def test_without_redis_the_command_says_what_to_start(tmp_path, monkeypatch):
    monkeypatch.setenv("WAIJIAO_HOME", str(tmp_path))
    done = CliRunner().invoke(main, ["key", "list"])
    assert (done.exit_code, "waijiao up" in done.stderr) == (3, True)
