"""Which folders ChatGLM-6B is loaded from, in which compute types, and how other folders are refused."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from bitsandbytes.nn import Linear4bit, Linear8bitLt
from safetensors.torch import save_file

from pipeline.errors import ConfigurationError, ModelDamaged
from pipeline.gpu import model_headers
from pipeline.model_files.catalogue import find_model
from pipeline.settings import Settings
from waijiao.tiny_models import chatglm6b, glm
from worker_llm import engine
from worker_llm.engine import Message, Prompt
from worker_llm.hf_transformers.chatglm6b.model import ChatGLM6B, ChatGLM6BConfig
from worker_llm.hf_transformers.engine import Transformers

HELLO = Prompt((Message("user", "Hello."),), 8, stop=())
INDEX, FIRST, LAST = "pytorch_model.bin.index.json", *(f"pytorch_model-0000{n}-of-00002.bin" for n in (1, 2))


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return chatglm6b.make(tmp_path_factory.mktemp("original"))


@pytest.fixture
def folder(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "chatglm-6b"))


def load(folder, **settings):
    return Transformers(folder, Settings(**settings))


def reply_to_hello(model):
    (reply,) = model.reply([HELLO])
    return reply


def edit_json(folder, name, **entries):
    """Change a JSON file of the folder; None takes an entry out."""
    content = json.loads((folder / name).read_text()) | entries
    (folder / name).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))


def load_all_weights(folder):
    return {name: each for file in sorted(folder.glob("*.bin")) for name, each in torch.load(file).items()}


def assert_refused(folder, error, match, **settings):
    with pytest.raises(error, match=match) as raised:
        load(folder, **settings)
    assert str(raised.value).startswith("WAIJIAO_LLM_MODEL: ")


def test_it_is_chosen_by_the_setting_for_the_model(original):
    model = engine.load(Settings(llm_engine="transformers", llm_model=str(original)))
    assert isinstance(model, Transformers)
    assert type(model.config.model_runner.model) is ChatGLM6B
    assert reply_to_hello(model).completion_tokens == 8


def test_it_is_loaded_in_silence_without_a_network_and_without_the_code_in_its_folder(folder):
    for name in ("modeling_chatglm.py", "configuration_chatglm.py", "tokenization_chatglm.py"):
        (folder / name).write_text(f"open({str(folder / 'ran')!r}, 'w')")
    program = f"""
import socket, sys
from pathlib import Path
def refuse(*_):
    raise AssertionError("the network was asked")
