"""Signals that end a program: let what is under way be tidied up first."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Those that there are on this system; SIGINT raises KeyboardInterrupt on its own.
TERMINATION = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def ended_between_calls() -> Iterator[Callable[[], None]]:
    """Yield a check that raises KeyboardInterrupt or SystemExit once Ctrl-C or `kill` has come.

    At the end of this it is made in any case. TensorFlow's C++ calls back into Python, and makes
    another error of what is raised there, prints it, or drops it; so nothing is raised within a
    call, unless somebody insists.
    """
    came: list[int] = []

    def note(number: int, _: Any) -> None:
        came.append(number)
        if len(came) > 1:
            check()

    def check() -> None:
        if came and came[0] == signal.SIGINT:
            raise KeyboardInterrupt
        if came:
            raise SystemExit(128 + came[0])

    with _handled([signal.SIGINT, *TERMINATION], note):
        try:
            yield check
        finally:
            check()


@contextmanager
def interrupt_kept() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt whatever becomes of it meanwhile.

    An extension module that is being imported turns it into an ImportError of its own, or drops it.
    """
    pressed = []

    def interrupt(number: int, _: Any) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    with _handled([signal.SIGINT], interrupt):
        try:
            yield
        except Exception:
            if not pressed:
                raise
    if pressed:
        raise KeyboardInterrupt


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back what would end the program, Ctrl-C too, to the end of this."""
    held: list[int] = []
    try:
        with _handled([signal.SIGINT, *TERMINATION], lambda number, _: held.append(number)):
            yield
    finally:
        if held:
            signal.raise_signal(held[0])


@contextmanager
def _handled(numbers: list[int], handler: Callable[[int, Any], None]) -> Iterator[None]:
    # Only the main thread may set handlers, and only there do signals arrive. What a parent
    # process has set to be ignored (nohup) stays ignored.
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in numbers:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
