"""A ChatGLM-6B with random weights, in a folder like the published.  Make one with: python -m tiny.chatglm6b FOLDER"""

import json
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from tiny.glm import TEXT
from worker_llm.chatglm6b.network import ChatGLM6B
from worker_llm.chatglm6b.shape import ChatGLM6BConfig
from worker_llm.chatglm6b.words import BREAK, MARKS, WHITE

SEED = 6
PIECES = 1200  # tokens with a text
SPARE = 16  # and more that mean nothing, as the real one has
LOUDNESS = 60  # of what a block writes, so that it is more than what it reads: else each word would follow upon itself
ATTENTION = 2.5  # gain of queries, keys and values: with less, each state is the mean of all
TRAINING: dict[str, Any] = {
    "vocab_size": PIECES,
    "model_type": "bpe",
    "user_defined_symbols": [BREAK, *(mark for mark in (*MARKS, *WHITE) if mark != BREAK)],
    "byte_fallback": True,
    "normalization_rule_name": "nmt_nfkc",
    "character_coverage": 1.0,
    "pad_id": 3,
    "num_threads": 1,
    "minloglevel": 2,
}
SHAPE = {
    "hidden_size": 64,
    "num_layers": 3,
    "num_attention_heads": 4,
    "inner_hidden_size": 256,
    "max_sequence_length": 2048,
}
PARTS = 2  # files of weights


def make(folder: Path, device: str = "cpu", **sizes: Any) -> Path:
    """A checkpoint of about 1 MB in float16, the same each time; `sizes` are those of config.json.

    Large ones are made on a GPU more quickly.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = words()
    (folder / "ice_text.model").write_bytes(vocabulary)
    config = ChatGLM6BConfig(**SHAPE | marks(vocabulary) | sizes)
    with torch.device("meta"):  # shapes without memory
        model = ChatGLM6B(config).half()
    model.to_empty(device=device).tie_weights()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(SEED)
        for name, weights in model.named_parameters():
            spread(name, weights)
    described = {name: getattr(config, name) for name in (*SHAPE, *marks(vocabulary), *sizes)}
    published = {"model_type": "chatglm", "position_encoding_2d": True, "torch_dtype": "float16", "auto_map": CODE}
    write(folder / "config.json", published | described)
    write(folder / "tokenizer_config.json", {"tokenizer_class": "ChatGLMTokenizer", "num_image_tokens": 0})
    save(folder, model.state_dict())
    return folder


CODE = {"AutoConfig": "configuration_chatglm.ChatGLMConfig", "AutoModel": "modeling_chatglm.ChatGLMModel"}


def words() -> bytes:
    """A vocabulary with the marks and the white space of the real one."""
    file = BytesIO()
    sentences = iter([line for line in TEXT if line])
    SentencePieceTrainer.train(sentence_iterator=sentences, model_writer=file, **TRAINING)
    return file.getvalue()


def marks(vocabulary: bytes) -> dict[str, int]:
    pieces = SentencePieceProcessor(model_proto=vocabulary)
    names = {"mask": "[MASK]", "gmask": "[gMASK]", "bos": "<sop>", "eos": "<eop>", "pad": "<pad>"}
    return {f"{name}_token_id": pieces.piece_to_id(piece) for name, piece in names.items()} | {
        "vocab_size": pieces.get_piece_size() + SPARE
    }


def spread(name: str, weights: torch.Tensor) -> None:
    """Scores far enough apart that the likeliest token is no accident of rounding."""
    if weights.dim() == 2:
        gains = {"query_key_value": ATTENTION, "dense": LOUDNESS, "dense_4h_to_h": LOUDNESS}
        weights.normal_(std=gains.get(name.split(".")[-2], 1) * weights.shape[1] ** -0.5)
    elif name.endswith("norm.weight"):
        weights.normal_(1, 0.1)
    else:
        weights.normal_(std=0.1)


def save(folder: Path, state: dict[str, torch.Tensor]) -> None:
    """In several .bin files with an index, and with a frequency that is not a weight, as it was published."""
    state["transformer.layers.0.attention.rotary_emb.inv_freq"] = torch.ones(2)
    names, files = sorted(state), [f"pytorch_model-{part + 1:05}-of-{PARTS:05}.bin" for part in range(PARTS)]
    places = {name: files[place * PARTS // len(names)] for place, name in enumerate(names)}
    for file in files:
        torch.save({name: state[name].cpu() for name in names if places[name] == file}, folder / file)
    write(folder / "pytorch_model.bin.index.json", {"metadata": {}, "weight_map": places})


def write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=1), encoding="utf-8")


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))
