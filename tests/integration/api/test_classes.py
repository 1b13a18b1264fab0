"""Classes over HTTP: made, changed, used by assignments, whose pupils stay the same; access is tested elsewhere."""

import io
import re
import threading
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from redis import Redis

from api import create_app
from pipeline.classes.assignments import update_assignments
from pipeline.classes.school_class import ClassChanges, Pupil, SchoolClass
from pipeline.classes.store import Classes, StoredClass
from pipeline.errors import UnknownClass
from pipeline.homework.assignments import Assignment, Assignments
from pipeline.jobs.results import Answer, Edit, Feedback, Transcript
from pipeline.jobs.store import Jobs
from pipeline.settings import Settings
from tests.support.job_steps import claim_job

WENT = Edit("go", "went", (1, 2), "R:VERB:TENSE")
CORRECTED = Feedback("I go home yesterday", "I went home yesterday", "", "x", edits=(WENT,), verdict="corrected")
NOT_UNDERSTOOD = Feedback("the of go", "the of go", "", "x", verdict="not_understood")
ALARMING = Feedback("he beats me", "he beats me", "", "x", verdict="needs_an_adult")
TWINS = [{"name": "李明", "school_id": "20230001"}, {"name": "李明", "school_id": "20230002"}, {"name": "Anna Li"}]


@pytest.fixture
def client(redis: Redis, settings: Settings) -> Iterator[FlaskClient]:
    return create_app(settings).test_client()


def make(client: FlaskClient, *pupils: dict[str, str], name: str = "7B") -> dict:
    answer = client.post("/v1/classes", json={"name": name, "pupils": [*(pupils or TWINS)]})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/classes/{answer.json['id']}"
    return answer.json


def patch(client: FlaskClient, made: dict, **edits: object) -> dict:
    answer = client.patch(f"/v1/classes/{made['id']}", json=edits)
    assert answer.status_code == 200, answer.text
    return answer.json


def assign(client: FlaskClient, made: dict, id_: str = "hw1", **fields: object) -> dict:
    answer = client.put(f"/v1/assignments/{id_}", json={"title": id_, "class_id": made["id"], **fields})
    assert answer.status_code in {200, 201}, answer.text
    return answer.json


def hand_in(client: FlaskClient, file: str, id_: str = "hw1", **form: str) -> dict:
    sound = io.BytesIO(b"RIFF\x24\0\0\0WAVEfmt " + (file + id_).encode().ljust(80, b"\0"))
    answer = client.post(f"/v1/assignments/{id_}/submissions", data={"file": (sound, file), **form})
    assert answer.status_code == 200, answer.text
    return answer.json


def answer_next(jobs: Jobs, feedback: Feedback = CORRECTED) -> str:
    assert jobs.complete("asr", claim_job(jobs, "asr"), Transcript(feedback.heard, "en", 2.0))[0]
    assert jobs.complete("llm", claim_job(jobs, "llm"), feedback)[0]
    job = claim_job(jobs, "tts")
    assert jobs.complete("tts", job, Answer("x", f"{job.name}/x", "00", 1, 1.0, "wav"))[0]
    return job.id


def labels(made: dict) -> list[str]:
    return [pupil["label"] for pupil in made["pupils"]]


def test_a_class_is_kept_with_its_pupils_and_those_of_one_name_are_told_apart(client):
    made = make(client)
    assert labels(made) == ["李明 (1)", "李明 (2)", "Anna Li"]
    assert client.get(f"/v1/classes/{made['id']}").json == made
    first = made["pupils"][0]
    assert (first["name"], first["number"], first["learner"]) == ("李明", 1, f"student-{first['id']}")
    (summary,) = client.get("/v1/classes").json["classes"]
    assert (summary["id"], summary["name"], summary["pupil_count"]) == (made["id"], "7B", 3)
    assert len(made["id"]) == len(first["id"]) == 20


def test_a_number_stays_when_the_other_one_leaves_and_is_not_given_to_the_next(client):
    made = make(client)
    changed = patch(client, made, remove=[made["pupils"][0]["id"]])
    assert labels(changed) == ["李明 (2)", "Anna Li"]
    assert labels(patch(client, made, add=[{"name": "李明"}])) == ["李明 (2)", "Anna Li", "李明 (3)"]


