"""The batch APIs of `llm_server`: Anthropic's message batches, OpenAI's files and batches."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs, urlsplit

from llm_wire import Body, Protocol, Rejected, error


@dataclass
class StoredBatch:
    """One batch; a test may set `state` to `expired`, `cancelled` or `failed`, or `gone` for one that is deleted."""

    id: str
    protocol: Protocol
    entries: list[Body]
    metadata: dict[str, str] = field(default_factory=dict)
    input_file: str = ""
    created: float = field(default_factory=time.time)
    looks: int = 0
    state: str = "running"
    results: list[Body] = field(default_factory=list)
    """Answers by entry, made when the batch is done."""


class BatchApi:
    """Stores batches and answers them after some looks at them.

    Args:
        url: Address of the server, for the addresses of results.
        respond: Answers one entry.
        polls: Looks at a batch until it is done.
    """

    def __init__(self, url: str, respond: Callable[[Protocol, Body], Body], polls: int) -> None:
        self.url, self.respond, self.polls = url, respond, polls
        self.stored: dict[str, StoredBatch] = {}
        self.files: dict[str, bytes] = {}

    def __iter__(self) -> Any:
        return iter(self.stored.values())

    def __len__(self) -> int:
        return len(self.stored)

    def route(self, method: str, target: str, request: Any, raw: bytes) -> Body | bytes:
        """Answer a request that is not a live question.

        Raises:
            Rejected: There is no such address, batch or file.
        """
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        shapes: list[tuple[str, str, Callable[..., Body | bytes]]] = [
            ("POST", r"/v1/messages/batches", lambda: self._submit_anthropic(request.body["requests"])),
            ("GET", r"/v1/messages/batches", lambda: self._list("anthropic", query)),
            ("GET", r"/v1/messages/batches/(\w+)", lambda name: self._look(name)),
            ("GET", r"/v1/messages/batches/(\w+)/results", lambda name: _lines(self._find(name).results)),
            ("POST", r"/v1/files", lambda: self._upload(request.headers["content-type"], raw)),
            ("GET", r"/v1/files/([\w-]+)/content", lambda name: self._file(name)),
            ("POST", r"/v1/batches", lambda: self._submit_openai(request.body)),
            ("GET", r"/v1/batches", lambda: self._list("openai", query)),
            ("GET", r"/v1/batches/(\w+)", lambda name: self._look(name)),
        ]
        for verb, shape, do in shapes:
            if verb == method and (match := re.fullmatch(shape, path)):
                return do(*match.groups())
        raise Rejected(404, f"Not Found: {method} {path}", code="not_found")

    def _submit_anthropic(self, entries: list[Body]) -> Body:
        for entry in entries:
            if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", entry["custom_id"]):
                raise Rejected(400, f"requests.0.custom_id: {entry['custom_id']} does not fit ^[a-zA-Z0-9_-]{{1,64}}$")
        return self._store(StoredBatch(f"msgbatch_{len(self.stored) + 1}", "anthropic", entries))

    def _submit_openai(self, body: Body) -> Body:
        lines = self._file(body["input_file_id"]).decode().splitlines()
        if body["endpoint"] != "/v1/chat/completions" or body["completion_window"] != "24h":
            raise Rejected(400, "Invalid endpoint or completion_window")
        name, entries = f"batch_{len(self.stored) + 1}", [json.loads(line) for line in lines]
        return self._store(StoredBatch(name, "openai", entries, body.get("metadata") or {}, body["input_file_id"]))

    def _store(self, batch: StoredBatch) -> Body:
        ids = [entry["custom_id"] for entry in batch.entries]
        if not ids or len(set(ids)) != len(ids):
            raise Rejected(400, "custom_id must be unique, and there must be one")
        self.stored[batch.id] = batch
        return self._describe(batch)

    def _upload(self, content_type: str, raw: bytes) -> Body:
        form = message_from_bytes(b"content-type: " + content_type.encode() + b"\r\n\r\n" + raw, policy=HTTP)
        parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}  # type: ignore[attr-defined]
        if parts["purpose"].get_content().strip() != "batch":
            raise Rejected(400, "Invalid purpose")
        name = f"file-{len(self.files) + 1}"
        self.files[name] = parts["file"].get_payload(decode=True)
        return {
            "id": name,
            "object": "file",
            "bytes": len(self.files[name]),
            "created_at": int(time.time()),
            "filename": "batch.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def _file(self, name: str) -> bytes:
        if name not in self.files:
            raise Rejected(404, f"No such File object: {name}", code="not_found")
        return self.files[name]

    def _find(self, name: str) -> StoredBatch:
        if name not in self.stored or self.stored[name].state == "gone":
            raise Rejected(404, f"No batch found with id {name}", code="not_found")
        return self.stored[name]

    def _list(self, protocol: Protocol, query: dict[str, list[str]]) -> Body:
        batches = [batch for batch in reversed(self.stored.values()) if batch.protocol == protocol]
        ids = [batch.id for batch in batches]
        cursor = (query.get("after_id") or query.get("after") or [""])[0]
        start = ids.index(cursor) + 1 if cursor else 0
        page = batches[start : start + int(query.get("limit", ["20"])[0])]
        more = start + len(page) < len(batches)
        ends = {"first_id": page[0].id, "last_id": page[-1].id} if page else {"first_id": None, "last_id": None}
        return {"object": "list", "data": [self._describe(batch) for batch in page], "has_more": more, **ends}

    def _look(self, name: str) -> Body:
        batch = self._find(name)
        batch.looks += 1
        if batch.state == "running" and batch.looks > self.polls:
            batch.results, batch.state = [self._result(batch, entry) for entry in batch.entries], "done"
        if batch.state in ("expired", "cancelled") and not batch.results:
            batch.results = [_unanswered(batch, entry) for entry in batch.entries]
        return self._describe(batch)

    def _result(self, batch: StoredBatch, entry: Body) -> Body:
        try:
            answered = self.respond(batch.protocol, entry["params" if batch.protocol == "anthropic" else "body"])
            status = 200
        except Rejected as rejected:
            answered, status = error(batch.protocol, rejected), rejected.status
        if batch.protocol == "openai":
            response = {"status_code": status, "request_id": "req_1", "body": answered}
            return {"id": "batch_req_1", "custom_id": entry["custom_id"], "response": response, "error": None}
        result = {"type": "succeeded", "message": answered} if status == 200 else {"type": "errored", "error": answered}
        return {"custom_id": entry["custom_id"], "result": result}

    def _describe(self, batch: StoredBatch) -> Body:
        return self._as_anthropic(batch) if batch.protocol == "anthropic" else self._as_openai(batch)

    def _as_anthropic(self, batch: StoredBatch) -> Body:
        made, ended = datetime.fromtimestamp(batch.created, UTC), batch.state != "running"
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        counts["processing"] = 0 if ended else len(batch.entries)
        for result in batch.results:
            counts[result["result"]["type"]] += 1
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts,
            "created_at": made.isoformat(),
            "expires_at": (made + timedelta(days=1)).isoformat(),
            "ended_at": datetime.now(UTC).isoformat() if ended else None,
            "results_url": f"{self.url}/v1/messages/batches/{batch.id}/results" if ended else None,
        }

    def _as_openai(self, batch: StoredBatch) -> Body:
        good = [line for line in batch.results if (line["response"] or {}).get("status_code") == 200]
        bad = [line for line in batch.results if line not in good]
        for kind, lines in (("output", good), ("error", bad)):
            self.files[f"file-{batch.id}-{kind}"] = _lines(lines)
        failed = {"object": "list", "data": [{"code": "invalid_json_line", "line": 1, "message": "Not JSON."}]}
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "created_at": int(batch.created),
            "input_file_id": batch.input_file,
            "metadata": batch.metadata,
            "status": {"running": "in_progress", "done": "completed"}.get(batch.state, batch.state),
            "errors": failed if batch.state == "failed" else None,
            "output_file_id": f"file-{batch.id}-output" if good else None,
            "error_file_id": f"file-{batch.id}-error" if bad else None,
            "request_counts": {"total": len(batch.entries), "completed": len(good), "failed": len(bad)},
        }


def _unanswered(batch: StoredBatch, entry: Body) -> Body:
    if batch.protocol == "anthropic":
        return {"custom_id": entry["custom_id"], "result": {"type": batch.state.replace("ll", "l")}}
    problem = {"code": f"batch_{batch.state}", "message": "This request was not run."}
    return {"id": "batch_req_1", "custom_id": entry["custom_id"], "response": None, "error": problem}


def _lines(records: list[Body]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()
