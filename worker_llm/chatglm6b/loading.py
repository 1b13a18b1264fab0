"""Load ChatGLM-6B out of the folder as it was published, or as transformers writes it."""

from pathlib import Path

from pipeline.errors import ModelDamaged
from pipeline.settings import Settings
from worker_llm.chatglm6b.folder import WORDS, check
from worker_llm.chatglm6b.network import ChatGLM6B
from worker_llm.chatglm6b.rounds import Rounds
from worker_llm.chatglm6b.shape import ChatGLM6BConfig
from worker_llm.chatglm6b.words import WHITE, Words
from worker_llm.checkpoint import DAMAGE, Checkpoint, quiet, weights
from worker_llm.model_folder import SETTING


def load(folder: Path, settings: Settings) -> Checkpoint:
    """Raises ModelDamaged or ConfigurationError, which say what is missing and what to do."""
    quiet()
    check(folder)
    try:
        config = ChatGLM6BConfig.from_pretrained(folder, local_files_only=True)
        words = vocabulary(folder / WORDS, config)
        model, found = weights(ChatGLM6B, folder, settings, config)
    except DAMAGE as error:
        raise ModelDamaged(f"{SETTING}: {folder} is damaged, or of several models: {error}; fetch it anew") from error
    if found["unexpected_keys"]:
        raise ModelDamaged(
            f"{SETTING}: the weights in {folder} are another model's: ChatGLM-6B has no {min(found['unexpected_keys'])}"
        )
    form = Rounds(words, config.gmask_token_id, config.bos_token_id)
    return Checkpoint(model, form, {config.eos_token_id}, words.count, config.max_sequence_length)


def vocabulary(file: Path, config: ChatGLM6BConfig) -> Words:
    """Raises ModelDamaged when the file's tokens are not those that config.json speaks of."""
    try:
        words = Words(file)
    except DAMAGE as error:
        raise ModelDamaged(f"{SETTING}: {file} is no vocabulary, or was cut off; fetch the model anew") from error
    marks = [words.id(mark) for mark in ("[gMASK]", "<sop>", "<eop>")]
    named = [config.gmask_token_id, config.bos_token_id, config.eos_token_id]
    if marks != named or len(words.white) < len(WHITE) or words.count > config.vocab_size:
        raise ModelDamaged(f"{SETTING}: {file} is another model's: config.json means other tokens; fetch it anew")
    return words
