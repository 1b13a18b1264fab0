"""A Bark with random weights, saved like the published ones.  Run with: python -m waijiao.tiny_models.bark FOLDER"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import BarkConfig, BarkModel, BertTokenizer, EncodecConfig
from transformers.models.bark.configuration_bark import BarkCoarseConfig, BarkFineConfig, BarkSemanticConfig

SEED = 5
HIDDEN_SIZE = 16
INPUT_VOCAB_SIZE = 129_600  # as in the real one: 10,048 semantic tokens, the 119,547 of multilingual BERT, five marks
END_TOKEN = 10_000
HEAD_GAIN = 1.5  # standard deviation of the scores
LAYER_GAIN = 2.5  # of a layer's weights: with less, each state is the mean of all before it, and the text has no effect
END_SCORE = 5.7  # of the end of a sentence, so that it is chosen once in about 20 tokens
MAX_SEMANTIC_TOKENS = 36  # of one sentence: 0.7 s
LOUDNESS = 0.1  # root mean square of the samples
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
PUNCTUATION = ".,;:!?'\"()-&%"
HAN_CHARACTERS = "你好我是老师今天气很请再说一遍这个词用英语怎么们学习在图书馆里看了两本他她的不要去吃饭"


def make(folder: Path) -> Path:
    """Write the checkpoint, 8 MB in float16, and its tokenizer into `folder`; every call writes the same one."""
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(SEED)
        model = BarkModel(make_config()).eval()
        for part in (model.semantic, model.coarse_acoustics, model.fine_acoustics):
            randomize_weights(part)
        set_end_probability(model.semantic)
        set_loudness(model)
    model.half().save_pretrained(folder)
    generation_config = json.dumps(make_generation_config(), indent=1)
    folder.joinpath("generation_config.json").write_text(generation_config, encoding="utf-8")
    make_tokenizer(folder).save_pretrained(folder)
    return folder


def make_config() -> BarkConfig:
    size = {"num_layers": 1, "num_heads": 2, "hidden_size": HIDDEN_SIZE}
    semantic = BarkSemanticConfig(input_vocab_size=INPUT_VOCAB_SIZE, output_vocab_size=10_048, **size)
    coarse = BarkCoarseConfig(input_vocab_size=12_096, output_vocab_size=12_096, **size)
    fine = BarkFineConfig(input_vocab_size=1056, output_vocab_size=1056, **size)
    codec = EncodecConfig(num_filters=2, hidden_size=HIDDEN_SIZE, target_bandwidths=[6.0], num_lstm_layers=1)
    return BarkConfig(
        semantic_config=semantic.to_dict(),
        coarse_acoustics_config=coarse.to_dict(),
        fine_acoustics_config=fine.to_dict(),
        codec_config=codec.to_dict(),
    )


def make_generation_config() -> dict[str, Any]:
    """The content of generation_config.json, with the numbers of the published one except MAX_SEMANTIC_TOKENS."""
    common = {"_from_model_config": False, "do_sample": True, "generation_kwargs": {}, "max_length": 20, "top_k": 50}
    return {
        "coarse_acoustics_config": common | {"temperature": 0.7, "sliding_window_len": 60, "max_coarse_history": 630},
        "codebook_size": 1024,
        "fine_acoustics_config": common | {"temperature": 0.5, "max_fine_history_length": 512},
        "model_type": "bark",
        "sample_rate": 24_000,
        "semantic_config": common
        | {"temperature": 0.7, "eos_token_id": END_TOKEN, "max_new_tokens": MAX_SEMANTIC_TOKENS},
    }


def randomize_weights(part: Any) -> None:
    """Give the weights a large variance: with the usual one all tokens would be about equally likely at any time."""
    for name, weights in part.named_parameters():
        if "embed" in name:
            weights.normal_()
        elif weights.dim() == 2:
            weights.normal_(std=(HEAD_GAIN if "head" in name else LAYER_GAIN) * weights.shape[1] ** -0.5)


def set_end_probability(semantic: Any) -> None:
    """Add a constant to each state in one direction, which affects only the score of the end of a sentence."""
    direction = torch.full((HIDDEN_SIZE,), HIDDEN_SIZE**-0.5)
    scores = semantic.lm_head.weight
    scores -= torch.outer(scores @ direction, direction)
    scores[END_TOKEN] = END_SCORE * direction
    semantic.layernorm_final.bias += direction


def set_loudness(model: BarkModel) -> None:
    """Scale the codec's last layer so that noise has the loudness of speech."""
    codec = model.codec_model
    for layer in codec.quantizer.layers:
        layer.codebook.embed.normal_()
    loudness = model.codec_decode(torch.randint(1024, (1, 8, 75))).std()
    last = codec.decoder.layers[-1].conv
    last.weight = last.weight * LOUDNESS / loudness


def make_tokenizer(folder: Path) -> BertTokenizer:
    """A tokenizer like that of multilingual BERT, with a token for each letter, alone or inside of a word."""
    pieces = [*LETTERS, *PUNCTUATION, *HAN_CHARACTERS, *(f"##{letter}" for letter in LETTERS)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(pieces)]
    file = folder / "vocab.txt"
    file.write_text("".join(f"{piece}\n" for piece in vocabulary), encoding="utf-8")
    return BertTokenizer(str(file), do_lower_case=False)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
