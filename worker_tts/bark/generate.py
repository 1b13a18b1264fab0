"""Bark's generation for a batch of texts of different voices and lengths, each row independent of the others.

Text tokens -> semantic tokens (49.9 a second) -> coarse codes (2 codebooks, 75 a second) -> fine codes (8 codebooks)
-> samples. `BarkModel.generate` of transformers takes one voice and one random state for a whole batch, and a row's
sound depends on its batch mates; here every row has its own voice and seed, and sounds as it would alone.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import torch
from torch.nn.functional import pad
from transformers import DynamicCache

from worker_tts.bark.voices import VoicePrompt

END_PROBABILITY = 0.2  # of the end token at which a sentence ends: Suno's `min_eos_p`, against sounds after the end


@dataclass(frozen=True)
class TextPart:
    """A row of a batch: a text of at most 256 BERT tokens, who speaks it, and the seed of its random numbers."""

    tokens: list[int]
    voice: VoicePrompt
    seed: int


class BarkGenerator:
    """The sub-models of a BarkModel, one after another; `generation_config` is the model's BarkGenerationConfig."""

    def __init__(self, model: Any, generation_config: Any) -> None:
        self.model, self.rate = model, int(generation_config.sample_rate)
        self.semantic = SemanticStage(model, generation_config)
        self.coarse = CoarseStage(model, generation_config)
        self.fine = FineStage(model, generation_config)

    @torch.inference_mode()
    def generate(self, parts: Sequence[TextPart]) -> list[np.ndarray | None]:
        """Each part's samples, shape (n,), n = 0 when nothing was spoken; None when the model computed NaN."""
        voices, samplers = [part.voice for part in parts], [self.create_sampler(parts) for _ in range(3)]
        semantic = self.semantic.generate([part.tokens for part in parts], voices, samplers[0])
        coarse = self.coarse.generate(semantic, voices, samplers[1])
        fine = self.fine.generate(coarse, voices, samplers[2])
        has_nan = torch.stack([sampler.has_nan for sampler in samplers]).any(0).tolist()
        return [None if is_nan else self.decode(codes) for is_nan, codes in zip(has_nan, fine, strict=True)]

    def create_sampler(self, parts: Sequence[TextPart]) -> "RowSampler":
        """A new one for each stage, so that a row does not depend on how long the previous stage ran."""
        return RowSampler([part.seed for part in parts], self.model.device)

    def decode(self, codes: Any) -> np.ndarray:
        """One row alone: the codec's recurrent layers would be affected by the padding of a batch."""
        if not len(codes):
            return np.zeros(0, np.float32)
        samples = self.model.codec_decode(codes.T[None])[0].float().cpu().numpy()
        return np.asarray(samples, np.float32)


class RowSampler:
    """Draws tokens for the rows of one batch, each from the random numbers of its own seed."""

    def __init__(self, seeds: list[int], device: Any) -> None:
        self.generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
        self.has_nan = torch.zeros(len(seeds), dtype=torch.bool, device=device)  # rows whose scores were not numbers

    def sample(self, scores: Any, temperature: float, rows: list[int]) -> Any:
        """Tokens of shape (rows, …), drawn by scores of shape (rows, …, tokens).

        Draws from softmax(scores / temperature) by the Gumbel-max trick (Gumbel, 1954): unlike with cumulated
        probabilities, scores that differ in their last digits, as those of a batch and of a single row do, nearly
        always give the same token.
        """
        noise = torch.empty(scores.shape, device=scores.device)
        for index, row in enumerate(rows):
            noise[index].exponential_(generator=self.generators[row])
        self.has_nan[rows] |= scores.isnan().flatten(1).any(1)
        return (scores.float() / temperature - noise.log()).argmax(-1)


