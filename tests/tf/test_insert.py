"""Blocks put into Keras models: what the splice foretells, over applications and drawn models.

`--hypothesis-profile=explore` takes every application, and draws more models.
"""

from __future__ import annotations

import json
from itertools import cycle
from typing import TYPE_CHECKING, Any

import applications
import numpy as np
import pytest
from drawn import Random, described
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from nets import FAMILIES

from attn_cli import find_attention, read_model
from attn_cli.analysis.places import find_places, select_places
from attn_cli.blocks import BLOCKS, find_block
from attn_cli.errors import BadOption, BadShape
from attn_cli.sources.applications import application_names
from attn_cli.spec import parse_spec
from attn_cli.tf.insert import Inserted, insert_blocks
from attn_cli.tf.walk import walk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from attn_cli.graph import Graph, Node


def put(model: Any, spec: str | None, *at: str) -> Inserted:
    graph = walk(model)
    sites = [place.site for place in select_places(graph, at)]
    return insert_blocks(model, graph, sites, spec and parse_spec(spec))


def assert_foretold(inserted: Inserted, path: Path) -> Graph:
    """Hold the splice against what Keras made, and against what is read from what it wrote."""
    foretold = inserted.spliced.graph
    made = walk(inserted.model)
    assert described(made) == described(foretold)
    assert made.outputs == foretold.outputs
    path.write_text(inserted.model.to_json(), encoding="utf-8")
    read = read_model(path).graph
    assert read is not None
    # A config does not tell the type of a weight.
    assert facts(read) == facts(foretold)
    return foretold


def facts(graph: Graph) -> list[Any]:
    """Return what a config tells of a graph."""
    return [
        (node.name, node.layer.type, node.inputs, node.output_shapes, node.layer.params)
        for node in graph.nodes
    ]


