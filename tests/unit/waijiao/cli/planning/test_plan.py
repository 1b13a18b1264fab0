"""`waijiao plan`: the capacity model, the times that are typed, and the output of the command."""

import io
import wave
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click import ClickException
from click.testing import CliRunner
from rich.console import Console

from pipeline.errors import ConfigurationError
from pipeline.schemas.status import Capacity, ModelCapacity, WaitingJobs
from waijiao.cli.planning.plan import MEASURED_RECORDINGS, join_examples, make_plan, parse_time, plan, plan_for_capacity
from waijiao.cli.planning.plan_model import COST_BY_STAGE, Homework, find_cores, find_workers, forecast, take_snapshot
from waijiao.cli.planning.plan_report import HomeworkPlan, format_duration, plan_table, print_plan, summarize

ONE_EACH = {"asr": 1, "llm": 1, "tts": 1}
NOON = datetime(2026, 12, 1, 12, 0).astimezone()
CLASS = Homework(100, 10)


def model(each_s: float | None, ready: int = 1, **fields: object) -> ModelCapacity:
    """One that runs a job for `each_s` seconds, and for which nothing waits."""
    usual = {
        "loading": 0,
        "running": 0,
        "waiting": WaitingJobs(interactive=0, homework=0, bulk=0),
        "computes_on": "cpu",
    }
    return ModelCapacity.model_validate({"ready": ready, "ran_s": each_s, "each_s": each_s, **usual, **fields})


def capacity(asr: object = 2.0, llm: object = 4.0, tts: object = 1.0, cores: int = 8, heard_s: float | None = 10):
    """A server's answer about models, each given as such or by the seconds of a job."""
    speeds = {"asr": asr, "llm": llm, "tts": tts}
    models = {name: each if isinstance(each, ModelCapacity) else model(each) for name, each in speeds.items()}
    return Capacity(models=models, heard_s=heard_s, cores=cores)


def snapshot(*models: object, cores: int = 3, **fields: object):
    """As many cores as workers of one thread, unless there are more or fewer."""
    found = take_snapshot(capacity(*models, cores=cores, **fields), cores)
    assert found
    return found


# --- the capacity model


def test_a_class_takes_as_long_as_its_slowest_model_and_one_recording_s_way_through_the_others():
    found = forecast(snapshot(), CLASS, ONE_EACH)
    assert found.bottleneck == "llm"
    assert found.total_s == pytest.approx(2 + 100 * 4 + 1)
    assert found.busy_s == pytest.approx({"asr": 200, "llm": 400, "tts": 100, "cores": 700 / 3})


def test_one_recording_takes_the_time_of_its_stages():
    assert forecast(snapshot(), Homework(1, 10), ONE_EACH).total_s == pytest.approx(2 + 4 + 1)


def test_twice_the_workers_of_the_slowest_model_halve_what_it_takes_until_the_cores_are_busy():
    found = forecast(snapshot(1.0, 8.0, 1.0), CLASS, {**ONE_EACH, "llm": 2})
    assert found.busy_s["llm"] == pytest.approx(400)
    crowded = forecast(snapshot(), CLASS, {**ONE_EACH, "llm": 9})
    assert crowded.bottleneck == "cores"
    assert crowded.total_s == pytest.approx(700 / 3 + 7 - 7 / 3)


def test_more_workers_with_several_threads_use_no_more_cores_in_the_plan():
    eight = snapshot(cores=8)  # two threads each, four for the language model
    for workers in (ONE_EACH, {**ONE_EACH, "llm": 6}):
        assert forecast(eight, CLASS, workers).busy_s["cores"] == pytest.approx(100 * (2 * 2 + 4 * 4 + 1 * 2) / 8)


def test_a_model_that_computes_elsewhere_takes_no_cores():
    elsewhere = [model(2.0, computes_on="gpu"), model(4.0, computes_on="server"), model(1.0)]
    found = forecast(snapshot(*elsewhere, cores=1), CLASS, {**ONE_EACH, "llm": 8})
    assert found.busy_s["cores"] == pytest.approx(100)
    assert found.bottleneck == "asr"


def test_a_batch_makes_the_class_faster_but_not_its_last_recording():
    found = forecast(snapshot(2.0, model(1.0, ran_s=4.0), 1.0), CLASS, ONE_EACH)
    assert found.bottleneck == "asr"
    assert found.total_s == pytest.approx(100 * 2 + 4 + 1)


