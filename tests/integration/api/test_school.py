"""From a school's system and back: its ZIP is handed in, and its ZIP and its grading sheet come back with answers."""

import base64
import csv
import io
import zipfile

import httpx
import pytest

from api import create_app
from api.homework.school import MAX_SHEET_BYTES
from pipeline.api_keys import Keys, Limits
from pipeline.blob_store import FolderBlobs
from pipeline.jobs.results import Answer
from pipeline.jobs.store import Jobs
from pipeline.worker.task import commit
from tests.support.job_steps import FEEDBACK, TRANSCRIPT
from tests.support.recordings import RECORDINGS

SPOKEN = b"RIFF spoken"
NAMES = ("Ruoxi Wu", "Anna Li", "Anna Li", "Jürgen O'Neill-Öz", "王小明")
NUMBERS = ("123456", "123457", "123458", "123459", "123460")
CLASS = [
    {"name": "Ruoxi Wu"}, {"name": "Anna Li (7A)", "id": "123457"}, {"name": "Anna Li (7B)", "id": "123458"},
    {"name": "Jürgen O'Neill-Öz"}, {"name": "王小明", "id": "7001"}, {"name": "Dora"},
]  # fmt: skip
MOODLE_PATHS = [
    f"{name}_{number}_assignsubmission_file_/my talk.m4a" for name, number in zip(NAMES, NUMBERS, strict=True)
]
CANVAS_PATHS = [
    "wuruoxi_123456_901_my talk.m4a", "lianna_123457_902_my talk.m4a", "lianna_late_123458_903_my talk-1.m4a",
    "oneillözjürgen_123459_904_my talk.m4a", "王小明_123460_905_my talk.m4a",
]  # fmt: skip
STUDENTS = [each["name"] for each in CLASS[:5]]


@pytest.fixture
def client(redis, settings):
    client = create_app(settings).test_client()
    assert client.put("/v1/assignments/hw3", json={"title": "Homework 3", "students": CLASS}).status_code == 201
    return client


@pytest.fixture
def jobs(redis, settings) -> Jobs:
    return Jobs(redis, settings)


def make_zip(paths) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, path in enumerate(paths):
            archive.writestr(path, RECORDINGS[number].read_bytes())
    return file.getvalue()


def post_file(client, route: str, name: str, data: bytes, headers=(), **fields):
    form = httpx.Request("POST", "http://test", data=fields, files=[("file", (name, data))])
    return client.post(
        f"/v1/assignments/hw3/{route}", data=form.read(), content_type=form.headers["Content-Type"], headers=[*headers]
    )


def hand_in(client, paths, **fields):
    """Hand in a ZIP as it came from the system; every file is accepted."""
    result = post_file(client, "submissions", "7B-hw3.zip", make_zip(paths), **fields).json
    assert result["refused"] == []
    return {each["file"].removeprefix("7B-hw3.zip/"): each["student"] for each in result["accepted"]}


def answer_all(jobs: Jobs, settings, stages=("asr", "llm", "tts")) -> None:
    for stage in stages:
        while found := jobs.claim(stage, "worker", 1)[0]:
            blob = FolderBlobs(settings.blobs_folder).put(found[0].name, io.BytesIO(SPOKEN))
            text = f"Well said, {found[0].request.student} & friends!"
            spoken = Answer(text, blob.name, blob.sha256, blob.size, 3.0, found[0].request.format)
            commit(jobs, stage, found[0], {"asr": TRANSCRIPT, "llm": FEEDBACK, "tts": spoken}[stage])


def fetch(client, system: str) -> dict[str, bytes]:
    response = client.get(f"/v1/assignments/hw3/export?for={system}")
    assert (response.status_code, response.mimetype) == (200, "application/zip"), response.text
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def read_reasons(files: dict[str, bytes]) -> dict[str, str]:
    lines = files["not-included.txt"].decode("utf-8-sig").splitlines()[1:]
    return dict(line.split(": ", 1) for line in lines)


def code(response) -> tuple[int, str]:
    return response.status_code, response.json["code"]


