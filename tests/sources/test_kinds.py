"""Layers whose configs are equal but for their names are read as one, and no others are."""

from __future__ import annotations

import json
from typing import Any

from configs import Config
from hostile import layer, model, start

from attn_cli.sources.config import Part, parse_config
from attn_cli.sources.unfold import unfold


def parsed(config: dict[str, Any], version: str | None = None) -> Part:
    """Return a model, as it is read from a text."""
    return parse_config(json.loads(json.dumps(config)), "json", version)


def kinds_of(*more: dict[str, Any]) -> list[int]:
    """Return the kind of each of some dense layers, by the place of the first that is of it."""
    config = Config(4)
    x = config.input
    for options in more:
        x = config.add("Dense", x, **options)
    entries = parsed(config.model(x)).entries
    assert entries is not None
    kinds = [entry.part.kind for entry in entries.values()][1:]
    return [kinds.index(kind) for kind in kinds]


def test_equal_layers_are_of_one_kind() -> None:
    """Whatever they are called."""
    assert kinds_of({"units": 4}, {"units": 4, "name": "other"}, {"units": 5}) == [0, 0, 2]


def test_what_python_takes_for_equal_is_not() -> None:
    """1, 1.0 and True are three things to a layer."""
    options = [{"units": value, "use_bias": True} for value in (1, 1.0, True)]
    assert kinds_of(*options, {"units": 1, "use_bias": 1}) == [0, 1, 2, 3]


def test_what_is_told_of_equal_layers_is_there_once() -> None:
    """Their config, their weights, the shapes that come out and the cost, in the graph too."""
    config = Config(8, 8, 4)
    x = config.input
    for _ in range(3):
        x = config.add("Conv2D", x, filters=4, kernel_size=[1, 1])
    _, first, second, third = unfold(parsed(config.model(x)), None).graph.nodes
    assert first.layer.config is second.layer.config
    assert first.layer.weights is second.layer.weights
    # The first is called on the input, which is what comes out of the others.
    for one in (second, third):
        assert one.output_shapes is first.output_shapes
        assert one.cost is first.cost


def test_a_layer_trains_by_what_it_stands_in() -> None:
    """In Keras 2 the flag of a wrapper counts: equal layers have other weights there."""
    dense = {"class_name": "Dense", "config": {"name": "d", "trainable": True, "units": 4}}
    around = layer("TimeDistributed", "t", [["i"]], layer=dense)
    around["config"]["trainable"] = False
    plain = layer("Dense", "d", [["j"]], units=4)
    inputs = [start(shape=[None, 8, 4]), start("j", shape=[None, 4])]
    ends = [["t", 0, 0], ["d", 0, 0]]
    config = model("o", [*inputs, around, plain], ends, inputs=[["i", 0, 0], ["j", 0, 0]])
    _, frozen, _, trained = unfold(parsed(config, "2.15.0"), None).graph.nodes
    assert (frozen.params, trained.params) == ((0, 20, 0), (20, 0, 0))


def test_what_holds_layers_is_like_nothing_else() -> None:
    """Two wrappers of one name and config hold different layers, which are read out of them."""
    config = Config(8, 4)
    x = config.input
    for units in (2, 3):
        dense = {"class_name": "Dense", "config": {"name": "d", "units": units}}
        x = config.add("TimeDistributed", x, layer={"module": "keras.layers", **dense})
    nodes = unfold(parsed(config.model(x)), None).graph.nodes
    assert [node.params.total for node in nodes] == [0, 10, 9]
