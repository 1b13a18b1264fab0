"""A ChatGLM-6B with random weights, saved as it was published.

Run with: python -m waijiao.tiny_models.chatglm6b FOLDER
"""

import json
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from waijiao.tiny_models.glm import TRAINING_TEXT
from worker_llm.hf_transformers.chatglm6b.model import ChatGLM6B, ChatGLM6BConfig
from worker_llm.hf_transformers.chatglm6b.tokenizer import LINE_BREAK, SPECIAL_TOKENS, WHITE_SPACE

SEED = 6
TEXT_TOKENS = 1200
UNUSED_TOKENS = 16  # after them, as the real one has
OUTPUT_GAIN = 60  # of a block, so that its output outweighs its input: else each token would be followed by itself
ATTENTION_GAIN = 2.5  # of queries, keys and values: with less, each state is the mean of all
TRAINER_OPTIONS: dict[str, Any] = {
    "vocab_size": TEXT_TOKENS,
    "model_type": "bpe",
    "user_defined_symbols": [LINE_BREAK, *(text for text in (*SPECIAL_TOKENS, *WHITE_SPACE) if text != LINE_BREAK)],
    "byte_fallback": True,
    "normalization_rule_name": "nmt_nfkc",
    "character_coverage": 1.0,
    "pad_id": 3,
    "num_threads": 1,
    "minloglevel": 2,
}
CONFIG = {
    "hidden_size": 64,
    "num_layers": 3,
    "num_attention_heads": 4,
    "inner_hidden_size": 256,
    "max_sequence_length": 2048,
}
WEIGHT_FILES = 2
AUTO_MAP = {"AutoConfig": "configuration_chatglm.ChatGLMConfig", "AutoModel": "modeling_chatglm.ChatGLMModel"}


def make(folder: Path, device: str = "cpu", **overrides: Any) -> Path:
    """Write a checkpoint of about 1 MB in float16 into `folder`; every call writes the same one.

    `overrides` are fields of config.json. A large checkpoint is made more quickly on a GPU, which `device` names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = train_vocabulary()
    token_ids = special_token_ids(vocabulary)
    (folder / "ice_text.model").write_bytes(vocabulary)
    config = ChatGLM6BConfig(**CONFIG | token_ids | overrides)
    with torch.device("meta"):  # shapes without memory
        model = ChatGLM6B(config).half()
    model.to_empty(device=device).tie_weights()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(SEED)
        for name, weights in model.named_parameters():
            randomize_weights(name, weights)
    fields = {name: getattr(config, name) for name in (*CONFIG, *token_ids, *overrides)}
    published_config = {
        "model_type": "chatglm",
        "position_encoding_2d": True,
        "torch_dtype": "float16",
        "auto_map": AUTO_MAP,
    }
    write_json(folder / "config.json", published_config | fields)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "ChatGLMTokenizer", "num_image_tokens": 0})
    save_weights(folder, model.state_dict())
    return folder


def train_vocabulary() -> bytes:
    """A sentencepiece model with the special tokens and the white-space tokens of the real one."""
    file = BytesIO()
    sentences = iter([line for line in TRAINING_TEXT if line])
    SentencePieceTrainer.train(sentence_iterator=sentences, model_writer=file, **TRAINER_OPTIONS)
    return file.getvalue()


def special_token_ids(vocabulary: bytes) -> dict[str, int]:
    """The fields of config.json that depend on the vocabulary."""
    pieces = SentencePieceProcessor(model_proto=vocabulary)
    names = {"mask": "[MASK]", "gmask": "[gMASK]", "bos": "<sop>", "eos": "<eop>", "pad": "<pad>"}
    return {f"{name}_token_id": pieces.piece_to_id(piece) for name, piece in names.items()} | {
        "vocab_size": pieces.get_piece_size() + UNUSED_TOKENS
    }


def randomize_weights(name: str, weights: torch.Tensor) -> None:
    """Give the weights a variance so large that rounding does not change which token is the likeliest."""
    if weights.dim() == 2:
        gains = {"query_key_value": ATTENTION_GAIN, "dense": OUTPUT_GAIN, "dense_4h_to_h": OUTPUT_GAIN}
        weights.normal_(std=gains.get(name.split(".")[-2], 1) * weights.shape[1] ** -0.5)
    elif name.endswith("norm.weight"):
        weights.normal_(1, 0.1)
    else:
        weights.normal_(std=0.1)


def save_weights(folder: Path, state: dict[str, torch.Tensor]) -> None:
    """Write the weights as they were published: several .bin files with an index, and a tensor that is not a weight."""
    state["transformer.layers.0.attention.rotary_emb.inv_freq"] = torch.ones(2)
    names = sorted(state)
    files = [f"pytorch_model-{number:05}-of-{WEIGHT_FILES:05}.bin" for number in range(1, WEIGHT_FILES + 1)]
    file_by_name = {name: files[index * WEIGHT_FILES // len(names)] for index, name in enumerate(names)}
    for file in files:
        torch.save({name: state[name].cpu() for name in names if file_by_name[name] == file}, folder / file)
    write_json(folder / "pytorch_model.bin.index.json", {"metadata": {}, "weight_map": file_by_name})


def write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, indent=1), encoding="utf-8")


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))