class SemanticStage:
    """`BarkSemanticModel.generate` with a voice for each row; a row that has ended leaves the batch."""

    def __init__(self, model: Any, generation_config: Any) -> None:
        self.model, self.config = model.semantic, generation_config.semantic_config

    def generate(self, texts: list[list[int]], voices: list[VoicePrompt], sampler: RowSampler) -> list[list[int]]:
        """Semantic tokens for each text of at most 256 BERT tokens."""
        rows: list[list[int]] = [[] for _ in texts]
        running, cache, end = list(range(len(texts))), DynamicCache(), self.config.semantic_vocab_size
        inputs = {"input_ids": None, "inputs_embeds": self.embed_prompts(texts, voices)}
        for _ in range(self.config.max_new_tokens):
            scores = self.model(inputs.pop("input_ids"), cache, use_cache=True, **inputs).logits[:, -1, : end + 1]
            tokens = sampler.sample(scores, self.config.temperature, running)
            end_probability = torch.softmax(scores.float() / self.config.temperature, -1)[:, end]
            end_flags = ((tokens == end) | (end_probability >= END_PROBABILITY)).tolist()
            remaining = [index for index, has_ended in enumerate(end_flags) if not has_ended]
            if not remaining:
                break
            if len(remaining) < len(running):
                running, tokens = [running[index] for index in remaining], tokens[remaining]
                cache.batch_select_indices(torch.tensor(remaining, device=tokens.device))
            for row, token in zip(running, tokens.tolist(), strict=True):
                rows[row].append(token)
            inputs = {"input_ids": tokens[:, None]}
        return rows

    def embed_prompts(self, texts: list[list[int]], voices: list[VoicePrompt]) -> Any:
        """What Bark continues: each text, added to the last tokens of its voice, and the token to begin with."""
        config, length = self.config, self.config.max_input_semantic_length
        text_tokens = torch.full((len(texts), length), config.text_pad_token)
        history_tokens = torch.full((len(texts), length), config.semantic_pad_token)
        for row, (text, voice) in enumerate(zip(texts, voices, strict=True)):
            history = torch.from_numpy(voice.semantic[-length:])
            text_tokens[row, : len(text)] = torch.tensor(text) + config.text_encoding_offset
            history_tokens[row, : len(history)] = history
        start_tokens = torch.full((len(texts), 1), config.semantic_infer_token)
        embed, device = self.model.get_input_embeddings(), self.model.device
        prompts = embed(text_tokens.to(device)) + embed(history_tokens.to(device))
        return torch.cat([prompts, embed(start_tokens.to(device))], 1)


@dataclass(frozen=True)
class CoarseSequence:
    """One row: semantic tokens, `history` of its voice first; coarse tokens, to be generated from `start` to `end`."""

    semantic: list[int]
    history: int
    coarse: list[int]
    start: int
    end: int


class CoarseStage:
    """`BarkCoarseModel.generate` with a voice for each row, in windows that slide by 60 tokens.

    Windows of one length are computed together: nearly all are, since nearly all voices are long enough.
    """

    def __init__(self, model: Any, generation_config: Any) -> None:
        self.model, self.config = model.coarse_acoustics, generation_config.coarse_acoustics_config
        self.semantic_config = generation_config.semantic_config
        self.books, self.codes = self.config.n_coarse_codebooks, generation_config.codebook_size
        self.ratio = self.config.coarse_rate_hz / self.semantic_config.semantic_rate_hz * self.books
        self.max_semantic_history = int(self.config.max_coarse_history / self.ratio)

    def generate(self, semantic: list[list[int]], voices: list[VoicePrompt], sampler: RowSampler) -> list[np.ndarray]:
        """For each row's semantic tokens the codes, shape (n, 2)."""
        sequences = [self.build_sequence(tokens, voice) for tokens, voice in zip(semantic, voices, strict=True)]
        step = self.config.sliding_window_len
        for count in range(0, max(sequence.end - sequence.start for sequence in sequences), step):
            windows: dict[int, dict[int, list[int]]] = defaultdict(dict)  # length -> row -> window
            for row, sequence in enumerate(sequences):
                if count < sequence.end - sequence.start:
                    window = self.build_window(sequence, count)
                    windows[len(window)][row] = window
            for group in windows.values():
                remaining = max(sequences[row].end - sequences[row].start - count for row in group)
                for row, tokens in zip(group, self.extend(group, min(step, remaining), sampler), strict=True):
                    sequence = sequences[row]
                    sequence.coarse.extend(tokens[: sequence.end - len(sequence.coarse)])
        return [self.to_codes(sequence) for sequence in sequences]

    def build_sequence(self, semantic: list[int], voice: VoicePrompt) -> CoarseSequence:
        even_length = len(voice.semantic) - len(voice.semantic) % 2
        history = min(self.max_semantic_history, even_length, int(voice.coarse.size / self.ratio))
        offsets = np.arange(self.books)[:, None] * self.codes + self.semantic_config.semantic_vocab_size
        coarse = (voice.coarse + offsets).T.ravel()[-round(history * self.ratio) :]
        coarse = coarse[:-2].tolist()  # Suno drops the last pair too
        pairs = int(len(semantic) * self.ratio / self.books)
        tokens = [*voice.semantic[-history:].tolist(), *semantic]
        return CoarseSequence(tokens, history, coarse, len(coarse), len(coarse) + pairs * self.books)

    def build_window(self, sequence: CoarseSequence, count: int) -> list[int]:
        """The input for the tokens after `count` ones: semantic tokens around them, coarse ones before them."""
        config, length = self.config, self.config.max_coarse_input_length
        position = sequence.history + round(count / self.ratio)
        semantic = sequence.semantic[max(0, position - self.max_semantic_history) :][:length]
        padding = [config.coarse_semantic_pad_token] * (length - len(semantic))
        return [*semantic, *padding, config.coarse_infer_token, *sequence.coarse[-config.max_coarse_history :]]

    def extend(self, windows: dict[int, list[int]], steps: int, sampler: RowSampler) -> list[list[int]]:
        """The next `steps` tokens of each row, alternately of the first and of the second codebook."""
        cache, tokens = DynamicCache(), torch.tensor(list(windows.values()), device=self.model.device)
        token_columns = []
        for step in range(steps):
            low = self.semantic_config.semantic_vocab_size + self.codes * (step % self.books)
            scores = self.model(tokens, cache, use_cache=True).logits[:, -1, low : low + self.codes]
            tokens = sampler.sample(scores, self.config.temperature, list(windows))[:, None] + low
            token_columns.append(tokens)
        return [list(map(int, row)) for row in torch.cat(token_columns, 1).tolist()]

    def to_codes(self, sequence: CoarseSequence) -> np.ndarray:
        flat = np.array(sequence.coarse[sequence.start :], np.int64) - self.semantic_config.semantic_vocab_size
        return np.asarray(flat.reshape(-1, self.books) % self.codes)


