"""A model inside another takes a tensor of its rank, or of one that differs by a last axis of 1."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from configs import Config
from hostile import layer, model, start
from test_resize import saved

from attn_cli.errors import BadFile
from attn_cli.graph import UNKNOWN
from attn_cli.sources.saved import Model, read_model

if TYPE_CHECKING:
    from pathlib import Path

    from attn_cli.graph import Shape

Sizes = tuple[int | None, ...]
DENSE = {"units": 5}


def keras_3(noted: Sizes, given: Sizes) -> dict[str, Any]:
    """Return a model with one of a Dense inside, and another Dense behind that."""
    inner, outer = Config(*noted, name="inner"), Config(*given)
    x = outer.nested(inner, [inner.add("Dense", inner.input, name="dense", **DENSE)], outer.input)
    return outer.model(outer.add("Dense", x, units=3, name="after"))


def keras_2(noted: Sizes, given: Sizes) -> dict[str, Any]:
    dense = layer("Dense", "dense", [["i"]], **DENSE)
    inner = model("inner", [start(shape=[None, *noted]), dense], [["dense", 0, 0]], [["i"]])
    after = layer("Dense", "after", [["inner"]], units=3)
    after["inbound_nodes"][0][0][1] = 1
    whole = model("o", [start(shape=[None, *given]), inner, after], [["after", 0, 0]])
    return {**whole, "keras_version": "2.15.0"}


def read(path: Path, config: Any) -> Model:
    path.write_text(json.dumps(config), encoding="utf-8")
    return read_model(path)


FIT: list[tuple[Sizes, Sizes, int, Shape]] = [
    ((4,), (4, 1), 25, (None, 5)),
    ((4, 1), (4,), 10, (None, 4, 5)),
    ((None, 1), (4,), 10, (None, 4, 5)),
]


@pytest.mark.parametrize(("noted", "given", "params", "shape"), FIT)
@pytest.mark.parametrize("of", [keras_3, keras_2])
def test_a_last_axis_of_1_comes_or_goes(
    tmp_path: Path, of: Any, noted: Sizes, given: Sizes, params: int, shape: Shape
) -> None:
    """Keras 3 notes behind it what it does not compute then, which is why nothing is known."""
    graph = read(tmp_path / "model.json", of(noted, given)).graph
    assert graph is not None
    _, dense, after = graph.nodes
    assert (dense.layer.params.total, dense.cost.macs) == (params, 20)
    assert after.cost.macs == 15 * (4 if len(noted) == 2 else 1)
    if of is keras_2:
        assert dense.output_shapes == after.input_shapes == (shape,)
        assert after.layer.params.total == 18
    else:
        assert (after.input_shapes, after.layer.weights) == ((UNKNOWN,), ())


@pytest.mark.parametrize(
    ("noted", "given"),
    [((4,), (8, 8, 4)), ((4,), (4, 1, 1)), ((4,), (4, 2)), ((4, 2), (4,)), ((4,), (5, 1))],
)
def test_another_rank_is_refused(tmp_path: Path, noted: Sizes, given: Sizes) -> None:
    """As Keras 3 does where nothing of 1 can come or go."""
    line = f"'inner' takes {(None, *noted)} and is called on {(None, *given)}"
    with pytest.raises(BadFile, match=re.escape(line)):
        read(tmp_path / "model.json", keras_3(noted, given))


def test_what_is_unknown_passes(tmp_path: Path) -> None:
    """It may be of any rank."""
    inner, outer = Config(4, name="inner"), Config(4)
    hidden = outer.add("Mine", outer.input, module="mine", name="hidden")
    x = outer.nested(inner, [inner.add("Dense", inner.input, name="dense", **DENSE)], hidden)
    assert read(tmp_path / "model.json", outer.model(x)).at_least


def test_another_input_size_goes_through_it(tmp_path: Path) -> None:
    """What a model inside is given is of its own rank before its size is asked for."""
    inner, outer = Config(8, 8, name="inner"), Config(8, 8, 1)
    x = outer.nested(inner, [inner.add("ReLU", inner.input, name="relu")], outer.input)
    path = saved(tmp_path / "model.json", outer, x)
    graph = read_model(path, input_shape=(16, 12, 1)).graph
    assert graph is not None
    assert graph.nodes[-1].output_shapes == ((None, 16, 12),)
    assert graph.output_shapes == (UNKNOWN,)
