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
from attn_cli.errors import AttnError, BadSpec
from attn_cli.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from attn_cli.analysis.figures import Figures
    from attn_cli.graph import Graph, Weight

POWERS = ("", "", "²", "³", "⁴", "⁵")
# Sizes that are nothing else in a block: a kernel, and height, width and what channels have more.
KERNEL = 101
Sides = tuple[int, int, int]
SIDES: Sequence[Sides] = ((29, 31, 9), (37, 41, 11))
# Far from these: what holds there as well was no chance.
KERNEL_AGAIN = 107
AGAIN: Sequence[Sides] = ((43, 47, 491), (53, 59, 493))
# In the order that a term has them.
LETTERS = "HWCks"


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


class Lettered(NamedTuple):
    """A block on two inputs whose sizes are letters: C channels of H × W, s, k.

    `letters` are what a pair of sizes, one of each, is called; then come what each node has and
    costs, and what all have: None where letters do not say it.
    """

    graph: Graph
    again: Graph
    letters: Mapping[tuple[int | None, int | None], str]
    params: Sequence[Formula | None]
    macs: Sequence[Formula | None]
    trainable: Formula | None
    frozen: Formula | None

    @property
    def total_macs(self) -> Formula | None:
        """The MACs of all nodes; None where those of one are not known."""
        terms: Counter[str] = Counter()
        for macs in self.macs:
            if macs is None:
                return None
            for count, named in macs.terms:
                terms[named] += count
        return _formula(terms)


def formula(spec: Spec) -> Formula | None:
    """Return the formula of a block's trainable parameters with these options.

    C are the channels, s is the squeezed width, k the side of a kernel that is an option. None
    where a block of the user's own cannot be tried.
    """
    try:
        graph, sizes = _probed(spec, SIDES, KERNEL)
    except AttnError:
        return None
    return _numbers_of(_weights(graph, True), sizes)


def _weights(graph: Graph, trainable: bool) -> list[Weight]:
    """Return the weights of a graph that are trained, or those that are not, each once."""
    weights = [weight for node in graph.nodes if not node.call for weight in node.layer.weights]
    return [weight for weight in weights if weight.trainable is trainable]


def _numbers_of(weights: Iterable[Weight], sizes: Mapping[str, int]) -> Formula:
    """Return how many numbers weights hold."""
    # Where the width is all channels, it is they that it is.
    letters = {sizes[letter]: letter for letter in "sCk" if letter in sizes}
    terms: Counter[str] = Counter()
    for weight in weights:
        named = _in_order([letters[size] for size in weight.shape if size in letters])
        terms[named] += prod(size for size in weight.shape if size not in letters)
    return _formula(terms)


def in_letters(spec: Spec) -> Lettered:
    """Return a block in letters. Raises AttnError where it cannot be tried, or is several."""
    graph, sizes = _probed(spec, SIDES, None)
    again, others = _probed(spec, AGAIN, None)
    # A letter for an option, where it is as good as another: a user's own may mean anything.
    if not spec.block.is_own:
        tried, letters = _probed(spec, SIDES, KERNEL)
        if _types(tried) == _types(graph):
            graph, sizes = tried, letters
            again, others = _probed(spec, AGAIN, KERNEL_AGAIN)
    if _types(graph) != _types(again):
        raise BadSpec(
            f"{spec.text} has other layers where the channels are others, so there is no picture "
            "of it for all of them: --shape H,W,C gives an input"
        )
    pairs = list(zip(graph.nodes, again.nodes, strict=True))

    def held(told: Iterable[Formula], figure: int | None) -> Formula | None:
        """Return what comes to the figure that the other input has."""
        known = (each for each in told if each.letters <= {*others})
        return next((each for each in known if each.total(others) == figure), None)

    def of_all(trainable: bool) -> Formula | None:
        told = _numbers_of(_weights(graph, trainable), sizes)
        return held([told], sum(weight.size for weight in _weights(again, trainable)))

    return Lettered(
        graph,
        again,
        _named_pairs(sizes, others),
        [
            held([_numbers_of(node.layer.weights, sizes)], other.layer.params.total)
            for node, other in pairs
        ],
        [held(_read(node.cost.macs, sizes), other.cost.macs) for node, other in pairs],
        of_all(True),
        of_all(False),
    )


