"""The formula of a block's trainable parameters, read off the shapes of its own weights.

So it is that of the options, whatever they are, and of a preset too.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.analysis.figures import width
from attn_cli.blocks.eca import kernel_rule
from attn_cli.blocks.options import width_rule
from attn_cli.errors import AttnError
from attn_cli.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from attn_cli.analysis.figures import Figures
    from attn_cli.graph import Graph

POWERS = ("", "", "²", "³", "⁴", "⁵")
# Sizes that are nothing else in a block: a kernel, and height, width and what channels have more.
KERNEL = 101
SIDES = ((29, 31, 9), (37, 41, 11))


class Formula(NamedTuple):
    """A sum of products: how often, and which of the letters C, s and k."""

    terms: tuple[tuple[int, str], ...]

    @property
    def letters(self) -> set[str]:
        """The letters that it has."""
        return {letter for _, letters in self.terms for letter in letters}

    @property
    def text(self) -> str:
        """The formula in letters: 2Cs + s + C."""
        return (
            " + ".join(
                "".join([str(count) * (count > 1 or not letters), *_powers(letters)])
                for count, letters in self.terms
            )
            or "0"
        )

    def total(self, sizes: Mapping[str, int]) -> int:
        """Return what it comes to for these sizes of the letters."""
        return sum(count * prod(sizes[at] for at in letters) for count, letters in self.terms)

    def numbers(self, sizes: Mapping[str, int]) -> str:
        """Return the formula in numbers: 2·24·6 + 6 + 24."""
        return (
            " + ".join(
                "·".join([*[str(count)] * (count > 1 or not letters), *_powers(letters, sizes)])
                for count, letters in self.terms
            )
            or "0"
        )


def formula(spec: Spec) -> Formula | None:
    """Return the formula of a block's trainable parameters with these options.

    C are the channels, s is the squeezed width, k the side of a kernel that is an option. None
    where a block of the user's own cannot be tried.
    """
    given = dict(spec.given)
    # A letter stands for any number: here for one that is nothing else.
    if "kernel_size" in spec.options:
        given["kernel_size"] = KERNEL
    if "ratio" in spec.options and not spec.options.get("width"):
        given["ratio"] = 2
    try:
        graph, sizes = probe(Spec(spec.block, given))
    except AttnError:
        return None
    letters = {KERNEL: "k", sizes.get("s"): "s", sizes["c"]: "C"}
    terms: Counter[str] = Counter()
    weights = [weight for node in graph.nodes if not node.call for weight in node.layer.weights]
    for weight in weights:
        if weight.trainable:
            named = "".join(sorted(letters.get(size, "") for size in weight.shape))
            terms[named] += prod(size for size in weight.shape if size not in letters)
    # The highest first; of one degree, in the order that the data meets them.
    ordered = sorted(terms.items(), key=lambda term: -len(term[0]))
    return Formula(tuple((count, named) for named, count in ordered))


def probe(spec: Spec) -> tuple[Graph, dict[str, int]]:
    """Trace a block on an input whose sizes tell themselves apart; return the sizes by letter."""
    ratio = spec.options.get("ratio")
    enough = 64 * ratio if isinstance(ratio, int) else 0
    probes = []
    for height, breadth, more in SIDES:
        channels = max(512, enough) + more
        graph = spec.trace((height, breadth, channels))
        sizes = {"h": height, "w": breadth, "h + w": height + breadth, "h·w": height * breadth}
        squeezed = width(graph)
        sizes |= {"c": channels} if squeezed is None else {"c": channels, "s": squeezed}
        if len({*sizes.values()}) == len(sizes):
            return graph, sizes
        probes.append((graph, sizes))
    # Whatever the input, the width is the channels.
    return probes[0]


def rules(spec: Spec, formula: Formula) -> list[str]:
    """Return how the letters of a formula follow from the channels and the options."""
    told = [width_rule(spec.options)] if "s" in formula.letters else []
    if "k" in formula.letters:
        told.append(kernel_rule(spec.options))
    return told


def in_numbers(spec: Spec, channels: int, figures: Figures) -> str | None:
    """Return the formula with the numbers put in: `2·24·6 + 6 + 24 = 318`.

    A block that explains how its kernel follows from the channels explains that. None where a
    block of the user's own has more to it than a formula says.
    """
    if spec.block.explain is not None:
        return spec.block.explain(channels, **spec.options)
    told = formula(spec)
    letters = {"C": channels, "s": figures.width, "k": figures.kernel_size}
    sizes = {at: size for at, size in letters.items() if size is not None}
    if told is None or not told.letters <= {*sizes}:
        return None
    total = told.total(sizes)
    if total != figures.params.trainable:
        return None
    text = told.numbers(sizes)
    return f"{text} = {total:,}" if text != str(total) else text


def _powers(letters: str, sizes: Mapping[str, int] | None = None) -> Iterator[str]:
    for letter, power in Counter(letters).items():
        yield f"{letter if sizes is None else sizes[letter]}{POWERS[power]}"
