"""`insert`: one vocabulary, two worlds, and what is given is left alone."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from drawn import Random, described
from hypothesis import given, settings
from hypothesis import strategies as st

from attn_cli import insert, read_model, se_block
from attn_cli.errors import AttnError, BadArgument, BadGraph, BadOption, BadShape, BadSpec
from attn_cli.spec import parse_spec
from attn_cli.tf.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable

    from attn_cli.graph import Graph


def graph_of(name: str) -> Graph:
    graph = read_model(f"app:{name}").graph
    assert graph is not None
    return graph


def values(model: Any) -> list[Any]:
    return [np.asarray(weight).copy() for weight in model.weights]


def small(keras: Any, **conv: Any) -> Any:
    """Return a residual network of one branch."""
    keras.backend.clear_session()
    inputs = keras.Input((8, 8, 4), name="image")
    y = keras.layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv", **conv)(inputs)
    y = keras.layers.BatchNormalization(name="bn")(y)
    x = keras.layers.Add(name="add")([inputs, y])
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="pool")(x), name="net")


def test_a_graph_for_a_graph() -> None:
    """With words, several of them, patterns and what is skipped; or at the usual place."""
    graph = graph_of("ResNet50")
    nodes = graph.nodes
    assert insert(graph, "se:ratio=16", at="residual").params.total == 28_167_704
    assert insert(graph, parse_spec("eca")).params.total == 25_636_798
    some = insert(graph, "eca", at=["residual", "post"], skip=["conv2*", "conv5*"])
    assert some.params.total - graph.params.total == 2 * (4 * 5 + 6 * 5)
    assert graph.nodes is nodes
    assert insert(graph_of("EfficientNetB0"), "none", "se").params.total == 4_694_031


BAD: dict[str, tuple[Callable[[Graph], Any], type[Exception], str]] = {
    "block": (lambda graph: insert(graph, "sse"), BadSpec, "no block is called 'sse'"),
    "place": (lambda g: insert(g, "se", "residule"), BadOption, "did you mean residual?"),
    "skip": (lambda g: insert(g, "se", "post", "x*"), BadOption, "nothing is skipped by 'x\\*'"),
    "none": (lambda g: insert(g, "none", "post"), BadSpec, "there is none at these places"),
    "map": (lambda g: insert(g, "se", "avg_pool"), BadShape, "no feature map"),
    "misfit": (
        lambda g: insert(g, "se:ratio=999", "post"),
        BadOption,
        "^se:ratio=999 at conv2_block1_out: ratio 999 squeezes 256 channels to a width of 0",
    ),
    "start": (lambda g: insert(g, "se", start="slow"), BadOption, "a start is same or fresh"),  # type: ignore[call-overload]
    "model": (
        lambda g: insert(read_model("app:VGG16"), "se"),  # type: ignore[call-overload]
        BadArgument,
        "^insert takes a Graph, or a model of Keras 3, and this Model has a graph: its graph$",
    ),
    "block's function": (
        lambda g: insert(g, se_block),  # type: ignore[call-overload]
        BadArgument,
        "^a block is named by a text, as in 'se:ratio=16', not by <function se_block",
    ),
    "path": (
        lambda g: insert("m.keras", "se"),  # type: ignore[call-overload]
        BadArgument,
        r"a file is read: read_model\('m.keras'\)$",
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_is_wrong_is_one_typed_line(bad: str) -> None:
    call, kind, line = BAD[bad]
    with pytest.raises(kind, match=line) as raised:
        call(graph_of("ResNet50"))
    assert "\n" not in str(raised.value)


def test_a_keras_model_for_a_keras_model(keras: Any) -> None:
    """It is the graph that comes of its graph; outputs do not move, and the first is left alone."""
    model = small(keras)
    model.compile("sgd", "mse")
    keras.config.set_dtype_policy("mixed_float16")
    before, graph = values(model), walk(model)
    inputs = np.random.default_rng(0).standard_normal((2, 8, 8, 4), dtype=np.float32)
    wanted = np.asarray(model(inputs, training=False))
    made = insert(model, "se:ratio=2", at="residual")
    keras.config.set_dtype_policy("float32")
    assert described(walk(made)) == described(insert(graph, "se:ratio=2", at="residual"))
    assert made.name == "net"
    assert [each.name for each in made.inputs] == ["image"]
    np.testing.assert_array_equal(made(inputs, training=False), wanted)
    made.compile("sgd", "mse")
    made.fit(inputs, np.zeros((2, 4)), verbose=0)
    for ours, theirs in zip(before, values(model), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert described(walk(model)) == described(graph)
    assert model.compiled
    assert {id(layer) for layer in model.layers}.isdisjoint(id(layer) for layer in made.layers)


def test_fresh_weights_are_kept_where_that_is_asked_for(keras: Any) -> None:
    made = insert(small(keras), "se:ratio=2", at="residual", start="fresh")
    kernels = [weight for weight in made.weights if "_se_" in weight.path and weight.ndim > 1]
    assert len(kernels) == 2
    assert all(np.abs(np.asarray(kernel)).min() > 0 for kernel in kernels)


def test_where_outputs_move_a_warning_says_why(keras: Any) -> None:
    with pytest.warns(UserWarning, match="^fresh weights at add: an Add stands before it$"):
        insert(small(keras), "se:ratio=2", at="post")


def test_sequential_nested_and_frozen_models(keras: Any) -> None:
    """Copied with what was frozen, also where the layers were made by a sequential model."""
    layers = keras.layers
    inner = keras.Sequential([layers.Input((8, 8, 4)), layers.Conv2D(4, 1, name="conv")])
    inner.trainable = False
    outer = keras.Sequential([layers.Input((8, 8, 4)), inner, layers.ReLU(name="relu")])
    for model, at in ((inner, "conv"), (outer, "*/conv")):
        graph = walk(model)
        made = insert(model, "eca", at=at)
        assert described(walk(made)) == described(insert(graph, "eca", at=at))
        assert walk(made).params.trainable == 1
        assert not inner.trainable


def test_what_has_no_graph_is_said(keras: Any) -> None:
    class Own(keras.Model):
        def call(self, inputs: Any) -> Any:
            return inputs

    for model in (Own(name="own"), keras.Sequential([keras.layers.Dense(2)], name="own")):
        with pytest.raises(BadGraph, match=r"^'own' is (a subclassed model|not built yet)"):
            insert(model, "se")


def test_a_layer_that_cannot_be_made_again_is_said(keras: Any) -> None:
    class Own(keras.layers.Layer):
        def __init__(self, given: Any, **options: Any) -> None:
            super().__init__(**options)

        def call(self, inputs: Any) -> Any:
            return inputs

    class Mute(Own):
        def get_config(self) -> Any:
            raise NotImplementedError("it has\nno config")

    for kind, line in (
        (Own, "Keras' copy of 'net' is another model: it has 'own_1' where 'own' was foretold"),
        (Mute, r"Keras does not make 'net' anew \(it has\)$"),
    ):
        inputs = keras.Input((8, 8, 4))
        conv = keras.layers.Conv2D(4, 1, name="c")
        model = keras.Model(inputs, conv(kind(1)(inputs)), name="net")
        with pytest.raises(BadGraph, match=f"^{line}"):
            insert(model, "eca", at="c")


@settings(max_examples=25)
@given(data=st.data())
def test_both_worlds_agree_on_drawn_models(keras: Any, data: st.DataObject) -> None:
    """Whatever the model, both put the block in, or both refuse; outputs are those of before."""
    keras.backend.clear_session()
    model = Random(keras, data.draw).model()
    graph = walk(model)
    names = [node.name for node in graph.nodes if len(node.output_shapes[0]) == 4]
    at = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    at = [name.replace("[", "[[]") for name in at]
    spec = data.draw(st.sampled_from(["se:ratio=2", "eca", "cbam:ratio=2", "simam", "none"]))
    before = values(model)
    refused = None
    try:
        foretold = insert(graph, spec, at)
    except AttnError as error:
        refused = error
    if refused is not None:
        with pytest.raises(type(refused), match=re.escape(str(refused))):
            insert(model, spec, at)
        return
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        made = insert(model, spec, at)
    assert described(walk(made)) == described(foretold)
    if spec != "none" and not any("fresh weights" in str(each.message) for each in said):
        inputs = np.random.default_rng(0).standard_normal(
            (1, *model.inputs[0].shape[1:]), dtype=np.float32
        )
        wanted = np.asarray(model(inputs, training=False))
        np.testing.assert_array_equal(made(inputs, training=False), wanted)
    for ours, theirs in zip(before, values(model), strict=True):
        np.testing.assert_array_equal(ours, theirs)
