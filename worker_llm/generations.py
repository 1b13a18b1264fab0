"""The generations of ChatGLM after the first, as they were published: what tells them apart, and what runs them.

They are other models than ChatGLM-6B, under the same model_type.
"""

import json
from pathlib import Path
from typing import Any

GLM_4 = 151_552  # tokens of its vocabulary; ChatGLM2's and ChatGLM3's have 65,024
SERVED = "behind a server that runs it (vLLM lists it) with WAIJIAO_LLM_ENGINE=openai"
ENGINES = {
    "ChatGLM2": SERVED,
    "ChatGLM3": f"as a GGUF file with WAIJIAO_LLM_ENGINE=llama.cpp, or {SERVED}",
    "GLM-4": "in the form that transformers knows, whose name ends in -hf (`waijiao models fetch glm-4-9b-chat`), or "
    " as a GGUF file with WAIJIAO_LLM_ENGINE=llama.cpp",
}


def described(folder: Path) -> dict[str, Any]:
    """What its config.json says; nothing when it cannot be read."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def later(folder: Path) -> str | None:
    """What the folder is and what runs it, if it is of a later generation."""
    config = described(folder)
    if config.get("model_type") != "chatglm" or "padded_vocab_size" not in config:
        return None
    names = f"{config.get('_name_or_path')} {folder.resolve().name}".lower()
    if config["padded_vocab_size"] == GLM_4 or "glm-4" in names:
        kind = "GLM-4"
    else:
        kind = "ChatGLM2" if "chatglm2" in names else "ChatGLM3"
    return f"{kind}, with code of its own that is not run here; use it {ENGINES[kind]}"
