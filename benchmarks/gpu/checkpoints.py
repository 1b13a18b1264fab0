"""The large teachers at their real sizes with random weights, where no model hub can be reached; or tiny ones, to try a
benchmark out. Their speed and memory are those of the real ones; their transcripts, answers and audio are noise.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctranslate2
import torch
from transformers import (
    BarkConfig,
    BarkModel,
    EncodecConfig,
    GenerationConfig,
    WhisperConfig,
    WhisperForConditionalGeneration,
    WhisperTokenizerFast,
)
from transformers.models.bark.configuration_bark import BarkCoarseConfig, BarkFineConfig, BarkSemanticConfig
from transformers.models.bark.generation_configuration_bark import BarkGenerationConfig

from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings
from waijiao.tiny_models import bark, glm

GLM_CONFIG: dict[str, Any] = {  # GLM-4-9B-chat's config.json
    "hidden_size": 4096,
    "intermediate_size": 13696,
    "num_hidden_layers": 40,
    "num_attention_heads": 32,
    "num_key_value_heads": 2,
    "head_dim": 128,
    "vocab_size": 151_552,
    "max_position_embeddings": 131_072,
    "initializer_range": 0.02,
    "dtype": "bfloat16",
}
BARK_PART_CONFIG = {"num_layers": 24, "num_heads": 16, "hidden_size": 1024, "block_size": 1024}
WHISPER_SIZES = {  # Whisper large-v2's config.json
    "full": {"d_model": 1280, "layers": 32, "heads": 20},
    "tiny": {"d_model": 64, "layers": 1, "heads": 2},
}


def make(stage: str, size: str, folder: Path, device: str) -> Path:
    """Make the stage's checkpoint of this size, "full" or "tiny", in `folder`; `device` is where it is computed."""
    folder.mkdir(parents=True)
    with torch.device(device):
        return CHECKPOINT_MAKERS[stage](size, folder)


def make_glm(size: str, folder: Path) -> Path:
    return glm.make(folder, **(GLM_CONFIG if size == "full" else {}))


def make_bark(size: str, folder: Path) -> Path:
    if size == "tiny":
        return bark.make(folder)
    parts = {
        "semantic_config": BarkSemanticConfig(input_vocab_size=129_600, output_vocab_size=10_048, **BARK_PART_CONFIG),
        "coarse_acoustics_config": BarkCoarseConfig(
            input_vocab_size=12_096, output_vocab_size=12_096, **BARK_PART_CONFIG
        ),
        "fine_acoustics_config": BarkFineConfig(input_vocab_size=1056, output_vocab_size=1056, **BARK_PART_CONFIG),
        "codec_config": EncodecConfig(),
    }
    model = BarkModel(BarkConfig(**{name: config.to_dict() for name, config in parts.items()}))
    model.half().save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps(BarkGenerationConfig().to_dict()), encoding="utf-8")
    bark.make_tokenizer(folder).save_pretrained(folder)
    return folder


def make_whisper(size: str, folder: Path) -> Path:
    """Converted to CTranslate2 as the published ones are. The tokenizer is Whisper base's, which large-v2 shares."""
    sizes, original = WHISPER_SIZES[size], folder / "original"
    layers = {
        f"{part}_{field}": sizes[name] for part in ("encoder", "decoder") for field, name in SIZE_BY_FIELD.items()
    }
    ffn = {f"{part}_ffn_dim": 4 * sizes["d_model"] for part in ("encoder", "decoder")}
    config: dict[str, Any] = {"vocab_size": 51_865, "num_mel_bins": 80, "d_model": sizes["d_model"], **layers, **ffn}
    model = WhisperForConditionalGeneration(WhisperConfig(**config))
    model.generation_config = GenerationConfig(alignment_heads=[[0, 0]], **SPECIAL_TOKEN_IDS)
    model.half().save_pretrained(original)
    tokenizer_file = locate("whisper-base", Settings().models_folder) / "tokenizer.json"
    WhisperTokenizerFast(tokenizer_file=str(tokenizer_file)).save_pretrained(original)
    converter = ctranslate2.converters.TransformersConverter(str(original), load_as_float16=True)
    converter.convert(str(folder / "converted"), quantization="float16")
    (folder / "converted" / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())
    return folder / "converted"


SIZE_BY_FIELD = {"layers": "layers", "attention_heads": "heads"}  # the end of a field of WhisperConfig -> its size
SPECIAL_TOKEN_IDS = {"suppress_tokens": [], "begin_suppress_tokens": [220, 50_257], "decoder_start_token_id": 50_258}
CHECKPOINT_MAKERS: dict[str, Callable[[str, Path], Path]] = {"asr": make_whisper, "llm": make_glm, "tts": make_bark}
