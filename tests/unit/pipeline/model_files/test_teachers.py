"""Which language model is chosen for which machine, why others are not, and the settings that switch it on."""

import pytest

from pipeline.gpu.devices import Gpu
from pipeline.model_files.catalogue import catalogue
from pipeline.model_files.machine import Machine
from pipeline.model_files.teachers import (
    NAME,
    REST_BYTES,
    Candidate,
    Teacher,
    choose,
    choose_settings,
    teachers,
    weigh,
)
from pipeline.settings import Settings

GB = 1_000_000_000
WHEELS = {"qwen2.5-coder-1.5b", "smollm2-135m"}  # what a package index has
EVERYTHING, NOTHING = set(catalogue()), set()


def gpu(free_gb: int) -> Gpu:
    return Gpu("NVIDIA L4", "GPU-5b", 80 * GB, free_gb * GB)


def machine(memory_gb: float, cores: int, *gpu_gb: int, disk_gb: float = 1000) -> Machine:
    return Machine(int(memory_gb * GB), cores, int(disk_gb * GB), tuple(map(gpu, gpu_gb)))


def weigh_all(here: Machine) -> list[Candidate]:
    return weigh(teachers(), here, lambda model: False)


def chosen(here: Machine, reachable: set[str]) -> str:
    best = choose(weigh_all(here), lambda model: model.name in reachable)
    return best.teacher.display_name if best else ""


@pytest.mark.parametrize(
    ("here", "reachable", "name"),
    [
        (machine(64, 8, 80), EVERYTHING, "glm-4-9b-chat (bfloat16)"),
        (machine(64, 8, 16), EVERYTHING, "glm-4-9b-chat (int8)"),
        (machine(64, 8, 12), EVERYTHING, "glm-4-9b-chat (int4)"),
        (machine(64, 8, 4, 12), EVERYTHING, "glm-4-9b-chat (int4)"),
        (machine(64, 8, 8), EVERYTHING, "qwen2.5-7b"),
        (machine(64, 8), EVERYTHING, "qwen2.5-7b"),
        (machine(9, 16), EVERYTHING, "qwen3-4b"),
        (machine(64, 4), EVERYTHING, "qwen3-4b"),
        (machine(6, 8), EVERYTHING, "qwen2.5-1.5b"),
        (machine(16, 2), EVERYTHING, "qwen2.5-1.5b"),
        (machine(2, 16), EVERYTHING, "smollm2-135m"),
        (machine(64, 1), EVERYTHING, "smollm2-135m"),
        (machine(0.5, 1), EVERYTHING, "smollm2-135m"),
        (machine(64, 16, disk_gb=3), EVERYTHING, "qwen3-4b"),
        (machine(64, 16, disk_gb=0.5), EVERYTHING, "smollm2-135m"),
        (machine(64, 16, 80), WHEELS, "qwen2.5-coder-1.5b"),
        (machine(64, 2), WHEELS, "qwen2.5-coder-1.5b"),
        (machine(64, 1), WHEELS, "smollm2-135m"),
        (machine(64, 16, 80), NOTHING, ""),
    ],
)
def test_the_best_model_is_chosen_that_fits_and_can_be_reached(here, reachable, name):
    assert chosen(here, reachable) == name


@pytest.mark.parametrize(
    ("name", "here", "reason"),
    [
        ("glm-4-9b-chat (int4)", machine(64, 16), "needs 9.4 GB of a GPU, there is none"),
        ("glm-4-9b-chat (int8)", machine(64, 16, 8, 12), "needs 13.3 GB of a GPU, 12.0 GB are free"),
        ("qwen3-4b", machine(64, 3), "needs 4 cores, there are 3"),
        ("qwen2.5-coder-1.5b", machine(3, 4), "needs 4.6 GB of memory, 3.0 GB are free"),
        ("qwen2.5-coder-1.5b", machine(8, 4, disk_gb=2), "needs 2.2 GB of disk, 2.0 GB are free"),
        ("qwen2.5-1.5b", machine(8, 4, disk_gb=2), ""),
        ("smollm2-135m", machine(0, 1, disk_gb=0), ""),
    ],
)
def test_what_is_missing_is_said_with_both_figures(name, here, reason):
    (candidate,) = [each for each in weigh_all(here) if each.teacher.display_name == name]
    assert candidate.misfit == reason


