"""The converted model agrees with llama.cpp, which reads the same file, and other files are refused."""

import math

import gguf
import numpy as np
import pytest
from gguf import GGUFWriter

from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings, settings
from worker_llm.grammar.judge import smoothing
from worker_llm.grammar.judge.convert import build_tokenizer, convert, sample_ids
from worker_llm.grammar.judge.gguf_model import GgufModel
from worker_llm.grammar.judge.smoothing import Smoother
from worker_llm.grammar.model_loading import load_scorer
from worker_llm.llama_cpp import LlamaCpp

MAX_DIVERGENCE = 0.1  # nats; both compute with 8 bits, in other ways
BEGINNINGS = ["My mother is a", "He goes to school every", "In the morning we drink", "They have lived here since", "I"]


@pytest.fixture(scope="module")
def llama():
    return LlamaCpp(locate("smollm2-135m", settings().models_folder), Settings(llm_context=512, llm_batch=1))


@pytest.fixture(scope="module")
def model():
    return GgufModel(locate("smollm2-135m", settings().models_folder))


@pytest.fixture(scope="module")
def scorer():
    return load_scorer(settings())


def likeliest_next(llama, ids):
    """The 50 likeliest next tokens after these, with their log probabilities."""
    chunks = []
    request = {"prompt": ids, "n_predict": 1, "max_tokens": 1, "logprobs": 50, "temperature": 0}
    llama._server.handle_completions(request, lambda chunk: chunks.append(chunk) or False)
    top = chunks[0]["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    return {each["id"]: each["logprob"] for each in top}


@pytest.mark.parametrize("text", [*BEGINNINGS, "Call 110 or 3.5!", "don't you’re", "  two  spaces\n", "我们 日本 é"])
def test_texts_are_divided_into_the_same_tokens_as_by_llama_cpp(llama, scorer, text):
    assert scorer.ids(text) == llama.tokenize(text, parse_special=False)


@pytest.mark.parametrize("text", BEGINNINGS)
def test_the_distribution_of_the_next_token_is_nearly_that_of_llama_cpp(llama, scorer, text):
    _, _, matrix = scorer.token_log_probs(f"{text} a")
    ours = matrix[len(scorer.ids(text))]
    start = 0  # <|endoftext|>

    theirs = likeliest_next(llama, [start, *scorer.ids(text)])
    divergence = sum(math.exp(theirs[token]) * (theirs[token] - float(ours[token])) for token in theirs)

    assert len(theirs) == 50
    assert abs(divergence) < MAX_DIVERGENCE


def test_smoothing_changes_nothing_but_the_rounding(model):
    """One layer of the real model, computed as it is and smoothed."""
    ids = sample_ids(build_tokenizer(model))
    plain, smoothed = model.layer(0), model.layer(0)
    first, second = Smoother(model, ids), Smoother(model, ids)
    first.smooth_layer(smoothed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smoothing, "choose_factors", lambda inputs, *matrices: np.ones(inputs.shape[-1], np.float32))
        second.smooth_layer(plain)

    assert first.residual == pytest.approx(second.residual, abs=1e-4)
    assert np.array_equal(plain.up, model.layer(0).up)
    assert not np.array_equal(smoothed.up, plain.up)


def test_smoothing_makes_the_largest_channels_smaller(model):
    ids = sample_ids(build_tokenizer(model))
    inputs = Smoother(model, ids).residual
    layer = model.layer(0)

    before = smoothing.rms_norm(inputs, layer.attention_norm, model.epsilon)
    Smoother(model, ids).smooth_layer(layer)
    after = smoothing.rms_norm(inputs, layer.attention_norm, model.epsilon)

    assert spread(after) < spread(before) / 1.5


def spread(inputs):
    """How much larger the largest channel is than an ordinary one."""
    largest = np.abs(inputs).max(axis=(0, 1))
    return largest.max() / np.median(largest)


def test_a_file_that_is_no_gguf_is_refused(tmp_path):
    (tmp_path / "model.gguf").write_bytes(b"this is no model" * 100)

    with pytest.raises(ValueError, match=r"GGUF"):
        convert(tmp_path / "model.gguf", tmp_path)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [("qwen2", r"architecture 'qwen2'; expected 'llama'"), ("llama", r"no value 'llama\.block_count'")],
)
def test_another_architecture_and_a_file_without_its_values_are_refused(tmp_path, architecture, message):
    writer = GGUFWriter(tmp_path / "model.gguf", architecture)
    writer.add_tensor("token_embd.weight", np.zeros((4, 4), dtype=np.float32), raw_dtype=gguf.GGMLQuantizationType.F32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    with pytest.raises(ValueError, match=message):
        convert(tmp_path / "model.gguf", tmp_path)
