"""A chat model of GLM-4's architecture with random weights.  Run with: python -m waijiao.tiny_models.glm FOLDER"""

import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, GenerationConfig, GlmConfig, PreTrainedTokenizerFast

SEED = 4
VOCAB_SIZE = 1200  # tokens, including those of all 256 bytes and the special ones
SPECIAL_TOKENS = ["<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>"]
SPECIAL_TOKENS += ["<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"]
STOP_TOKENS = ["<|endoftext|>", "<|user|>", "<|observation|>"]  # as in GLM-4's generation_config.json

# GLM-4's own, without its tools. The model itself writes the line break after <|assistant|>.
TEMPLATE = (
    "[gMASK]<sop>{% for item in messages %}<|{{ item['role'] }}|>\n{{ item['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
# How GLM-4 splits text before pairs of bytes are merged: as GPT-4 does, with at most three digits together.
SPLIT_PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
SPLIT_PATTERN += r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CONFIG = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 8192,
    "initializer_range": 0.3,  # large enough that the likeliest token is far ahead of the others
}
TRAINING_TEXT = """
You are William, a foreign teacher at College William. You speak with learners of English, correct what they say,
and ask a short question. Yesterday I went to the library and I read two books. She doesn't like dogs. He has two
sisters. My mother is a teacher. There are many people in the park. I like eating apples. Last week we saw a film.
He goes to school by bus. I have an apple. They were very happy. She is taller than me. I want to buy a new phone.
My brother plays football every day. Can you tell me the time? We have three cats. The cat is sleeping. What would
you like to do tomorrow? Tell me more about your school. Who is your best friend? When do you get up? Let us make a
study plan: every morning you listen, every evening you write, and on Sunday we talk about 1, 20 and 300 things.
你好，我是威廉学院的外教威廉。今天我们来练习口语。你昨天去了哪里？我昨天去了图书馆，读了两本书。她不喜欢狗。他有两个姐姐。
我妈妈是老师。公园里有很多人。我喜欢吃苹果。上个星期我们看了一部电影。他坐公共汽车去学校。你能告诉我现在几点吗？我想买一部新手机。
""".splitlines()


def make(folder: Path, config_class: type[Any] = GlmConfig, template: str = TEMPLATE, **overrides: Any) -> Path:
    """Write a checkpoint of about 900 kB into `folder`; every call writes the same one.

    `config_class` selects another architecture, `overrides` are fields of its configuration.
    """
    tokenizer = make_tokenizer(template)
    torch.manual_seed(SEED)
    stop_ids = tokenizer.convert_tokens_to_ids(STOP_TOKENS)
    token_ids = {"eos_token_id": stop_ids, "pad_token_id": stop_ids[0], "bos_token_id": None}
    sizes = {"vocab_size": len(tokenizer), "dtype": "float32"}
    config = config_class(**CONFIG | token_ids | sizes | overrides)
    model = AutoModelForCausalLM.from_config(config)
    model.generation_config = GenerationConfig(eos_token_id=stop_ids, pad_token_id=stop_ids[0])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_tokenizer(template: str) -> Any:
    """A byte-pair tokenizer with GLM-4's special tokens and this chat template."""
    tokenizer = Tokenizer(models.BPE())
    splitter = pre_tokenizers.Split(Regex(SPLIT_PATTERN), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [splitter, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - len(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TRAINING_TEXT, trainer)
    tokenizer.add_special_tokens(SPECIAL_TOKENS)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=SPECIAL_TOKENS[0], pad_token=SPECIAL_TOKENS[0])
    fast.chat_template = template
    return fast


if __name__ == "__main__":
    print(make(Path(sys.argv[1])))
