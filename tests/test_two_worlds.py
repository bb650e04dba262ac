"""A block is the same in both worlds: traced without TensorFlow, and built in Keras.

Whatever is drawn, both make the same graph or both refuse. Nothing here is about one block: a block
is tested from the day that it stands in BLOCKS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from drawing import SHAPES, SPACE, TOO_LARGE, option_sets
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from attn_cli.blocks import BLOCKS, find_block
from attn_cli.errors import AttnError, BadArgument, NotModelled
from attn_cli.sources.block import trace
from attn_cli.symbolic import namespace_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from attn_cli.graph import Graph


def described(graph: Graph) -> dict[str, Any]:
    """Return all that the two worlds must have in common, but the configurations."""
    calls = [
        (
            node.layer.name,
            node.layer.type,
            node.call,
            node.inputs,
            node.input_shapes,
            node.output_shapes,
            node.layer.weights,
        )
        for node in graph.nodes
    ]
    return {"calls": calls, "inputs": graph.inputs, "outputs": graph.outputs}


def plain(value: Any) -> Any:
    """Return a value of a configuration with tuples for its lists, as Keras mixes them."""
    return tuple(map(plain, value)) if isinstance(value, (list, tuple)) else value


def assert_same(traced: Graph, built: Graph) -> None:
    assert described(traced) == described(built)
    for ours, theirs in zip(traced.nodes, built.nodes, strict=True):
        keras_config = {key: theirs.layer.config.get(key, "(absent)") for key in ours.layer.config}
        assert {ours.layer.name: plain(dict(ours.layer.config))} == {
            ours.layer.name: plain(keras_config)
        }


def compare_worlds(build: Any, shape: Any, **options: Any) -> Graph | None:
    """Build in both worlds; return the graph, or None where both refuse.

    Without TensorFlow every refusal is one of ours or, for an option that a function does not
    have, Python's own. In Keras it may be anything, and where it is ours too, it is the same.
    """
    from attn_cli.tf.walk import build_model, walk

    traced, refusal = attempt(lambda: trace(build, shape, **options))
    if refusal is not None:
        assert isinstance(refusal, AttnError) or "unexpected keyword" in str(refusal), refusal
        assert str(refusal)
        assert "\n" not in str(refusal)
    else:
        assume(all(node.layer.params.total <= TOO_LARGE for node in traced.nodes))
    model, error = attempt(lambda: build_model(build, shape, **options))
    if isinstance(error, AttnError):
        assert repr(error) == repr(refusal)
    assert refusal is None or error is not None, f"only the stand-in refuses: {refusal!r}"
    assert error is None or refusal is not None, f"only Keras refuses: {error!r}"
    if refusal is not None:
        return None
    assert_same(traced, walk(model))
    return traced


def attempt(build: Callable[[], Any]) -> tuple[Any, Exception | None]:
    """Return what is built, or why not."""
    try:
        return build(), None
    except Exception as error:
        return None, error


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("name", BLOCKS)
@given(data=st.data())
def test_a_block_is_the_same_in_both_worlds(name: str, data: st.DataObject) -> None:
    """Names, types, calls, shapes, weights, wiring and configuration agree, or both refuse."""
    block = find_block(name)
    options = data.draw(option_sets(block), label="options")
    shape = data.draw(SHAPES, label="shape")
    event("built" if compare_worlds(block.build, shape, **options) else "refused")


NO_SHAPES: list[tuple[Any, ...]] = [
    *[(), (8,), (7, 8), (7, 7, 7, 8), (0, 7, 8), (7, 0, 8), (7, 7, 0), (7, 7, None)],
    *[(-1, 7, 8), (7, -1, 8), (7, 7, -8), (7.0, 7, 8), (7, 7, 8.0), ("7", 7, 8), (7, 7, (8,))],
]


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("name", BLOCKS)
def test_what_is_no_feature_map_is_refused_in_both_worlds(name: str) -> None:
    """Of another rank, empty, negative, of unknown channels, or not of integers."""
    for shape in NO_SHAPES:
        assert compare_worlds(find_block(name).build, shape) is None, shape


@st.composite
def models(draw: st.DrawFn) -> Any:
    """Draw a model of several blocks: one after another, or side by side on one feature map."""
    names = draw(st.lists(st.sampled_from(sorted(BLOCKS)), min_size=2, max_size=4))
    prefixes = [draw(st.sampled_from([None, None, "a", "b", "a_spatial"])) for _ in names]
    parallel = [draw(st.booleans()) for _ in names]

    def build(inputs: Any) -> Any:
        x = inputs
        for name, prefix, beside in zip(names, prefixes, parallel, strict=True):
            gated = find_block(name).build(x, name=prefix)
            x = namespace_of(inputs).layers.Add()([x, gated]) if beside else gated
        return x

    build.__qualname__ = f"{list(zip(names, prefixes, parallel, strict=True))}"
    return build


@pytest.mark.usefixtures("keras")
@settings(max_examples=60)
@given(build=models(), shape=st.tuples(SPACE, SPACE, st.sampled_from([16, 64])))
def test_blocks_in_one_model_are_the_same_in_both_worlds(build: Any, shape: Any) -> None:
    """The numbers in automatic names go on from block to block; a name used twice is refused."""
    event("built" if compare_worlds(build, shape) else "refused")


def test_a_block_wants_a_tensor_that_stands_for_one(keras: Any) -> None:
    """Called on values a block would make fresh weights each time, so it says how to build it."""
    for values in (keras.ops.ones((1, 4, 4, 8)), keras.ops.ones((1, 4, 4, 8)).numpy(), None):
        with pytest.raises(BadArgument, match=r"built once, on the output of keras\.Input"):
            find_block("se").build(values)


def test_channels_first_is_refused(keras: Any) -> None:
    """With Keras set to channels first a block would gate the wrong axis."""
    inputs = keras.Input((8, 4, 4))
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(NotModelled, match="channels_last"):
            find_block("se").build(inputs)
    finally:
        keras.config.set_image_data_format("channels_last")
