"""Text from a live model: greedy or sampled, in batches with left padding, or streamed."""

from collections.abc import Iterator, Sequence
from threading import Event, Thread
from typing import Any

import torch

from avspec.model.encoding import chat_ids
from avspec.model.scorer import batches

Messages = Sequence[dict[str, str]]


def generate_ids(
    model: Any,
    tokenizer: Any,
    conversations: Sequence[Messages],
    *,
    max_new_tokens: int = 256,
    temperature: float = 0.0,
    seed: int = 0,
    token_budget: int = 4096,
) -> list[list[int]]:
    """Answer each conversation with token ids, padded at the end where another answer of its batch is longer.

    Args:
        model: The live model.
        tokenizer: Its tokenizer.
        conversations: Turns of `role` and `content`, ending with the user's.
        max_new_tokens: Longest answer, tokens.
        temperature: 0 is greedy; otherwise sampling, seeded.
        seed: Seed of the sampling.
        token_budget: Padded tokens, prompts and answers, of one batch.
    """
    prompts = [chat_ids(tokenizer, messages, prompt=True) for messages in conversations]
    answers: list[list[int]] = [[] for _ in prompts]
    torch.manual_seed(seed)
    for indices in batches([len(prompt) + max_new_tokens for prompt in prompts], token_budget):
        inputs = left_padded([prompts[i] for i in indices], pad_id(tokenizer), model.device)
        with torch.inference_mode():
            output = model.generate(**inputs, **_settings(tokenizer, max_new_tokens, temperature))
        new = output[:, inputs["input_ids"].shape[1] :].tolist()
        for index, ids in zip(indices, new, strict=True):
            answers[index] = ids
    return answers


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """Return an answer's text."""
    return str(tokenizer.decode(ids, skip_special_tokens=True)).strip()


def stream(
    model: Any, tokenizer: Any, messages: Messages, *, max_new_tokens: int = 512, temperature: float = 0.0
) -> Iterator[str]:
    """Yield an answer piece by piece while it is generated; closing the iterator ends the generation."""
    from transformers import StoppingCriteriaList, TextIteratorStreamer

    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    ids = chat_ids(tokenizer, messages, prompt=True)
    inputs = left_padded([ids], pad_id(tokenizer), model.device)
    settings = _settings(tokenizer, max_new_tokens, temperature)
    failure: list[BaseException] = []
    closed = Event()

    def stop(ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
        return torch.full((len(ids),), closed.is_set(), dtype=torch.bool, device=ids.device)

    def work() -> None:
        try:
            with torch.inference_mode():
                model.generate(**inputs, **settings, streamer=streamer, stopping_criteria=StoppingCriteriaList([stop]))
        except BaseException as error:
            failure.append(error)
            streamer.end()

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        yield from (piece for piece in streamer if piece)
    finally:
        # the caller may turn the knobs next: the weights must not change under a generation that goes on
        closed.set()
        thread.join()
    if failure:
        raise failure[0]


def _settings(tokenizer: Any, max_new_tokens: int, temperature: float) -> dict[str, Any]:
    sampling = {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
    return {**sampling, "max_new_tokens": max_new_tokens, "pad_token_id": pad_id(tokenizer)}


def pad_id(tokenizer: Any) -> int:
    """Return the token that fills a batch."""
    pad = tokenizer.pad_token_id
    return int(pad if pad is not None else tokenizer.eos_token_id)


def left_padded(prompts: Sequence[Sequence[int]], pad: int, device: Any) -> dict[str, Any]:
    """Return a batch of prompts as `input_ids` and `attention_mask`, each `[rows, longest prompt]`."""
    width = max(map(len, prompts))
    ids = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