def test_a_class_is_changed_by_what_is_named_alone(client):
    made = make(client)
    anna = made["pupils"][2]
    changed = patch(client, made, name="8B", change=[{"id": anna["id"], "name": "Anna Wu", "latin_name": "Annie"}])
    assert (changed["name"], labels(changed)) == ("8B", ["李明 (1)", "李明 (2)", "Anna Wu"])
    assert changed["pupils"][2] == {**anna, "name": "Anna Wu", "label": "Anna Wu", "latin_name": "Annie"}


@pytest.mark.parametrize(
    ("edits", "code"),
    [
        ({"remove": ["0" * 20]}, "unknown_pupil"),
        ({"change": [{"id": "0" * 20, "name": "x"}]}, "unknown_pupil"),
        ({"remove": ["x"]}, "bad_request"),
        ({"add": [{"name": "Bo", "school_id": "20230001"}]}, "bad_roster"),
        ({"add": [{"name": "Bo", "school_id": "1.20E+11"}]}, "bad_student_ids"),
        ({"add": [{"name": ""}]}, "bad_request"),
        ({"name": ""}, "bad_request"),
        ({"pupils": []}, "bad_request"),
        ({"add": [{"name": f"P{n}"} for n in range(1999)]}, "bad_roster"),
    ],
)
def test_a_change_that_cannot_be_made_changes_nothing(client, edits, code):
    made = make(client)
    answer = client.patch(f"/v1/classes/{made['id']}", json={"name": "8B", **edits})
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert client.get(f"/v1/classes/{made['id']}").json == made


def test_the_last_pupil_cannot_leave(client):
    made = make(client, {"name": "Bo"})
    answer = client.patch(f"/v1/classes/{made['id']}", json={"remove": [made["pupils"][0]["id"]]})
    assert answer.json["code"] == "bad_roster"


@pytest.mark.parametrize("pupils", [[], [{"name": f"P{n}"} for n in range(5000)], [{"id": "x", "name": "Bo"}], None])
def test_a_class_that_cannot_be_made_is_refused(client, redis, pupils):
    answer = client.post("/v1/classes", json={"name": "7B", "pupils": pupils})
    assert (answer.status_code, answer.json["code"]) == (422, "bad_request")
    assert not redis.keys("waijiao:class*")


def test_two_changes_of_a_class_at_once_are_both_made(jobs):
    """The second begins between the first one's reading and its writing."""
    classes, overtaking = Classes(jobs), Classes(jobs)
    classes.create(SchoolClass("7b", "north", "7B", (Pupil("Bo", id="1"),)))
    put, calls = classes._put, []

    def put_late(school_class: SchoolClass, earlier: str | None) -> bool:
        calls.append(school_class)
        if len(calls) == 1:
            overtaking.change("north", "7b", ClassChanges(add=(Pupil("Mei"),)))
        return put(school_class, earlier)

    classes._put = put_late
    classes.change("north", "7b", ClassChanges(add=(Pupil("Ann"),)))
    names = [pupil.name for pupil in classes.get("north", "7b").school_class.pupils]
    assert (names, len(calls)) == (["Bo", "Mei", "Ann"], 2)


def test_many_changes_at_once_are_all_made(jobs):
    classes = Classes(jobs)
    classes.create(SchoolClass("7b", "north", "7B", (Pupil("Bo", id="1"),)))
    threads = [
        threading.Thread(target=classes.change, args=("north", "7b", ClassChanges(add=(Pupil(f"P{n}"),))))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(classes.get("north", "7b").school_class.pupils) == 9


# --- assignments -----------------------------------------------------------------------------------------------------


def test_an_assignment_of_a_class_has_its_pupils(client):
    made = make(client)
    view = assign(client, made)
    assert (view["class_name"], view["class_id"]) == ("7B", made["id"])
    assert view["students"] == [
        {"name": pupil["label"], "id": pupil["school_id"], "pupil": pupil["id"], "names": [pupil["name"]]}
        for pupil in made["pupils"]
    ]


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"class_id": "0" * 20}, "unknown_class"), ({"students": [{"name": "Bo"}]}, "bad_request")],
)
def test_an_assignment_names_a_class_that_exists_and_no_other_students(client, fields, code):
    made = make(client)
    answer = client.post("/v1/assignments", json={"title": "hw", "class_id": made["id"], **fields})
    assert answer.json["code"] == code


