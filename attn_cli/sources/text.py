"""Words that are not ours, made safe to show: of files, of the command line, of other code."""

from __future__ import annotations

import re
from typing import Any

MAX_LENGTH = 200
MAX_QUOTED = 60
# What Python calls printable, and nobody sees: fillers, joiners, variation selectors.
INVISIBLE = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
)
# How a line begins that a runner of CI obeys, ::error and the like, and what it obeys anywhere in
# one: ##[error], ##vso[…], ##teamcity[…].
COMMAND = r"(?<!\S):(?=:)|#(?=#\w*\[)"
UNSAFE = f"[{INVISIBLE}]|{COMMAND}"


def escaped(text: str) -> str:
    r"""Return words that are not ours as they can be shown anywhere, on one line.

    Terminal escapes, line ends, bidirectional controls and other invisible characters become
    backslash escapes, and so does the sign that would make a command of a line in CI.

    >>> print(escaped("conv\x1b[2J\n"), escaped("::error::"))
    conv\x1b[2J\n \x3a:error::
    """
    if text.isprintable():
        if text.isascii() and "::" not in text and "##" not in text:
            return text
        return re.sub(UNSAFE, _as_escape, text)
    escapes = [c if c.isprintable() else c.encode("unicode_escape").decode() for c in text]
    return re.sub(UNSAFE, _as_escape, "".join(escapes))


def _as_escape(found: re.Match[str]) -> str:
    sign = found[0]
    return f"\\x{ord(sign):x}" if sign.isascii() else sign.encode("unicode_escape").decode()


def escaped_lines(text: str) -> str:
    """Return a text of several lines with what stands in each of them escaped; tabs stay."""
    return LINE.sub(lambda line: escaped(line[0]), text)


LINE = re.compile(r"[^\n\t]+")


def shown(text: str, most: int = MAX_LENGTH) -> str:
    r"""Return a name as it can be shown, `escaped`; what is longer than `most` characters is cut.

    >>> print(shown("conv\x1b[2J\n"))
    conv\x1b[2J\n
    """
    return escaped(text if len(text) <= most else f"{text[: most - 1]}…")


def quote(name: str, most: int = MAX_QUOTED) -> str:
    r"""Return a name in quotes, as it can be shown; short, for it stands in a sentence.

    >>> print(quote("conv\x1b[2J"))
    'conv\x1b[2J'
    """
    return f"'{shown(name, most)}'"


def plain(config: dict[str, Any]) -> dict[str, Any]:
    """Return what of a layer's config says how it computes: numbers, names, tuples of them.

    Initializers, regularizers and the like are left out; an activation is its name.
    """
    return {
        key: simple
        for key, value in config.items()
        if key not in LEFT_OUT and (simple := _simple(value)) is not _NOTHING
    }


LEFT_OUT = frozenset(("name", "dtype", "trainable", "layers", "layer"))
MAX_ITEMS = 64
_NOTHING = object()


def _simple(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, (list, tuple)):
        items = [_simple(item) for item in value[:MAX_ITEMS]]
        return _NOTHING if _NOTHING in items or len(value) > MAX_ITEMS else tuple(items)
    if isinstance(value, dict):
        if value.get("class_name") == "__ellipsis__":
            return Ellipsis
        if value.get("class_name") == "__slice__":
            return _simple(value.get("config"))
        if value.keys() == {"start", "stop", "step"}:
            ends = [value["start"], value["stop"], value["step"]]
            # Where an end is calculated, it is not known.
            return (
                slice(*ends) if all(end is None or type(end) is int for end in ends) else _NOTHING
            )
        # A function, by name: {"class_name": "function", "config": "relu6"}; a layer as activation.
        name = value.get("config")
        if value.get("class_name") == "function" and isinstance(name, str):
            return shown(name)
        if "activation" in str(value.get("module")) and isinstance(value.get("class_name"), str):
            return shown(value["class_name"])
    return _NOTHING
