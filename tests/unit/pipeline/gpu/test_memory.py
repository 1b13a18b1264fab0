"""How much memory a GPU needs: the arithmetic, held against what others measured and against files of known sizes."""

import json
import struct

import pytest

from pipeline.errors import ModelDamaged
from pipeline.gpu import memory, model_headers
from pipeline.gpu.memory import Chats
from pipeline.model_files.catalogue import catalogue, find_model

MIB = 1 << 20
GLM = "glm-4-9b-chat"
ONE = Chats(rows=1, tokens=4096)


def weight_file(name: str) -> int:
    return max(file.size for file in find_model(name).files)


# --- Whisper


@pytest.mark.parametrize("name", [name for name, model in catalogue().items() if model.stage == "asr"])
def test_the_weights_of_every_whisper_of_the_catalogue_are_those_of_its_file(name):
    shape = model_headers.whisper(name)
    assert 2 * (shape.matrices + shape.others) == pytest.approx(weight_file(name), rel=0.001)  # stored as float16


@pytest.mark.parametrize(
    ("kind", "windows", "tokens", "measured"),
    [("float16", 1, 448, 4525), ("float16", 8, 100, 6090), ("int8", 1, 448, 2926), ("int8", 8, 100, 4500)],
)
def test_whisper_is_never_under_what_faster_whisper_s_readme_measured_and_at_most_a_fifth_over(
    kind, windows, tokens, measured
):
    shape = model_headers.whisper("whisper-large-v2")
    need = memory.whisper(shape, kind, windows, beams=5, tokens=tokens)
    assert measured <= need.total / MIB <= 1.2 * measured


def test_more_windows_and_wider_numbers_need_more():
    shape = model_headers.whisper("whisper-large-v3")
    totals = [memory.whisper(shape, *case, 5).total for case in (("int8", 1), ("float16", 1), ("float16", 8))]
    assert totals == sorted(totals)
    assert memory.whisper(shape, "auto", 1, 5) == memory.whisper(shape, "float16", 1, 5)
    assert memory.whisper(shape, "float32", 1, 5).weights == 2 * memory.whisper(shape, "float16", 1, 5).weights


# --- language models


def test_glm_has_the_parameters_that_its_catalogue_entry_counts():
    shape = model_headers.language_model(GLM)
    assert 2 * (shape.matrices + shape.others) == pytest.approx(find_model(GLM).size, rel=0.002)


def test_a_token_of_glm_takes_forty_kibibytes():
    assert model_headers.language_model(GLM).kv_bytes(2) == 2 * 40 * 2 * 128 * 2 == 40 * 1024


def test_fewer_bits_shrink_the_layers_and_leave_embeddings_and_head():
    shape = model_headers.language_model(GLM)
    weights = [memory.on_torch(shape, kind, ONE).weights for kind in ("float32", "bfloat16", "int8", "int4")]
    assert weights == sorted(weights, reverse=True)
    assert weights[2] == shape.matrices + 2 * shape.others
    assert weights[3] == pytest.approx(0.516 * shape.matrices + 2 * shape.others, rel=0.001)


def test_every_chat_and_token_of_context_adds_to_the_cache():
    shape = model_headers.language_model(GLM)
    one, four = (memory.on_torch(shape, "auto", Chats(rows, 4096)) for rows in (1, 4))
    assert four.cache == pytest.approx(one.cache * 5 / 2, abs=1)  # one more is read while the others are written
    assert memory.on_torch(shape, "auto", Chats(1, 8192)).cache == pytest.approx(2 * one.cache, abs=1)


