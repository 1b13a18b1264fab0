"""Which folders a model of transformers is loaded from, in which types of numbers, and what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, MambaConfig

from pipeline.errors import ConfigurationError, ModelDamaged
from pipeline.jobs.results import Completion
from pipeline.settings import Settings
from waijiao.tiny_models import glm
from worker_llm import engine
from worker_llm.engine import Message, Prompt
from worker_llm.hf_transformers.engine import Transformers

HELLO = Prompt((Message("system", "You are William."), Message("user", "Hello.")), 8, stop=())


@pytest.fixture
def folder(tmp_path):
    return glm.make(tmp_path / "glm")


def load(folder, **settings):
    return Transformers(folder, Settings(**{"llm_compute_type": "float32", **settings}))


def reply_to_hello(model):
    (reply,) = model.reply([HELLO])
    return reply


def edit_json(folder, name, **entries):
    """Change a JSON file of the folder."""
    file = folder / name
    content = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(content | entries))


def test_a_folder_is_loaded_by_its_setting(folder):
    settings = Settings(llm_engine="transformers", llm_model=str(folder))
    assert isinstance(engine.load(settings), Transformers)


def test_it_is_loaded_in_silence_and_without_a_network(folder):
    """In a process of its own, since libraries print when they are imported; 4 bits import all of them."""
    program = f"""
import socket, sys
from pathlib import Path
def refuse(*_):
    raise AssertionError("the network was asked")
socket.socket.connect = socket.getaddrinfo = refuse
from pipeline.settings import Settings
from worker_llm.engine import Message, Prompt
from worker_llm.hf_transformers.engine import Transformers
model = Transformers(Path({str(folder)!r}), Settings(llm_compute_type="int4"))
(reply,) = model.reply([Prompt((Message("user", "Hello."),), 3, stop=())])
sys.exit(0 if reply.completion_tokens == 3 else 1)
"""
    online = {name: value for name, value in os.environ.items() if "OFFLINE" not in name}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=online)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- compute types ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compute_type", "expected"),
    [("auto", torch.float32), ("float32", torch.float32), ("bfloat16", torch.bfloat16), ("float16", torch.float16)],
)
def test_a_model_computes_in_the_type_that_is_asked_for(tmp_path, compute_type, expected):
    """The checkpoint's own type is another one, which would take hundreds of times as long on a CPU."""
    half = glm.make(tmp_path)
    edit_json(half, "config.json", dtype="bfloat16")
    model = load(half, llm_compute_type=compute_type)
    assert {weight.dtype for weight in model.config.model_runner.model.parameters()} == {expected}
    assert isinstance(reply_to_hello(model), Completion)


@pytest.mark.parametrize(("compute_type", "weight_bytes", "min_similarity"), [("int8", 1, 0.99), ("int4", 0.5, 0.8)])
def test_weights_of_8_and_4_bits_give_nearly_the_same_logits(folder, compute_type, weight_bytes, min_similarity):
    full, small = load(folder).config.model_runner.model, load(folder, llm_compute_type=compute_type, llm_batch=3)
    name = "model.layers.0.mlp.gate_up_proj.weight"
    weight, whole = small.config.model_runner.model.get_parameter(name), full.get_parameter(name)
    assert weight.numel() * weight.element_size() == whole.numel() * weight_bytes
    tokens = torch.tensor([small.chat_template.encode_chat(HELLO.messages)])
    with torch.inference_mode():
        logits = [model(input_ids=tokens).logits.flatten() for model in (full, small.config.model_runner.model)]
    assert torch.cosine_similarity(*logits, dim=0) > min_similarity
    assert [reply.completion_tokens for reply in small.reply([HELLO] * 4)] == [8] * 4


def test_an_unknown_type_is_refused_with_the_known_ones(folder):
    with pytest.raises(ConfigurationError, match="WAIJIAO_LLM_COMPUTE_TYPE='int3': expected one of auto, float32"):
        load(folder, llm_compute_type="int3")


def test_a_gpu_that_is_not_there_is_refused(folder):
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_LLM_(DEVICE=cuda|GPU=99): "):
        load(folder, llm_device="cuda", llm_gpu=99)


# --- missing or damaged files ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelDamaged, match=f"WAIJIAO_LLM_MODEL: {name} missing in .*; fetch the model again"):
        load(folder)


def test_a_missing_part_of_the_weights_is_named(folder):
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    parts = {"lm_head.weight": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    edit_json(folder, "model.safetensors.index.json", weight_map=parts)
    with pytest.raises(ModelDamaged, match=r"WAIJIAO_LLM_MODEL: model-00002-of-00002\.safetensors missing"):
        load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_file_that_was_cut_off_is_refused(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelDamaged, match="WAIJIAO_LLM_MODEL: transformers cannot load"):
        load(folder)


@pytest.mark.parametrize("content", ["{", "[]", '{"weight_map": 1}'])
def test_a_damaged_index_is_refused(folder, content):
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    (folder / "model.safetensors.index.json").write_text(content)
    with pytest.raises(ModelDamaged, match=r"index\.json is damaged"):
        load(folder)


def test_missing_weights_are_never_invented(folder):
    """transformers would fill what is missing at random, and warn."""
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.self_attn.q_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelDamaged, match=r"lack model\.layers\.1\.self_attn\.q_proj\.weight and 0 more"):
        load(folder)


