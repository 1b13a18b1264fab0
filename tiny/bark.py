"""A Bark with random weights, in the form of the published ones.  Make one with: python -m tiny.bark FOLDER"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import BarkConfig, BarkModel, BertTokenizer, EncodecConfig
from transformers.models.bark.configuration_bark import BarkCoarseConfig, BarkFineConfig, BarkSemanticConfig

SEED = 5
WIDTH = 16
TEXT_TOKENS = 129_600  # 10,048 semantic ones, the 119,547 of multilingual BERT and five marks, as in the real one
SPREAD = 1.5  # standard deviation of the scores
ATTENTION = (
    2.5  # gain of a layer's weights: with less, each state is the mean of all before it, and a text says nothing
)
END, LONGEST = 5.7, 36  # score of a sentence's end, chosen once in about 20 tokens; most tokens of one: 0.7 s
LOUDNESS = 0.1  # root mean square of the samples
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
MARKS = ".,;:!?'\"()-&%"
HAN = "你好我是老师今天气很请再说一遍这个词用英语怎么们学习在图书馆里看了两本他她的不要去吃饭"


def make(folder: Path) -> Path:
    """Write the checkpoint, of 8 MB in float16, and its tokenizer into `folder`; always the same one."""
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(SEED)
        model = BarkModel(shape()).eval()
        for part in (model.semantic, model.coarse_acoustics, model.fine_acoustics):
            spread(part)
        learn_to_end(model.semantic)
        give_a_sound(model)
    model.half().save_pretrained(folder)
    folder.joinpath("generation_config.json").write_text(json.dumps(manner(), indent=1), encoding="utf-8")
    words(folder).save_pretrained(folder)
    return folder


def shape() -> BarkConfig:
    size = {"num_layers": 1, "num_heads": 2, "hidden_size": WIDTH}
    semantic = BarkSemanticConfig(input_vocab_size=TEXT_TOKENS, output_vocab_size=10_048, **size)
    coarse = BarkCoarseConfig(input_vocab_size=12_096, output_vocab_size=12_096, **size)
    fine = BarkFineConfig(input_vocab_size=1056, output_vocab_size=1056, **size)
    codec = EncodecConfig(num_filters=2, hidden_size=WIDTH, target_bandwidths=[6.0], num_lstm_layers=1)
    return BarkConfig(
        semantic_config=semantic.to_dict(),
        coarse_acoustics_config=coarse.to_dict(),
        fine_acoustics_config=fine.to_dict(),
        codec_config=codec.to_dict(),
    )


def manner() -> dict[str, Any]:
    """What generation_config.json says, in the form and with the numbers of the published one; only LONGEST is ours."""
    old = {"_from_model_config": False, "do_sample": True, "generation_kwargs": {}, "max_length": 20, "top_k": 50}
    return {
        "coarse_acoustics_config": old | {"temperature": 0.7, "sliding_window_len": 60, "max_coarse_history": 630},
        "codebook_size": 1024,
        "fine_acoustics_config": old | {"temperature": 0.5, "max_fine_history_length": 512},
        "model_type": "bark",
        "sample_rate": 24_000,
        "semantic_config": old | {"temperature": 0.7, "eos_token_id": 10_000, "max_new_tokens": LONGEST},
    }


def spread(part: Any) -> None:
    """Wide weights: with the usual ones all tokens would be equally likely, whatever came before."""
    for name, weights in part.named_parameters():
        if "embed" in name:
            weights.normal_()
        elif weights.dim() == 2:
            weights.normal_(std=(SPREAD if "head" in name else ATTENTION) * weights.shape[1] ** -0.5)


def learn_to_end(semantic: Any) -> None:
    """Each state gets a part along one direction, which the score of a sentence's end alone sees."""
    direction = torch.full((WIDTH,), WIDTH**-0.5)
    scores = semantic.lm_head.weight
    scores -= torch.outer(scores @ direction, direction)
    scores[10_000] = END * direction
    semantic.layernorm_final.bias += direction


def give_a_sound(model: BarkModel) -> None:
    codec = model.codec_model
    for layer in codec.quantizer.layers:
        layer.codebook.embed.normal_()
    loud = model.codec_decode(torch.randint(1024, (1, 8, 75))).std()
    last = codec.decoder.layers[-1].conv
    last.weight = last.weight * LOUDNESS / loud


def words(folder: Path) -> BertTokenizer:
    """Multilingual BERT's way of reading, with a token for each letter, alone or inside of a word."""
    known = [*LETTERS, *MARKS, *HAN, *(f"##{letter}" for letter in LETTERS)]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(known)]
    file = folder / "vocab.txt"
    file.write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
    return BertTokenizer(str(file), do_lower_case=False)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