def test_a_folder_of_transformers_is_known_by_its_configuration_and_its_files(tmp_path):
    config = {
        "hidden_size": 64,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "num_hidden_layers": 3,
        "vocab_size": 100,
        "intermediate_size": 128,
        "torch_dtype": "float16",
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    for part in ("1", "2"):
        (tmp_path / f"model-{part}.safetensors").write_bytes(bytes(40_000))
    shape = model_headers.language_model(str(tmp_path))
    assert (shape.matrices, shape.others) == (40_000 - 12_800, 12_800)
    assert (shape.own_type, shape.head_width, shape.kv_bytes(2)) == ("float16", 16, 2 * 3 * 2 * 16 * 2)


@pytest.mark.parametrize("text", [None, "{", '{"hidden_size": 64}'])
def test_a_folder_without_sizes_is_an_error(tmp_path, text):
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(model_headers.SizesUnknown, match=r"config\.json"):
        model_headers.language_model(str(tmp_path))


def test_a_folder_without_weights_is_an_error(tmp_path):
    sizes = {"hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 3, "vocab_size": 100}
    (tmp_path / "config.json").write_text(json.dumps(sizes))
    with pytest.raises(model_headers.SizesUnknown, match="has no weights"):
        model_headers.language_model(str(tmp_path))


# --- GGUF, and CTranslate2's model.bin, written here as their specifications say


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf(fields: dict[str, str | int | list[str]], magic: bytes = b"GGUF") -> bytes:
    written = []
    for name, value in fields.items():
        match value:
            case str():
                written.append(text(name) + struct.pack("<I", 8) + text(value))
            case int():
                written.append(text(name) + struct.pack("<II", 4, value))
            case list():
                entries = b"".join(text(each) for each in value)
                written.append(text(name) + struct.pack("<IIQ", 9, 8, len(value)) + entries)
    return struct.pack("<4sIQQ", magic, 3, 0, len(written)) + b"".join(written)


FIELDS = {
    "tokenizer.ggml.tokens": ["a", "bé", ""],
    "general.architecture": "llama",
    "llama.block_count": 30,
    "llama.embedding_length": 576,
    "llama.attention.head_count": 9,
    "llama.attention.head_count_kv": 3,
}


def test_the_sizes_of_a_gguf_file_are_read_from_its_header(tmp_path):
    path = tmp_path / "small.gguf"
    path.write_bytes(gguf(FIELDS) + bytes(1000))
    shape = model_headers.language_model(str(path))
    assert (shape.layers, shape.heads, shape.kv_heads, shape.head_width) == (30, 9, 3, 64)
    assert (shape.vocabulary, shape.file_bytes) == (3, path.stat().st_size)


def test_half_of_the_layers_on_the_gpu_are_half_of_the_weights(tmp_path):
    path = tmp_path / "small.gguf"
    path.write_bytes(gguf(FIELDS) + bytes(100_000))
    shape = model_headers.language_model(str(path))
    whole, half = (memory.llama_cpp(shape, layers, ONE) for layers in (99, 15))
    assert whole.weights == shape.file_bytes
    assert half.weights == pytest.approx(whole.weights * 15 / 31, abs=1)


@pytest.mark.parametrize(
    "data",
    [b"", b"GG", gguf(FIELDS)[:60], gguf(FIELDS, magic=b"PK\3\4"), struct.pack("<4sIQQ", b"GGUF", 3, 0, 1 << 60)],
)
def test_a_damaged_gguf_file_is_detected(tmp_path, data):
    (tmp_path / "bad.gguf").write_bytes(data)
    with pytest.raises(ModelDamaged, match=r"bad\.gguf"):
        model_headers.language_model(str(tmp_path / "bad.gguf"))


def test_a_gguf_file_without_sizes_says_which_it_lacks(tmp_path):
    (tmp_path / "odd.gguf").write_bytes(gguf({"general.architecture": "odd"}))
    with pytest.raises(model_headers.SizesUnknown, match=r"odd\.attention\.head_count"):
        model_headers.language_model(str(tmp_path / "odd.gguf"))


def model_bin(shapes: dict[str, tuple[int, ...]]) -> bytes:
    def name(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    data = struct.pack("<I", 6) + name("WhisperSpec") + struct.pack("<II", 3, len(shapes))
    for each, shape in shapes.items():
        data += name(each) + struct.pack(f"<B{len(shape)}I", len(shape), *shape) + struct.pack("<BI", 4, 2) + b"ab"
    return data


def test_a_custom_whisper_is_measured_by_the_shapes_in_its_model_bin(tmp_path):
    shapes = {"encoder/conv1/weight": (512, 80, 3), "decoder/embeddings/weight": (51865, 512)}
    shapes |= {f"encoder/layer_{n}/ffn/linear_0/weight": (2048, 512) for n in range(6)}
    shapes |= {f"decoder/layer_{n}/ffn/linear_0/weight": (2048, 512) for n in range(6)}
    shapes |= {"encoder/layer_norm/gamma": (512,)}
    (tmp_path / "model.bin").write_bytes(model_bin(shapes))
    assert model_headers.whisper(str(tmp_path)) == model_headers.whisper("whisper-base")


@pytest.mark.parametrize("data", [b"", b"\6\0\0\0\5", model_bin({"encoder/conv1/weight": (512, 80, 3)})[:-9]])
def test_a_damaged_model_bin_is_detected(tmp_path, data):
    (tmp_path / "model.bin").write_bytes(data)
    with pytest.raises(ModelDamaged, match=r"model\.bin"):
        model_headers.whisper(str(tmp_path))


def test_a_model_of_another_kind_is_not_accepted_as_whisper(tmp_path):
    (tmp_path / "model.bin").write_bytes(model_bin({"decoder/embeddings/weight": (10, 10)}))
    with pytest.raises(model_headers.SizesUnknown, match="not a Whisper"):
        model_headers.whisper(str(tmp_path))


# --- Bark


def test_bark_in_float16_takes_half_of_its_file():
    need = memory.bark(model_headers.bark("bark"), "auto", lines=1)
    assert need.weights == pytest.approx(weight_file("bark") / 2, rel=0.001)
    assert memory.bark(model_headers.bark("bark"), "float32", lines=1).weights == 2 * need.weights


def test_the_small_bark_needs_less_and_each_line_more():
    need = [
        memory.bark(model_headers.bark(name), "auto", lines).total
        for name, lines in (("bark-small", 1), ("bark", 1), ("bark", 4))
    ]
    assert need == sorted(need)


def test_a_custom_bark_is_measured_by_its_configuration(tmp_path):
    part = {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "block_size": 1024}
    (tmp_path / "config.json").write_text(json.dumps({"semantic_config": part}))
    (tmp_path / "model.safetensors").write_bytes(bytes(4000))
    shape = model_headers.bark(str(tmp_path))
    assert (shape.parameters, shape.width, shape.layers, shape.heads, shape.block) == (1000, 32, 2, 4, 1024)


def test_a_folder_that_is_not_bark_s_says_what_it_lacks(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(model_headers.SizesUnknown, match="semantic_config"):
        model_headers.bark(str(tmp_path))