def test_an_assignment_of_a_class_that_is_gone_is_refused_and_nothing_is_written(jobs, redis):
    with pytest.raises(UnknownClass):
        Assignments(jobs).put(Assignment("hw", "north", "Homework", class_id="7b"), replace=False)
    assert not redis.keys("waijiao:assignment*") + redis.keys("waijiao:class*")


@pytest.mark.parametrize(
    ("file", "student"),
    [
        ("李明 20230002.wav", "李明 (2)"),
        ("20230001.wav", "李明 (1)"),
        ("20230001-李明.wav", "李明 (1)"),
        ("李明.wav", None),
        ("李明 (1).wav", None),
        ("李明 2.wav", None),
        ("李明2.wav", None),
        ("Li_Anna.wav", "Anna Li"),
    ],
)
def test_a_file_name_that_fits_two_pupils_is_never_guessed(client, file, student):
    assign(client, make(client))
    result = hand_in(client, file)
    assert [each["student"] for each in result["accepted"]] == ([student] if student else [])
    assert [each["code"] for each in result["refused"]] == ([] if student else ["ambiguous_student"])


def test_a_short_id_does_not_decide_between_two_of_one_name(client):
    assign(client, make(client, {"name": "李明", "school_id": "1"}, {"name": "李明", "school_id": "2"}))
    assert hand_in(client, "李明 2.wav")["refused"][0]["code"] == "ambiguous_student"


@pytest.mark.parametrize("file", ["Li Ming.wav", "liming.wav", "李明.wav"])
def test_a_file_may_have_another_name_of_the_pupil(client, file):
    assign(client, make(client, {"name": "李明", "latin_name": "Li Ming"}, {"name": "Bo"}))
    assert hand_in(client, file)["accepted"][0]["student"] == "李明"


def test_a_pupil_is_one_learner_in_all_assignments_under_every_name(client, jobs):
    made = make(client)
    anna = made["pupils"][2]
    assign(client, made)
    first = hand_in(client, "Anna Li.wav")["accepted"][0]["job"]
    patch(client, made, change=[{"id": anna["id"], "name": "Anna Wu"}])
    assign(client, made, "hw2")
    second = hand_in(client, "Anna Wu.wav", "hw2")["accepted"][0]["job"]
    for job in (first, second):
        assert client.get(f"/v1/jobs/{job}").json["learner"] == anna["learner"]
        answer_next(jobs)
    (kind,) = client.get(f"/v1/learners/{anna['learner']}/ledger").json["kinds"]
    assert (kind["kind"], kind["count"]) == ("R:VERB:TENSE", 2)
    listed = client.get("/v1/assignments/hw1/ledger").json["students"]
    assert listed[2] == {"student": "Anna Wu", "learner": anna["learner"], "recurring": 1, "mastered": 0}


def test_open_assignments_follow_the_class_and_what_was_handed_in_stays(client, jobs):
    made = make(client)
    assign(client, made)
    job = hand_in(client, "Anna Li.wav")["accepted"][0]["job"]
    anna, twin = made["pupils"][2]["id"], made["pupils"][0]["id"]
    patch(client, made, name="8B", add=[{"name": "Bo"}], remove=[twin], change=[{"id": anna, "name": "Anna Wu"}])
    view = client.get("/v1/assignments/hw1").json
    assert (view["class_name"], [each["name"] for each in view["students"]]) == ("8B", ["李明 (2)", "Anna Wu", "Bo"])
    assert [(each["student"], each["job"]) for each in view["submissions"]] == [("Anna Wu", job)]
    assert view["progress"]["missing"] == ["李明 (2)", "Bo"]


def test_an_assignment_has_the_last_list_when_the_class_changes_while_it_is_updated(client, jobs):
    """Another change comes when the first one's list was read, and is done with its own update before."""
    made = make(client, {"name": "Bo"})
    assign(client, made)
    classes, overtaking, calls = Classes(jobs), Classes(jobs), []
    read = classes.get

    def read_late(tenant: str, id_: str) -> StoredClass:
        stored = read(tenant, id_)
        calls.append(stored)
        if len(calls) == 1:
            overtaking.change(tenant, id_, ClassChanges(add=(Pupil("Mei"),)))
            update_assignments(overtaking, tenant, id_)
        return stored

    classes.get = read_late
    update_assignments(classes, "default", made["id"])
    assert [each["name"] for each in client.get("/v1/assignments/hw1").json["students"]] == ["Bo", "Mei"]