def _types(graph: Graph) -> list[str]:
    return [node.layer.type for node in graph.nodes]


def _named_pairs(
    sizes: Mapping[str, int], others: Mapping[str, int]
) -> dict[tuple[int | None, int | None], str]:
    """Return what pairs of sizes are called, of which the letters themselves win."""

    def named(sizes: Mapping[str, int]) -> dict[str, int]:
        told = {"H·W": sizes["H"] * sizes["W"], "(H + W)": sizes["H"] + sizes["W"]}
        if "k" in sizes:
            # What pads a feature map by hand, and what it is padded with.
            told["(C + k − 1)"] = sizes["C"] + sizes["k"] - 1
            told["(k − 1)/2"] = (sizes["k"] - 1) // 2
        return told | {letter: sizes[letter] for letter in "skHWC" if letter in sizes}

    there = named(others)
    return {(size, there[name]): name for name, size in named(sizes).items() if name in there}


def _read(figure: int | None, sizes: Mapping[str, int]) -> Iterator[Formula]:
    """Yield what a figure can be: a product of sizes, or of some with H + W."""
    if figure is None:
        return
    count, named = _divided(figure, sizes)
    yield _formula({_in_order(named): count})
    both = sizes["H"] + sizes["W"]
    if figure % both == 0:
        count, named = _divided(figure // both, sizes)
        yield _formula({_in_order([*named, side]): count for side in "HW"})


def _divided(figure: int, sizes: Mapping[str, int]) -> tuple[int, list[str]]:
    """Return what is left of a figure without its factors that are letters, and those."""
    named = []
    # A large one first: a small one may be a factor of it.
    for letter, size in sorted(sizes.items(), key=lambda each: -each[1]):
        while figure and size > 1 and figure % size == 0:
            figure //= size
            named.append(letter)
    return figure, named


def _probed(spec: Spec, sides: Sequence[Sides], kernel: int | None) -> tuple[Graph, dict[str, int]]:
    """Trace a block where each letter is a number that is nothing else; return these.

    Without a kernel, its options are what they are.
    """
    given = dict(spec.given)
    letters: dict[str, int] = {}
    if kernel is not None:
        if "kernel_size" in spec.options:
            given["kernel_size"] = letters["k"] = kernel
        if "ratio" in spec.options and not spec.options.get("width"):
            given["ratio"] = 2
    graph, sizes = probe(Spec(spec.block, given), sides)
    letters |= {name.upper() if name != "s" else name: size for name, size in sizes.items()}
    return graph, {name: size for name, size in letters.items() if len(name) == 1}


def _in_order(letters: Iterable[str]) -> str:
    return "".join(sorted(letters, key=LETTERS.index))


def _formula(terms: Mapping[str, int]) -> Formula:
    # The highest first; of one degree, in the order that the data meets them.
    ordered = sorted(terms.items(), key=lambda term: -len(term[0]))
    return Formula(tuple((count, named) for named, count in ordered if count))


def probe(spec: Spec, sides: Sequence[Sides] = SIDES) -> tuple[Graph, dict[str, int]]:
    """Trace a block on an input whose sizes tell themselves apart; return the sizes by letter."""
    ratio = spec.options.get("ratio")
    enough = 64 * ratio if isinstance(ratio, int) else 0
    probes = []
    for height, breadth, more in sides:
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
    own = spec.block.is_own  # whose options may mean anything
    told = []
    if "s" in formula.letters:
        told.append("s is the squeezed width" if own else width_rule(spec.options))
    if "k" in formula.letters:
        told.append("k is the kernel's side" if own else kernel_rule(spec.options))
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