socket.socket.connect = socket.getaddrinfo = refuse
from pipeline.settings import Settings
from worker_llm.engine import Message, Prompt
from worker_llm.hf_transformers.engine import Transformers
folder = Path({str(folder)!r})
model = Transformers(folder, Settings(llm_compute_type="int4", llm_remote_code=folder))
(reply,) = model.reply([Prompt((Message("user", "Hello."),), 3, stop=())])
sys.exit(0 if reply.completion_tokens == 3 else 1)
"""
    online = {name: value for name, value in os.environ.items() if "OFFLINE" not in name}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=online)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (folder / "ran").exists()


# --- compute types ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("compute_type", "expected"),
    [("auto", torch.float32), ("float16", torch.float16), ("bfloat16", torch.bfloat16)],
)
def test_on_a_cpu_it_computes_in_float32_unless_another_type_is_asked_for(original, compute_type, expected):
    model = load(original, llm_compute_type=compute_type)
    assert {weight.dtype for weight in model.config.model_runner.model.parameters()} == {expected}
    assert reply_to_hello(model).completion_tokens == 8


@pytest.mark.parametrize(
    ("compute_type", "layer_class", "min_similarity"), [("int8", Linear8bitLt, 0.99), ("int4", Linear4bit, 0.8)]
)
def test_weights_of_8_and_4_bits_give_nearly_the_same_logits(original, compute_type, layer_class, min_similarity):
    full, small = load(original), load(original, llm_compute_type=compute_type, llm_batch=3)
    network = small.config.model_runner.model
    quantized = {name for name, module in network.named_modules() if isinstance(module, layer_class)}
    assert len(quantized) == 3 * 4
    assert all("layers" in name for name in quantized)  # neither the embeddings nor the head
    tokens = small.chat_template.encode_chat(HELLO.messages)
    with torch.inference_mode():
        length = len(tokens)
        logits = [each.config.model_runner([tokens], [length], [length], None) for each in (full, small)]
    assert torch.cosine_similarity(*logits).item() > min_similarity
    assert [reply.completion_tokens for reply in small.reply([HELLO] * 4)] == [8] * 4


# --- missing, damaged or foreign files ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.json", "ice_text.model", FIRST, LAST])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert_refused(folder, ModelDamaged, f"{name} missing in .*; fetch the model again")


def test_without_the_index_the_weights_are_missing(folder):
    (folder / INDEX).unlink()
    assert_refused(folder, ModelDamaged, r"model\.safetensors missing in")


def test_its_own_vocabulary_is_required_even_if_another_is_there(folder):
    (folder / "ice_text.model").rename(folder / "tokenizer.model")
    assert_refused(folder, ModelDamaged, r"ice_text\.model missing in")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ice_text.model", r"ice_text\.model is not a sentencepiece vocabulary, or is incomplete"),
        (FIRST, "is damaged, or mixes files of several models"),
        (INDEX, r"index\.json is damaged"),
    ],
)
def test_a_file_that_was_cut_off_is_named(folder, name, expected):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    assert_refused(folder, ModelDamaged, expected)


def test_a_git_lfs_pointer_is_reported_as_damaged(folder):
    """As after a clone without LFS."""
    (folder / "ice_text.model").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:5e97\nsize 2706249\n"
    )
    assert_refused(folder, ModelDamaged, r"ice_text\.model is not a sentencepiece vocabulary")


@pytest.mark.parametrize(("key", "value"), [("gmask_token_id", 5), ("bos_token_id", 5), ("vocab_size", 1000)])
def test_a_vocabulary_that_does_not_match_config_json_is_refused(folder, key, value):
    edit_json(folder, "config.json", **{key: value})
    assert_refused(folder, ModelDamaged, r"ice_text\.model is another model's: it does not match config\.json")


@pytest.mark.parametrize("key", ["num_layers", "gmask_token_id", "vocab_size"])
def test_what_config_json_lacks_is_named(folder, key):
    edit_json(folder, "config.json", **{key: None})
    assert_refused(folder, ModelDamaged, rf"config\.json has no {key}")


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"num_layers": 4}, r"the weights in .* lack transformer\.layers\.3\..* and 11 more"),
        ({"num_layers": 2}, r"are another model's: ChatGLM-6B has no transformer\.layers\.2\."),
        ({"hidden_size": 32}, "is damaged, or mixes files of several models"),
    ],
)
def test_weights_of_other_sizes_than_config_json_says_are_refused(folder, sizes, expected):
    edit_json(folder, "config.json", **sizes)
    assert_refused(folder, ModelDamaged, expected)


def test_missing_weights_are_never_invented(folder):
    weights = torch.load(folder / FIRST)
    name = "transformer.layers.0.attention.query_key_value.weight"
    torch.save({key: each for key, each in weights.items() if key != name}, folder / FIRST)
    assert_refused(folder, ModelDamaged, f"lack {name} and 0 more")


class Hostile:
    """Its pickle creates a file when it is loaded."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (Path(self.marker),)


def test_code_hidden_in_the_weights_does_not_run(folder):
    torch.save(torch.load(folder / LAST) | {"x": Hostile(folder / "ran")}, folder / LAST)
    assert_refused(folder, ModelDamaged, "is damaged, or mixes files of several models")
    assert not (folder / "ran").exists()


HEAD, EMBEDDINGS = "lm_head.weight", "transformer.word_embeddings.weight"


@pytest.mark.parametrize("compute_type", ["auto", "float16", "int8", "int4"])
@pytest.mark.parametrize("change", [lambda weight: weight + 0.5, lambda weight: weight.flip(0), torch.zeros_like])
def test_a_head_that_differs_from_the_embeddings_is_used_for_both(folder, change, compute_type):
    """As by the published code, which loads the head last, into the same weights."""
    weights = load_all_weights(folder)
    embeddings = weights[HEAD]
    for file in (FIRST, LAST):
        content = torch.load(folder / file)
        torch.save(content | ({EMBEDDINGS: change(embeddings)} if EMBEDDINGS in content else {}), folder / file)
    network = load(folder, llm_compute_type=compute_type).config.model_runner.model
    assert network.lm_head.weight is network.transformer.word_embeddings.weight
    torch.testing.assert_close(network.lm_head.weight.float(), embeddings.float(), atol=1e-2, rtol=1e-2)


