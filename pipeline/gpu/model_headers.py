"""Read the headers of model files: GGUF's fields, and the tensor shapes in CTranslate2's model.bin."""

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from pipeline.errors import ConfigurationError, ModelDamaged
from pipeline.gpu.memory import Bark, LanguageModel, Whisper
from pipeline.model_files.catalogue import catalogue

STRING, ARRAY = 8, 9  # of GGUF's types; ggml-org/ggml, docs/gguf.md
NUMBER_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
MAX_ITEMS = 1 << 24  # bytes of a string, or entries of a list, beyond which a file is damaged


def gguf_header(path: Path) -> dict[str, Any]:
    """A GGUF file's fields by name; of a list only its length. Raises ModelDamaged."""
    try:
        with path.open("rb") as stream:
            magic, version, _, count = struct.unpack("<4sIQQ", stream.read(24))
            if magic != b"GGUF" or version not in (2, 3):
                raise ModelDamaged(f"{path} is not a GGUF file of version 2 or 3")
            return {_string(stream): _value(stream, _number(stream, "I")) for _ in range(_check_count(count))}
    except (struct.error, UnicodeDecodeError, KeyError, ValueError) as error:
        raise ModelDamaged(f"{path} is damaged: its header cannot be read") from error


def read_tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes in a model.bin of CTranslate2 (ctranslate2/specs/model_spec.py writes it). Raises ModelDamaged."""
    try:
        with path.open("rb") as stream:
            stream.seek(4)
            _name(stream)
            _, count = struct.unpack("<II", stream.read(8))
            return dict(_tensor(stream) for _ in range(_check_count(count)))
    except FileNotFoundError:
        raise ModelDamaged(f"{path} is not there: a Whisper in CTranslate2's form is a folder that has it") from None
    except (OSError, struct.error, UnicodeDecodeError, ValueError) as error:
        raise ModelDamaged(f"{path} is damaged: its header cannot be read") from error


def _number(stream: IO[bytes], kind: str) -> Any:
    return struct.unpack(f"<{kind}", stream.read(struct.calcsize(f"<{kind}")))[0]


def _check_count(count: int) -> int:
    if count > MAX_ITEMS:
        raise ValueError(count)
    return count


def _string(stream: IO[bytes]) -> str:
    return stream.read(_check_count(_number(stream, "Q"))).decode()


def _value(stream: IO[bytes], kind: int) -> Any:
    if kind == STRING:
        return _string(stream)
    if kind != ARRAY:
        return _number(stream, NUMBER_FORMATS[kind])
    inner, count = _number(stream, "I"), _check_count(_number(stream, "Q"))
    if inner in NUMBER_FORMATS:
        stream.seek(count * struct.calcsize(f"<{NUMBER_FORMATS[inner]}"), 1)
    else:
        for _ in range(count):
            _value(stream, inner)
    return count


def _name(stream: IO[bytes]) -> str:
    return stream.read(_number(stream, "H"))[:-1].decode()  # it ends with a zero


def _tensor(stream: IO[bytes]) -> tuple[str, tuple[int, ...]]:
    name, rank = _name(stream), _number(stream, "B")
    shape = struct.unpack(f"<{rank}I", stream.read(4 * rank))
    stream.seek(1, 1)  # its type
    stream.seek(_number(stream, "I"), 1)
    return name, shape


class SizesUnknown(ConfigurationError):
    """Raised when a model's files do not tell the sizes from which its memory could be computed."""


BYTES_PER_STORED_WEIGHT = {"float32": 4, "float16": 2, "bfloat16": 2}  # bytes of one weight in a file


