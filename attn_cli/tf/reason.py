"""Why Keras or TensorFlow does not do something, in one line."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attn_cli.tf.memory import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from attn_cli.errors import AttnError


@contextmanager
def told(kind: type[AttnError], words: Callable[[str], str]) -> Iterator[None]:
    """Raise an error of ours for whatever goes wrong meanwhile, in words that are given the reason.

    That memory runs out is left to who tells that.
    """
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise kind(words(_reason(error))) from error


def _reason(error: BaseException) -> str:
    """Return one line that says why; for the system's errors, the system's own words."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        seen = seen.__cause__
    first, *_ = str(error).splitlines() or [type(error).__name__]
    # TensorFlow puts the operation and the file in front, and the operation again behind.
    return re.sub(r"\{\{.*?\}\} | \[Op:\w+\]", "", first).rpartition("; ")[2]
