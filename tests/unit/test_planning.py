"""When a class will be done: the arithmetic, the times that are typed, and what the command says."""

import io
import wave
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click import ClickException
from click.testing import CliRunner

from pipeline.errors import ConfigurationError
from pipeline.schemas.jobs import Capacity, ModelCapacity, Waiting
from waijiao.planning import command as command
from waijiao.planning.measuring import RECORDINGS, joined
from waijiao.planning.moments import moment
from waijiao.planning.reckoning import LENGTHS, Homework, cores_needed, enough, foresee, measured
from waijiao.planning.report import Plan, duration, sentence, table

ONE_EACH = {"asr": 1, "llm": 1, "tts": 1}
NOON = datetime(2026, 12, 1, 12, 0).astimezone()
CLASS = Homework(100, 10)


def model(each_s: float | None, ready: int = 1, **fields: object) -> ModelCapacity:
    """One that runs a job for `each_s` seconds, and for which nothing waits."""
    usual = {"loading": 0, "running": 0, "waiting": Waiting(interactive=0, homework=0, bulk=0), "computes_on": "cpu"}
    return ModelCapacity.model_validate({"ready": ready, "ran_s": each_s, "each_s": each_s, **usual, **fields})


def capacity(asr: object = 2.0, llm: object = 4.0, tts: object = 1.0, cores: int = 8, heard_s: float | None = 10):
    """What a server says, of models that are given, or their seconds."""
    given = {"asr": asr, "llm": llm, "tts": tts}
    models = {name: each if isinstance(each, ModelCapacity) else model(each) for name, each in given.items()}
    return Capacity(models=models, heard_s=heard_s, cores=cores)


def house(*models: object, cores: int = 3, **fields: object):
    """As many cores as workers of one thread, unless there are more or fewer."""
    found = measured(capacity(*models, cores=cores, **fields), cores)
    assert found
    return found


# --- the arithmetic


def test_a_class_takes_as_long_as_its_slowest_model_and_one_recording_s_way_through_the_others():
    found = foresee(house(), CLASS, ONE_EACH)
    assert found.bottleneck == "llm"
    assert found.took_s == pytest.approx(2 + 100 * 4 + 1)
    assert found.busy_s == pytest.approx({"asr": 200, "llm": 400, "tts": 100, "cores": 700 / 3})


def test_one_recording_takes_its_own_way():
    assert foresee(house(), Homework(1, 10), ONE_EACH).took_s == pytest.approx(2 + 4 + 1)


def test_twice_the_workers_of_the_slowest_model_halve_what_it_takes_until_the_cores_are_busy():
    found = foresee(house(1.0, 8.0, 1.0), CLASS, {**ONE_EACH, "llm": 2})
    assert found.busy_s["llm"] == pytest.approx(400)
    crowded = foresee(house(), CLASS, {**ONE_EACH, "llm": 9})
    assert crowded.bottleneck == "cores"
    assert crowded.took_s == pytest.approx(700 / 3 + 7 - 7 / 3)


def test_workers_with_more_threads_than_one_are_not_taken_to_gain_cores_by_becoming_more():
    eight = house(cores=8)  # two threads each, four for the language model
    for workers in (ONE_EACH, {**ONE_EACH, "llm": 6}):
        assert foresee(eight, CLASS, workers).busy_s["cores"] == pytest.approx(100 * (2 * 2 + 4 * 4 + 1 * 2) / 8)


def test_what_computes_elsewhere_takes_no_cores():
    elsewhere = [model(2.0, computes_on="gpu"), model(4.0, computes_on="server"), model(1.0)]
    found = foresee(house(*elsewhere, cores=1), CLASS, {**ONE_EACH, "llm": 8})
    assert found.busy_s["cores"] == pytest.approx(100)
    assert found.bottleneck == "asr"


def test_a_batch_makes_the_class_faster_but_not_its_last_recording():
    found = foresee(house(2.0, model(1.0, ran_s=4.0), 1.0), CLASS, ONE_EACH)
    assert found.bottleneck == "asr"
    assert found.took_s == pytest.approx(100 * 2 + 4 + 1)


