"""Bark's first stage: from text to semantic tokens, 49.9 a second, which are what is said and how."""

from typing import Any

import torch
from transformers import DynamicCache

from worker_tts.bark_dice import Dice
from worker_tts.bark_voices import Prompt

ENDS = 0.2  # probability of the end at which a sentence ends: Suno's `min_eos_p`, against sounds after the last word


class Semantic:
    """`BarkSemanticModel.generate` with a voice for each row; a row that has ended leaves the batch."""

    def __init__(self, model: Any, manner: Any) -> None:
        self.model, self.manner = model.semantic, manner.semantic_config
        self.most = self.manner.max_new_tokens

    def say(self, texts: list[list[int]], voices: list[Prompt], dice: Dice) -> list[list[int]]:
        """Semantic tokens for each text of at most 256 tokens of BERT's."""
        said: list[list[int]] = [[] for _ in texts]
        going, cache, end = list(range(len(texts))), DynamicCache(), self.manner.semantic_vocab_size
        given = {"input_ids": None, "inputs_embeds": self.opening(texts, voices)}
        for _ in range(self.most):
            scores = self.model(given.pop("input_ids"), cache, use_cache=True, **given).logits[:, -1, : end + 1]
            tokens = dice.throw(scores, self.manner.temperature, going)
            chance = torch.softmax(scores.float() / self.manner.temperature, -1)[:, end]
            ended = ((tokens == end) | (chance >= ENDS)).tolist()
            stays = [place for place, over in enumerate(ended) if not over]
            if not stays:
                break
            if len(stays) < len(going):
                going, tokens = [going[place] for place in stays], tokens[stays]
                cache.batch_select_indices(torch.tensor(stays, device=tokens.device))
            for row, token in zip(going, tokens.tolist(), strict=True):
                said[row].append(token)
            given = {"input_ids": tokens[:, None]}
        return said

    def opening(self, texts: list[list[int]], voices: list[Prompt]) -> Any:
        """What Bark goes on from: each text over the last seconds of its voice, and the mark to begin."""
        manner, length = self.manner, self.manner.max_input_semantic_length
        words = torch.full((len(texts), length), manner.text_pad_token)
        heard = torch.full((len(texts), length), manner.semantic_pad_token)
        for row, (text, voice) in enumerate(zip(texts, voices, strict=True)):
            history = torch.from_numpy(voice.semantic[-length:])
            words[row, : len(text)] = torch.tensor(text) + manner.text_encoding_offset
            heard[row, : len(history)] = history
        begin = torch.full((len(texts), 1), manner.semantic_infer_token)
        embed, device = self.model.get_input_embeddings(), self.model.device
        return torch.cat([embed(words.to(device)) + embed(heard.to(device)), embed(begin.to(device))], 1)
