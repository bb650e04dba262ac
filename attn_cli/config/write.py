"""A first attn.toml: today's figures as bounds, with comments that say what else there is."""

from __future__ import annotations

import json
import re
from decimal import ROUND_CEILING, Context
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.analysis.check import BLOCK, BOUNDS, MODEL, NETWORK, OWN
from attn_cli.config.checks import SHARES, bounds_of
from attn_cli.errors import BadFile
from attn_cli.spec import Place
from attn_cli.text import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from attn_cli.analysis.check import Within
    from attn_cli.graph import Shape

FOUR_DIGITS = Context(prec=4, rounding=ROUND_CEILING)
# What Python has for the bytes of a name that are no UTF-8.
SURROGATE = re.compile("[\ud800-\udfff]")
HEADER = """\
# What attention may cost here. `attn check` says what holds, with an exit code: 0 if all does,
# 1 if something does not, 2 if something could not be checked.
# The bounds are the figures of the day this file was written: move them on purpose.
"""
HINTS = {
    BLOCK: """\
# Relative to another block on the same shape, there is also:
# max_params_of = { block = "se:ratio=16", factor = 0.1 }
""",
    NETWORK: """\
# The other figures can be pinned: expect = { places = 16, added.trainable = 1000 }
""",
    MODEL: """\
# Any figure of `attn inspect --json` can be pinned:
# expect = { attention.params = 1000, blocks.0.width = 8 }
""",
}


class Entry(NamedTuple):
    """What a check is to be about: a block over its places or a model, and its figures today."""

    kind: str
    of: str
    places: Sequence[Place]
    figures: Mapping[str, Any]
    why: str
    within: Within | None = None
    asked: Shape | None = None


def written(entries: Sequence[Entry], share_text: Callable[[float], str]) -> str:
    """Return an attn.toml whose checks all pass; `share_text` tells a share as tables do."""
    parts = [HEADER]
    kinds: set[str] = set()
    for entry in entries:
        hint = HINTS[entry.kind] if entry.kind not in kinds else ""
        kinds.add(entry.kind)
        parts.append("".join(f"{line}\n" for line in _lines(entry, share_text)) + hint)
    return "\n".join(parts)


def _lines(entry: Entry, share_text: Callable[[float], str]) -> Iterator[str]:
    yield "[[check]]"
    if entry.kind == MODEL:
        yield f"name = {_text(entry.of)}"
        yield f"model = {_text(entry.of)}"
    elif entry.within is not None:
        model, at, skip = entry.within
        yield f"name = {_text(f'{entry.of} in {model}')}"
        yield f"block = {_text(entry.of)}"
        yield f"in = {_text(model)}"
        for key, words in (("at", at), ("skip", skip)):
            if words:
                yield f"{key} = [{', '.join(map(_text, words))}]"
    else:
        texts = [place.text for place in entry.places]
        where = texts[0] if len(texts) == 1 else f"{sum(n for _, n in entry.places)} places"
        yield f"name = {_text(f'{entry.of} on {where}')}"
        yield f"block = {_text(entry.of)}"
        if len(texts) == 1:
            yield f"shape = {_shape(entry.places[0])}"
        else:
            yield "# bounds are for all places together"
            yield f"shapes = [{', '.join(map(_shape, entry.places))}]"
    if entry.asked is not None:
        yield f"input = {_shape(Place(entry.asked))}"
    for name in bounds_of(entry.kind):
        figure = BOUNDS[name].figure
        value = entry.figures[figure]
        if value is not None and value < 0:
            continue  # what a smaller block takes away is no budget
        if value is None:
            yield f"# {name} is left out: {escaped(entry.why)}"
        elif name in SHARES:
            yield f"{name} = {_rounded_up(value)}  # {share_text(value)} today"
        else:
            yield f"{name} = {value:_}"
    known = {name: entry.figures.get(name) for name in sorted(OWN)}
    exact = [f"{name} = {value}" for name, value in known.items() if isinstance(value, int)]
    if exact:
        yield f"expect = {{ {', '.join(exact)} }}"


def _rounded_up(share: float) -> float:
    """Return a share to four significant digits, not below itself."""
    return float(FOUR_DIGITS.create_decimal_from_float(share))


def _shape(place: Place) -> str:
    whole = place.times == 1 and None not in place.shape
    return str(list(place.shape)) if whole else _text(place.text)


def _text(text: str) -> str:
    """Return a text as TOML writes it: as JSON, with all that nobody should be shown spelt out.

    Raises BadFile for the name of a file that is no text.
    """
    if not text.isascii() and SURROGATE.search(text):
        raise BadFile(f"{text!r} is no text that TOML can have: its name is not UTF-8")
    return escaped(json.dumps(text, ensure_ascii=False), in_toml)


def in_toml(sign: str) -> str:
    """Return a character as TOML's texts spell it out."""
    code = ord(sign)
    return f"\\u{code:04X}" if code < 1 << 16 else f"\\U{code:08X}"