@pytest.mark.parametrize(("system", "paths"), [("moodle", MOODLE_PATHS), ("canvas", CANVAS_PATHS)])
def test_answers_come_back_under_the_names_that_came_in(client, jobs, settings, system, paths):
    assert hand_in(client, paths) == dict(zip(paths, STUDENTS, strict=True))
    answer_all(jobs, settings)
    response = client.get(f"/v1/assignments/hw3/export?for={system}")
    assert response.headers["Content-Disposition"] == f'attachment; filename="hw3-{system}.zip"'
    assert fetch(client, system) == {path.replace(".m4a", ".wav"): SPOKEN for path in paths}


def test_a_rerun_and_another_format_keep_the_name_that_came_in(client, jobs, settings):
    hand_in(client, MOODLE_PATHS[:1])
    answer_all(jobs, settings)
    client.put("/v1/assignments/hw3", json={"title": "Homework 3", "students": CLASS, "format": "mp3"})
    client.post("/v1/assignments/hw3/rerun?from=tts", json={})
    answer_all(jobs, settings)
    hand_in(client, MOODLE_PATHS[1:2])
    answer_all(jobs, settings)
    assert set(fetch(client, "moodle")) == {
        "Ruoxi Wu_123456_assignsubmission_file_/my talk.wav", "Anna Li_123457_assignsubmission_file_/my talk.mp3"
    }  # fmt: skip


def test_without_a_class_list_students_of_the_same_name_are_told_apart(client, jobs, settings):
    client.put("/v1/assignments/hw3", json={"title": "Homework 3"})
    assert set(hand_in(client, MOODLE_PATHS).values()) == {
        f"{name} ({number})" for name, number in zip(NAMES, NUMBERS, strict=True)
    }
    answer_all(jobs, settings)
    assert len(fetch(client, "moodle")) == len(NAMES)


def test_what_is_not_released_or_came_otherwise_is_named_and_not_in_the_zip(client, jobs, settings):
    client.put("/v1/assignments/hw3", json={"title": "Homework 3", "students": CLASS, "hold": True})
    hand_in(client, [*MOODLE_PATHS[:3], CANVAS_PATHS[3]])
    post_file(client, "submissions", "dora.wav", RECORDINGS[9].read_bytes())
    answer_all(jobs, settings)
    assert code(client.get("/v1/assignments/hw3/export?for=moodle")) == (409, "answer_not_ready")
    submissions = {each["student"]: each["job"] for each in client.get("/v1/assignments/hw3").json["submissions"]}
    for student in set(submissions) - {"Anna Li (7B)"}:
        assert client.post(f"/v1/jobs/{submissions[student]}/release").status_code == 202
    answer_all(jobs, settings)
    jobs_answer = jobs.get("default", submissions["Anna Li (7A)"]).answer
    settings.blobs_folder.joinpath(jobs_answer.blob).unlink()
    files = fetch(client, "moodle")
    assert set(files) == {MOODLE_PATHS[0].replace("m4a", "wav"), "not-included.txt"}
    reasons = read_reasons(files)
    assert {name: reason.split(" / ")[0] for name, reason in reasons.items()} == {
        "Anna Li (7A)": "the answer is no longer stored",
        "Anna Li (7B)": "not answered yet, or not released",
        "Jürgen O'Neill-Öz": "the file has no name of Moodle's",
        "Dora": "the file has no name of Moodle's",
    }
    assert "Canvas" not in reasons["Dora"]
    assert set(fetch(client, "canvas")) == {CANVAS_PATHS[3].replace("m4a", "wav"), "not-included.txt"}


def test_two_students_with_one_number_get_no_answer_of_the_other(client, jobs, settings):
    hand_in(client, MOODLE_PATHS[:1], student="Dora")
    hand_in(client, [MOODLE_PATHS[1]])
    post_file(client, "submissions", MOODLE_PATHS[0], RECORDINGS[7].read_bytes(), student="Ruoxi Wu")
    answer_all(jobs, settings)
    files = fetch(client, "moodle")
    assert set(files) == {MOODLE_PATHS[1].replace("m4a", "wav"), "not-included.txt"}
    assert set(read_reasons(files)) == {"Dora", "Ruoxi Wu"}


