"""What stands at the beginning of model files: GGUF's fields, and the shapes in CTranslate2's model.bin."""

import struct
from pathlib import Path
from typing import IO, Any

from pipeline.errors import ModelDamaged

STRING, ARRAY = 8, 9  # of GGUF's types; ggml-org/ggml, docs/gguf.md
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
LONGEST = 1 << 24  # bytes of a string, or entries of a list, beyond which a file is damaged


def gguf_header(path: Path) -> dict[str, Any]:
    """A GGUF file's fields by name; of a list only its length. Raises ModelDamaged."""
    try:
        with path.open("rb") as stream:
            magic, version, _, count = struct.unpack("<4sIQQ", stream.read(24))
            if magic != b"GGUF" or version not in (2, 3):
                raise ModelDamaged(f"{path} is no GGUF file of version 2 or 3")
            return {_string(stream): _value(stream, _number(stream, "I")) for _ in range(_sane(count))}
    except (struct.error, UnicodeDecodeError, KeyError, ValueError) as error:
        raise ModelDamaged(f"{path} is damaged: its header cannot be read") from error


def tensors_of(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes in a model.bin of CTranslate2 (ctranslate2/specs/model_spec.py writes it). Raises ModelDamaged."""
    try:
        with path.open("rb") as stream:
            stream.seek(4)
            _name(stream)
            _, count = struct.unpack("<II", stream.read(8))
            return dict(_tensor(stream) for _ in range(_sane(count)))
    except FileNotFoundError:
        raise ModelDamaged(f"{path} is not there: a Whisper in CTranslate2's form is a folder that has it") from None
    except (OSError, struct.error, UnicodeDecodeError, ValueError) as error:
        raise ModelDamaged(f"{path} is damaged: its header cannot be read") from error


def _number(stream: IO[bytes], kind: str) -> Any:
    return struct.unpack(f"<{kind}", stream.read(struct.calcsize(f"<{kind}")))[0]


def _sane(count: int) -> int:
    if count > LONGEST:
        raise ValueError(count)
    return count


def _string(stream: IO[bytes]) -> str:
    return stream.read(_sane(_number(stream, "Q"))).decode()


def _value(stream: IO[bytes], kind: int) -> Any:
    if kind == STRING:
        return _string(stream)
    if kind != ARRAY:
        return _number(stream, NUMBERS[kind])
    inner, count = _number(stream, "I"), _sane(_number(stream, "Q"))
    if inner in NUMBERS:
        stream.seek(count * struct.calcsize(f"<{NUMBERS[inner]}"), 1)
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
