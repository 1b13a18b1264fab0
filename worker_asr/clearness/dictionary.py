"""hibari's reading of English in a quarter of its memory: its tables are kept as bytes instead of Python's objects."""

import ctypes
import gc
import json
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from hibari import g2p
from hibari.g2p.lexicon import Lexicon
from hibari.g2p.tagger import Tagger
from hibari.g2p.tokenize import Tokenizer


class CompactTable:
    """Texts, each with a value that JSON can say, to be looked up with `get` and `in`. It is as large as its text."""

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        pairs = sorted((key.encode(), dump(value)) for key, value in mapping.items())
        self.keys = np.array([key for key, _ in pairs], np.bytes_)
        self.values = b"".join(value for _, value in pairs)
        self.starts = np.cumsum([0, *(len(value) for _, value in pairs)], dtype=np.int32)

    def get(self, key: str, default: Any = None) -> Any:
        code = np.bytes_(key.encode())
        row = int(np.searchsorted(self.keys, code))
        if row == len(self.keys) or self.keys[row] != code:
            return default
        return json.loads(self.values[self.starts[row] : self.starts[row + 1]])

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None


def dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class CompactG2P(g2p.G2P):
    """Reads texts exactly as hibari's G2P for American English does.

    One table after the other is read and made small, so that the memory of each is free for the next one.
    """

    def __init__(self) -> None:  # without that of G2P, which keeps all as it was read
        self.tagger = read_tagger()
        golds, silvers = read_table("lexicon_us_gold.json.gz"), read_table("lexicon_us_silver.json.gz")
        self.lexicon = Lexicon(golds, silvers, False)
        self.tokenizer = Tokenizer(read_asset("tokenizer_exceptions.json"))
        self._oov = None
        self.unk = ""
        self.british = False
        give_back_memory()


@cache
def load_dictionary() -> CompactG2P:
    """The one of this process."""
    return CompactG2P()


def read_asset(name: str) -> Any:
    return g2p._load_json(name)


def read_table(name: str) -> CompactTable:
    table = CompactTable(read_asset(name))
    give_back_memory()
    return table


def read_tagger() -> Tagger:
    """Nothing of what is read stays as it is: one text that is kept would keep the memory around it."""
    model = read_asset("tagger.json.gz")
    tagdict, weights = CompactTable(model["tagdict"]), CompactTable(model["weights"])
    vocabulary, tags = CompactTable(dict.fromkeys(model["vocab"], 1)), dump(model["tags"])
    del model
    give_back_memory()
    tagger = Tagger({"tagdict": tagdict, "weights": weights, "tags": json.loads(tags)})
    tagger.vocab = vocabulary
    return tagger


def give_back_memory() -> None:
    """What was freed, to the operating system; glibc keeps it otherwise."""
    gc.collect()  # empties what Python keeps for new objects, too
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