@pytest.mark.parametrize("system", ["moodle", "canvas"])
def test_files_that_no_system_named_are_fetched_as_a_folder(client, jobs, settings, system):
    assert post_file(client, "submissions", "Dora.wav", RECORDINGS[0].read_bytes()).json["accepted"]
    answer_all(jobs, settings)
    assert code(client.get(f"/v1/assignments/hw3/export?for={system}")) == (409, "not_from_school_system")
    assert set(fetch(client, "folder")) >= {"report.html", "students/Dora.wav"}


def test_an_unknown_system_is_refused(client):
    response = client.get("/v1/assignments/hw3/export?for=blackboard")
    assert code(response) == (422, "bad_request")
    assert "folder, moodle or canvas" in response.json["detail"]


TITLES = ["Identifier", "Full name", "Grade", "Last modified (grade)", "Feedback comments"]
SHEET = "".join(
    ",".join(f'"{cell}"' for cell in row) + "\r\n"
    for row in [
        TITLES,
        *([f"Participant {number}", name, "", "-", ""] for name, number in zip(NAMES, NUMBERS, strict=True)),
    ]
)


def fill(client, data: bytes, **fields):
    response = post_file(client, "sheet", "grades.csv", data, **fields)
    assert response.status_code == 200, response.text
    return response.json, base64.b64decode(response.json["content"])


def test_the_grading_sheet_gets_the_text_of_each_released_answer(client, jobs, settings):
    client.put("/v1/assignments/hw3", json={"title": "Homework 3", "students": CLASS, "hold": True})
    hand_in(client, MOODLE_PATHS[:4])
    post_file(client, "submissions", "Dora.wav", RECORDINGS[8].read_bytes())
    answer_all(jobs, settings)
    report, content = fill(client, SHEET.encode())
    assert (report["entered"], content) == ([], SHEET.encode())  # nothing is released
    held = {each["student"]: each["job"] for each in client.get("/v1/assignments/hw3").json["submissions"]}
    for student in set(held) - {"Ruoxi Wu"}:
        client.post(f"/v1/jobs/{held[student]}/release")
    answer_all(jobs, settings)
    report, content = fill(client, b"\xef\xbb\xbf" + SHEET.encode())
    assert (report["system"], report["occupied"], report["not_found"]) == ("moodle", [], ["Dora"])
    assert report["entered"] == STUDENTS[1:4]
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert [row[-1] for row in rows[1:]] == [
        "", *(f"Well said, {student} &amp; friends!" for student in STUDENTS[1:4]), ""
    ]  # fmt: skip
    assert [row[:-1] for row in rows] == [row[:-1] for row in csv.reader(io.StringIO(SHEET, newline=""))]


def test_another_column_may_be_named(client, jobs, settings):
    hand_in(client, MOODLE_PATHS[:1])
    answer_all(jobs, settings)
    german = SHEET.replace("Feedback comments", "Feedback als Kommentar")
    assert code(post_file(client, "sheet", "x.csv", german.encode())) == (422, "bad_sheet")
    assert fill(client, german.encode(), column="Feedback als Kommentar")[0]["entered"] == ["Ruoxi Wu"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", (422, "bad_sheet")),
        (b"name,id\nAnn,1\n", (422, "bad_sheet")),
        (b"x" * (MAX_SHEET_BYTES + 1), (413, "too_large")),
    ],
)
def test_what_is_no_grading_sheet_is_refused(client, data, expected):
    assert code(post_file(client, "sheet", "x.csv", data)) == expected


def test_only_the_school_s_own_teachers_fetch_and_fill_in(client, jobs, settings, redis):
    hand_in(client, MOODLE_PATHS[:1])
    answer_all(jobs, settings)
    keys = Keys(redis)
    guarded = create_app(settings.model_copy(update={"keys": True})).test_client()
    expected = {("default", "learner"): 403, ("default", "teacher"): 200, ("other", "teacher"): 404}
    for (tenant, role), status in expected.items():
        headers = [("Authorization", f"Bearer {keys.create(tenant, role, 'x', Limits())[1]}")]
        export = guarded.get("/v1/assignments/hw3/export?for=moodle", headers=headers)
        assert export.status_code == status
        assert post_file(guarded, "sheet", "x.csv", SHEET.encode(), headers).status_code == status
        export.close()
