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


@contextmanager
def told_of(file: str) -> Iterator[None]:
    """Name the file in what an account says that is spent within."""
    try:
        yield
    except TooMuch as error:
        raise BadFile(f"{file}: {error}") from None


class _Account:
    __slots__ = ("left",)

    def __init__(self, budget: int) -> None:
        self.left = budget


_open: ContextVar[_Account | None] = ContextVar("account", default=None)


def charge(steps: int = 1) -> None:
    """Charge work to the account that is open, if one is, before it is done."""
    account = _open.get()
    if account is not None:
        account.left -= steps
        if account.left < 0:
            raise Spent


@contextmanager
def account(size: int, what: str) -> Iterator[None]:
    """Open an account for what is done with something of a size, in bytes.

    Raises BadFile where that takes more than anything of this size needs.
    """
    budget = int(AT_LEAST + PER_BYTE * min(size, MOST_BYTES))
    token = _open.set(_Account(budget))
    try:
        yield
    except Spent:
        raise TooMuch(
            f"{what} takes more than {budget:,} steps; no model of its size that Keras saves does"
        ) from None
    finally:
        _open.reset(token)
