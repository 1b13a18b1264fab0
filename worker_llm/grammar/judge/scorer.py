"""The scorer: log probabilities of given English texts under a small language model, by CTranslate2."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ctranslate2 import Generator
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from pipeline.errors import ModelDamaged

TOKENIZER_FILE = "tokenizer.json"  # in the folder of a converted model, of the library tokenizers
START = "<|endoftext|>"  # stood between the texts that the model was trained with
BATCH_TOKENS = 128  # computed at once: their probabilities of all tokens take 25 MB; larger batches are no faster


class Scorer:
    """A converted model, on the CPU, in int8. Natural logarithms."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Raises ModelDamaged if the folder has no model that `worker_llm.grammar.judge.convert` wrote."""
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
            self._generator = Generator(str(folder), device="cpu", compute_type="int8", intra_threads=threads)
        except Exception as error:  # tokenizers raises nothing more special
            raise ModelDamaged(f"{folder} cannot be loaded to check sentences: {error}") from error

    def ids(self, text: str) -> list[int]:
        """The tokens of the text, without a start."""
        ids: list[int] = self._encode(text).ids
        return ids

    def score(self, texts: Sequence[str], prefix: str = "") -> list[float]:
        """The log probability of each text after `prefix`: the sum over its own tokens. An empty text has 0.

        Each text is divided into tokens by itself, so after a prefix it begins with its space.
        """
        start = [START, *self._encode(prefix).tokens]
        tokens = [self._encode(text).tokens for text in texts]
        results = iter(
            self._generator.score_batch(
                [start + each for each in tokens if each],
                max_batch_size=BATCH_TOKENS,
                batch_type="tokens",
                max_input_length=0,  # nothing is cut off
            )
        )
        return [float(sum(next(results).log_probs[len(start) - 1 :])) if each else 0.0 for each in tokens]

    def token_log_probs(self, text: str) -> tuple[list[int], list[tuple[int, int]], NDArray[np.float32]]:
        """What the model expected at each place of the text: its tokens, their characters, and a matrix.

        The characters are from first to last exclusive, with a word's space before it. Row i of the matrix [tokens,
        vocabulary] has the log probability of every token in place of token i, after all tokens before it.
        """
        encoding = self._encode(text)
        if not encoding.ids:
            return [], [], np.empty((0, self._tokenizer.get_vocab_size()), dtype=np.float32)
        inputs = [[START, *encoding.tokens[:-1]]]
        matrix = np.array(self._generator.forward_batch(inputs, return_log_probs=True), dtype=np.float32)[0]
        return encoding.ids, encoding.offsets, matrix

    def _encode(self, text: str) -> Encoding:
        return self._tokenizer.encode(text, add_special_tokens=False)