def test_what_waits_before_it_comes_first_and_lessons_do_not():
    waits = Waiting(interactive=3, homework=5, bulk=1000)
    found = foresee(house(model(2.0, waiting=waits, running=1)), CLASS, ONE_EACH)
    assert found.busy_s["asr"] == pytest.approx(2 * (8.5 + 100))
    assert found.busy_s["llm"] == pytest.approx(4 * (8.5 + 100))


def test_homework_that_comes_later_finds_that_much_done():
    busy = house(model(2.0, waiting=Waiting(interactive=0, homework=60, bulk=0)))
    assert foresee(busy, Homework(100, 10, lead_s=100), ONE_EACH).busy_s["llm"] == pytest.approx(60 * 4 - 100 + 400)
    assert foresee(busy, Homework(100, 10, lead_s=9999), ONE_EACH).busy_s["llm"] == pytest.approx(400)


def test_longer_recordings_take_longer_by_the_measured_curves():
    found = foresee(house(heard_s=10), Homework(1, 60), ONE_EACH)
    for stage, each_s in {"asr": 2.0, "llm": 4.0, "tts": 1.0}.items():
        assert found.each_s[stage] == pytest.approx(each_s * LENGTHS[stage](60) / LENGTHS[stage](10))


@pytest.mark.parametrize("stage", LENGTHS)
def test_no_longer_recording_is_less_work(stage):
    lengths = [LENGTHS[stage](seconds) for seconds in range(1, 300)]
    assert lengths == sorted(lengths)


@pytest.mark.parametrize("within_s", [95, 120, 200, 250, 400, 1000])
def test_enough_workers_are_enough_and_one_less_of_any_is_not(within_s):
    models = replace(house(), cores=8)
    found = enough(models, CLASS, within_s)
    assert found
    assert found.took_s <= within_s
    for stage, count in found.workers.items():
        if count > 1:
            assert foresee(models, CLASS, {**found.workers, stage: count - 1}).took_s > within_s


def test_where_the_cores_have_too_much_to_do_no_number_of_workers_is_enough_but_more_cores_are():
    two = house(cores=2)
    assert enough(two, CLASS, 300) is None
    cores = cores_needed(two, CLASS, 300)
    assert cores == 3
    assert enough(replace(two, cores=3), CLASS, 300)
    assert cores_needed(two, CLASS, 6) is None  # one recording alone takes longer
    assert cores_needed(two, CLASS, 0) is None


def test_before_every_model_has_answered_nobody_knows():
    assert measured(capacity(tts=None), 2) is None
    assert measured(capacity(heard_s=None), 2) is None
    assert measured(capacity(heard_s=0), 2) is None


# --- times


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("20:00", "2026-12-01 20:00"),
        ("9:30", None),
        ("09:30", "2026-12-02 09:30"),
        ("12:00", "2026-12-02 12:00"),
        ("2026-12-03 08:00", "2026-12-03 08:00"),
        ("2026-12-03T08:00", "2026-12-03 08:00"),
        ("2026-12-03", "2026-12-03 00:00"),
        ("25:00", None),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_a_time_of_the_day_is_the_next_one(text, meant):
    if meant is None:
        with pytest.raises(ValueError, match=r"."):
            moment(text, NOON)
    else:
        assert moment(text, NOON) == datetime.fromisoformat(meant).astimezone()


def test_a_time_with_its_offset_is_not_this_machine_s():
    assert moment("2026-12-03T08:00Z", NOON) == datetime(2026, 12, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.4, "9.4 s"), (9.6, "10 s"), (60, "1 min"), (3725, "1 h 2 min"), (90_061, "1 d 1 h")],
)
def test_a_duration_is_said_to_two_units(seconds, said):
    assert duration(seconds) == said


# --- what is said


def planned(due_s: float, *models: object, cores: int = 2, recordings: int = 100) -> Plan:
    found = capacity(*models, cores=cores)
    homework, workers = Homework(recordings, 10), {stage: each.ready for stage, each in found.models.items()}
    return command.made(house(*models, cores=cores), homework, workers, (NOON, NOON + timedelta(seconds=due_s)))