def test_a_head_of_its_own_stays_where_the_configuration_says_so(folder):
    edit_json(folder, "config.json", tie_word_embeddings=False)
    file = next(file for file in (FIRST, LAST) if EMBEDDINGS in torch.load(folder / file))
    content = torch.load(folder / file)
    torch.save(content | {EMBEDDINGS: content[EMBEDDINGS] + 0.5}, folder / file)
    network = load(folder).config.model_runner.model
    assert not torch.equal(network.lm_head.weight, network.transformer.word_embeddings.weight)


@pytest.mark.parametrize("left_out", [set(), {HEAD}, {EMBEDDINGS}])
def test_weights_in_safetensors_are_the_same_model(folder, left_out):
    """As fine-tuned ones are written today; the head is the embeddings, once or twice."""
    expected = reply_to_hello(load(folder))
    weights = {name: each for name, each in load_all_weights(folder).items() if name not in left_out}
    for name in (FIRST, LAST, INDEX):
        (folder / name).unlink()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert reply_to_hello(load(folder)) == expected


# --- related models ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ({"vocab_size": 150_528, "gmask_token_id": None}, "as it was before 6 April 2023.*fetch the model again"),
        ({"quantization_bit": 4}, "4 bits in a format.*WAIJIAO_LLM_COMPUTE_TYPE=int4"),
        ({"pre_seq_len": 128}, "tuned with a prefix"),
        ({"position_encoding_2d": False}, "encodes positions in another way"),
    ],
)
def test_a_related_model_is_refused_by_name(folder, entries, expected):
    edit_json(folder, "config.json", **entries)
    assert_refused(folder, ConfigurationError, expected)


LATER = {"model_type": "chatglm", "auto_map": {"AutoConfig": "configuration_chatglm.ChatGLMConfig"}}


@pytest.mark.parametrize(
    ("name", "entries", "expected"),
    [
        ("chatglm2-6b", {"padded_vocab_size": 65_024}, "is ChatGLM2, .*vLLM.* WAIJIAO_LLM_ENGINE=openai"),
        ("mine", {"padded_vocab_size": 65_024, "_name_or_path": "THUDM/chatglm2-6b"}, "is ChatGLM2"),
        ("chatglm3-6b", {"padded_vocab_size": 65_024}, r"is ChatGLM3, .*GGUF.*WAIJIAO_LLM_ENGINE=llama\.cpp"),
        ("glm-4-9b-chat", {"padded_vocab_size": 151_552}, r"is GLM-4, .*-hf \(`waijiao models fetch glm-4-9b-chat`\)"),
    ],
)
def test_a_later_generation_is_named_with_the_engine_that_runs_it(tmp_path, name, entries, expected):
    folder = glm.make(tmp_path / name)
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")
    (folder / "config.json").write_text(json.dumps(LATER | {"ffn_hidden_size": 13_696} | entries))
    assert_refused(folder, ConfigurationError, expected)


# --- sizes -------------------------------------------------------------------------------------------------------


def test_the_published_model_has_the_weights_that_its_files_hold():
    """The head is in them twice: on its own, and as the embeddings."""
    with torch.device("meta"):  # shapes without memory
        network = ChatGLM6B(ChatGLM6BConfig())
    count = sum(parameter.numel() for parameter in network.parameters())
    shape = model_headers.language_model("chatglm-6b")
    linear = sum(each.weight.numel() for each in network.transformer.modules() if isinstance(each, torch.nn.Linear))
    assert linear == shape.matrices
    twice = count + network.lm_head.weight.numel() * (network.lm_head.weight is network.get_input_embeddings().weight)
    assert twice == pytest.approx(shape.matrices + shape.others, rel=0.001)
    assert find_model("chatglm-6b").size == pytest.approx(2 * twice, rel=0.001)


def test_the_memory_is_computed_from_the_sizes_in_the_folder(original):
    shape = model_headers.language_model(str(original))
    assert (shape.layers, shape.heads, shape.kv_heads, shape.head_width, shape.inner) == (3, 4, 4, 16, 256)
    assert (shape.own_type, shape.positions, shape.whole) == ("float16", 2048, True)


def test_the_tiny_checkpoint_is_the_same_each_time_and_small(original, tmp_path):
    again = chatglm6b.make(tmp_path)
    files = sorted(file.name for file in original.iterdir())
    assert files == sorted(file.name for file in again.iterdir())
    assert all((original / name).read_bytes() == (again / name).read_bytes() for name in files)
    assert sum(file.stat().st_size for file in original.iterdir()) < 1_000_000
