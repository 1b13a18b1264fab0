"""docs/engines.md: its figures are those that the code computes, its options are those of the command."""

import os
import re
from pathlib import Path

import pytest

from pipeline.gpu import memory, model_headers
from pipeline.gpu.fractions import format_gb
from pipeline.jobs.job import MODEL_STAGES
from pipeline.model_files.catalogue import catalogue
from pipeline.model_files.machine import Machine
from pipeline.model_files.teachers import Candidate, teachers, weigh
from pipeline.settings import Settings
from tests.unit.pipeline.gpu.test_memory import gguf
from waijiao.cli.models import select
from waijiao.cli.planning.fit import build_plan, fit
from waijiao.cli.planning.gpu_placement import GpuPlan

PAGE = Path(__file__).resolve().parents[3].joinpath("docs", "engines.md").read_text(encoding="utf-8")
GLM_GGUF = {  # of glm-4-9b-chat-Q4_K_M.gguf, whose size is that of the published file
    "general.architecture": "chatglm",
    "chatglm.block_count": 40,
    "chatglm.embedding_length": 4096,
    "chatglm.attention.head_count": 32,
    "chatglm.attention.head_count_kv": 2,
    "chatglm.feed_forward_length": 13696,
    "tokenizer.ggml.tokens": [""] * 151552,
}
GGUF_BYTES = 6_250_926_848


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under this heading, without its head."""
    part = PAGE.partition(f"\n## {heading}\n")[2]
    table = re.search(r"\n\|[^\n]*\n\|[-|]+\|\n((?:\|[^\n]*\n)+)", part)
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table[1].splitlines()]


CARDS, MODELS = rows("Which models for which GPU"), rows("What each model needs")


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """No settings of this machine's; the GGUF file that the page speaks of, as large as it is and empty."""
    for name in list(os.environ):
        if name.startswith("WAIJIAO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "glm-4-9b-chat-Q4_K_M.gguf"
    path.write_bytes(gguf(GLM_GGUF))
    os.truncate(path, GGUF_BYTES)


def plan(options: str, card: str = "1000GB") -> GpuPlan:
    context = fit.make_context("fit", ["--gpu", card.replace(" ", ""), *options.strip("`").split()])
    return build_plan(context.params)


@pytest.mark.parametrize(("card", "options", "together", "_"), CARDS)
def test_the_figures_of_a_card_on_the_page_are_right(card, options, together, _):
    said = plan(options, card)
    assert said.find_placements() is not None
    assert f"{said.total_bytes() / 1e9:.1f}" == together


def test_every_common_card_is_on_the_page():
    assert [card for card, *_ in CARDS if card] == sorted((card for card, *_ in CARDS), key=lambda c: int(c.split()[0]))
    assert {card for card, *_ in CARDS} == {f"{size} GB" for size in (8, 12, 16, 24, 48, 80)}


@pytest.mark.parametrize(("options", "weights", "cache", "working", "together"), MODELS)
def test_the_figures_of_a_model_on_the_page_are_computed(options, weights, cache, working, together):
    (need,) = plan(options).needs().values()
    figures = (need.weights, need.cache, need.working, need.total)
    assert tuple(f"{figure / 1e9:.1f}" for figure in figures) == (weights, cache, working, together)


def describe_needs(candidate: Candidate) -> str:
    cores, memory = candidate.teacher.cores, format_gb(candidate.memory)
    gpu_part = f", {format_gb(candidate.gpu_memory)} of a GPU" if candidate.gpu_memory else ""
    return f"{cores} {'core' if cores == 1 else 'cores'}, {memory}{gpu_part}"


def test_the_table_of_language_models_is_that_of_the_catalogue():
    expected = []
    for candidate in weigh(teachers(), Machine(0, 0, 0), lambda _: False):
        teacher = candidate.teacher
        kinds = [source["kind"] for source in teacher.catalogue_entry.sources]
        places = " or ".join({"hub": "hub", "wheel": "wheels"}[kind] for kind in kinds)
        seconds = "not measured" if teacher.answer_s is None else f"{teacher.answer_s:.1f} s"
        expected.append(
            [
                f"`{teacher.model}`{teacher.display_name.removeprefix(teacher.model)}",
                f"{format_gb(teacher.catalogue_entry.size)}, {places}",
                "any" if teacher.catalogue_entry.default else describe_needs(candidate),
                teacher.corrects or "not measured",
                teacher.suggests or "not measured",
                seconds,
            ]
        )
    assert rows("A larger language model") == expected


def test_every_large_model_of_the_catalogue_is_on_the_page():
    assert all(f"`{name}`" in PAGE for name in catalogue() if name.startswith(("whisper-large", "glm", "bark")))
    total = sum(model.size for model in select(["large"]))
    assert f"{total / 1e9:.0f} GB" in PAGE


@pytest.mark.parametrize(
    ("row", "kind", "windows", "tokens"),
    [(0, "float16", 1, 448), (1, "float16", 8, 100), (2, "int8", 1, 448), (3, "int8", 8, 100)],
)
def test_the_comparison_with_what_others_measured_is_computed(row, kind, windows, tokens):
    need = memory.whisper(model_headers.whisper("whisper-large-v2"), kind, windows, 5, tokens)
    assert rows("How the memory is computed")[row][2] == f"{need.total / (1 << 20):,.0f} MiB"


def test_every_setting_that_the_page_names_exists():
    named = {name.lower() for name in re.findall(r"WAIJIAO_([A-Z_]+[A-Z])", PAGE)}
    assert named <= set(Settings.model_fields)
    assert {f"{stage}_gpu_fraction" for stage in MODEL_STAGES} <= named
