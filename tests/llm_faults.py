"""What can go wrong with a request to `llm_server`."""

from dataclasses import dataclass

from llm_wire import Rejected

FAULTS = {
    "rate_limit": Rejected(429, "Rate limit reached, try again later", code="rate_limit_exceeded"),
    "error": Rejected(500, "Internal server error", code="server_error"),
    "unauthorized": Rejected(401, "Incorrect API key provided: {key}", code="invalid_api_key"),
    "unknown_model": Rejected(404, "model: {model} does not exist", code="model_not_found"),
    "bad_request": Rejected(400, "max_tokens: 9 is too many for this model", code="invalid_value"),
    "content_filter": Rejected(400, "The prompt was blocked by the content policy", code="content_filter"),
}
"""Faults that are answered with an error."""

OTHERS = ("hang", "cut", "cut_amid", "malformed", "page", "refusal")
"""Faults of the connection, of the answer (`page` is one of HTML), and a model that declines."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next request whose path starts with `path`."""

    kind: str
    path: str = ""
    seconds: float = 30.0
    """`hang`: how long until the connection is closed without an answer."""
    retry_after: float | None = 0.01
    """Errors: the header `Retry-After`, seconds; it also keeps the waits of tests short."""
    status: int | None = None
    message: str | None = None
    """Errors: status and text instead of the usual ones; `{key}` and `{model}` are filled in from the request."""