def test_in_time_it_says_when_and_how_much_is_to_spare():
    said = sentence(planned(3600))
    assert said == (
        "100 recordings of 10 s will be done at 12:06, in 6 min 43 s: 53 min 17 s before 13:00. "
        "Language model is the bottleneck."
    )


def test_too_late_it_says_what_would_be_in_time():
    said = sentence(planned(300, cores=4))
    assert "in 6 min 43 s: 1 min 43 s after 12:05. Language model is the bottleneck." in said
    assert said.endswith("With asr=1,llm=2,tts=1 it would be at 12:04.")


def test_too_late_on_any_number_of_workers_it_says_how_many_cores_would_do():
    said = sentence(planned(300))
    assert said.endswith("No number of workers would make it on 2 cores; with 3 cores some would.")
    assert sentence(planned(3)).endswith("No number of workers would make it on 2 cores, nor on any others.")


def test_the_table_has_a_line_for_each_model_and_one_for_the_cores():
    shown = table(planned(3600))
    assert [list(column.cells) for column in shown.columns][:2] == [
        ["speech to text", "language model", "text to speech", "all, on 2 cores"],
        ["1", "1", "1", ""],
    ]


# --- the command; tests/redis/test_capacity.py asks a server


def asked(**options: object) -> dict[str, object]:
    """The options of the command as it has them; those that are not given have their defaults."""
    due = datetime.now().astimezone() + timedelta(hours=1)
    return {"students": 10, "minutes": 1 / 6, "due": due, "start": None, "workers": {}, "cores": None, **options}


def test_as_it_is_the_server_s_workers_and_cores_are_planned_with():
    found = command.planned(capacity(llm=model(4.0, ready=2), cores=4), asked())
    assert (found.as_it_is.workers, found.house.cores) == ({**ONE_EACH, "llm": 2}, 4)
    assert found.as_it_is.took_s == pytest.approx(2 + 20 + 4 - 2 + 1)


def test_other_workers_and_cores_may_be_planned_with():
    found = command.planned(capacity(cores=4), asked(workers={"asr": 3, "tts": 2}, cores=1))
    assert (found.as_it_is.workers, found.house.cores) == ({"asr": 3, "llm": 1, "tts": 2}, 1)
    assert found.as_it_is.bottleneck == "cores"


def test_homework_may_come_later():
    start = datetime.now().astimezone() + timedelta(minutes=10)
    waits = model(2.0, waiting=Waiting(interactive=0, homework=100, bulk=0))
    found = command.planned(capacity(asr=waits), asked(start=start))
    assert found.start == start
    assert found.as_it_is.took_s == pytest.approx(2 + 40 + 1, abs=0.5)  # what waits is done by then


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (capacity(llm=None), "Nothing was measured yet"),
        (capacity(llm=model(4.0, ready=0)), "No worker of language model is ready"),
    ],
)
def test_what_nobody_can_know_is_said_with_what_to_do(found, why):
    with pytest.raises(ClickException, match=why):
        command.planned(found, asked())


@pytest.mark.parametrize("wrong", [("--due", "soon"), ("--due", "20:00", "--workers", "asr=0"), ()])
def test_wrong_usage_ends_with_status_2(wrong):
    assert CliRunner().invoke(command.plan, ["--students", "10", "--minutes", "1", *wrong]).exit_code == 2


# --- what is sent to measure


@pytest.mark.parametrize("seconds", [0.5, 10, 65])
def test_examples_are_joined_to_the_length_that_is_planned(seconds):
    made = list(joined(seconds, RECORDINGS))
    for each in made:
        with wave.open(io.BytesIO(each)) as sound:
            assert sound.getnframes() / sound.getframerate() == pytest.approx(seconds, abs=0.001)
    assert len(set(made)) == RECORDINGS


def test_without_the_examples_it_says_so(tmp_path):
    with pytest.raises(ConfigurationError, match="needs the example recordings"):
        list(joined(10, RECORDINGS, tmp_path))
