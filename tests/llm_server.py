"""A real HTTP server that speaks the Anthropic and the OpenAI wire formats, with faults on demand.

    with LlmServer(lambda prompt, system: "Yes.") as server:
        server.fault("rate_limit", times=2)
        ...                                  # clients: server.url (Anthropic), server.openai_url (OpenAI)
        assert len(server.requests) == 3 and len(server.completed) == 1

In a process of its own, which outlives the clients that a crash test kills, each request is a line of a log, written
when it arrives (`"event": "request"`) and again when it has been answered with success (`"event": "completed"`):

    python tests/llm_server.py --port 8000 --log requests.jsonl
"""

import argparse
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from llm_batches import BatchApi
from llm_faults import FAULTS, OTHERS, Fault
from llm_wire import Body, Protocol, Question, Refusal, Rejected, default_text, error, read_question, reply


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: Any
    """The JSON that was sent; text when it was not JSON, None when there was none."""
    at: float = field(default_factory=time.time)
    """When, seconds since 1970."""


class LlmServer:
    """The server, answering from a thread of this process while the `with` block lasts.

    Args:
        answer: Prompt and system to the text of the answer; it may raise `llm_wire.Refusal`, and any other exception
            makes an error 500 (an entry that failed, in a batch). Without one, a text that a hash of the question
            decides, or JSON where a schema is asked for.
        port: Where to listen; 0 takes a free port.
        log: File that gets a JSON line for each request, and another when it has been answered with success.
        models: The models there are; None for all.
        keys: The keys that are accepted; None for all, also for none.
        unknown: Parameters the server does not know, answered with 400 as older and local servers do.
        delay: Seconds each answer takes.
        polls: Looks at a batch until it is done.
    """

    def __init__(
        self,
        answer: Callable[[str, str], str] | None = None,
        *,
        port: int = 0,
        log: Path | None = None,
        models: Iterable[str] | None = None,
        keys: Iterable[str] | None = None,
        unknown: Iterable[str] = (),
        delay: float = 0.0,
        polls: int = 1,
    ) -> None:
        self.answer, self.log, self.delay = answer, log, delay
        self.models, self.keys = (None if names is None else frozenset(names) for names in (models, keys))
        self.unknown = frozenset(unknown)
        self.requests: list[Recorded] = []
        self.completed: list[Recorded] = []
        self.faults: list[Fault] = []
        self.stopping = threading.Event()
        self.lock = threading.RLock()
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.llm = self
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self.openai_url = f"{self.url}/v1"
        self.batches = BatchApi(self.url, self.respond, polls)

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()

    def fault(self, kind: str, *, times: int = 1, **settings: Any) -> None:
        """Queue a fault for the next `times` requests (see `Fault` for the settings)."""
        if kind not in (*FAULTS, *OTHERS):
            raise ValueError(f"there is no fault {kind!r}")
        with self.lock:
            self.faults += [Fault(kind, **settings)] * times

    def next_fault(self, path: str) -> Fault | None:
        """Take the first queued fault that is meant for this path."""
        with self.lock:
            found = next((fault for fault in self.faults if path.startswith(fault.path)), None)
            if found:
                self.faults.remove(found)
            return found

    def sent(self, path: str) -> list[Recorded]:
        """Return the POST requests to a path so far."""
        with self.lock:
            return [request for request in self.requests if (request.method, request.path) == ("POST", path)]

    def record(self, event: str, request: Recorded) -> None:
        """Count a request, and write it to the log before anything else happens to it."""
        with self.lock:
            (self.requests if event == "request" else self.completed).append(request)
            if self.log:
                with self.log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"event": event, **asdict(request)}) + "\n")

    def respond(self, protocol: Protocol, body: Body) -> Body:
        """Return the answer to one live request or one entry of a batch.

        Raises:
            Rejected: The server would answer with an error.
        """
        question = read_question(protocol, body, self.unknown)
        if self.models is not None and question.model not in self.models:
            raise Rejected(404, f"model: {question.model} does not exist", code="model_not_found")
        try:
            return reply(protocol, question, self._text(question))
        except Refusal as refusal:
            return reply(protocol, question, str(refusal), refused=True)

    def _text(self, question: Question) -> str:
        if self.answer is None:
            return default_text(question)
        try:
            return self.answer(question.prompt, question.system)
        except Refusal:
            raise
        except Exception as broken:
            raise Rejected(500, f"the model failed: {broken}", code="server_error") from broken


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    llm: LlmServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away: the tests kill them."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def log_message(self, *arguments: object) -> None:
        """Keep the tests' output clean."""

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        llm = self.server.llm
        self.raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self.path.partition("?")[0]
        if path == "/faults":  # for tests that have the server in another process
            llm.fault(**json.loads(self.raw))
            return self._send(200, {})
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.protocol: Protocol = "anthropic" if "anthropic-version" in headers else "openai"
        self.recorded = Recorded(self.command, path, headers, _parse(self.raw))
        llm.record("request", self.recorded)
        fault = llm.next_fault(path)
        if fault and not self._survive(fault):
            return None
        try:
            self._authorize(headers)
            status, body = 200, self._route(path, refused=fault is not None)
        except Rejected as rejected:
            status, body = rejected.status, error(self.protocol, rejected)
        self._send(status, body)
        if status == 200:
            llm.record("completed", self.recorded)

    def _authorize(self, headers: dict[str, str]) -> None:
        key = self._key()
        keys = self.server.llm.keys
        if keys is not None and key not in keys:
            raise Rejected(401, f"Incorrect API key provided: {key}", code="invalid_api_key")

    def _key(self) -> str:
        return self.recorded.headers.get("x-api-key") or self.recorded.headers.get("authorization", "")[7:]

    def _route(self, path: str, *, refused: bool) -> Body | bytes:
        llm, body = self.server.llm, self.recorded.body
        if self.command == "POST" and path in ("/v1/messages", "/v1/chat/completions"):
            llm.stopping.wait(llm.delay)
            if refused:
                return reply(self.protocol, read_question(self.protocol, body), "I cannot help.", refused=True)
            return llm.respond(self.protocol, body)
        with llm.lock:
            return llm.batches.route(self.command, self.path, self.recorded, self.raw)

    def _survive(self, fault: Fault) -> bool:
        """Do what the fault says; True if the request is to be answered all the same."""
        if fault.kind == "refusal":
            return True
        if fault.kind in FAULTS:
            usual = FAULTS[fault.kind]
            body = self.recorded.body if isinstance(self.recorded.body, dict) else {}
            text = (fault.message or usual.message).format(key=self._key(), model=body.get("model", ""))
            status = fault.status or usual.status
            self._send(status, error(self.protocol, Rejected(status, text, code=usual.code)), fault.retry_after)
        elif fault.kind == "page":
            self._send(200, b"<html>log in</html>", kind="text/html")
        elif fault.kind == "malformed":
            self._send(200, b'{"id": "msg_1", "content": [{"type": "te')
        else:
            self._drop(fault)
        return False

    def _drop(self, fault: Fault) -> None:
        """Close the connection: at once, after a while, or in the middle of an answer."""
        if fault.kind == "hang":
            self.server.llm.stopping.wait(fault.seconds)
        if fault.kind == "cut_amid":
            self.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{"id":')
            self.wfile.flush()
        self.close_connection = True

    def _send(
        self, status: int, body: Body | bytes, retry_after: float | None = None, kind: str = "application/json"
    ) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        if retry_after is not None:
            self.send_header("retry-after", str(retry_after))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


def _parse(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="An HTTP server that speaks the Anthropic and OpenAI wire formats.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds each answer takes")
    parser.add_argument("--polls", type=int, default=1, help="looks at a batch until it is done")
    arguments = parser.parse_args()
    with LlmServer(port=arguments.port, log=arguments.log, delay=arguments.delay, polls=arguments.polls) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
