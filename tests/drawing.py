"""What tests draw: options of a block from its signature, and shapes, good and bad."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from attn_cli.operations.arguments import ACTIVATIONS

if TYPE_CHECKING:
    from attn_cli.blocks import Block, Option

# More numbers than this in one layer take Keras longer to fill than they can teach.
TOO_LARGE = 300_000

BAD_VALUES = (None, True, -1, 0, 2, 1.5, float("nan"), float("inf"), 10**30, "8", "relu", "", (3,))

INTEGERS = st.one_of(
    st.integers(1, 9), st.sampled_from([3, 5, 7, 11, 16, 31, 32, 64]), st.integers(-1, 70)
)
GOOD_VALUES = {
    "int": INTEGERS,
    "float": st.one_of(
        st.floats(0, 1), st.floats(-4, 4), INTEGERS, st.sampled_from([-0.0, 1e-9, 1e9, 1e300])
    ),
    "bool": st.booleans(),
    "None": st.none(),
}


def option_values(option: Option, *, bad: bool) -> st.SearchStrategy[Any]:
    """Draw what the signature allows for an option, or what it may not."""
    if bad:
        return st.sampled_from(BAD_VALUES)
    words = {*ACTIVATIONS, *re.findall(r"\w+", option.help), "nonsense", str(option.default)}
    kinds = {**GOOD_VALUES, "str": st.sampled_from(sorted(words))}
    return st.one_of(kinds[kind.strip()] for kind in option.type.split("|"))


@st.composite
def option_sets(draw: st.DrawFn, block: Block) -> dict[str, Any]:
    """Draw options of a block: a few of them, seldom one that it does not have."""
    options = {}
    for option in block.options.values():
        if draw(st.integers(0, 2)) == 1:
            options[option.name] = draw(option_values(option, bad=draw(seldom())))
    if draw(seldom()):
        options[draw(st.sampled_from(["nonsense", "Ratio", "kernel", "training"]))] = 3
    if draw(st.booleans()):
        options["name"] = draw(st.sampled_from(BAD_NAMES if draw(seldom()) else GOOD_NAMES))
    return options


def seldom() -> st.SearchStrategy[bool]:
    """Draw True about once in twenty times."""
    # Not at an end of the range, where Hypothesis likes to look.
    return st.integers(0, 19).map(lambda number: number == 13)


GOOD_NAMES = ("se", "stage3_se", "3", "a.b-c", "Block", None)
BAD_NAMES = ("a/b", "/", "se/", "", "a b", "é", "_a", "a\n", 3)

SPACE = st.sampled_from([None, 1, 2, 3, 4, 7, 8, 14])
CHANNELS = st.one_of(st.integers(1, 40), st.sampled_from([64, 96, 127, 128, 200, 512]))
BAD_SIZES = st.one_of(SPACE, CHANNELS, st.sampled_from([0, -1, 2.0, "3", True, 10**30]))
GOOD_SHAPES = st.tuples(SPACE, SPACE, CHANNELS)
BAD_SHAPES = st.one_of(
    st.tuples(BAD_SIZES, BAD_SIZES, BAD_SIZES), st.lists(BAD_SIZES, max_size=5).map(tuple)
)
SHAPES = seldom().flatmap(lambda bad: BAD_SHAPES if bad else GOOD_SHAPES)