def whisper(name_or_path: str) -> Whisper:
    """A Whisper model's sizes. Raises SizesUnknown for a folder that is not one in CTranslate2's form."""
    if catalogue_sizes := _from_catalogue(name_or_path):
        return Whisper(**catalogue_sizes)
    path = Path(name_or_path).expanduser() / "model.bin"
    sizes = read_tensor_shapes(path)
    try:
        width, vocabulary = sizes["encoder/conv1/weight"][0], sizes["decoder/embeddings/weight"][0]
        mels = sizes["encoder/conv1/weight"][1]
    except KeyError as missing:
        raise SizesUnknown(f"{path} is not a Whisper model in CTranslate2's form: it has no {missing}") from missing
    encoder, decoder = (
        len({match[0] for name in sizes if (match := re.match(rf"{part}/layer_\d+/", name))})
        for part in ("encoder", "decoder")
    )
    return Whisper(width, width // 64, encoder, decoder, mels, vocabulary)  # every Whisper has heads of 64


def language_model(name_or_path: str) -> LanguageModel:
    """Raises SizesUnknown for what is neither a GGUF file nor a folder of transformers with its sizes."""
    if catalogue_sizes := _from_catalogue(name_or_path):
        model = catalogue()[name_or_path]
        return replace(_from_sizes(catalogue_sizes), file_bytes=model.size if model.engine == "llama.cpp" else 0)
    path = Path(name_or_path).expanduser()
    return _from_gguf(path) if path.is_file() else _from_folder(path)


def bark(name_or_path: str) -> Bark:
    """Raises SizesUnknown for a folder without a Bark model in transformers' form."""
    if catalogue_sizes := _from_catalogue(name_or_path):
        weights = max(file.size for file in catalogue()[name_or_path].files)
        return Bark(parameters=weights // BYTES_PER_STORED_WEIGHT["float32"], **catalogue_sizes)
    folder = Path(name_or_path).expanduser()
    config = _config(folder)
    try:
        part = config["semantic_config"]
        sizes = {"width": "hidden_size", "layers": "num_layers", "heads": "num_heads", "block": "block_size"}
        our_sizes = {our_name: int(part[their_name]) for our_name, their_name in sizes.items()}
    except KeyError as missing:
        raise SizesUnknown(f"{folder}/config.json is not Bark's: it has no {missing}") from missing
    return Bark(parameters=_weight_bytes(folder) // BYTES_PER_STORED_WEIGHT[_type(config, "float32")], **our_sizes)


def _from_catalogue(name: str) -> Mapping[str, Any]:
    return catalogue()[name].shape if name in catalogue() else {}


def _from_sizes(sizes: Mapping[str, Any]) -> LanguageModel:
    """The parameters of a decoder with a separate head; `feed_forward` are a layer's matrices there, gated: three."""
    width, layers, inner = sizes["width"], sizes["layers"], sizes["inner"]
    heads, kv_heads, head_width = sizes["heads"], sizes["kv_heads"], sizes["head_width"]
    attention = (heads + 2 * kv_heads) * head_width * width + heads * head_width * width
    return LanguageModel(
        matrices=layers * (attention + sizes.get("feed_forward", 3) * inner * width),
        others=2 * sizes["vocabulary"] * width,
        **{key: value for key, value in sizes.items() if key in LanguageModel.__dataclass_fields__},
    )


def _from_folder(folder: Path) -> LanguageModel:
    config = _config(folder)
    config = {**config.get("text_config", config)}
    whole = "inner_hidden_size" in config  # ChatGLM-6B, which has names of its own
    config |= {
        their_name: config[stored_type] for stored_type, their_name in CHATGLM_6B.items() if stored_type in config
    }
    try:
        heads, width = int(config["num_attention_heads"]), int(config["hidden_size"])
        layers, vocabulary = int(config["num_hidden_layers"]), int(config["vocab_size"])
    except KeyError as missing:
        raise SizesUnknown(f"{folder}/config.json has no {missing}: its memory cannot be computed") from missing
    stored_type = _type(config, "bfloat16")
    parameters = _weight_bytes(folder) // BYTES_PER_STORED_WEIGHT[stored_type]
    others = vocabulary * width * (1 if config.get("tie_word_embeddings") else 2)
    return LanguageModel(
        matrices=max(0, parameters - others),
        others=min(others, parameters),
        layers=layers,
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        head_width=int(config.get("head_dim") or width // heads),
        width=width,
        inner=int(config.get("intermediate_size") or 4 * width),
        vocabulary=vocabulary,
        own_type=stored_type,
        positions=int(config.get("max_position_embeddings") or 0),
        whole=whole,
    )


CHATGLM_6B = {
    "num_layers": "num_hidden_layers",
    "inner_hidden_size": "intermediate_size",
    "max_sequence_length": "max_position_embeddings",
}


def _from_gguf(path: Path) -> LanguageModel:
    header = gguf_header(path)
    kind = header.get("general.architecture")
    try:
        heads, width = (int(header[f"{kind}.{name}"]) for name in ("attention.head_count", "embedding_length"))
        layers = int(header[f"{kind}.block_count"])
    except KeyError as missing:
        raise SizesUnknown(f"{path} has no {missing}: its memory cannot be computed") from missing
    return LanguageModel(
        matrices=0,
        others=0,
        layers=layers,
        heads=heads,
        kv_heads=int(header.get(f"{kind}.attention.head_count_kv", heads)),
        head_width=int(header.get(f"{kind}.attention.key_length", width // heads)),
        width=width,
        inner=int(header.get(f"{kind}.feed_forward_length", 4 * width)),
        vocabulary=int(header.get("tokenizer.ggml.tokens", 0)),
        file_bytes=path.stat().st_size,
    )


def _config(folder: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SizesUnknown(f"{folder} is not a model's folder: config.json cannot be read ({error})") from error
    return config


def _type(config: Mapping[str, Any], default: str) -> str:
    type_name = str(config.get("dtype") or config.get("torch_dtype") or default).removeprefix("torch.")
    return type_name if type_name in BYTES_PER_STORED_WEIGHT else default


def _weight_bytes(folder: Path) -> int:
    """Of the safetensors, or else of the .bin files."""
    for pattern in ("*.safetensors", "*.bin"):
        if sizes := [path.stat().st_size for path in folder.glob(pattern)]:
            return sum(sizes)
    raise SizesUnknown(f"{folder} has no weights: neither *.safetensors nor *.bin")
