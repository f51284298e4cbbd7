"""Ctrl+C: the first one asks for a clean stop, the second one stops at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_sigint(stop: threading.Event, tell: Callable[[], None]) -> Iterator[None]:
    """Set `stop` at the first SIGINT and call `tell`; raise KeyboardInterrupt at the second.

    Does nothing outside the main thread, where Python delivers no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    telling: list[threading.Thread] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        # In a thread: the handler may have interrupted the very write or lock that `tell` needs.
        telling.append(threading.Thread(target=tell, daemon=True))
        telling[0].start()

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        for thread in telling:
            thread.join(timeout=1)