def test_a_model_that_is_in_place_needs_no_more_disk():
    (candidate,) = weigh([Teacher("qwen2.5-7b", 16)], machine(64, 16, disk_gb=0), lambda model: True)
    assert candidate.misfit == ""


def test_only_models_that_fit_are_asked_for_and_none_after_the_best_one():
    asked = []

    def can_reach(model):
        asked.append(model.name)
        return model.name in WHEELS

    choose(weigh_all(machine(64, 4)), can_reach)
    assert asked == ["qwen3-4b", "qwen2.5-1.5b", "qwen2.5-coder-1.5b"]


def test_the_table_names_language_models_from_large_to_small_and_ends_with_the_default():
    megabytes = [catalogue()[teacher.model].size // 1_000_000 for teacher in teachers()]
    assert megabytes == sorted(megabytes, reverse=True)
    assert {catalogue()[teacher.model].stage for teacher in teachers()} == {"llm"}
    assert [catalogue()[teacher.model].default for teacher in teachers()] == [*(len(teachers()) - 1) * [False], True]
    assert NAME not in catalogue()


def test_every_setting_of_the_table_exists_and_its_engine_is_the_catalogue_s():
    for teacher in teachers():
        assert set(teacher.settings) <= set(Settings.model_fields)
        engine = teacher.settings.get("llm_engine", Settings.model_fields["llm_engine"].default)
        assert engine == catalogue()[teacher.model].engine
        assert teacher.cores >= 1
        assert teacher.answer_s is None or teacher.answer_s > 0


def test_memory_is_the_file_the_cache_of_four_chats_and_what_is_allowed_for_the_rest():
    (candidate,) = [each for each in weigh_all(machine(64, 16)) if each.teacher.model == "qwen2.5-coder-1.5b"]
    cache = 4 * 4096 * 2 * 28 * 2 * 128 * 2  # chats, tokens, keys and values, layers, heads, width, bytes
    measured = 2_380_000_000  # resident in a worker's engine with four chats
    at_least = catalogue()["qwen2.5-coder-1.5b"].size + cache + REST_BYTES
    assert max(at_least, measured + REST_BYTES) < candidate.memory < 1.3 * at_least


# --- the settings


def test_on_a_cpu_half_of_the_cores_compute():
    (candidate,) = [each for each in weigh_all(machine(64, 9)) if each.teacher.model == "qwen3-4b"]
    assert choose_settings(candidate, machine(64, 9)) == {"llm_model": "qwen3-4b", "llm_threads": 4}
    assert choose_settings(candidate, machine(64, 1))["llm_threads"] == 1


def test_on_a_gpu_the_model_gets_the_one_with_most_free_memory_and_its_share_of_it():
    here = machine(64, 8, 4, 30, 30)
    (candidate,) = [each for each in weigh_all(here) if each.teacher.display_name == "glm-4-9b-chat (int4)"]
    assert choose_settings(candidate, here) == {
        "llm_model": "glm-4-9b-chat",
        "llm_engine": "transformers",
        "llm_device": "cuda",
        "llm_compute_type": "int4",
        "llm_gpu": 1,
        "llm_gpu_fraction": "0.12",
    }


@pytest.mark.parametrize("here", [machine(64, 16), machine(64, 8, 30)])
def test_the_settings_are_ones_that_the_server_accepts(here):
    for candidate in weigh_all(here):
        if not candidate.misfit:
            settings = choose_settings(candidate, here)
            accepted = Settings(**settings)
            assert {name: str(getattr(accepted, name)) for name in settings} == {
                name: str(value) for name, value in settings.items()
            }