@pytest.mark.parametrize("name", application_names())
def test_applications_are_as_foretold(
    keras: Any, name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """At each word; the blocks take turns."""
    explored = request.config.getoption("--hypothesis-profile") == "explore"
    if name not in FAMILIES and not explored:
        pytest.skip("one of a family is enough: explore takes all")
    blocks = cycle(BLOCKS)
    for _ in range(application_names().index(name)):
        next(blocks)  # not the same one first each time
    model = applications.build(keras, name)
    graph = walk(model)
    with keras.StatelessScope(initialize_variables=False):
        words = dict.fromkeys(word for place in find_places(graph) for word in place.words)
        for word in words:
            for _ in BLOCKS:
                try:
                    assert_foretold(put(model, next(blocks), word), tmp_path / "model.json")
                except (BadOption, BadShape):
                    continue  # the block does not fit, or needs a size that is dynamic
                break
            else:
                pytest.fail(f"no block fits at {word}")
        if "attention" in words:
            without = assert_foretold(put(model, None, "attention"), tmp_path / "model.json")
            assert find_attention(without) == ()


# Architectures in small, each with a place of every word that it knows.
SMALL: dict[str, dict[str, Any]] = {
    "EfficientNetB0": {},
    "MobileNet": {"alpha": 0.25},
    "MobileNetV2": {"alpha": 0.35},
    "MobileNetV3Small": {"alpha": 1.0, "include_preprocessing": False},
}
PLACES = (
    *("residual", "depthwise", "post", "stage", "attention"),
    *("se", "*_add*", "several"),
)


def places_at(model: Any, where: str) -> Sequence[str]:
    """Return what --at names: a word, a pattern, or several names."""
    if where != "several":
        return [where]
    names = [node.name for node in walk(model).nodes if len(node.output_shapes[0]) == 4]
    return [*names[-3:], "stage"]


@pytest.mark.parametrize("name", SMALL)
def test_the_file_that_keras_writes_is_as_foretold(keras: Any, name: str, tmp_path: Path) -> None:
    """With its weights, wherever something can be named; and what is built can be built on."""
    keras.backend.clear_session()
    options = {"input_shape": (64, 64, 3), "include_top": False, **SMALL[name]}
    model = getattr(keras.applications, name)(weights=None, **options)
    # Every block of the catalogue has its turn, over all architectures and places.
    blocks = cycle(BLOCKS)
    for _ in range(list(SMALL).index(name) * len(PLACES)):
        next(blocks)
    put_in = 0
    for where in PLACES:
        try:
            at = places_at(model, where)
            sites = [place.site for place in select_places(walk(model), at)]
        except BadOption:
            continue  # it has none of these
        for _ in BLOCKS:
            spec = f"{next(blocks)}"
            try:
                inserted = put(model, spec, *at)
                break
            except (BadOption, BadShape):
                continue  # too few channels for this one
        assert len({block.site.yields for block in inserted.spliced.blocks}) == len(sites)
        path = tmp_path / "model.keras"
        inserted.model.save(path)
        foretold, read = inserted.spliced.graph, read_model(path).graph
        assert read is not None
        assert described(read) == described(foretold) == described(walk(inserted.model))
        assert read.outputs == foretold.outputs
        put_in += 1
        if where in ("residual", "stage"):
            again = put(inserted.model, spec, *at)
            assert_foretold(again, tmp_path / "again.json")
            added = [len(each.spliced.graph.nodes) for each in (inserted, again)]
            assert added[1] > added[0]
    assert put_in > 2


def drawn_model(keras: Any, data: st.DataObject) -> Any:
    keras.backend.clear_session()
    return Random(keras, data.draw).model()


# Such as few channels take: a model that is drawn for a block that refuses it is drawn in vain.
SPECS = [f"{name}:ratio=2" if "ratio" in find_block(name).options else name for name in BLOCKS]


@settings(max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
def test_drawn_models_are_as_foretold(
    keras: Any, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Nested, sequential, shared, frozen: wherever a block can go, and then another one."""
    model = drawn_model(keras, data)
    path = tmp_path_factory.getbasetemp() / "drawn.json"
    for _ in range(2):
        graph = walk(model)
        names = [node.name for node in graph.nodes if can_hold_a_block(graph, node)]
        assume(names)
        at = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        spec = data.draw(st.sampled_from(SPECS))
        try:
            sites = [place.site for place in select_places(graph, at)]
            inserted = insert_blocks(model, graph, sites, parse_spec(spec))
        except (BadOption, BadShape):
            assume(False)
        assert_foretold(inserted, path)
        kept = {id(layer) for layer in _leaves(model)}
        assert len(kept & {id(layer) for layer in _leaves(inserted.model)}) == len(kept)
        model = inserted.model


def can_hold_a_block(graph: Graph, node: Node) -> bool:
    """Tell whether a place can be named: a map, and in no model that is called twice or in steps.

    Whatever is drawn for another one is refused, and the model was made in vain.
    """
    if len(node.output_shapes[0]) != 4 or "[" in node.name:
        return False
    try:
        return bool(select_places(graph, [node.name]))
    except (BadOption, BadShape):
        return False


def _leaves(model: Any) -> list[Any]:
    """Return all layers that hold no others."""
    return [
        layer
        for layer in model._flatten_layers(include_self=False)
        if not hasattr(layer, "layers") and type(layer).__name__ != "InputLayer"
    ]


def chain(keras: Any, *layers: Any, shape: tuple[int | None, ...] = (8, 8, 4)) -> Any:
    """Return a functional model of layers, one behind the other."""
    inputs = x = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


@pytest.fixture(autouse=True)
def fresh(keras: Any) -> None:
    keras.backend.clear_session()


def test_a_sequential_model_becomes_functional(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [layers.Input((8, 8, 4)), layers.Conv2D(8, 3, name="conv"), layers.ReLU(name="relu")]
    )
    inserted = put(model, "eca", "conv")
    assert_foretold(inserted, tmp_path / "model.json")
    assert inserted.model.layers[1] is model.layers[0]


def test_a_layer_that_is_called_twice_has_two_places(keras: Any, tmp_path: Path) -> None:
    """Of which one can be named."""
    inputs = keras.Input((8, 8, 4))
    conv = keras.layers.Conv2D(4, 3, padding="same", name="conv")
    model = keras.Model(inputs, conv(conv(inputs)))
    for at, count in (("conv", 1), ("conv:1", 1), ("conv*", 2)):
        inserted = put(model, "cbam:ratio=2", at)
        assert len(inserted.spliced.blocks) == count
        assert_foretold(inserted, tmp_path / "model.json")


def test_several_inputs_and_outputs_keep_their_structure(keras: Any, tmp_path: Path) -> None:
    first, second = keras.Input((8, 8, 4), name="first"), keras.Input((8, 8, 4), name="second")
    x = keras.layers.Conv2D(4, 1, name="conv")(keras.layers.Add(name="sum")([first, second]))
    outputs = {"map": x, "sum": keras.layers.GlobalAveragePooling2D(name="pool")(x)}
    model = keras.Model({"first": first, "second": second}, outputs)
    inserted = put(model, "eca", "conv", "sum")
    assert_foretold(inserted, tmp_path / "model.json")
    assert set(inserted.model.output) == {"map", "sum"}


def test_a_block_in_a_frozen_model_is_trained(keras: Any, tmp_path: Path) -> None:
    """What was frozen stays so."""
    inner = chain(keras, keras.layers.Conv2D(4, 3, name="conv"), keras.layers.ReLU())
    inner.trainable = False
    inputs = keras.Input((8, 8, 4))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1)(inner(inputs)))
    frozen = walk(model).params.non_trainable
    inserted = put(model, "se:ratio=2", "*/conv")
    graph = assert_foretold(inserted, tmp_path / "model.json")
    assert graph.params.non_trainable == frozen == 148
    assert graph.params.trainable == walk(model).params.trainable + 22


def test_ops_get_names_that_are_free(keras: Any, tmp_path: Path) -> None:
    """Whatever Keras would have called them by now."""
    model = chain(keras, keras.layers.Conv2D(4, 3, name="conv"), keras.layers.ReLU(name="relu"))
    for _ in range(3):
        keras.ops.mean(keras.Input((8, 8, 4)))
        inserted = put(model, "simam", "conv")
        assert_foretold(inserted, tmp_path / "model.json")
        model = inserted.model
    names = [node.layer.name for node in walk(model).nodes if node.layer.type == "Mean"]
    assert sorted(names)[:2] == ["mean", "mean_1"]


@pytest.mark.parametrize("policy", ["float32", "float16", "mixed_bfloat16", "float64"])
def test_a_block_computes_in_the_type_of_its_place(keras: Any, tmp_path: Path, policy: str) -> None:
    conv = keras.layers.Conv2D(4, 3, name="conv", dtype=policy)
    relu = keras.layers.ReLU(name="relu", dtype=policy)
    inserted = put(chain(keras, conv, relu), "cbam:ratio=2", "relu")
    assert described(walk(inserted.model)) == described(inserted.spliced.graph)
    policies = {layer.dtype_policy.name for layer in inserted.model.layers[1:]}
    assert policies == {policy}
    assert keras.config.dtype_policy().name == "float32"


def test_an_own_block_without_a_name_is_renamed(keras: Any, tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text(
        "from attn_cli import namespace_of\n"
        "def gate(inputs):\n"
        "    layers = namespace_of(inputs).layers\n"
        "    gate = layers.Conv2D(1, 1, activation='sigmoid')(inputs)\n"
        "    return layers.Multiply()([inputs, gate])\n"
    )
    model = chain(keras, keras.layers.Conv2D(4, 3, name="conv2d"), keras.layers.ReLU())
    inserted = put(put(model, f"{path}:gate", "conv2d").model, f"{path}:gate", "conv2d")
    assert_foretold(inserted, tmp_path / "model.json")


def test_inputs_of_any_kind_are_taken(keras: Any, tmp_path: Path) -> None:
    """A place behind an input, and one whose output is the model's."""
    model = chain(keras, keras.layers.Conv2D(4, 3, name="conv"))
    inserted = put(model, "eca", "input_layer", "conv")
    assert_foretold(inserted, tmp_path / "model.json")
    values = np.ones((1, 8, 8, 4), np.float32)
    assert inserted.model(values).shape == (1, 6, 6, 4)


def test_what_was_taken_out_is_no_layer_any_more(keras: Any, tmp_path: Path) -> None:
    model = chain(keras, keras.layers.Conv2D(8, 3, name="conv"), keras.layers.ReLU(name="end"))
    once = put(model, "se:ratio=2", "conv").model
    inserted = put(once, None, "se")
    assert described(assert_foretold(inserted, tmp_path / "model.json")) == described(walk(model))
    config = json.loads(inserted.model.to_json())["config"]
    assert [layer["config"]["name"] for layer in config["layers"]][1:] == ["conv", "end"]
