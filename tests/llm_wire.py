"""The two wire formats `llm_server` speaks: what a request asks, and how a reply and an error look.

Written from the providers' public API references, not from our clients.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Protocol = Literal["anthropic", "openai"]
Body = dict[str, Any]

_VOCABULARY = (
    "after some of these years people often ask about a plan that covers the home and family in simple terms before "
    "they choose what to do with their money or health because every case is different and good advice takes time"
)
WORDS = _VOCABULARY.split()


@dataclass(frozen=True)
class Question:
    """What a request asks, whichever its format."""

    model: str
    prompt: str
    system: str
    most: int
    """Longest answer, words (the server's tokens)."""
    schema: Mapping[str, Any] | None


class Rejected(Exception):
    """A request the server answers with an error."""

    def __init__(self, status: int, message: str, *, code: str = "invalid_request_error", param: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param


class Refusal(Exception):
    """Raised by an `answer` callable whose model declines; the text is what it says."""


def read_question(protocol: Protocol, body: Body, unknown: frozenset[str] = frozenset()) -> Question:
    """Read a request as strictly as the provider does.

    Raises:
        Rejected: It breaks the format, or has a parameter in `unknown`.
    """
    for name in sorted(unknown & set(body)):
        message = f"Unsupported parameter: '{name}' is not supported with this model."
        if name == "max_tokens":
            message += " Use 'max_completion_tokens' instead."
        raise Rejected(400, message, code="unsupported_parameter", param=name)
    needed = ("model", "messages", "max_tokens") if protocol == "anthropic" else ("model", "messages")
    if missing := [name for name in needed if name not in body]:
        raise Rejected(400, f"{missing[0]}: Field required", param=missing[0])
    return (_from_anthropic if protocol == "anthropic" else _from_openai)(body)


def _from_anthropic(body: Body) -> Question:
    known = {"model", "messages", "max_tokens", "system", "output_config", "temperature", "metadata"}
    if extra := sorted(set(body) - known):
        raise Rejected(400, f"{extra[0]}: Extra inputs are not permitted", param=extra[0])
    form = body.get("output_config", {}).get("format")
    schema = form["schema"] if form else None
    _require_strict(schema, "output_config.format.schema")
    prompt = "\n".join(message["content"] for message in body["messages"])
    return Question(body["model"], prompt, body.get("system", ""), body["max_tokens"], schema)


def _from_openai(body: Body) -> Question:
    turns: dict[str, list[str]] = {"system": [], "user": []}
    for message in body["messages"]:
        turns[message["role"]].append(message["content"])
    form = body.get("response_format")
    schema = form["json_schema"]["schema"] if form else None
    if form and form["json_schema"].get("strict"):
        _require_strict(schema, "response_format", every=True)
    most = body.get("max_completion_tokens", body.get("max_tokens", 4096))
    return Question(body["model"], "\n".join(turns["user"]), "\n".join(turns["system"]), most, schema)


def _require_strict(schema: Any, where: str, *, every: bool = False) -> None:
    """Reject the schemas that the providers reject: open objects and, for OpenAI, optional properties."""
    if isinstance(schema, list):
        for part in schema:
            _require_strict(part, where, every=every)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            raise Rejected(400, f"Invalid schema for {where}: 'additionalProperties' must be false", param=where)
        if every and sorted(schema.get("required", [])) != sorted(schema.get("properties", {})):
            raise Rejected(400, f"Invalid schema for {where}: 'required' must name every property", param=where)
    for part in schema.values():
        _require_strict(part, where, every=every)


def reply(protocol: Protocol, question: Question, text: str, *, refused: bool = False) -> Body:
    """Return the body of an answer, cut at the question's `most` words."""
    words = text.split(" ")
    cut = len(words) > question.most
    text = " ".join(words[: question.most])
    tokens = (len(f"{question.system} {question.prompt}".split()), min(len(words), question.most))
    stop = "refusal" if refused else "length" if cut else "end"
    return (_to_anthropic if protocol == "anthropic" else _to_openai)(question, text, stop, tokens)


def _to_anthropic(question: Question, text: str, stop: str, tokens: tuple[int, int]) -> Body:
    return {
        "id": f"msg_{_hash(question.prompt)[:20]}",
        "type": "message",
        "role": "assistant",
        "model": question.model,
        "content": [{"type": "text", "text": text}] if text else [],
        "stop_reason": {"end": "end_turn", "length": "max_tokens", "refusal": "refusal"}[stop],
        "stop_sequence": None,
        "usage": {"input_tokens": tokens[0], "output_tokens": tokens[1]},
    }


def _to_openai(question: Question, text: str, stop: str, tokens: tuple[int, int]) -> Body:
    refused = stop == "refusal"
    message = {"role": "assistant", "content": None if refused else text, "refusal": text if refused else None}
    return {
        "id": f"chatcmpl-{_hash(question.prompt)[:20]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": question.model,
        "choices": [{"index": 0, "message": message, "finish_reason": "length" if stop == "length" else "stop"}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)},
    }


def error(protocol: Protocol, rejected: Rejected) -> Body:
    """Return the body of an error."""
    if protocol == "anthropic":
        types = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
        kind = types.get(rejected.status, "api_error" if rejected.status >= 500 else "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": rejected.message}, "request_id": "req_1"}
    inner = {"message": rejected.message, "type": "invalid_request_error", "param": rejected.param or None}
    return {"error": {**inner, "code": rejected.code}}


def default_text(question: Question) -> str:
    """Return a text that only the question decides: JSON if a schema is asked for, else a few sentences."""
    seed = _hash(f"{question.system}\n{question.prompt}")
    if question.schema is not None:
        return json.dumps(_sample(question.schema, seed))
    return " ".join(_sentence(_hash(f"{seed}{number}")) for number in range(4))


def _sentence(seed: str) -> str:
    words = [WORDS[int(seed[i : i + 2], 16) % len(WORDS)] for i in range(0, 28, 2)]
    return " ".join(words).capitalize() + "."


def _sample(schema: Mapping[str, Any], seed: str) -> Any:
    """Return a value that follows a schema."""
    if "enum" in schema:
        return schema["enum"][int(seed[:4], 16) % len(schema["enum"])]
    kind = schema.get("type")
    if kind == "object":
        return {name: _sample(part, _hash(seed + name)) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        count = max(3, schema.get("minItems", 0))
        return [_sample(schema["items"], _hash(f"{seed}{number}")) for number in range(count)]
    if kind in ("integer", "number"):
        return schema.get("minimum", 0) + int(seed[:2], 16) % 5
    return int(seed[:2], 16) % 2 == 0 if kind == "boolean" else _sentence(seed)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
