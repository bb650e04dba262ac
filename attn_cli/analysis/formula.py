"""The formula of a block's trainable parameters, with the numbers put in."""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attn_cli.analysis.figures import Figures
    from attn_cli.blocks import Block

TERM = re.compile(r"(\d*)((?:[Csk]²?)*)")


def worked_out(block: Block, channels: int, figures: Figures) -> str | None:
    """Return what a docstring says under `Trainable`, in numbers: `2·24·6 + 6 + 24 = 318`.

    A block that explains how its kernel follows from the channels explains that. None where there
    is no formula, or where a preset's options make it another one.
    """
    if block.explain is not None:
        return block.explain(channels, **block.defaults)
    # What stands in front is what the defaults make; the rest tells of other options.
    formula = re.split("[,;]", block.section("Trainable"))[0]
    sizes = {"C": channels, "s": figures.width, "k": figures.kernel_size}
    known = {letter: size for letter, size in sizes.items() if size is not None}
    terms = [_factors(term, known) for term in formula.split(" + ")]
    total = sum(prod(size**power for size, power in term) for term in terms)
    if total != figures.params.trainable or not all(terms):
        return None
    text = " + ".join("·".join(f"{size}{'²' * (power - 1)}" for size, power in t) for t in terms)
    return f"{text} = {total:,}" if text != str(total) else text


def _factors(term: str, sizes: Mapping[str, int]) -> list[tuple[int, int]]:
    """Return the numbers that a term multiplies, each with its power: 18s² is 18 and s squared."""
    match = TERM.fullmatch(term)
    if match is None or not set(match[2]) <= {*sizes, "²"}:
        return []
    number = [(int(match[1]), 1)] if match[1] else []
    letters = re.findall("(.)(²?)", match[2])
    return number + [(sizes[letter], 1 + len(squared)) for letter, squared in letters]
