"""The grammar of the command line: blocks (`se:ratio=8`) and shapes (`6@14,14,1024`)."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache, partial
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.blocks import BLOCKS, PRESETS, Block, find_block
from attn_cli.blocks.options import format_value
from attn_cli.errors import BadArgument, BadShape, BadSpec, did_you_mean
from attn_cli.sources.block import graph_of
from attn_cli.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from attn_cli.graph import Graph, Shape

MAX_SIZE = 2**31 - 1  # TensorFlow's own limit for a dimension


class Spec(NamedTuple):
    """A block and the options given for it; `typed` is how, where a text gave them."""

    block: Block
    given: Mapping[str, Any]
    typed: str | None = None

    def __repr__(self) -> str:
        """Show the spec as it would be typed."""
        return f"<Spec {self.as_given}>"

    @property
    def options(self) -> dict[str, Any]:
        """All options, the defaults included."""
        return {**self.block.defaults, **self.given}

    @property
    def text(self) -> str:
        """The canonical form: the block and what differs from its defaults, in their order."""
        differing = [
            f"{name}={format_value(self.given[name])}"
            for name, default in self.block.defaults.items()
            if name in self.given and self.given[name] != default
        ]
        return f"{self.block.name}:{','.join(differing)}" if differing else self.block.name

    @property
    def as_given(self) -> str:
        """The spec as it was typed; else the canonical form."""
        return self.text if self.typed is None else self.typed

    def trace(self, shape: Shape) -> Graph:
        """Return the graph of this block on an input (H, W, C)."""
        # An option may have any name, also one that `trace` gives to what it takes.
        return graph_of(partial(self.block.build, **self.given), shape)


class Place(NamedTuple):
    """A shape (H, W, C), None where dynamic, and how many places of a network have it."""

    shape: Shape
    times: int = 1

    @property
    def text(self) -> str:
        """The canonical form."""
        shape = ",".join(map(str, self.shape))
        return f"{self.times}@{shape}" if self.times > 1 else shape


def parse_spec(text: str, flags: Mapping[str, str] | None = None) -> Spec:
    """Parse `NAME[:key=value,…]`, or `file.py:function[:…]`; flags are options given beside it.

    >>> spec = parse_spec("se:ratio=8,use_bias=true")
    >>> spec.text, spec.as_given
    ('se:ratio=8', 'se:ratio=8,use_bias=true')

    Raises BadSpec for an unknown block or option, a doubled one, or a value of the wrong type.
    """
    typed = text.strip()
    count = len(expanded(typed))
    if count > 1:
        raise BadSpec(f"{text!r} is {count} blocks, and here is room for one")
    name, colon, rest = _split_name(typed)
    if not names_block(name):
        _refuse_other(typed, name)
    block = find_block(name)
    given: dict[str, Any] = {}
    for item in rest.split(",") if colon else ():
        key, equals, value = item.partition("=")
        key = key.strip()
        if not equals:
            several = f"; {SEPARATED}" if names_block(item.strip()) else ""
            raise BadSpec(f"{item!r} in {text!r} is not key=value, as in {example(block)}{several}")
        option = known_option(block, key)
        if key in given:
            raise BadSpec(f"{key} is given twice in {text!r}")
        given[key] = parse_value(key, block.options[option].type, value.strip())
    for key, flag in (flags or {}).items():
        value = parse_value(key, block.options[known_option(block, key)].type, flag)
        if key not in given:
            typed += f"{',' if given else ':'}{key}={flag}"
        if given.setdefault(key, value) != value:
            raise BadSpec(
                f"{key} is {format_value(given[key])} in {text!r}, and its flag says "
                f"{format_value(value)}"
            )
    return Spec(block, given, shown(typed, most=len(typed)))


def spec_of(given: Spec | str) -> Spec:
    """Return the spec that a text is, or that is given. Raises BadArgument for what is neither."""
    if isinstance(given, Spec):
        return given
    if isinstance(given, str):
        return parse_spec(given)
    raise BadArgument(f"a block is named by a text, as in 'se:ratio=16', not by {given!r}")


def names_block(text: str) -> bool:
    """Tell whether a text begins as a spec does: with a block's name, or a file's and a colon."""
    name = text.partition(":")[0]
    return name in BLOCKS or name in PRESETS or ".py:" in text


# In place of a block: takes out of a network the attention that is there, and puts nothing in.
NONE = "none"
SEPARATED = "blocks are separated by spaces"


def _refuse_other(text: str, name: str) -> None:
    """Raise BadSpec, with the cause, where what should be a block is something else."""
    way = way_of(text)
    if "," in name and not way and not name.endswith(".py"):
        parts = " ".join(part.strip() for part in name.split(",") if part.strip())
        way = f"{SEPARATED}: {parts}"
    if way:
        called = text if A_MODEL.fullmatch(text) else name
        raise BadSpec(f"no block is called {_short(called)!r}; {way}")


# What stands where a block should: a shape, a model's file, options that a call or a list gives.
A_SHAPE = re.compile(
    r"[\[(]?\s*(?:none|\d+)(?:\s*[,x×]\s*(?:none|\d+)){1,3}\s*[\])]?", re.IGNORECASE
)
A_MODEL = re.compile(r"app:.+|.+\.(?:keras|h5|hdf5|json)", re.IGNORECASE)
A_CALL = re.compile(r"([\w-]+)\s*(?:\(([^()]*)\)|,\s*([\w]+=.*))")


def way_of(text: str) -> str:
    """Return how something is given that stands where a block should, where that can be told.

    >>> way_of("7,7,64"), way_of("se(ratio=8)")
    ('a shape is given as --shape 7,7,64', 'options follow a colon: se:ratio=8')
    """
    if text == NONE:
        return f"{NONE} takes attention out of a network, and needs --in MODEL"
    if A_SHAPE.fullmatch(text):
        # A shell would take brackets for its own.
        return f"a shape is given as --shape {''.join(text.split()).strip('[]()')}"
    if A_MODEL.fullmatch(text):
        return "that names a model: attn inspect, attn diff and --in take models"
    call = A_CALL.fullmatch(text)
    if call and names_block(call[1]):
        options = ",".join(part.strip() for part in (call[2] or call[3] or "").split(","))
        return f"options follow a colon: {call[1]}:{options or 'key=value'}"
    if re.fullmatch(r"\w+=[^=,]+", text):
        return f"an option follows its block: se:{text}"
    return ""


def _split_name(text: str) -> tuple[str, str, str]:
    """Return the block's name, the colon behind it, and the options."""
    path, own, rest = text.partition(".py:")
    if not own:
        return text.partition(":")
    function, colon, options = rest.partition(":")
    return f"{path}{own}{function}", colon, options


