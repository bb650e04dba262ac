"""One account of work: what a file may ask for grows with its size, whatever it says.

Caps on one thing each (layers, calls, records) do not bound what multiplies between two of them. So
every loop over what a file says is charged to one account, before it is gone through: a value of
JSON, a message of HDF5, a layer, a call of it and each tensor that it takes, a step on the way back
from a gate. A step is about a microsecond or a hundred bytes, whichever is more. What no account is
open for (a traced block) is not counted.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from attn_cli.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterator

# Whatever its size, a file may take this; and so much more for each of its bytes. What Keras saves
# takes less than half of that.
AT_LEAST = 500_000
PER_BYTE = 1
MOST_BYTES = 128 << 20  # 30,000 layers; what is larger is data, which is not read


class Spent(Exception):
    """An account is spent. It passes by all who look for errors, up to where it was opened."""


class TooMuch(BadFile):
    """What an account that is spent is told as."""


class _Account:
    __slots__ = ("budget", "left")

    def __init__(self, budget: int = 0) -> None:
        self.budget = self.left = budget

    def pay_in(self, size: int) -> None:
        """Pay in what something of a size allows, in bytes: the first has all."""
        if not self.budget:
            self.budget = self.left = int(AT_LEAST + PER_BYTE * min(size, MOST_BYTES))


_open: ContextVar[_Account | None] = ContextVar("account", default=None)


def charge(steps: int = 1) -> None:
    """Charge work to the account that is open, if one is, before it is done."""
    account = _open.get()
    if account is not None:
        account.left -= steps
        if account.left < 0:
            raise Spent


def memory_of(*texts: str | bytes) -> int:
    """Return about how many bytes it takes to put texts together.

    Where one is not ASCII, each of their characters may take four.
    """
    letters = sum(map(len, texts))
    return letters if all(text.isascii() for text in texts) else 4 * letters


@contextmanager
def one_account(file: str) -> Iterator[None]:
    """Charge all that is done with a file to one account, which what is first done opens.

    Raises BadFile, that names the file, where it is spent.
    """
    opened = _open.get() or _Account()
    token = _open.set(opened)
    try:
        yield
    except TooMuch as error:
        raise BadFile(f"{file}: {error}") from None
    except Spent:
        raise BadFile(f"{file}: {_too_much('what is done with it', opened)}") from None
    finally:
        _open.reset(token)


@contextmanager
def account(size: int, what: str, *, apart: bool = False) -> Iterator[None]:
    """Charge what is done with something of a size, in bytes, to the account that is open.

    Where none is, it has one of its own; what is done `apart`, because it is asked for several
    times, has one that is like the open one when that was opened. Raises TooMuch where that takes
    more than anything of this size needs.
    """
    outer = _open.get()
    opened = _Account(outer.budget if outer else 0) if apart or not outer else outer
    opened.pay_in(size)
    token = _open.set(opened)
    try:
        yield
    except Spent:
        raise TooMuch(_too_much(what, opened)) from None
    finally:
        _open.reset(token)


def _too_much(what: str, opened: _Account) -> str:
    most = f"{opened.budget:,} steps"
    return f"{what} takes more than {most}; no model of its size that Keras saves does"
