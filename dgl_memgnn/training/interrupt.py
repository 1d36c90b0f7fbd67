"""Ctrl-C at the end of a batch."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["deferred_interrupt"]


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], None]]:
    """Holds Ctrl-C back: yields a function that raises KeyboardInterrupt if it was pressed meanwhile.

    The end of the block raises it as well. A second Ctrl-C is not held back. Python delivers signals to its main
    thread only; in others, and where Ctrl-C is already handled in a way of its own, nothing is held back.

    Examples
    --------
    >>> with deferred_interrupt() as stop_if_interrupted:
    ...     for batch in range(3):
    ...         stop_if_interrupted()
    """
    pressed = False

    def handler(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    def stop_if_interrupted() -> None:
        if pressed:
            raise KeyboardInterrupt

    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield stop_if_interrupted
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield stop_if_interrupted
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    stop_if_interrupted()
