"""What a chat looks like: on a terminal, and as plain lines when it is piped."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Generator

WIDE = 100
"""Columns of a terminal from which on two answers stand side by side."""
_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
# what a model writes must not move the cursor or change the terminal


@dataclass(frozen=True)
class Reply:
    """An answer that is being generated, with a heading."""

    title: str
    pieces: Generator[str]


@dataclass
class Screen:
    """Where a session writes: answers and what was asked for to `out`, everything else to `err`."""

    out: Console = field(default_factory=lambda: Console(highlight=False))
    err: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    def say(self, text: str) -> None:
        """Print what the user asked for."""
        self.out.print(text, markup=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Print a remark."""
        self.err.print(text, markup=False, soft_wrap=True, style="dim")

    def error(self, text: str) -> None:
        """Print what went wrong."""
        self.err.print(text, markup=False, soft_wrap=True, style="red")

    def reply(self, pieces: Generator[str]) -> str:
        """Print an answer while it comes, and return it; Ctrl+C ends it."""
        text, _ = self._stream(pieces)
        return text

    def side_by_side(self, replies: Sequence[Reply]) -> list[str]:
        """Print answers while they come, one after the other, and return them; Ctrl+C ends them all.

        On a terminal of 100 columns or more they stand in columns.
        """
        if self.out.is_terminal and self.out.width >= WIDE:
            return self._columns(replies)
        texts = [""] * len(replies)
        for i, reply in enumerate(replies):
            self.out.print(f"[{reply.title}]", markup=False, soft_wrap=True, style="bold")
            texts[i], stopped = self._stream(reply.pieces)
            if stopped:
                break
        return texts

    def _stream(self, pieces: Generator[str]) -> tuple[str, bool]:
        """Print and return an answer, and whether Ctrl+C ended it."""
        text, stopped = "", False
        with closing(pieces):
            try:
                for piece in map(_printable, pieces):
                    text += piece
                    self.out.print(piece, end="", markup=False, soft_wrap=True)
            except KeyboardInterrupt:
                stopped = True
        self.out.print(" [stopped]" if stopped else "", markup=False)
        return text.strip(), stopped

    def _columns(self, replies: Sequence[Reply]) -> list[str]:
        texts = [""] * len(replies)
        titles = [reply.title for reply in replies]
        with Live(_grid(titles, texts), console=self.out, vertical_overflow="visible") as live:
            try:
                for i, reply in enumerate(replies):
                    with closing(reply.pieces) as pieces:
                        for piece in map(_printable, pieces):
                            texts[i] += piece
                            live.update(_grid(titles, texts))
            except KeyboardInterrupt:
                live.update(_grid([*titles[:-1], titles[-1] + " [stopped]"], texts))
        return [text.strip() for text in texts]

    def lines(self) -> Iterator[str]:
        """Yield what the user types, until the input ends; piped lines are echoed, so that the output can be read."""
        if not sys.stdin.isatty():
            for line in sys.stdin:
                self.say(f"> {line.rstrip()}")
                yield line
            return
        import readline  # noqa: F401  (importing it gives input() a history and editing)

        while True:
            try:
                yield input("> ")
            except KeyboardInterrupt:
                self.note("\n/quit or Ctrl+D leaves")
            except EOFError:
                self.say("")
                return


def _printable(text: str) -> str:
    return text.translate(_CONTROLS)


def _grid(titles: Sequence[str], texts: Sequence[str]) -> Table:
    grid = Table(expand=True, box=None, padding=(0, 2, 0, 0))
    for title in titles:
        grid.add_column(Text(title), ratio=1, header_style="bold", overflow="fold")
    grid.add_row(*map(Text, texts))
    return grid
