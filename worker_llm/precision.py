"""In which type of numbers a model computes, and in how many bits its weights are kept."""

from typing import Any

import torch
from transformers import BitsAndBytesConfig

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings

TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
BITS = ("int8", "int4")


def precision(settings: Settings, config: Any) -> dict[str, Any]:
    """What `from_pretrained` must be told. Raises ConfigurationError for an unknown type."""
    asked = settings.llm_compute_type
    if asked in TYPES:
        return {"dtype": TYPES[asked]}
    if asked not in ("auto", *BITS):
        expected = ", ".join(("auto", *TYPES, *BITS))
        raise ConfigurationError(f"WAIJIAO_LLM_COMPUTE_TYPE={asked!r}: expected one of {expected}")
    own = torch.float32 if settings.llm_device == "cpu" else config.dtype or torch.float16
    if asked == "auto":
        return {"dtype": own}
    return {"dtype": own, "quantization_config": quantised(asked, own)}


def quantised(bits: str, own: torch.dtype) -> BitsAndBytesConfig:
    """LLM.int8() (Dettmers et al. 2022); or the 4 bits of QLoRA (2023): NF4, its scales quantised as well."""
    if bits == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=own
    )