def test_what_a_pupil_handed_in_stays_when_they_leave_the_class(client):
    made = make(client)
    assign(client, made)
    job = hand_in(client, "Anna Li.wav")["accepted"][0]["job"]
    patch(client, made, remove=[made["pupils"][2]["id"]], add=[{"name": "Anna Li"}])
    view = client.get("/v1/assignments/hw1").json
    assert [(each["student"], each["job"]) for each in view["submissions"]] == [("Anna Li *", job)]
    assert "Anna Li" in view["progress"]["missing"]
    assert hand_in(client, "Anna Li again.wav")["accepted"][0]["student"] == "Anna Li"


def test_an_assignment_that_was_due_keeps_its_list(client, jobs):
    made = make(client)
    assign(client, made, due="2020-01-01T00:00:00Z")
    patch(client, made, add=[{"name": "Bo"}])
    assert len(client.get("/v1/assignments/hw1").json["students"]) == 3


def test_an_assignment_is_complete_when_every_pupil_has_handed_in(client, jobs, redis):
    made = make(client, {"name": "Bo"})
    assign(client, made, webhook="https://school.example/hook")
    hand_in(client, "Bo.wav")
    answer_next(jobs)
    assert client.get("/v1/assignments/hw1").json["progress"]["complete"]
    assert len(redis.keys("waijiao:delivery:*assignment.completed")) == 1


# --- progress --------------------------------------------------------------------------------------------------------


def progress(client: FlaskClient, made: dict, who: int) -> dict:
    answer = client.get(f"/v1/classes/{made['id']}/progress")
    assert answer.headers["Cache-Control"] == "private, no-store"
    return answer.json["pupils"][who]


def test_progress_counts_rates_of_what_was_checked_alone(client, jobs):
    made = make(client)
    assign(client, made, due="2030-01-01T00:00:00Z")
    assign(client, made, "hw2", due="2020-01-01T00:00:00Z")
    assign(client, made, "hw3")
    for id_, feedback in (("hw1", CORRECTED), ("hw2", NOT_UNDERSTOOD)):
        hand_in(client, "Anna Li.wav", id_)
        answer_next(jobs, feedback)
    anna = progress(client, made, 2)
    numbers = {name: anna[name] for name in ("asked", "handed_in", "with_due", "on_time", "checked", "not_understood")}
    assert numbers == {"asked": 3, "handed_in": 2, "with_due": 2, "on_time": 1, "checked": 1, "not_understood": 1}
    assert (anna["words"], anna["corrections"], anna["corrections_per_100"]) == (4, 1, 25.0)
    assert (anna["went"], anna["stayed"], anna["once"]) == ([], [], ["R:VERB:TENSE"])
    assert [each["state"] for each in anna["work"]] == ["succeeded", "succeeded", "missing"]
    assert [each["on_time"] for each in anna["work"]] == [True, False, None]
    assert [each["corrections_per_100"] for each in anna["work"]] == [25.0, None, None]
    assert progress(client, made, 0)["corrections_per_100"] is None


def test_progress_outlives_the_records_of_jobs_and_assignments(client, jobs, redis):
    made = make(client)
    assign(client, made)
    hand_in(client, "Anna Li.wav")
    job = answer_next(jobs)
    before = progress(client, made, 2)
    redis.delete(f"waijiao:job:default/{job}", "waijiao:assignment:default/hw1", "waijiao:handed-in:default/hw1")
    after = progress(client, made, 2)
    assert (before["work"][0]["job"], after["work"][0]["job"]) == (job, None)
    assert after == {**before, "work": [{**before["work"][0], "state": "gone", "job": None}]}