def test_weights_of_another_shape_are_refused(folder):
    edit_json(folder, "config.json", intermediate_size=64)
    with pytest.raises(ModelDamaged, match="WAIJIAO_LLM_MODEL: "):
        load(folder)


def test_a_model_without_a_chat_template_is_refused(folder):
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ConfigurationError, match=r"has no chat template .* called chat, instruct or it"):
        load(folder)


def test_a_model_type_that_transformers_does_not_know_is_refused(folder):
    edit_json(folder, "config.json", model_type="from-the-future")
    with pytest.raises(ModelDamaged, match="from-the-future"):
        load(folder)


def test_a_file_for_llama_cpp_is_refused_with_the_engine_that_takes_it(tmp_path):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(ConfigurationError, match=r"a GGUF file is for WAIJIAO_LLM_ENGINE=llama\.cpp"):
        load(file)


def test_a_model_without_a_key_value_cache_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"is a model \(mamba\) that does not use a key/value cache alone"):
        load(glm.make(tmp_path, MambaConfig))


# --- code in a model's folder ----------------------------------------------------------------------------------


class Hostile:
    """Its pickle creates a file when it is loaded."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (Path(self.marker),)


def test_weights_in_a_bin_are_read(folder):
    expected = reply_to_hello(load(folder))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert reply_to_hello(load(folder)) == expected


def test_a_bin_next_to_safetensors_is_not_loaded(folder):
    torch.save(Hostile(folder / "ran"), folder / "pytorch_model.bin")
    assert isinstance(reply_to_hello(load(folder)), Completion)
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_code_hidden_in_a_bin_does_not_run(folder, zipped):
    hidden = load_file(folder / "model.safetensors") | {"lm_head.weight": Hostile(folder / "ran")}
    (folder / "model.safetensors").unlink()
    torch.save(hidden, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelDamaged, match="WAIJIAO_LLM_MODEL: transformers cannot load"):
        load(folder)
    assert not (folder / "ran").exists()
    torch.load(folder / "pytorch_model.bin", weights_only=False)
    assert (folder / "ran").exists()  # as it would have


OWN_CODE = """
from pathlib import Path
from transformers import GlmConfig, GlmForCausalLM
Path({marker!r}).touch()
class OwnConfig(GlmConfig):
    model_type = {kind!r}
class OwnModel(GlmForCausalLM):
    config_class = OwnConfig
"""


@pytest.fixture
def own_code(tmp_path, monkeypatch):
    """A model whose folder contains code, which creates a file when it is run."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", [*sys.path])

    def make_folder(kind):
        folder = glm.make(tmp_path / "own")
        (folder / "own.py").write_text(OWN_CODE.format(marker=str(folder / "ran"), kind=kind))
        code = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
        edit_json(folder, "config.json", model_type=kind, auto_map=code)
        return folder

    return make_folder


def test_a_model_that_needs_code_of_its_own_is_refused(own_code, tmp_path):
    folder = own_code("chatglm")
    with pytest.raises(ConfigurationError, match=r"of GLM those whose name ends in -hf.*WAIJIAO_LLM_REMOTE_CODE="):
        load(folder)
    with pytest.raises(ConfigurationError, match="that is not run"):
        load(folder, llm_remote_code=tmp_path)
    assert not (folder / "ran").exists()


def test_a_model_that_transformers_knows_is_loaded_without_the_code_that_it_brings(own_code):
    folder = own_code("glm")
    assert isinstance(reply_to_hello(load(folder)), Completion)
    assert not (folder / "ran").exists()


def test_code_runs_from_the_one_folder_that_is_named(own_code, tmp_path):
    folder = own_code("chatglm")
    (tmp_path / "link").symlink_to(folder)
    model = load(tmp_path / "link", llm_remote_code=folder)
    assert type(model.config.model_runner.model).__name__ == "OwnModel"
    assert (folder / "ran").exists()
    assert isinstance(reply_to_hello(model), Completion)


def test_a_tokenizer_that_needs_code_is_refused(folder):
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")
    edit_json(folder, "tokenizer_config.json", auto_map={"AutoTokenizer": ["own.OwnTokenizer", None]})
    with pytest.raises(ConfigurationError, match="that is not run"):
        load(folder)


def test_the_tiny_checkpoint_is_the_same_each_time_and_small(tmp_path):
    first, second = glm.make(tmp_path / "1"), glm.make(tmp_path / "2")
    files = sorted(file.name for file in first.iterdir())
    assert files == sorted(file.name for file in second.iterdir())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in files)
    assert sum(file.stat().st_size for file in first.iterdir()) < 1_000_000
    assert type(AutoModelForCausalLM.from_pretrained(first)).__name__ == "GlmForCausalLM"