# What braces may make of one text, and how many may stand in it.
MOST = 100_000
BRACES = 20
RANGE = re.compile(
    r"(-?(?:0|[1-9][0-9]{0,8}))\.\.(-?(?:0|[1-9][0-9]{0,8}))(?:\.\.(-?[1-9][0-9]{0,8}))?"
)


def expanded(text: str) -> list[str]:
    """Return what a shell with braces makes of a text, for those that have none: sh, make, cmd.

    >>> expanded("se:ratio={4,8,16}"), expanded("eca:b={1..2}")
    (['se:ratio=4', 'se:ratio=8', 'se:ratio=16'], ['eca:b=1', 'eca:b=2'])

    Raises BadSpec where that is more than anybody means.
    """
    if "{" not in text:
        return [text]
    if text.count("{") > BRACES:
        raise BadSpec(f"{_short(text)!r} has more than {BRACES} braces")
    return _bounded(_expansions(text), text)


def _bounded(texts: Iterable[str], of: str) -> list[str]:
    result = list(islice(texts, MOST + 1))
    if len(result) > MOST:
        raise BadSpec(f"the braces in {_short(of)!r} make more than {MOST:,} of it")
    return result


def _expansions(text: str) -> Iterator[str]:
    """Yield what bash makes of a text: its first braces vary slowest."""
    for start, sign in enumerate(text):
        choices, end = _choices(text, start) if sign == "{" else ((), 0)
        if choices:
            rests = _bounded(_expansions(text[end:]), text)
            for choice in choices:
                for middle in _expansions(choice):
                    for rest in rests:
                        yield f"{text[:start]}{middle}{rest}"
            return
    yield text


def _choices(text: str, start: int) -> tuple[Iterable[str], int]:
    """Return what the braces that open here choose from, and where they end; nothing for others."""
    depth, after = 0, start + 1
    choices = []
    for place in range(start, len(text)):
        sign = text[place]
        depth += (sign == "{") - (sign == "}")
        if depth == 0 or (depth == 1 and sign == ","):
            choices.append(text[after:place])
            after = place + 1
        if depth == 0:
            break
    else:
        return (), 0
    if len(choices) > 1:
        return choices, after
    ends = RANGE.fullmatch(choices[0])
    if not ends:
        return (), 0
    first, last, step = int(ends[1]), int(ends[2]), abs(int(ends[3] or 1))
    numbers = range(first, last + 1, step) if first <= last else range(first, last - 1, -step)
    return map(str, numbers), after


def known_option(block: Block, name: str) -> str:
    """Return an option's name. Raises BadSpec, with the block's options, where it has none such."""
    if name not in block.defaults:
        hint = did_you_mean(name, block.defaults)
        has = f"it has {', '.join(block.defaults)}" if block.defaults else "it has none"
        raise BadSpec(f"{block.name} has no option {name!r}; {has}{hint}")
    return name


