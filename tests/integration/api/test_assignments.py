"""Homework over HTTP with a real Redis, without workers: created, submitted, held, rerun, exported, erased."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest

from api import create_app
from pipeline.blob_store import FolderBlobs
from pipeline.errors import NoSpeech
from pipeline.jobs.results import VERDICTS, Answer, Edit, Figure, Reading, ReadingFluency, ReadWord
from pipeline.jobs.store import Jobs
from pipeline.worker.task import commit
from tests.support.job_steps import FEEDBACK, TRANSCRIPT, claim_job, run_stage

LEARNERS = sorted((Path(__file__).parents[3] / "examples" / "recordings").glob("*.wav"))
ONE, TWO, THREE = (path.read_bytes() for path in LEARNERS[:3])
CLASS = {
    "id": "hw3",
    "title": "Homework 3",
    "students": [{"name": "Ann"}, {"name": "Ben"}, {"name": "王小明", "id": "7001"}],
}


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


@pytest.fixture
def jobs(redis, settings) -> Jobs:
    return Jobs(redis, settings)


def in_a_week(zone: timezone = UTC) -> datetime:
    """A due time that is in the future on any day."""
    return (datetime.now(zone) + timedelta(days=7)).replace(microsecond=0)


def assign(client, **fields):
    answer = client.put(
        "/v1/assignments/hw3", json={name: value for name, value in {**CLASS, **fields}.items() if name != "id"}
    )
    assert answer.status_code in {200, 201}, answer.text
    return answer.json


def hand_in(client, *files: tuple[str, bytes], **fields):
    form = httpx.Request("POST", "http://test", data=fields, files=[("file", file) for file in files])
    return client.post("/v1/assignments/hw3/submissions", data=form.read(), content_type=form.headers["Content-Type"])


def make_zip(*files: tuple[str, bytes], packed: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return file.getvalue()


def code(answer) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def read_assignment(client):
    return client.get("/v1/assignments/hw3").json


def answer_all(jobs: Jobs, settings, stages=("asr", "llm", "tts")) -> None:
    """Complete all ready jobs as workers would; each answer is a file in the blob store."""
    for stage in stages:
        while found := jobs.claim(stage, "worker", 1)[0]:
            (job,) = found
            result = {"asr": TRANSCRIPT, "llm": FEEDBACK}.get(stage) or spoken_answer(job, settings)
            commit(jobs, stage, job, result)


def spoken_answer(job, settings) -> Answer:
    blob = FolderBlobs(settings.blobs_folder).put(job.name, io.BytesIO(ONE))
    return Answer("Well said!", blob.name, blob.sha256, blob.size, 3.0, job.request.format)


# --- created


def test_an_assignment_is_created_and_shown_unchanged(client):
    due = in_a_week(timezone(timedelta(hours=8)))
    fields = {
        "text": "I like tea.", "words": ["tea", "milk"], "instructions": "Read it.", "level": "A2", "hold": True,
        "class_name": "4b", "due": due.isoformat(), "persona": "emma", "speed": 0.8, "retention_h": 48,
    }  # fmt: skip
    answer = client.post("/v1/assignments", json={**CLASS, **fields})
    assert (answer.status_code, answer.headers["Location"]) == (201, "/v1/assignments/hw3")
    shown = read_assignment(client)
    assert {**fields, "due": due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")}.items() <= shown.items()
    assert shown["students"] == [{"id": "", "pupil": "", "names": [], **student} for student in CLASS["students"]]
    assert shown["progress"] == {
        "needs_an_adult": [], "verdicts": dict.fromkeys(VERDICTS, 0),
        "students": 3, "handed_in": 0, "succeeded": 0, "failed": 0, "held": 0, "working": 0,
        "missing": ["Ann", "Ben", "王小明"], "eta_seconds": None, "complete": False,
    }  # fmt: skip
    assert client.get("/v1/assignments").json["assignments"] == [
        {name: value for name, value in shown.items() if name not in {"created_at", "progress", "submissions"}}
    ]


def test_the_same_assignment_is_created_once_and_a_different_one_must_replace_it(client):
    assert client.post("/v1/assignments", json=CLASS).status_code == 201
    assert client.post("/v1/assignments", json=CLASS).status_code == 200
    assert code(client.post("/v1/assignments", json={**CLASS, "title": "Other"})) == (409, "assignment_exists")
    assert assign(client, title="Other")["title"] == "Other"
    assert len(client.get("/v1/assignments").json["assignments"]) == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"title": ""}, "title"),
        ({"due": "tomorrow"}, "due"),
        ({"due": "2026-12-01T20:00:00"}, "due"),
        ({"level": "Z9"}, "level"),
        ({"students": [{"name": "Ann"}, {"name": "Ann"}]}, "students"),
        ({"words": ["x" * 61]}, "words"),
        ({"colour": "red"}, "colour"),
        ({"webhook": "http://127.0.0.1/x"}, "webhook"),
        ({"persona": "nobody"}, "persona"),
        ({"voice": "nobody"}, "voice"),
    ],
)
def test_an_invalid_assignment_is_refused_with_the_field_s_name(client, fields, named):
    answer = client.put("/v1/assignments/hw3", json={"title": "Homework", **fields})
    assert answer.status_code == 422
    assert named in answer.json["detail"]
    assert code(client.get("/v1/assignments/hw3")) == (404, "unknown_assignment")


def test_names_that_cannot_be_part_of_a_redis_key_are_refused(client):
    for name in ("HW3", "a b", "x" * 65, "a:b"):
        assert client.put(f"/v1/assignments/{name}", json={"title": "x"}).status_code == 422


def test_an_unchanged_assignment_is_answered_with_304(client, jobs):
    assign(client)
    tag = client.get("/v1/assignments/hw3").headers["ETag"]
    assert client.get("/v1/assignments/hw3", headers={"If-None-Match": tag}).status_code == 304
    hand_in(client, ("ann.wav", ONE))
    changed = client.get("/v1/assignments/hw3", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] != tag) == (200, True)


# --- submitted


def test_each_recording_becomes_a_job_of_its_student_in_the_homework_lane(client, jobs):
    assign(client, due=in_a_week().isoformat(), class_name="4b", words=["tea"], retention_h=2, speed=0.8)
    result = hand_in(client, ("hw3 Ann.wav", ONE), ("7001.wav", TWO)).json
    assert [(each["file"], each["student"]) for each in result["accepted"]] == [
        ("hw3 Ann.wav", "Ann"),
        ("7001.wav", "王小明"),
    ]
    assert (result["unchanged"], result["refused"]) == ([], [])
    job_request = jobs.get("default", result["accepted"][0]["job"]).request
    assert (job_request.lane, job_request.group, job_request.student, job_request.assignment) == (
        "homework",
        "4b",
        "Ann",
        "hw3",
    )
    assert (job_request.details["words"], job_request.hint, job_request.speed) == (["tea"], "", 0.8)
    shown = read_assignment(client)
    assert (shown["progress"]["handed_in"], shown["progress"]["missing"]) == (2, ["Ben"])
    assert [each["file"] for each in shown["submissions"]] == ["hw3 Ann.wav", "7001.wav"]
    listed = client.get("/v1/jobs?assignment=hw3").json["jobs"]
    assert {job["student"] for job in listed} == {"Ann", "王小明"}
    assert jobs.redis.ttl("waijiao:assignment:default/hw3") == -1  # while a job of it is unfinished
    kept_until = float(jobs.redis.hget("waijiao:assignment:default/hw3", "keep_until"))
    assert kept_until - jobs.redis.time()[0] > 7 * 86400


def test_a_bad_file_is_reported_by_its_name_and_the_others_are_accepted(client):
    assign(client)
    files = make_zip(
        ("Ben/1.wav", TWO), ("who.wav", THREE), ("../../evil.zip", make_zip(("a.wav", ONE))), ("王小明.txt", b"hello")
    )
    result = hand_in(client, ("Ann.wav", ONE), ("Ann's.zip", files), ("Nobody.wav", THREE)).json
    assert [each["student"] for each in result["accepted"]] == ["Ann", "Ben"]
    assert {each["file"]: each["code"] for each in result["refused"]} == {
        "Ann's.zip/who.wav": "unknown_student", "Ann's.zip/evil.zip": "nested_archive",
        "Ann's.zip/王小明.txt": "not_audio",
        "Nobody.wav": "unknown_student",
    }  # fmt: skip


NO_RECORDINGS = {
    "说明.docx": make_zip(("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>")),
    "Ann.txt": b"hello",
    "Ann/读我.pdf": b"%PDF-1.7 ...",
    "grades.xlsx": make_zip(("xl/workbook.xml", b"<x/>")),
    "Ben.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "Ann (2).wav": b"",
}


@pytest.mark.parametrize("students", [CLASS["students"], []])
@pytest.mark.parametrize("is_packed", [True, False])
def test_what_is_no_recording_is_named_with_the_reason_and_costs_nobody_theirs(client, students, is_packed):
    assign(client, students=students)
    files = {"Ann.wav": ONE, **NO_RECORDINGS, "Ben.wav": TWO}
    result = (
        hand_in(client, ("class.zip", make_zip(*files.items()))) if is_packed else hand_in(client, *files.items())
    ).json
    assert [each["student"] for each in result["accepted"]] == ["Ann", "Ben"]
    folder = "class.zip/" if is_packed else ""
    assert {each["file"]: each["code"] for each in result["refused"]} == {
        f"{folder}{name}": "not_audio" if data else "empty_request" for name, data in NO_RECORDINGS.items()
    }
    assert all(each["detail"] for each in result["refused"])


def test_the_one_recording_among_other_files_is_the_named_student_s(client):
    assign(client)
    files = make_zip(("1.wav", ONE), *NO_RECORDINGS.items())
    result = hand_in(client, ("mail.zip", files), student="Ben").json
    assert [(each["file"], each["student"]) for each in result["accepted"]] == [("mail.zip/1.wav", "Ben")]
    assert len(result["refused"]) == len(NO_RECORDINGS)


@pytest.mark.parametrize("id_", ["1.20E+11", "12-Mar", "20230107.0", "####"])
def test_ids_that_a_spreadsheet_changed_are_refused(client, id_):
    students = [{"name": "Ann", "id": "7001"}, {"name": "Ben", "id": id_}]
    answer = client.put("/v1/assignments/hw3", json={"title": "My day", "students": students})
    assert (answer.status_code, answer.json["code"]) == (422, "bad_student_ids")
    assert id_ in answer.json["detail"]
    assert "Text" in answer.json["detail"]
    assert client.get("/v1/assignments/hw3").status_code == 404


def test_two_files_of_one_student_are_refused_both_and_named(client, redis):
    assign(client)
    result = hand_in(client, ("Ann 1.wav", ONE), ("Ann 2.wav", TWO), ("Ben.wav", THREE)).json
    assert [each["student"] for each in result["accepted"]] == ["Ben"]
    assert {each["code"] for each in result["refused"]} == {"doubled_student"}
    assert "Ann 1.wav" in result["refused"][0]["detail"]


def test_a_recording_submitted_again_is_unchanged_and_another_one_replaces_it(client, jobs, settings):
    assign(client)
    first = hand_in(client, ("Ann.wav", ONE)).json["accepted"][0]["job"]
    assert hand_in(client, ("again Ann.wav", ONE)).json["unchanged"][0]["job"] == first
    second = hand_in(client, ("Ann.wav", TWO)).json["accepted"][0]["job"]
    assert jobs.get("default", first).error["code"] == "canceled"
    assert [each["job"] for each in read_assignment(client)["submissions"]] == [second]
    assert len([path for path in settings.blobs_folder.glob("*/*/*") if path.is_file()]) == 2  # until the sweep


def test_a_failed_recording_may_be_submitted_again(client, jobs):
    assign(client)
    first = hand_in(client, ("Ann.wav", ONE)).json["accepted"][0]["job"]
    jobs.fail("asr", claim_job(jobs, "asr"), NoSpeech(), again=False)
    assert read_assignment(client)["progress"]["failed"] == 1
    assert hand_in(client, ("Ann.wav", ONE)).json["accepted"][0]["job"] != first


def test_without_a_roster_a_student_is_named_after_the_file(client):
    assign(client, students=[])
    assert [each["student"] for each in hand_in(client, ("a/小红.wav", ONE)).json["accepted"]] == ["小红"]


def test_without_a_roster_a_student_keeps_the_name_of_their_first_recording(client):
    assign(client, students=[])
    students = [hand_in(client, ("x.wav", ONE), student=name).json for name in ("Anna", "anna", "Zoë", "ZOE\u0308")]
    named = [each["student"] for result in students for each in (*result["accepted"], *result["unchanged"])]
    assert named == ["Anna", "Anna", "Zoë", "Zoë"]


@pytest.mark.parametrize("files", [{}, {"class/": b""}, {"__MACOSX/._Ann.wav": b"x", "class/.DS_Store": b"x"}])
def test_a_zip_without_recordings_is_refused(client, files):
    assign(client)
    result = hand_in(client, ("class.zip", make_zip(*files.items())), ("Ann.wav", ONE)).json
    assert [(each["file"], each["code"]) for each in result["refused"]] == [("class.zip", "empty_archive")]
    assert [each["student"] for each in result["accepted"]] == ["Ann"]


@pytest.mark.parametrize(
    ("tag", "language"), [("en-US", "en"), ("zh_TW", "zh"), ("EN", "en"), ("zh-Hans-CN", "zh"), ("", "")]
)
def test_of_a_language_tag_the_language_is_used(client, tag, language):
    assert assign(client, language=tag)["language"] == language


def test_a_student_can_be_named_by_name_or_number(client):
    assign(client)
    assert hand_in(client, ("x.wav", ONE), student="7001").json["accepted"][0]["student"] == "王小明"
    for unknown in ("Zoe", " ", "\u200b"):
        assert code(hand_in(client, ("x.wav", ONE), student=unknown)) == (422, "unknown_student")
    for name in ("ann", "ANN", " Ann ", "Ａｎｎ"):
        assert hand_in(client, ("x.wav", TWO), student=name).json["refused"] == []
    assert {each["student"] for each in client.get("/v1/assignments/hw3").json["submissions"]} == {"Ann", "王小明"}
    assert code(hand_in(client, ("x.wav", ONE), ("y.wav", TWO), student="Ann")) == (422, "bad_request")


@pytest.mark.parametrize("card", [False, True])
def test_the_same_recording_is_recognised_once_and_kept_for_a_card_only(client, jobs, settings, card):
    assign(client, students=[], card=card)
    hand_in(client, ("Ann.wav", ONE))
    run_stage(jobs, "asr")
    (job,) = [each["job"] for each in hand_in(client, ("Ben.wav", ONE)).json["accepted"]]
    reused = jobs.get("default", job)
    assert (reused.transcript, reused.stage) == (TRANSCRIPT, "llm")
    assert bool(list((settings.blobs_folder / "default" / job).glob("*"))) is card
    assign(client, students=[], language="en")
    (job,) = [each["job"] for each in hand_in(client, ("Carl.wav", ONE)).json["accepted"]]
    assert jobs.get("default", job).transcript is None


def test_a_transcript_without_a_reading_is_not_reused_where_one_is_asked_for(client, jobs):
    assign(client, students=[], text="I go home.")
    hand_in(client, ("Ann.wav", ONE))
    run_stage(jobs, "asr")
    for text, clearness, is_reused in [("I go home.", True, False), ("Go home!", False, True)]:
        assign(client, students=[], text=text, clearness=clearness)
        (job,) = [each["job"] for each in hand_in(client, (f"Ben {text}.wav", ONE)).json["accepted"]]
        assert (jobs.get("default", job).transcript is not None) is is_reused


def test_the_words_of_a_text_are_shown_with_their_clearness(client, jobs):
    assert assign(client, students=[], text="I go.")["clearness"] is False
    assert assign(client, students=[], text="I go.", clearness=True)["clearness"] is True
    job = hand_in(client, ("Ann.wav", ONE)).json["accepted"][0]["job"]
    assert jobs.get("default", job).request.details["clearness"] is True
    words = (ReadWord("I", "not_clear", 0.0, 0.5, "aɪ"), ReadWord("go", "left_out"))
    fluency = ReadingFluency(Figure(4, 5, 9), Figure(1.5, 1.75, 3), Figure(0, 0, 0.25), Figure(0, 0, 0.5))
    run_stage(jobs, "asr", replace(TRANSCRIPT, reading=Reading(words, fluency)))
    reading = client.get(f"/v1/jobs/{job}").json["transcript"]["reading"]
    assert reading["words"] == [
        {"word": "I", "state": "not_clear", "start": 0.0, "end": 0.5, "weakest": "aɪ"},
        {"word": "go", "state": "left_out", "start": None, "end": None, "weakest": ""},
    ]
    assert reading["fluency"]["words_per_s"] == {"value": 1.5, "low": 1.75, "high": 3.0}


def test_a_transcript_is_forgotten_with_its_job(client, jobs):
    assign(client, students=[])
    first = hand_in(client, ("Ann.wav", ONE)).json["accepted"][0]["job"]
    run_stage(jobs, "asr")
    jobs.cancel("default", first)
    jobs.forget("default", first)
    second = hand_in(client, ("Ben.wav", ONE)).json["accepted"][0]["job"]
    assert jobs.get("default", second).transcript is None


@pytest.mark.parametrize(
    "sizes", [[3, 1], [2, 2], [1, 1, 2], [1, 3]], ids=["3 and 1", "2 and 2", "1, 1 and 2", "1 and 3"]
)
@pytest.mark.parametrize("single", [0, 1])
def test_limits_hold_for_all_zips_of_a_request_together(redis, settings, sizes, single):
    client = create_app(settings.model_copy(update={"max_hand_in_files": 3 + single})).test_client()
    assign(client, students=[])
    singles = [(f"single{number}.wav", ONE) for number in range(single)]
    zips = [
        (f"{number}.zip", make_zip(*[(f"{number}-{entry}.wav", ONE) for entry in range(size)]))
        for number, size in enumerate(sizes)
    ]
    result = hand_in(client, *singles, *zips).json
    assert len(result["accepted"]) <= 3 + single
    assert "too_many_files" in {each["code"] for each in result["refused"]}


def test_the_total_size_holds_for_all_zips_of_a_request_together(redis, settings):
    client = create_app(settings.model_copy(update={"max_upload_mb": 1, "max_hand_in_mb": 3})).test_client()
    assign(client, students=[])
    zips = [(f"{number}.zip", make_zip((f"a{number}.wav", bytes(900_000)), packed=True)) for number in range(5)]
    result = hand_in(client, *zips).json
    assert [each["code"] for each in result["refused"]].count("too_large") == 2


def test_too_many_files_are_refused_before_any_is_read(redis, settings):
    client = create_app(settings.model_copy(update={"max_hand_in_files": 2})).test_client()
    assign(client)
    assert code(hand_in(client, *[(f"{n}.wav", ONE) for n in range(3)])) == (422, "bad_request")
    result = hand_in(client, ("many.zip", make_zip(*[(f"{n}.wav", ONE) for n in range(3)]))).json
    assert [(each["file"], each["code"]) for each in result["refused"]] == [("many.zip", "too_many_files")]


def test_the_size_limit_of_a_submission_is_larger_than_that_of_a_recording(redis, settings):
    client = create_app(settings.model_copy(update={"max_upload_mb": 1, "max_hand_in_mb": 3})).test_client()
    assign(client, students=[])
    result = hand_in(client, ("big.wav", ONE + bytes(1_500_000)), ("ok.wav", TWO)).json
    assert ([each["student"] for each in result["accepted"]], result["refused"][0]["code"]) == (["ok"], "too_large")
    assert code(hand_in(client, ("a.wav", bytes(2_000_000)), ("b.wav", bytes(2_000_000)))) == (413, "too_large")


# --- answered


def test_a_class_is_complete_when_all_have_submitted_and_been_answered(client, jobs, settings):
    assign(client)
    hand_in(client, ("Ann.wav", ONE), ("Ben.wav", TWO))
    answer_all(jobs, settings)
    assert not read_assignment(client)["progress"]["complete"]
    hand_in(client, ("王小明.wav", THREE))
    answer_all(jobs, settings)
    progress = read_assignment(client)["progress"]
    assert (progress["succeeded"], progress["complete"], progress["missing"]) == (3, True, [])


def test_the_assignment_s_webhook_is_due_when_it_is_complete_and_not_before(redis, settings):
    client = create_app(settings.model_copy(update={"webhook_networks": "127.0.0.0/8"})).test_client()
    jobs = Jobs(redis, settings)
    assign(client, webhook="http://127.0.0.1:9/done", students=[{"name": "Ann"}, {"name": "Ben"}])
    hand_in(client, ("Ann.wav", ONE))
    answer_all(jobs, settings)
    assert redis.zcard("waijiao:deliveries") == 0
    last = hand_in(client, ("Ben.wav", TWO)).json["accepted"][0]["job"]
    answer_all(jobs, settings)
    assert redis.zrange("waijiao:deliveries:default/127.0.0.1", 0, -1) == [f"default/{last}/assignment.completed"]


def test_held_answers_are_read_changed_and_released_singly_or_together(client, jobs, settings):
    assign(client, hold=True)
    hand_in(client, ("Ann.wav", ONE), ("Ben.wav", TWO), ("王小明.wav", THREE))
    answer_all(jobs, settings)
    assert read_assignment(client)["progress"]["held"] == 3
    held = {job["student"]: job["id"] for job in client.get("/v1/jobs?assignment=hw3&state=held").json["jobs"]}
    better = {"corrected": "I went home late yesterday", "explanation": "Say went."}
    feedback = client.put(f"/v1/jobs/{held['Ann']}/feedback", json=better).json["feedback"]
    assert feedback["spoken"] == "I went home late yesterday Say went. Why?"
    assert [(edit["from"], edit["to"]) for edit in feedback["edits"]] == [("go", "went"), ("", "late")]
    assert (
        client.put(f"/v1/jobs/{held['Ben']}/feedback", json={"spoken": "Good."}).json["feedback"]["spoken"] == "Good."
    )
    assert client.post(f"/v1/jobs/{held['Ann']}/release").json["state"] == "speaking"
    assert code(client.post(f"/v1/jobs/{held['Ann']}/release")) == (409, "not_held")
    assert code(client.put(f"/v1/jobs/{held['Ann']}/feedback", json=better)) == (409, "not_held")
    released = client.post("/v1/assignments/hw3/release").json
    assert (set(released["jobs"]), released["refused"]) == ({held["Ben"], held["王小明"]}, [])
    answer_all(jobs, settings)
    assert read_assignment(client)["progress"]["complete"]


def answer_with(jobs: Jobs, settings, **feedbacks) -> None:
    """Answer each student's submission with these feedbacks, by the student's name."""
    answer_all(jobs, settings, ("asr",))
    while found := jobs.claim("llm", "worker", 1)[0]:
        commit(jobs, "llm", found[0], feedbacks[found[0].request.student])
    answer_all(jobs, settings, ("tts",))


def test_the_class_shows_the_verdicts_and_first_of_all_who_needs_an_adult(client, jobs, settings):
    assign(client)
    hand_in(client, ("Ann.wav", ONE), ("Ben.wav", TWO))
    assert {each["verdict"] for each in read_assignment(client)["submissions"]} == {None}
    answer_with(
        jobs, settings, Ann=replace(FEEDBACK, verdict="correct"), Ben=replace(FEEDBACK, verdict="needs_an_adult")
    )
    shown = read_assignment(client)
    assert shown["progress"]["needs_an_adult"] == ["Ben"]
    assert shown["progress"]["verdicts"] == {**dict.fromkeys(VERDICTS, 0), "correct": 1, "needs_an_adult": 1}
    assert {each["student"]: each["verdict"] for each in shown["submissions"]} == {
        "Ann": "correct",
        "Ben": "needs_an_adult",
    }


WENT = Edit("go", "went", (1, 2), "R:VERB:TENSE", {"en": "Yesterday is past.", "zh": "昨天 → 过去式"})


@pytest.mark.parametrize(
    ("verdict", "edits", "changes", "after", "kinds"),
    [
        ("not_checked", (), {"corrected": "I went home yesterday"}, "corrected", [""]),
        ("not_heard_well", (), {"corrected": "I went home yesterday"}, "corrected", [""]),
        ("corrected", (WENT,), {"corrected": "I go home yesterday"}, "correct", []),
        ("corrected", (WENT,), {"corrected": "I went home late yesterday"}, "corrected", ["R:VERB:TENSE", ""]),
        ("corrected", (WENT,), {"reply": "Good."}, "corrected", ["R:VERB:TENSE"]),
        ("not_checked", (), {"reply": "Good."}, "not_checked", []),
        ("needs_an_adult", (), {"corrected": "I went home yesterday"}, "needs_an_adult", [""]),
    ],
)
def test_what_a_teacher_corrects_was_checked(client, jobs, settings, verdict, edits, changes, after, kinds):
    assign(client, hold=True)
    job = hand_in(client, ("Ann.wav", ONE)).json["accepted"][0]["job"]
    corrected = "I went home yesterday" if edits else FEEDBACK.heard
    answer_with(jobs, settings, Ann=replace(FEEDBACK, corrected=corrected, edits=edits, verdict=verdict))
    feedback = client.put(f"/v1/jobs/{job}/feedback", json=changes).json["feedback"]
    assert (feedback["verdict"], [edit["kind"] for edit in feedback["edits"]]) == (after, kinds)
    assert all(edit["explanations"] == (WENT.explanations if edit["kind"] else {}) for edit in feedback["edits"])


@pytest.mark.parametrize(
    ("changes", "explanations"),
    [
        ({"explanation": "Yesterday: went."}, {}),
        ({"explanation": ""}, {}),
        ({"reply": "When?"}, WENT.explanations),
    ],
)
def test_a_teacher_s_explanation_takes_the_place_of_those_of_the_edits(client, jobs, settings, changes, explanations):
    assign(client, hold=True)
    job = hand_in(client, ("Ann.wav", ONE)).json["accepted"][0]["job"]
    answer_with(jobs, settings, Ann=replace(FEEDBACK, edits=(WENT,), explanation="Why?", verdict="corrected"))
    (edit,) = client.put(f"/v1/jobs/{job}/feedback", json=changes).json["feedback"]["edits"]
    assert edit["explanations"] == explanations


# --- rerun


def test_a_rerun_with_another_teacher_keeps_the_transcript(client, jobs, settings):
    assign(client)
    first = hand_in(client, ("Ann.wav", ONE)).json["accepted"][0]["job"]
    answer_all(jobs, settings)
    before = read_assignment(client)["submissions"][0]
    again = client.post(f"/v1/jobs/{first}/rerun?from=llm", json={"persona": "emma", "transcript": "I goes home"}).json
    assert (again["rerun_of"], again["persona"], again["transcript"]["text"]) == (first, "emma", "I goes home")
    assert client.get(f"/v1/jobs/{first}").json["rerun_as"] == again["id"]
    assert jobs.claim("asr", "worker", 1)[0] == []
    assert claim_job(jobs, "llm").request.persona == "emma"
    after = read_assignment(client)["submissions"][0]
    assert (after["job"], after["handed_in_at"]) == (again["id"], before["handed_in_at"])


def test_a_rerun_from_speech_changes_only_the_voice(client, jobs, settings):
    assign(client, hold=True)
    first = hand_in(client, ("Ann.wav", ONE)).json["accepted"][0]["job"]
    answer_all(jobs, settings)
    client.post(f"/v1/jobs/{first}/release")
    answer_all(jobs, settings)
    client.post(f"/v1/jobs/{first}/rerun?from=tts", json={"speed": 0.5})
    again = claim_job(jobs, "tts")
    assert (again.feedback, again.request.speed) == (FEEDBACK, 0.5)


def test_a_rerun_of_a_whole_class_names_the_jobs_that_cannot_be_rerun(client, jobs, settings):
    assign(client)
    hand_in(client, ("Ann.wav", ONE))
    answer_all(jobs, settings)
    late = hand_in(client, ("Ben.wav", TWO)).json["accepted"][0]["job"]
    done = client.post("/v1/assignments/hw3/rerun?from=llm", json={}).json
    assert len(done["jobs"]) == 1
    assert [(each["job"], each["student"], each["code"]) for each in done["refused"]] == [(late, "Ben", "cannot_rerun")]


def test_a_rerun_needs_the_result_that_it_begins_with(client, jobs, settings):
    assign(client)
    job = hand_in(client, ("Ann.wav", ONE)).json["accepted"][0]["job"]
    assert code(client.post(f"/v1/jobs/{job}/rerun?from=tts", json={})) == (409, "cannot_rerun")
    answer_all(jobs, settings)
    assert code(client.post(f"/v1/jobs/{job}/rerun?from=asr", json={})) == (409, "cannot_rerun")
    assert client.post(f"/v1/jobs/{job}/rerun?from=hold", json={}).status_code == 422
    assert code(client.post(f"/v1/jobs/{job}/rerun?from=tts", json={"transcript": "x"})) == (409, "cannot_rerun")
    assert code(client.post(f"/v1/jobs/{job}/rerun?from=llm", json={"persona": "nobody"})) == (422, "unknown_persona")


def test_a_recording_that_is_retained_can_be_transcribed_again(redis, settings):
    keeping = settings.model_copy(update={"keep_recordings": True})
    client, jobs = create_app(keeping).test_client(), Jobs(redis, keeping)
    assign(client)
    job = hand_in(client, ("Ann.wav", ONE)).json["accepted"][0]["job"]
    answer_all(jobs, settings)
    again = client.post(f"/v1/jobs/{job}/rerun?from=asr", json={}).json["id"]
    assert (claim_job(jobs, "asr").id, jobs.get("default", again).transcript) == (again, None)


def test_a_rerun_turn_is_in_the_history_once(client, jobs, settings):
    job = client.post("/v1/jobs", json={"text": "I go home", "session": "anna"}).json["id"]
    answer_all(jobs, settings)
    client.post(f"/v1/jobs/{job}/rerun?from=llm", json={"persona": "emma"})
    assert [turn["persona"] for turn in client.get("/v1/sessions/anna").json["turns"]] == ["emma"]


# --- exported, erased


def test_the_export_has_the_report_the_gradebook_and_each_student_s_page_and_answer(client, jobs, settings):
    assign(client)
    hand_in(client, ("Ann.wav", ONE), ("王小明.wav", TWO))
    answer_all(jobs, settings)
    answer = client.get("/v1/assignments/hw3/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="hw3.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {
            "report.html", "gradebook.csv", "students/Ann.html", "students/Ann.json", "students/Ann.wav",
            "students/王小明.html", "students/王小明.json", "students/王小明.wav",
        }  # fmt: skip
        assert archive.read("students/Ann.wav") == ONE
        assert "Ben" in archive.read("gradebook.csv").decode("utf-8-sig")
        assert json.loads(archive.read("students/Ann.json"))
    page = client.get("/v1/assignments/hw3/report")
    assert (page.mimetype, "Homework 3" in page.text) == ("text/html", True)


def test_an_erased_assignment_leaves_no_text_and_no_audio(client, jobs, redis, settings):
    assign(client)
    hand_in(client, ("Ann.wav", ONE))
    hand_in(client, ("Ann.wav", TWO))
    answer_all(jobs, settings)
    assert client.delete("/v1/assignments/hw3").status_code == 204
    assert code(client.get("/v1/assignments/hw3")) == (404, "unknown_assignment")
    assert not [path for path in settings.blobs_folder.glob("*/*/*") if path.is_file()]
    assert not any(TRANSCRIPT.text in str(redis.hgetall(key)) for key in redis.keys("waijiao:job:*"))
    assert client.get("/v1/assignments").json == {"assignments": []}
    assert code(hand_in(client, ("Ann.wav", ONE))) == (404, "unknown_assignment")


def test_every_key_of_homework_has_a_time_to_live_or_is_an_index(client, jobs, redis, settings):
    assign(client, due=in_a_week().isoformat())
    hand_in(client, ("Ann.wav", ONE))
    answer_all(jobs, settings)
    assert {key for key in redis.scan_iter("*") if redis.ttl(key) < 0} == {
        "waijiao:accepted",
        "waijiao:ended",
        "waijiao:histograms",
    }
    assert redis.ttl("waijiao:assignment:default/hw3") > 7 * 86400
