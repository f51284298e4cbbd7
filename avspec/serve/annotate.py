"""The page on which people label responses: a server on this machine only, every label on disk before it is told."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from avspec.annotation.items import Item, Items
from avspec.annotation.labels import Labels, annotator_name, open_labels, read_all
from avspec.errors import AvspecError

HOST = "127.0.0.1"
_PAGE = Path(__file__).with_name("annotate.html")


class Annotating:
    """What the page asks for. The level a response was written for is never part of an answer."""

    def __init__(self, folder: Path, items: Items, title: str, annotator: str = "") -> None:
        """Take the folder of annotations, and who annotates; without a name the page asks for one."""
        self.folder, self.items, self.title, self.annotator = folder, items, title, annotator
        self.token = secrets.token_urlsafe(24)
        self._open: dict[str, Labels] = {}

    def app(self) -> Starlette:
        """Return the web application."""
        routes = [
            Route("/", self.page),
            Route("/enter", self.enter, methods=["POST"]),
            Route("/label", self.label, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    async def page(self, request: Request) -> Response:
        """Return the page with its token; styles and scripts run only with the nonce of this very answer."""
        self._same_host(request)
        nonce = secrets.token_urlsafe(16)
        given = {"token": self.token, "title": self.title, "annotators": self._present(), "annotator": self.annotator}
        text = _PAGE.read_text("utf-8").replace("{nonce}", nonce).replace("{given}", _inside_script(given))
        own = f"script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:"
        policy = f"default-src 'none'; {own}"
        headers = {"content-security-policy": f"{policy}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"}
        return HTMLResponse(text, headers={**headers, "cache-control": "no-store", "referrer-policy": "no-referrer"})

    async def enter(self, request: Request) -> Response:
        """Take an annotator's name and return their items, in their order, with the labels they gave before."""
        body = await self._body(request)
        labels = self._labels(str(body.get("name", "")))
        return JSONResponse(
            {
                "name": labels.annotator,
                "items": [_shown(item) for item in self.items.order(labels.seat, labels.annotator)],
                "given": labels.given,
                "levels": {
                    domain: [{"name": level, "means": self.items.meaning(domain, level)} for level in levels]
                    for domain, levels in self.items.levels.items()
                },
            }
        )

    async def label(self, request: Request) -> Response:
        """Put one label on disk, or take one back, and only then say so."""
        body = await self._body(request)
        labels, item = self._labels(str(body.get("name", ""))), self.items.all.get(str(body.get("item")))
        label = body.get("label")
        if item is None or not (label is None or label in self.items.levels[item.domain]):
            raise HTTPException(400, "there is no such item or level")
        try:
            labels.add(item.id, label)
        except OSError as error:
            raise _unwritten(error) from error
        return JSONResponse({"saved": item.id})

    def _present(self) -> list[str]:
        return [labels.annotator for labels in read_all(self.folder) if not labels.judge]

    def _labels(self, name: str) -> Labels:
        try:
            checked = annotator_name(name)
            key = checked.casefold()
            if key not in self._open:
                self._open[key] = open_labels(self.folder, checked)
            return self._open[key]
        except AvspecError as error:
            raise HTTPException(400, str(error)) from error
        except OSError as error:
            raise _unwritten(error) from error

    async def _body(self, request: Request) -> dict[str, Any]:
        """Return the JSON of a request that comes from our own page."""
        self._same_host(request)
        if request.headers.get("origin", own := f"http://{request.headers['host']}") != own:
            raise HTTPException(403, "this request comes from the page of another server")
        if not secrets.compare_digest(request.headers.get("x-avspec-token", ""), self.token):
            raise HTTPException(403, "this request does not come from the page of this server; reload it")
        try:
            body = json.loads(await request.body())
        except ValueError as error:
            raise HTTPException(400, "not JSON") from error
        if not isinstance(body, dict):
            raise HTTPException(400, "not a JSON object")
        return body

    @staticmethod
    def _same_host(request: Request) -> None:
        """Refuse other names of this address: a page elsewhere could point its own name here."""
        if request.headers.get("host", "").rpartition(":")[0] not in (HOST, "localhost"):
            raise HTTPException(403, f"only http://{HOST} is served")


def _unwritten(error: OSError) -> HTTPException:
    return HTTPException(507, f"the label could not be written: {error.strerror or error}")


def _shown(item: Item) -> dict[str, str]:
    return {"id": item.id, "domain": item.domain, "query": item.query, "response": item.response}


def _inside_script(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def serve(annotating: Annotating, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page on this machine until Ctrl+C.

    Args:
        annotating: What is annotated.
        port: Where; 0 takes a free port.
        ready: Told the address as soon as it answers.

    Raises:
        OSError: The port is taken.
    """
    import uvicorn

    with socket.create_server((HOST, port)) as listening:
        ready(f"http://{HOST}:{listening.getsockname()[1]}")
        config = uvicorn.Config(annotating.app(), log_level="error", access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listening])
