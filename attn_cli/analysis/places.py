"""Where in a network a block can go: a small vocabulary, each word defined by what is computed.

What layers are called says nothing here, but where a word is no word of the vocabulary: then it is
a name, or a pattern of names.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.account import account, charge
from attn_cli.analysis.calls import ACTIVATING, HANDING_ON, MIXING, NORMALISING, function_of
from attn_cli.analysis.find import find_attention
from attn_cli.analysis.gates import UNNAMED
from attn_cli.analysis.where import ATTENTION, DEPTHWISE, POST, RESIDUAL, STAGE, WORDS
from attn_cli.blocks import BLOCKS
from attn_cli.errors import BadOption, BadShape, BadSpec, did_you_mean
from attn_cli.graph import UNKNOWN, Ref
from attn_cli.spec import NONE
from attn_cli.splice import Site

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from attn_cli.analysis.find import Attention
    from attn_cli.graph import Graph, Node, Shape
    from attn_cli.spec import Spec

# What stands at the end of a residual branch and only drops or scales it.
DROPPING = HANDING_ON | {"LayerScale", "StochasticDepth"}
SCALING = frozenset(("Divide", "Multiply", "TrueDivide"))  # by a number
# What adds feature maps up.
ADDING = frozenset(("Add", "CustomScaleLayer"))
# What a shortcut may do to the feature map that it hands on, beside one convolution.
SHORTCUT = NORMALISING | DROPPING | ACTIVATING.keys() | {
    "AveragePooling2D", "Cropping2D", "GetItem", "MaxPooling2D", "ZeroPadding2D",
}  # fmt: skip
ENLARGING = frozenset(("Conv2DTranspose", "Resizing", "UpSampling2D"))
# An activation function that is spelt out in ops, as x · relu6(x + 3) / 6.
ELEMENTWISE = ACTIVATING.keys() | {
    "Add", "Clip", "Divide", "Maximum", "Minimum", "Multiply", "Subtract", "TrueDivide",
}  # fmt: skip
MAX_SPELT = 8
SHAPELESS = "its shape is not known"


class Place(NamedTuple):
    """A place in a network: what it is in the vocabulary, and the attention that is there."""

    site: Site
    words: tuple[str, ...]
    there: str | None
    problem: str | None = None  # why no block can go there after all

    @property
    def name(self) -> str:
        """The name of the call that it stands behind."""
        return self.site.name

    @property
    def shape(self) -> Shape:
        """Its feature map (H, W, C)."""
        return self.site.shape


class Chosen(NamedTuple):
    """Places of a network, and the words and names that they are chosen by.

    `usual` says that these were not given, and are what is usual for the block and the network.
    """

    at: tuple[str, ...]
    places: tuple[Place, ...]
    usual: bool = False

    @property
    def sites(self) -> list[Site]:
        """Where blocks are put in."""
        return [place.site for place in self.places]


def find_places(graph: Graph) -> tuple[Place, ...]:
    """Return all places that the vocabulary names, in the order of the graph."""
    with _network(graph) as network:
        return tuple(network.places())


def select_places(graph: Graph, at: Sequence[str], skip: Sequence[str] = ()) -> tuple[Place, ...]:
    """Return the places that words, names and patterns name together, less those skipped.

    >>> from attn_cli import read_model
    >>> len(select_places(read_model("app:ResNet50").graph, ["residual"]))
    16

    Raises BadOption, with the nearest, where one of them names none, BadShape where it names what
    is no feature map, or stands where no block can be put.
    """
    with _network(graph) as network:
        return network.selected(at, skip)


def choose_places(
    graph: Graph, specs: Sequence[Spec | None], at: Sequence[str], skip: Sequence[str] = ()
) -> Chosen:
    """Return the places that are named, or where none is, those that are usual for all blocks.

    None among the specs is to take attention out. Raises what naming a place does, and BadSpec
    where there is none to take out.
    """
    with _network(graph) as network:
        if at:
            chosen = Chosen(tuple(at), network.selected(at, skip))
            if None in specs and not any(place.site.replaces for place in chosen.places):
                raise BadSpec(f"{NONE} takes attention out, and there is none at these places")
            return chosen
        usual = {
            ATTENTION if spec is None else network.usual(spec.block.name): text_of(spec)
            for spec in specs
        }
        if len(usual) > 1:
            told = [f"{text} usually goes to {word}" for word, text in usual.items()]
            raise BadOption(f"{', and '.join(told)}: say where with --at")
        return Chosen(tuple(usual), network.selected(list(usual), skip), usual=True)


def text_of(spec: Spec | None) -> str:
    """Return a block as it is named, or the word for none."""
    return NONE if spec is None else spec.text


@contextmanager
def _network(graph: Graph) -> Iterator[_Network]:
    with account(graph.size, "finding places in it"):
        yield _Network(graph)


class _Network:
    """A graph, with what the words of the vocabulary ask of it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = graph.nodes
        self.readers: list[list[int]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            for source in {ref.node for ref in node.inputs}:
                self.readers[source].append(index)
        self.is_output = {ref.node for ref in graph.outputs}
        self.attention = [each for each in find_attention(graph) if each.kind != UNNAMED]
        self.gates = {node for each in self.attention for node in each.nodes}
        self.ends = {each.nodes[-1]: each.kind for each in self.attention}
        # The first where several take one feature map.
        self.sources = {self.source(each): each.kind for each in reversed(self.attention)}
        self.calls = Counter([id(node.layer) for node in self.nodes])
        self.by_words = {
            RESIDUAL: dict.fromkeys(end for end, _ in self.residuals()),
            DEPTHWISE: dict.fromkeys(self.depthwise()),
            POST: dict.fromkeys(self.activated(add) for _, add in self.residuals()),
            STAGE: dict.fromkeys(self.stages()),
        }
        self.first_channels = any(
            node.layer.config.get("data_format") == "channels_first"
            and len(node.output_shapes[0]) == 4
            for node in self.nodes
        )

    # Choosing places.

    def selected(self, at: Sequence[str], skip: Sequence[str]) -> tuple[Place, ...]:
        """Return the places that words, names and patterns name together, less those skipped."""
        chosen: dict[Ref, Place] = {}
        for where in at:
            for place in self.named(where.strip()):
                before = chosen.get(place.site.yields)
                # What is replaced is not added to as well.
                if before is None or not before.site.replaces:
                    chosen[place.site.yields] = place
        left = list(chosen.values())
        for pattern in skip:
            kept = [place for place in left if not self.is_named(place, pattern.strip())]
            if len(kept) == len(left):
                names = [place.name for place in chosen.values()]
                hint = did_you_mean(pattern, names)
                raise BadOption(
                    f"nothing is skipped by {pattern!r}: none of the places is called so{hint}"
                )
            left = kept
        if not left:
            raise BadOption("every place is skipped: no place is left")
        for place in left:
            if place.problem:
                raise BadShape(f"{place.name}: {place.problem}")
        return tuple(sorted(left, key=lambda place: place.site.yields))

    def usual(self, block: str) -> str:
        """Return the word for where a block usually goes: what its paper did, or others.

        A bottleneck attention module stands between the stages. Any other block stands in for the
        attention that is there; else it ends residual branches, follows depthwise convolutions, or
        where a network has neither, ends each stage.
        """
        if block == "bam":
            return STAGE
        words = (ATTENTION, RESIDUAL, DEPTHWISE)
        return next((word for word in words if word in self.words_there), STAGE)

    @cached_property
    def words_there(self) -> set[str]:
        """The words that name a place here."""
        return {word for place in self.places() for word in place.words}

    # Naming places.

    def places(self) -> Iterator[Place]:
        """Yield the places of every word, in the order of the graph."""
        replaced = {Ref(each.nodes[-1]): each for each in self.attention}
        ends = {Ref(node) for nodes in self.by_words.values() for node in nodes}
        for ref in sorted(ends | replaced.keys()):
            place = self.place(ref.node, replaced.get(ref))
            if len(self.nodes[ref.node].output_shapes[0]) == 4:
                yield place

    def named(self, where: str) -> list[Place]:
        """Return the places that a word, a name or a pattern names."""
        if where in self.by_words:
            found = [self.place(node) for node in self.by_words[where]]
            found = [place for place in found if place.site.shape]
            if not found:
                raise BadOption(f"no place is {where}: {self.why_none(where)}")
            return found
        if where == ATTENTION or where in BLOCKS:
            blocks = [each for each in self.attention if where in (ATTENTION, each.kind)]
            if not blocks:
                raise BadOption(f"no place is {where}: {self.there_is()}")
            return [self.place(each.nodes[-1], each) for each in blocks]
        matching = [index for index, node in enumerate(self.nodes) if fnmatchcase(node.name, where)]
        maps = [index for index in matching if len(self.nodes[index].output_shapes[0]) == 4]
        if maps:
            return [self.place(index) for index in maps]
        if matching:
            node = self.nodes[matching[0]]
            if node.output_shapes[0] == UNKNOWN:
                raise BadShape(f"{node.name}: {SHAPELESS}")
            raise BadShape(f"{node.name} yields {_shown(node.output_shapes[0])}: no feature map")
        names = [*WORDS, *BLOCKS, *[node.name for node in self.nodes]]
        raise BadOption(
            f"no layer is called {where!r}, and no word{did_you_mean(where, names)} "
            f"(words: {', '.join(WORDS)}, or a block's name)"
        )

    def is_named(self, place: Place, pattern: str) -> bool:
        """Tell whether a pattern or a word names a place."""
        return fnmatchcase(place.name, pattern) or pattern in place.words

    def place(self, index: int, replaced: Attention | None = None) -> Place:
        """Return the place behind a call, or in place of the attention that ends with it."""
        node = self.nodes[index]
        ref = Ref(index)
        words = [word for word, nodes in self.by_words.items() if index in nodes]
        there = self.sources.get(ref)
        if index in self.ends:
            there = self.ends[index]
            words += [there, ATTENTION]
        takes = ref if replaced is None else self.source(replaced)
        shape = node.output_shapes[0][1:] if len(node.output_shapes[0]) == 4 else ()
        site = Site(node.name, takes, ref, shape)
        return Place(site, tuple(words), there, self.problem(node))

    def source(self, attention: Attention) -> Ref:
        """Return the feature map that a block takes."""
        inside = set(attention.nodes)
        charge(sum([1 + len(self.nodes[index].inputs) for index in inside]))
        return max(
            ref for index in inside for ref in self.nodes[index].inputs if ref.node not in inside
        )

    def problem(self, node: Node) -> str | None:
        """Return why no block can be put behind a call."""
        within = node.layer.within
        if self.first_channels:
            return "the network is channels first, and blocks are channels last"
        if len(node.output_shapes) > 1:
            return f"it has {len(node.output_shapes)} outputs"
        if node.output_shapes[0] == UNKNOWN:
            return SHAPELESS
        if node.output_shapes[0][-1] is None:
            return "how many channels it has is not known"
        charge(len(within))
        if within and any(within[: depth + 1] in self.in_steps for depth in range(len(within))):
            return f"it stands in a TimeDistributed ({'/'.join(within)})"
        if within and self.calls[id(node.layer)] > 1:
            return f"it stands in a model that is called more than once ({'/'.join(within)})"
        return None

    @cached_property
    def in_steps(self) -> set[tuple[str, ...]]:
        """Return the paths of what is applied to each step: what goes in there loses a size."""
        paths: set[tuple[str, ...]] = set()
        for node in self.nodes:
            within = node.layer.within
            charge(len(node.inputs))
            for ref, shape in zip(node.inputs, node.input_shapes, strict=True):
                if self.graph.shape_of(ref) != shape:
                    charge(len(within))
                    before = self.nodes[ref.node].layer.within
                    ends = range(1, len(within) + 1)
                    paths.update(within[:end] for end in ends if before[:end] != within[:end])
        return paths

    def why_none(self, where: str) -> str:
        """Return what a network lacks that a word asks for."""
        if self.by_words[where]:
            return SHAPELESS
        if where in (RESIDUAL, POST):
            return "no branch is added to a shortcut"
        if where == DEPTHWISE:
            return "there is no depthwise convolution"
        return "its height and width are not known" if self.nodes else "it has no layers"

    def there_is(self) -> str:
        """Return the attention of a network in words."""
        kinds = sorted({each.kind for each in self.attention})
        return f"its attention is {', '.join(kinds)}" if kinds else "it has no attention"

    # What the words mean.

    def residuals(self) -> Iterator[tuple[int, int]]:
        """Yield the end of each residual branch, and the addition behind it."""
        for index, node in enumerate(self.nodes):
            if node.layer.type not in ADDING or index in self.gates or len(node.inputs) < 2:
                continue
            shapes = {self.graph.shape_of(ref) for ref in node.inputs}
            if len(shapes) > 1 or len(node.input_shapes[0]) != 4:
                continue
            for branch in dict.fromkeys(node.inputs):
                others = [ref for ref in node.inputs if ref != branch]
                charge(len(others))
                if any(self.is_residual(branch, other) for other in others):
                    yield self.undropped(branch.node), index

    def is_residual(self, branch: Ref, shortcut: Ref) -> bool:
        """Tell whether a branch computes more than a shortcut of one and the same feature map.

        A shortcut hands the feature map on, or projects it by one convolution.
        """
        at, projected = shortcut.node, 0
        while True:
            charge()
            depth = self.depth(at, branch.node)
            if depth is not None:
                return depth > projected
            node = self.nodes[at]
            if len(node.inputs) != 1:
                return False
            if node.layer.type in MIXING:
                projected += 1
            elif node.layer.type not in SHORTCUT:
                return False
            if projected > 1:
                return False
            at = node.inputs[0].node

    def depth(self, start: int, end: int) -> int | None:
        """Return the most layers that mix on a way between two calls; None where there is none.

        What goes back to a larger resolution is a decoder, and no branch.
        """
        if start >= end:
            return None
        inside = {end}
        stack = [end]
        while stack:
            inputs = self.nodes[stack.pop()].inputs
            charge(1 + len(inputs))
            for ref in inputs:
                if ref.node >= start and ref.node not in inside:
                    inside.add(ref.node)
                    if ref.node > start:
                        stack.append(ref.node)
        if start not in inside:
            return None
        depths = {start: 0}
        for index in sorted(inside - {start}):
            node = self.nodes[index]
            before = [depths[ref.node] for ref in node.inputs if ref.node in depths]
            if before:
                if node.layer.type in ENLARGING:
                    return 0
                depths[index] = max(before) + (node.layer.type in MIXING)
        return depths.get(end)

    def undropped(self, index: int) -> int:
        """Return what stands before whatever only drops or scales."""
        while len(self.nodes[index].inputs) == 1 and _only_drops(self.nodes[index]):
            charge()
            index = self.nodes[index].inputs[0].node
        return index

    def depthwise(self) -> Iterator[int]:
        """Yield the end of each depthwise convolution, normalised and activated."""
        for index, node in enumerate(self.nodes):
            if _is_depthwise(node):
                reader = self.only_reader(index)
                if reader is not None and self.nodes[reader].layer.type in NORMALISING:
                    index = reader
                yield self.activated(index)

    def activated(self, index: int) -> int:
        """Return the activation of a call, where there is one that all its readers see."""
        reader = self.only_reader(index)
        if reader is not None and self.nodes[reader].layer.type in ACTIVATING:
            return reader
        return self.spelt_out(index) or index

    def only_reader(self, index: int) -> int | None:
        """Return the one call that reads another; None where there are several, or an output."""
        if index in self.is_output or len(self.readers[index]) != 1:
            return None
        return self.readers[index][0]

    def spelt_out(self, index: int) -> int | None:
        """Return the end of an activation function that is spelt out in ops; None for none."""
        inside = {index}
        end = None
        for later in range(index + 1, min(index + 1 + MAX_SPELT, len(self.nodes))):
            node = self.nodes[later]
            if node.layer.type not in ELEMENTWISE or not {r.node for r in node.inputs} <= inside:
                break
            inside.add(later)
            charge(sum([1 + len(self.readers[each]) for each in inside]))
            read = {reader for each in inside - {later} for reader in self.readers[each]}
            activates = any(self.nodes[each].layer.type in ACTIVATING for each in inside)
            if read <= inside and activates and self.is_output.isdisjoint(inside - {later}):
                end = later
        return end

    def stages(self) -> Iterator[int]:
        """Yield the last feature map of each resolution that everything behind it is made of.

        What only pads is on its way to the next resolution, and before the first convolution there
        is the input alone.
        """
        last: dict[tuple[int | None, ...], int] = {}
        mixed = False
        for index in self.trunk():
            node = self.nodes[index]
            mixed = mixed or node.layer.type in MIXING
            shape = node.output_shapes[0]
            padding = node.layer.type in ("Cropping2D", "ZeroPadding2D")
            known = len(shape) == 4 and None not in shape[1:] and shape[1:3] != (1, 1)
            if mixed and known and not padding:
                last[shape[1:3]] = index
        yield from sorted(last.values())

    def trunk(self) -> Iterator[int]:
        """Yield the calls that no way from an input to an output goes around."""
        furthest = -1
        for index in range(len(self.nodes)):
            # The furthest that anything before this call is read.
            if furthest <= index:
                yield index
            last = max(self.readers[index], default=index)
            if index in self.is_output and index < len(self.nodes) - 1:
                last = len(self.nodes)
            furthest = max(furthest, last)


def _only_drops(node: Node) -> bool:
    type = node.layer.type
    linear = type == "Activation" and function_of(node) is None
    return type in DROPPING or type in SCALING or linear


def _is_depthwise(node: Node) -> bool:
    type, config = node.layer.type, node.layer.config
    if type == "DepthwiseConv2D":
        return True
    groups = config.get("groups")
    shape = node.input_shapes[0] if node.input_shapes else ()
    return type == "Conv2D" and isinstance(groups, int) and groups > 1 and shape[-1:] == (groups,)


def _shown(shape: Iterable[int | None]) -> str:
    return f"({', '.join(map(str, shape))})"