def test_queued_conversations_and_homework_come_first_and_lessons_do_not():
    waits = WaitingJobs(interactive=3, homework=5, bulk=1000)
    found = forecast(snapshot(model(2.0, waiting=waits, running=1)), CLASS, ONE_EACH)
    assert found.busy_s["asr"] == pytest.approx(2 * (8.5 + 100))
    assert found.busy_s["llm"] == pytest.approx(4 * (8.5 + 100))


def test_the_backlog_shrinks_until_later_homework_arrives():
    busy = snapshot(model(2.0, waiting=WaitingJobs(interactive=0, homework=60, bulk=0)))
    assert forecast(busy, Homework(100, 10, delay_s=100), ONE_EACH).busy_s["llm"] == pytest.approx(60 * 4 - 100 + 400)
    assert forecast(busy, Homework(100, 10, delay_s=9999), ONE_EACH).busy_s["llm"] == pytest.approx(400)


def test_longer_recordings_take_longer_by_the_measured_curves():
    found = forecast(snapshot(heard_s=10), Homework(1, 60), ONE_EACH)
    for stage, each_s in {"asr": 2.0, "llm": 4.0, "tts": 1.0}.items():
        assert found.each_s[stage] == pytest.approx(each_s * COST_BY_STAGE[stage](60) / COST_BY_STAGE[stage](10))


@pytest.mark.parametrize("stage", COST_BY_STAGE)
def test_a_longer_recording_is_never_less_work(stage):
    lengths = [COST_BY_STAGE[stage](seconds) for seconds in range(1, 300)]
    assert lengths == sorted(lengths)


@pytest.mark.parametrize("within_s", [95, 120, 200, 250, 400, 1000])
def test_the_advised_workers_are_enough_and_one_less_is_not(within_s):
    models = replace(snapshot(), cores=8)
    found = find_workers(models, CLASS, within_s)
    assert found
    assert found.total_s <= within_s
    for stage, count in found.workers.items():
        if count > 1:
            assert forecast(models, CLASS, {**found.workers, stage: count - 1}).total_s > within_s


def test_where_the_cores_are_the_limit_only_more_cores_help():
    two = snapshot(cores=2)
    assert find_workers(two, CLASS, 300) is None
    cores = find_cores(two, CLASS, 300)
    assert cores == 3
    assert find_workers(replace(two, cores=3), CLASS, 300)
    assert find_cores(two, CLASS, 6) is None  # one recording alone takes longer
    assert find_cores(two, CLASS, 0) is None


def test_before_every_model_has_answered_there_is_no_snapshot():
    assert take_snapshot(capacity(tts=None), 2) is None
    assert take_snapshot(capacity(heard_s=None), 2) is None
    assert take_snapshot(capacity(heard_s=0), 2) is None


# --- times


@pytest.mark.parametrize(
    ("text", "expected"),
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
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("1999-06-01", None),
        ("2200-06-01T20:00", None),
    ],
)
def test_a_time_of_the_day_is_the_next_one(text, expected):
    if expected is None:
        with pytest.raises(ValueError, match=r"."):
            parse_time(text, NOON)
    else:
        assert parse_time(text, NOON) == datetime.fromisoformat(expected).astimezone()


def test_a_time_with_an_offset_is_not_local_time():
    assert parse_time("2026-12-03T08:00Z", NOON) == datetime(2026, 12, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.4, "9.4 s"), (9.6, "10 s"), (60, "1 min"), (3725, "1 h 2 min"), (90_061, "1 d 1 h")],
)
def test_a_duration_has_at_most_two_units(seconds, text):
    assert format_duration(seconds) == text


# --- the report


def plan_class(due_s: float, *models: object, cores: int = 2, recordings: int = 100) -> HomeworkPlan:
    """The plan for a class whose homework arrives at noon and is due `due_s` seconds later."""
    server = capacity(*models, cores=cores)
    homework, workers = Homework(recordings, 10), {stage: each.ready for stage, each in server.models.items()}
    return make_plan(snapshot(*models, cores=cores), homework, (NOON, NOON + timedelta(seconds=due_s)), workers)


def test_a_plan_in_time_says_when_it_ends_and_the_time_left():
    assert summarize(plan_class(3600)) == (
        "100 recordings of 10 s will be done at 12:06, in 6 min 43 s: 53 min 17 s before 13:00. "
        "Language model is the bottleneck."
    )