def example(block: Block) -> str:
    """Return a spec of this block that shows the grammar."""
    for name, default in block.defaults.items():
        return f"{block.name}:{name}={format_value(default)}"
    return block.name


def parse_value(name: str, type: str, text: str) -> Any:
    """Parse a value as the option's annotation says: `int`, `float`, `bool`, `str`, `… | None`."""
    kinds = [kind.strip() for kind in type.split("|")]
    for kind in kinds:
        with suppress(KeyError, ValueError):
            return PARSERS[kind](text)
    wanted = " or ".join(WANTED.get(kind, kind) for kind in kinds)
    raise BadSpec(f"{name} is {wanted}, not {_short(text)!r}")


# Python takes any number of digits, writes only so many, and float() takes `1_0` and `infinity`.
INTEGER = re.compile(r"[+-]?[0-9]{1,100}")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


def _integer(text: str) -> int:
    if not INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    if INTEGER.fullmatch(text):
        return int(text)
    if not NUMBER.fullmatch(text) or not isfinite(float(text)):
        raise ValueError(text)
    return float(text)


def _word(text: str) -> str:
    if not re.fullmatch(r"\w+", text):
        raise ValueError(text)
    return text


PARSERS: dict[str, Callable[[str], Any]] = {
    "int": _integer,
    "float": _number,
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "str": _word,
    "None": lambda text: {"none": None}[text.lower()],
}
WANTED = {
    "int": "an integer",
    "float": "a finite number",
    "bool": "true or false",
    "str": "a name",
    "None": "none",
}


@cache  # a list of blocks or checks names the same few again and again
def parse_shape(text: str, channels: int | None = None) -> Shape:
    """Parse `H,W,C` or `HxWxC`, channels last; `None` is a dynamic H or W.

    Brackets may stand around it, and the batch that Keras prints in front. With `channels`, `H,W`
    is enough; beside a whole shape it must be equal.

    >>> parse_shape("26x26x512"), parse_shape("None,None", channels=64)
    ((26, 26, 512), (None, None, 64))
    >>> parse_shape("(None, 26, 26, 512)")
    (26, 26, 512)
    """
    inside = text.strip()
    if inside[:1] + inside[-1:] in ("()", "[]"):
        inside = inside[1:-1]
    parts = [part.strip() for part in re.split("[,x×]", inside)]
    if len(parts) == 4 and parts[0].lower() == "none":
        del parts[0]
    if len(parts) == 2 and channels is not None:
        parts.append(str(channels))
    if len(parts) != 3 or not all(parts):
        without = " without a batch" if len(parts) == 4 and all(parts) else ""
        raise BadShape(f"a shape is H,W,C{without}, as in 26,26,512, not {text!r}")
    height, width, count = [_size(part, text) for part in parts]
    if count is None:
        first = f"; channels come last: None,None,{height}" if height and width is None else ""
        raise BadShape(f"the channels of {text!r} must be known; only H and W can be None{first}")
    if channels is not None and count != channels:
        raise BadShape(f"{text!r} has {count} channels, and --channels says {channels}")
    return (height, width, count)


def parse_place(text: str, channels: int | None = None) -> Place:
    """Parse a shape that may carry a count: `6@14,14,1024`."""
    count, at, shape = text.rpartition("@")
    if not at:
        return Place(parse_shape(shape, channels))
    if not re.fullmatch(r"0*[1-9][0-9]{0,8}", count.strip()):
        raise BadShape(f"the count before @ in {text!r} is a positive integer, as in 6@14,14,1024")
    return Place(parse_shape(shape, channels), int(count))


def parse_channels(text: str) -> int:
    """Parse a number of channels."""
    if text.lower() == "none":
        raise BadShape("the number of channels must be known")
    if not DIGITS.fullmatch(text):
        raise BadShape(f"{_short(text)!r} is no number of channels, as 512 is")
    size = _size(text, text)
    assert size is not None
    return size


DIGITS = re.compile(r"[0-9]{1,5000}")


def _size(part: str, text: str) -> int | None:
    if part.lower() == "none":
        return None
    within = "" if part == text else f" in {_short(text)!r}"
    if not DIGITS.fullmatch(part):
        raise BadShape(
            f"{_short(part)!r}{within} is not a size: a positive integer, or None where dynamic"
        )
    digits = part.lstrip("0")
    if not digits:
        raise BadShape(f"a size{within} is 0; the least is 1")
    if len(digits) > 10 or int(digits) > MAX_SIZE:
        raise BadShape(f"{_short(part)!r}{within} is too large; the largest size is {MAX_SIZE}")
    return int(digits)


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:12]}… ({len(text)} characters)"
