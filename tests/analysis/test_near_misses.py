"""What is nearly a block of the catalogue has no name, and what is only spelt otherwise keeps it.

The maps are as high and as wide as they have channels, so that no size tells one axis from another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from configs import Config, Tensor

from attn_cli.analysis.find import find_attention
from attn_cli.sources.config import parse_config
from attn_cli.sources.unfold import unfold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from attn_cli.analysis.find import Attention

SIZE = 8
ARRAY = {"class_name": "__numpy__", "config": {"value": [[1.0] * 8] * 8, "dtype": "float32"}}


class Block:
    """A block under construction, on a map of 8×8×8."""

    def __init__(self) -> None:
        self.config = Config(SIZE, SIZE, SIZE)
        self.x = self.config.input
        self.add = self.config.add
        self.op = self.config.op

    def mean(self, x: Tensor | None = None, axis: Sequence[int] = (1, 2)) -> Tensor:
        return self.op("Mean", x or self.x, axis=list(axis), keepdims=True)

    def excited(self, s: Tensor, gate: str = "sigmoid") -> Tensor:
        s = self.add("Dense", s, units=4, activation="relu")
        return self.add("Dense", s, units=SIZE, activation=gate)

    def se(self, gate: str = "sigmoid") -> Tensor:
        return self.excited(self.mean(), gate)

    def scaled(self, gate: Tensor, x: Tensor | None = None) -> Tensor:
        return self.add("Multiply", [x or self.x, gate])

    def item(self, x: Tensor, *key: Any) -> Tensor:
        """Add x[key]; a pair of ends is a slice, three numbers are one with a step."""
        slices = [
            {"class_name": "__slice__", "config": dict(zip(SLICE, (*each, None), strict=False))}
            for each in key
        ]
        return self.op("GetItem", x, slices)

    def pooled_channels(self) -> Tensor:
        return self.op("Mean", self.x, axis=[1, 2], keepdims=False)

    def eca(self, s: Tensor, **options: Any) -> Tensor:
        """Slide a kernel over (B, C) channels."""
        s = self.op("ExpandDims", s, axis=-1)
        given = {"filters": 1, "kernel_size": [3], "strides": [1], "padding": "same"}
        s = self.add("Conv1D", s, **{**given, "activation": "sigmoid", **options})
        return self.scaled(self.op("Reshape", s, newshape=[-1, 1, 1, SIZE]))

    def spatial(self, x: Tensor | None = None, **options: Any) -> Tensor:
        given = {"filters": 1, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same"}
        s = self.mean(x, (3,))
        return self.add("Conv2D", s, **{**given, "activation": "sigmoid", **options})

    def found(self, output: Tensor) -> tuple[Attention, ...]:
        graph = unfold(parse_config(self.config.model(output), "json"), None).graph
        return find_attention(graph)


SLICE = ("start", "stop", "step")


def pool(b: Block, side: int, stride: int, padding: str = "valid") -> Tensor:
    size = {"pool_size": [side] * 2, "strides": [stride] * 2, "padding": padding}
    return b.scaled(b.excited(b.add("AveragePooling2D", b.x, **size)))


def circle(b: Block, *parts: tuple[int | None, int | None] | None, **options: Any) -> Tensor:
    s = b.pooled_channels()
    ends = [s if part is None else b.item(s, (None, None), part) for part in parts]
    return b.eca(b.op("Concatenate", ends, axis=1), **{"padding": "valid", **options})


def padded(b: Block, before: int, after: int, mode: str = "constant") -> Tensor:
    width = [[0, 0], [before, after]]
    return b.eca(b.op("Pad", b.pooled_channels(), pad_width=width, mode=mode), padding="valid")


def activated(b: Block, gated: str | None, pooled: str) -> Tensor:
    x = b.add(gated, b.x) if gated else b.x
    return b.scaled(b.excited(b.mean(b.add(pooled, b.x))), x)


def twice(b: Block, copies: bool) -> Tensor:
    gate = b.se()
    second = b.add("Dropout", gate, rate=0.1) if copies else gate
    return b.scaled(second, b.scaled(gate))


def both_activated(b: Block) -> Tensor:
    s = b.excited(b.mean(), "linear")
    return b.scaled(b.op("Tanh", s), b.scaled(b.op("Sigmoid", s)))


def divided(b: Block, by: float) -> Tensor:
    spelt = b.op("Exp", b.op("Negative", b.se("linear")))
    return b.op("TrueDivide", b.x, b.op("Add", by, spelt))


def coord(b: Block, swap: bool = False) -> Tensor:
    h, w = b.mean(axis=(2,)), b.op("Transpose", b.mean(axis=(1,)), axes=[0, 2, 1, 3])
    one = {"kernel_size": [1, 1], "strides": [1, 1], "padding": "valid"}
    s = b.add("Conv2D", b.op("Concatenate", [h, w], axis=1), filters=4, activation="relu", **one)
    split = b.op("Split", s, indices_or_sections=2, axis=1)
    parts = [split, split._replace(output=1)]
    h, w = parts[::-1] if swap else parts
    w = b.op("Transpose", w, axes=[0, 2, 1, 3])
    gates = [b.add("Conv2D", s, filters=SIZE, activation="sigmoid", **one) for s in (h, w)]
    return b.scaled(gates[1], b.scaled(gates[0]))


def triplet(b: Block, turns_back: bool) -> Tensor:
    def turned(*dims: int) -> Tensor:
        x = b.add("Permute", b.x, dims=dims)
        x = b.scaled(b.spatial(x), x)
        return b.add("Permute", x, dims=dims) if turns_back or dims == (3, 2, 1) else x

    branches = [b.scaled(b.spatial()), turned(3, 2, 1), turned(1, 3, 2)]
    return b.add("Average", branches)


def before_space(b: Block, before: int, after: int) -> Tensor:
    s = b.add("ZeroPadding2D", b.mean(axis=(3,)), padding=[[before, after]] * 2)
    given = {"filters": 1, "kernel_size": [3, 3], "strides": [1, 1], "padding": "valid"}
    return b.scaled(b.add("Conv2D", s, activation="sigmoid", **given))


SE = ["se"]
NAMELESS = ["unnamed"]

NEAR: dict[str, tuple[Callable[[Block], Tensor], list[str]]] = {
    # A pool is one of all the map only where its window is.
    "a window of all": (lambda b: pool(b, 8, 8), SE),
    "a padded window that is larger": (lambda b: pool(b, 16, 16, "same"), SE),
    "a window that leaves out three quarters": (lambda b: pool(b, 4, 8), NAMELESS),
    "a window of most of it": (lambda b: pool(b, 5, 5), NAMELESS),
    "a padded window of most of it": (lambda b: pool(b, 5, 8, "same"), NAMELESS),
    # Channels have the same neighbours on both sides.
    "neighbours": (lambda b: b.eca(b.pooled_channels()), ["eca"]),
    "neighbours of zeros": (lambda b: padded(b, 1, 1), ["eca"]),
    "zeros before alone": (lambda b: padded(b, 2, 0), NAMELESS),
    "the ends once more": (lambda b: padded(b, 1, 1, "symmetric"), NAMELESS),
    "those before alone": (lambda b: b.eca(b.pooled_channels(), padding="causal"), NAMELESS),
    "every other": (lambda b: b.eca(b.pooled_channels(), dilation_rate=[2]), NAMELESS),
    "a circle": (lambda b: circle(b, (-1, None), None, (None, 1)), ["ceca"]),
    "a circle, counted from the first": (lambda b: circle(b, (7, None), None, (0, 1)), ["ceca"]),
    "a wide circle": (
        lambda b: circle(b, (-2, None), None, (None, 2), kernel_size=[5]),
        ["ceca"],
    ),
    "each end at its own side": (lambda b: circle(b, (None, 1), None, (-1, None)), NAMELESS),
    "a circle that starts elsewhere": (lambda b: circle(b, (-2, None), None), NAMELESS),
    "a circle with a gap": (lambda b: circle(b, (-2, -1), None, (None, 1)), NAMELESS),
    # A gate is for the places that it was made of.
    "a place for a place": (lambda b: b.scaled(b.spatial()), ["spatial"]),
    "turned and back": (
        lambda b: b.scaled(
            b.add("Permute", b.spatial(b.add("Permute", b.x, dims=[2, 1, 3])), dims=[2, 1, 3])
        ),
        ["spatial"],
    ),
    "rows for columns": (
        lambda b: b.scaled(b.add("Permute", b.spatial(), dims=[2, 1, 3])),
        NAMELESS,
    ),
    "space that rolls": (lambda b: b.scaled(b.op("Roll", b.spatial(), shift=1, axis=1)), NAMELESS),
    "padded all around": (lambda b: before_space(b, 1, 1), ["spatial"]),
    "padded in a corner": (lambda b: before_space(b, 2, 0), NAMELESS),
    "the last for the first": (lambda b: b.scaled(b.op("Flip", b.se(), axis=[-1])), NAMELESS),
    "the last for the first, by a slice": (
        lambda b: b.scaled(b.item(b.se(), *[(None, None)] * 3, (None, None, -1))),
        NAMELESS,
    ),
    "turned round before it is mixed": (
        lambda b: b.scaled(b.excited(b.op("Flip", b.mean(), axis=[-1]))),
        SE,
    ),
    "coordinates": (coord, ["coord"]),
    "coordinates exchanged": (lambda b: coord(b, swap=True), NAMELESS),
    "turned back": (lambda b: triplet(b, turns_back=True), ["triplet"]),
    "not turned back": (
        lambda b: triplet(b, turns_back=False),
        ["spatial", "unnamed", "unnamed"],
    ),
    # What divides is no gate, but for a sigmoid that is spelt out.
    "divided by a gate": (lambda b: b.op("TrueDivide", b.x, b.se()), NAMELESS),
    "divided by one and more": (lambda b: divided(b, 1.0), SE),
    "divided by five and more": (lambda b: divided(b, 5.0), NAMELESS),
    "one by a gate": (lambda b: b.scaled(b.op("Reciprocal", b.se())), NAMELESS),
    "one by one and more": (
        lambda b: b.scaled(
            b.op(
                "TrueDivide",
                1.0,
                b.op("Add", 1.0, b.op("Exp", b.op("Negative", b.se("linear")))),
            )
        ),
        SE,
    ),
    "the square of a gate": (lambda b: b.scaled(b.op("Square", b.se())), NAMELESS),
    # What says the same of every map is none.
    "a softmax of one": (lambda b: b.scaled(b.add("Softmax", b.se("linear"), axis=1)), []),
    "a softmax of one channel": (
        lambda b: b.scaled(b.spatial(activation="softmax")),
        [],
    ),
    "nothing left": (lambda b: b.scaled(b.op("Subtract", *[b.se()] * 2)), []),
    "one": (lambda b: b.scaled(b.op("TrueDivide", *[b.se()] * 2)), []),
    "times zero": (lambda b: b.scaled(b.op("Multiply", b.se(), 0.0)), []),
    "mixed of zeros": (lambda b: b.scaled(b.excited(b.op("Multiply", b.mean(), 0.0))), []),
    "times two": (lambda b: b.scaled(b.op("Multiply", b.se(), 2.0)), SE),
    "a mean less the same mean": (
        lambda b: b.scaled(b.excited(b.op("Subtract", b.mean(), b.mean()))),
        NAMELESS,
    ),
    "times numbers for all places": (lambda b: b.scaled(b.op("Multiply", b.se(), ARRAY)), NAMELESS),
    # What is pooled is what is gated.
    "of the activated map": (lambda b: activated(b, "ReLU", "ReLU"), SE),
    "of another activation": (lambda b: activated(b, "ReLU", "ELU"), NAMELESS),
    "activated before it is pooled": (lambda b: activated(b, None, "ReLU"), NAMELESS),
    "clipped before it is pooled": (
        lambda b: b.scaled(b.excited(b.mean(b.op("Clip", b.x, x_min=-1.0, x_max=1.0)))),
        NAMELESS,
    ),
    "one by the map": (
        lambda b: b.scaled(b.excited(b.mean(b.op("Reciprocal", b.x)))),
        NAMELESS,
    ),
    "of a map that was resized": (
        lambda b: b.scaled(b.excited(b.mean(b.op("Resize", b.x, size=[5, 5])))),
        NAMELESS,
    ),
    "of a map that was enlarged place by place": (
        lambda b: b.scaled(
            b.excited(b.mean(b.add("UpSampling2D", b.x, size=[2, 2], interpolation="nearest")))
        ),
        SE,
    ),
    "of what is least": (
        lambda b: b.scaled(
            b.add(
                "Conv2D",
                b.op("Max", b.op("Negative", b.x), axis=[3], keepdims=True),
                filters=1,
                kernel_size=[3, 3],
                strides=[1, 1],
                padding="same",
                activation="sigmoid",
            )
        ),
        NAMELESS,
    ),
    "of the opposite": (lambda b: b.scaled(b.excited(b.mean(b.op("Negative", b.x)))), SE),
    "a mean times the same mean": (
        lambda b: b.scaled(b.excited(b.op("Multiply", b.mean(), b.mean()))),
        NAMELESS,
    ),
    "one by a mean": (
        lambda b: b.scaled(b.excited(b.op("Reciprocal", b.mean()))),
        NAMELESS,
    ),
    "an activated mean": (
        lambda b: b.scaled(b.excited(b.op("Relu", b.mean()))),
        NAMELESS,
    ),
    "an activation that is none": (
        lambda b: b.scaled(b.excited(b.mean(b.add("Activation", b.x, activation="linear")))),
        SE,
    ),
    "an activation of one's own": (
        lambda b: b.scaled(
            b.excited(b.mean(b.add("Activation", b.x, activation={"class_name": "function"})))
        ),
        NAMELESS,
    ),
    # What gates share is there once.
    "twice the same gate": (lambda b: twice(b, copies=False), NAMELESS),
    "twice the same gate, handed on": (lambda b: twice(b, copies=True), NAMELESS),
    "twice, activated in two ways": (both_activated, NAMELESS),
    "two gates": (lambda b: b.scaled(b.se(), b.scaled(b.se())), ["se", "se"]),
}


@pytest.mark.parametrize("name", NEAR)
def test_only_what_is_computed_has_its_name(name: str) -> None:
    """A name is said of nothing that computes something else, and no call is counted twice."""
    write, kinds = NEAR[name]
    block = Block()
    found = block.found(write(block))
    assert [each.kind for each in found] == kinds
    calls = [node for each in found for node in each.nodes]
    assert len(calls) == len({*calls})


def test_a_gate_that_divides_says_its_function() -> None:
    """x / (1 + exp(-s)) is gated by a sigmoid, and x / (5 + exp(-s)) by nothing known."""
    for by, function in ((1.0, "sigmoid"), (5.0, None)):
        block = Block()
        (found,) = block.found(divided(block, by))
        assert found.gate == function


def squared(block: Block, x: Any, how: str) -> Any:
    """Add the sum of the squares of a vector, by a layer, by letters or by ops."""
    if how == "Dot":
        return block.add("Dot", [x, x], axes=1, normalize=False)
    if how == "Einsum":
        return block.op("ExpandDims", block.op("Einsum", x, x, subscripts="ab,ab->a"), axis=1)
    return block.op("Sum", block.op("Square", x), axis=1, keepdims=True)


@pytest.mark.parametrize("how", ["Dot", "Einsum", "Square"])
def test_a_norm_is_one_however_its_squares_are_summed(how: str) -> None:
    """By letters, or by a layer that multiplies a tensor with itself: no gate, whatever it is."""
    block = Block()
    x = block.add("Flatten", block.x)
    squares = squared(block, x, how)
    norm = block.op("Rsqrt", block.op("Add", squares, 1e-5))
    scaled = block.scaled(block.op("Reshape", norm, newshape=[-1, 1, 1, 1]))
    assert block.found(scaled) == ()


@pytest.mark.parametrize("how", ["Dot", "Einsum", "Square"])
def test_channels_compete_however_their_squares_are_summed(how: str) -> None:
    """A channel by the length of all: a gated channel transformation."""
    block = Block()
    scale = {"kernel_size": [1, 1], "strides": [1, 1], "padding": "valid"}
    s = block.op("Sum", block.op("Square", block.x), axis=[1, 2], keepdims=True)
    s = block.add("DepthwiseConv2D", block.op("Sqrt", s), use_bias=False, **scale)
    s = block.op("Reshape", s, newshape=[-1, SIZE])
    squares = squared(block, s, how)
    s = block.op("Divide", s, block.op("Sqrt", block.op("Add", squares, 1e-5)))
    s = block.op("Reshape", s, newshape=[-1, 1, 1, SIZE])
    s = block.op("Tanh", block.add("DepthwiseConv2D", s, use_bias=True, **scale))
    found = block.found(block.scaled(block.op("Add", s, 1.0)))
    assert [each.kind for each in found] == ["gct"]