def test_a_late_plan_says_what_would_be_in_time():
    summary = summarize(plan_class(300, cores=4))
    assert "in 6 min 43 s: 1 min 43 s after 12:05. Language model is the bottleneck." in summary
    assert summary.endswith("With asr=1,llm=2,tts=1 it would be at 12:04.")


def test_a_plan_that_is_late_with_any_workers_says_how_many_cores_are_needed():
    summary = summarize(plan_class(300))
    assert summary.endswith("No number of workers is in time on 2 cores; with 3 cores some would be.")
    assert summarize(plan_class(3)).endswith("No number of workers is in time, on 2 cores or on more.")


def test_the_table_has_a_row_for_each_model_and_one_for_the_cores():
    table = plan_table(plan_class(3600))
    assert [list(column.cells) for column in table.columns][:2] == [
        ["speech to text", "language model", "text to speech", "all, on 2 cores"],
        ["1", "1", "1", ""],
    ]


@pytest.mark.parametrize(("recording_s", "is_advised"), [(10, False), (4, True), (30, True)])
def test_speeds_of_much_shorter_or_longer_recordings_come_with_the_advice_to_measure(recording_s, is_advised):
    output = io.StringIO()
    print_plan(replace(plan_class(3600), snapshot=snapshot(heard_s=recording_s)), Console(file=output, width=200))
    assert ("--measure would give a better forecast" in output.getvalue()) == is_advised


# --- the command; tests/integration/api/test_capacity.py asks a server


def plan_ten(server: Capacity, delay_s: float = 0, workers: dict[str, int] | None = None, cores: int | None = None):
    """The plan for ten recordings of ten seconds, which arrive in so many seconds and are due an hour later."""
    arrival = NOON + timedelta(seconds=delay_s)
    times = (arrival, arrival + timedelta(hours=1))
    return plan_for_capacity(server, Homework(10, 10, delay_s), times, workers or {}, cores)


def test_the_plan_uses_the_workers_and_cores_of_the_server():
    found = plan_ten(capacity(llm=model(4.0, ready=2), cores=4))
    assert (found.current.workers, found.snapshot.cores) == ({**ONE_EACH, "llm": 2}, 4)
    assert found.current.total_s == pytest.approx(2 + 20 + 4 - 2 + 1)


def test_the_plan_may_use_other_workers_and_cores():
    found = plan_ten(capacity(cores=4), workers={"asr": 3, "tts": 2}, cores=1)
    assert (found.current.workers, found.snapshot.cores) == ({"asr": 3, "llm": 1, "tts": 2}, 1)
    assert found.current.bottleneck == "cores"


def test_homework_may_arrive_later():
    busy = model(2.0, waiting=WaitingJobs(interactive=0, homework=100, bulk=0))
    found = plan_ten(capacity(asr=busy), delay_s=600)
    assert found.start == NOON + timedelta(minutes=10)
    assert found.current.total_s == pytest.approx(2 + 40 + 1, abs=0.5)  # the backlog is done by then


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (capacity(llm=None), "Nothing was measured yet"),
        (capacity(llm=model(4.0, ready=0)), "No language model worker is ready"),
    ],
)
def test_a_forecast_that_is_impossible_ends_with_advice(server, reason):
    with pytest.raises(ClickException, match=reason):
        plan_ten(server)


@pytest.mark.parametrize("wrong", [("--due", "soon"), ("--due", "20:00", "--workers", "asr=0"), ()])
def test_wrong_usage_ends_with_status_2(wrong):
    assert CliRunner().invoke(plan, ["--students", "10", "--minutes", "1", *wrong]).exit_code == 2


# --- the recordings of --measure


@pytest.mark.parametrize("seconds", [0.5, 10, 65])
def test_examples_are_joined_to_the_length_that_is_planned(seconds):
    made = list(join_examples(seconds, MEASURED_RECORDINGS))
    for each in made:
        with wave.open(io.BytesIO(each)) as sound:
            assert sound.getnframes() / sound.getframerate() == pytest.approx(seconds, abs=0.001)
    assert len(set(made)) == MEASURED_RECORDINGS


def test_without_the_examples_the_error_says_so(tmp_path):
    with pytest.raises(ConfigurationError, match="needs the example recordings"):
        list(join_examples(10, MEASURED_RECORDINGS, tmp_path))