def test_progress_shows_nothing_of_words_that_an_adult_should_see(client, jobs, redis):
    made = make(client)
    assign(client, made)
    hand_in(client, "Anna Li.wav")
    job = answer_next(jobs, ALARMING)
    (work,) = progress(client, made, 2)["work"]
    assert (work["state"], work["verdict"], work["words"]) == ("succeeded", None, None)
    redis.delete(f"waijiao:job:default/{job}")
    assert progress(client, made, 2)["work"][0]["state"] == "gone"
    assert not [key for key in redis.keys("waijiao:ledger:*") if "beats" in str(redis.hgetall(key))]


def test_progress_is_a_table_with_a_line_for_each_pupil_and_assignment(client, jobs):
    made = make(client, {"name": "=cmd()", "school_id": "7001"}, {"name": "Bo"})
    assign(client, made, due="2030-01-01T00:00:00Z")
    hand_in(client, "7001.wav")
    answer_next(jobs)
    header, first, second = client.get(f"/v1/classes/{made['id']}/progress.csv").text.splitlines()
    assert header.startswith("\ufeffpupil,school_id,assignment,title,due,state")
    assert first.startswith("'=cmd(),7001,hw1,hw1,2030-01-01T00:00:00.000Z,succeeded,")
    assert first.endswith(",yes,corrected,4,1,25.0,,")
    assert second == "Bo,,hw1,hw1,2030-01-01T00:00:00.000Z,missing,,,,,,,,"


def test_an_erased_assignment_leaves_the_progress_and_a_deleted_class_its_assignments(client, redis):
    made = make(client)
    assign(client, made)
    assign(client, made, "hw2")
    assert client.delete("/v1/assignments/hw1").status_code == 204
    shown = client.get(f"/v1/classes/{made['id']}/progress").json["assignments"]
    assert [(each["id"], each["kept"]) for each in shown] == [("hw2", True)]
    assert client.delete(f"/v1/classes/{made['id']}").status_code == 204
    assert client.get(f"/v1/classes/{made['id']}").json["code"] == "unknown_class"
    assert client.delete(f"/v1/classes/{made['id']}").json["code"] == "unknown_class"
    assert len(client.get("/v1/assignments/hw2").json["students"]) == 3
    assert not redis.keys("waijiao:class*")


def test_an_assignment_that_is_set_for_another_class_leaves_the_first(client):
    first, second = make(client), make(client, name="7C")
    assign(client, first)
    assign(client, second)
    shown = [client.get(f"/v1/classes/{each['id']}/progress").json["assignments"] for each in (first, second)]
    assert [len(each) for each in shown] == [0, 1]


# --- erasure ---------------------------------------------------------------------------------------------------------


def test_an_erased_pupil_leaves_classes_lists_and_progress_without_a_trace(client, jobs, redis):
    made = make(client)
    anna = made["pupils"][2]
    assign(client, made)
    hand_in(client, "Anna Li.wav")
    answer_next(jobs)
    receipt = client.delete(f"/v1/learners/{anna['learner']}").json
    assert (receipt["records"], receipt["ledger_entries"], receipt["class_lists"]) == (1, 1, 2)
    assert labels(client.get(f"/v1/classes/{made['id']}").json) == ["李明 (1)", "李明 (2)"]
    for key in redis.keys("waijiao:*"):
        assert not re.search(f"Anna|{anna['id']}", key + str(read(redis, key))), key


def read(redis: Redis, key: str) -> object:
    kind = redis.type(key)
    readers = {"hash": redis.hgetall, "string": redis.get, "set": redis.smembers}
    if kind == "zset":
        return redis.zrange(key, 0, -1)
    return readers[kind](key) if kind in readers else ""


def test_who_has_left_can_still_be_erased(client, jobs):
    made = make(client)
    anna = made["pupils"][2]
    assign(client, made)
    hand_in(client, "Anna Li.wav")
    answer_next(jobs)
    patch(client, made, remove=[anna["id"]])
    assert client.delete(f"/v1/learners/{anna['learner']}").json["records"] == 1
    assert client.get("/v1/assignments/hw1").json["submissions"] == []


def test_a_class_whose_last_pupil_was_erased_takes_no_files(client):
    made = make(client, {"name": "Bo"})
    assign(client, made)
    client.delete(f"/v1/learners/{made['pupils'][0]['learner']}")
    assert hand_in(client, "Bo.wav")["refused"][0]["code"] == "unknown_student"
