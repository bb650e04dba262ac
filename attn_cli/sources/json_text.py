"""JSON that somebody else wrote: strict, and bounded in depth, size and numbers."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from attn_cli.account import charge
from attn_cli.errors import BadFile
from attn_cli.text import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 48 << 20  # 30,000 layers take 30 MB
MAX_DEPTH = 200
MAX_DIGITS = 40  # the longest that a 64-bit integer or a float is ever written with is 25

# One object each, so that what holds a NaN is equal to its copy.
_CONSTANTS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NEITHER_BRACKETS_NOR_QUOTES = bytes(sorted(set(range(256)) - set(b'[]{}"')))


def load_json(data: bytes, what: str) -> Any:
    """The value of the JSON text `data`; `what` names it in the errors ("config.json").

    Stricter than Python's `json`: doubled keys and floats too large are refused. NaN and Infinity,
    which JSON does not have, are read: Keras writes them.
    """
    if len(data) > MAX_BYTES:
        raise BadFile(f"{what} is {len(data):,} bytes long; at most {MAX_BYTES:,} are read")
    charge(len(data) >> 4)
    charge(sum(map(data.count, (b"[", b"{", b",", b":"))))  # at least as many as it has values
    charge(5 * data.count(b"{"))  # an object takes most, also when it is copied
    _check_depth(data, what)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadFile(f"{what} is not UTF-8 text: byte {error.start:,}") from None
    del data  # as long as what it says

    def check_length(digits: str) -> None:
        if len(digits) > MAX_DIGITS:
            raise BadFile(f"{what} holds a number of {len(digits):,} characters")

    def integer(digits: str) -> int:
        check_length(digits)
        return int(digits)

    def real(digits: str) -> float:
        check_length(digits)
        value = float(digits)
        if not math.isfinite(value):
            raise BadFile(f"{what} holds {digits}, which is too large for a float")
        return value

    texts: dict[str, str] = {}  # the same few names stand in it thousands of times

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {
            key: texts.setdefault(value, value) if type(value) is str else value
            for key, value in pairs
        }
        if len(result) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    raise BadFile(f"{what} holds the key {quote(key)} twice in one object")
                seen.add(key)
        return result

    try:
        value = json.loads(
            text,
            parse_int=integer,
            parse_float=real,
            parse_constant=_CONSTANTS.__getitem__,
            object_pairs_hook=mapping,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno:,}, column {error.colno:,}"
        raise BadFile(f"{what} is not JSON: {error.msg.lower()} at {where}") from None
    if "\\ud" in text or "\\uD" in text:
        _check_surrogates(value, what)
    return value


def nested(value: Any) -> list[Any]:
    """Return what of a value holds values itself: the lists and objects right within it, in order.

    Most of what a config says is numbers and names, which who walks through it need not meet.
    """
    inside = value.values() if type(value) is dict else value
    return [each for each in inside if type(each) in (dict, list)]


def taken(values: list[Any]) -> Iterator[Any]:
    """Yield the values of a list that are needed no longer, and let go of each."""
    for place, value in enumerate(values):
        values[place] = None
        yield value


def _check_surrogates(value: Any, what: str) -> None:
    """Refuse an escaped half of a surrogate pair: such a string could not be printed again."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise BadFile(f"{what} holds half a character (a lone surrogate)") from None


def _check_depth(data: bytes, what: str) -> None:
    """Refuse what nests deeper than MAX_DEPTH before a recursive parser sees it.

    Only brackets and quotes are kept, of these only what has brackets between, and then what is
    outside of quotes. Each pass then removes the innermost pairs, so the passes count the depth. A
    bracket that closes nothing stays, and counts as a level: such text is no JSON, and the parser
    that refuses it has recursed no deeper.
    """
    bare = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    signs = bare.translate(_BRACKETS, _NEITHER_BRACKETS_NOR_QUOTES).replace(b'""', b"")
    brackets = b"".join(signs.split(b'"')[::2])
    for _ in range(MAX_DEPTH):
        shorter = brackets.replace(b"[]", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    if brackets.count(b"[") > MAX_DEPTH or b"[]" in brackets:
        raise BadFile(f"{what} is nested more than {MAX_DEPTH} levels deep")