class FineStage:
    """`BarkFineModel.generate` with a voice and windows for each row.

    The model sees what comes after as well: in a batch of unequal rows `generate` lets a short row see what was made
    of its padding, and moves its windows. Here a row is followed by the padding that it would have alone.
    """

    def __init__(self, model: Any, generation_config: Any) -> None:
        self.model, self.config = model.fine_acoustics, generation_config.fine_acoustics_config
        self.coarse_books = generation_config.coarse_acoustics_config.n_coarse_codebooks
        self.codes = generation_config.codebook_size
        self.width, self.step = self.config.max_fine_input_length, self.config.max_fine_history_length

    def generate(self, coarse: list[np.ndarray], voices: list[VoicePrompt], sampler: RowSampler) -> list[Any]:
        """For each row's codes, shape (n, 2), those of all codebooks, shape (n, 8)."""
        histories = [voice.fine.T[-self.step :] for voice in voices]
        grids = [self.build_grid(history, codes) for history, codes in zip(histories, coarse, strict=True)]
        spans = [self.find_spans(len(history), len(codes)) for history, codes in zip(histories, coarse, strict=True)]
        for number in range(max(map(len, spans))):
            running = [row for row in range(len(coarse)) if number < len(spans[row])]
            self.fill_windows(grids, {row: spans[row][number] for row in running}, sampler)
        return [
            grid[len(history) : len(history) + len(codes)]
            for grid, history, codes in zip(grids, histories, coarse, strict=True)
        ]

    def build_grid(self, history: np.ndarray, codes: np.ndarray) -> Any:
        """The voice's codes, then the row's with empty columns for those to come; at least as long as one window."""
        empty = np.full((len(codes), self.config.n_fine_codebooks - self.coarse_books), self.codes)
        grid = torch.from_numpy(np.concatenate([history, np.concatenate([codes, empty], 1)]))
        missing = max(0, self.width - len(grid))
        return pad(grid, (0, 0, 0, missing), value=self.codes).to(self.model.device)

    def find_spans(self, history: int, length: int) -> list[tuple[int, int]]:
        """For each window, where it begins and from where on it is filled."""
        total = max(history + length, self.width)
        windows = max(0, ceil((length - (self.width - history)) / self.step)) + 1
        starts = [number * self.step for number in range(windows)]
        return [(min(start, total - self.width), min(history + start, total - self.step)) for start in starts]

    def fill_windows(self, grids: list[Any], spans: dict[int, tuple[int, int]], sampler: RowSampler) -> None:
        """Fill one window of each row, codebook after codebook."""
        views = [grids[row][start : start + self.width] for row, (start, _) in spans.items()]
        for codebook in range(self.coarse_books, self.config.n_fine_codebooks):
            scores = self.model(codebook, torch.stack(views)).logits[..., : self.codes]
            tokens = sampler.sample(scores, self.config.temperature, list(spans))
            for view, row, (start, filled_from) in zip(views, tokens, spans.values(), strict=True):
                view[filled_from - start :, codebook] = row[filled_from - start :]
