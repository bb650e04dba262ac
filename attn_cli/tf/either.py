"""Blocks put into networks of either world: a graph for a graph, a Keras model for one."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, overload

from attn_cli.analysis.places import choose_places
from attn_cli.analysis.where import parse_block
from attn_cli.errors import BadGraph
from attn_cli.graph import Graph
from attn_cli.spec import spec_of
from attn_cli.splice import splice
from attn_cli.tf.anew import copied
from attn_cli.tf.insert import insert_blocks
from attn_cli.tf.loaded import first_difference
from attn_cli.tf.start import SAME, check_start, start_quietly
from attn_cli.tf.walk import require_calls, walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

    from attn_cli.spec import Spec
    from attn_cli.splice import Site


@overload
def insert(
    model: Graph,
    block: str | Spec,
    at: str | Sequence[str] = (),
    skip: str | Sequence[str] = (),
) -> Graph: ...


@overload
def insert(
    model: keras.Model,
    block: str | Spec,
    at: str | Sequence[str] = (),
    skip: str | Sequence[str] = (),
    *,
    start: str = SAME,
) -> keras.Model: ...


def insert(
    model: Any,
    block: str | Spec,
    at: str | Sequence[str] = (),
    skip: str | Sequence[str] = (),
    *,
    start: str = SAME,
) -> Any:
    """Return a network with a block at each of its places; it is itself left as it is.

    `model` is a graph, as `read_model` has it, or a functional or sequential Keras model; what
    comes back is of the same kind, and foretold alike. `block` is a spec, as in `se:ratio=16`, or
    `none` to take attention out. `at` names the places: `residual`, `depthwise`, `post`, `stage`, a
    block's kind or `attention`, a layer, or a pattern of names, one or several; without it they are
    the usual ones of the block and the network. `skip` takes away.

    >>> from attn_cli import insert, read_model
    >>> insert(read_model("app:ResNet50").graph, "eca", at="residual").params.total
    25636798

    A Keras model comes back with all its weights, in layers of its own, and not compiled. With
    `start="same"` its outputs do not move by one bit where the place allows that; else a warning
    says where and why. With `start="fresh"` blocks begin as Keras initialises them.

    Raises BadOption, BadShape or BadSpec, with the nearest or the place, for what names no place or
    does not fit there, BadArgument for what is no network, BadGraph for a Keras model that does not
    tell its calls.
    """
    spec = parse_block(block) if isinstance(block, str) else spec_of(block)
    check_start(start)
    if isinstance(model, Graph):
        return splice(model, _sites(model, spec, at, skip), spec).graph
    require_calls(model, "insert takes a Graph, or a model of Keras 3")
    graph = walk(model)
    sites = _sites(graph, spec, at, skip)
    copy = copied(model)
    if difference := first_difference(graph, walk(copy)):
        raise BadGraph(f"Keras' copy of {model.name!r} is another model: it has {difference}")
    inserted = insert_blocks(copy, graph, sites, spec)
    if spec is not None and start == SAME:
        for line in start_quietly(copy, graph, inserted, spec).lines():
            warnings.warn(line, stacklevel=2)
    return inserted.model


def _sites(
    graph: Graph, spec: Spec | None, at: str | Sequence[str], skip: str | Sequence[str]
) -> list[Site]:
    at, skip = [[each] if isinstance(each, str) else list(each) for each in (at, skip)]
    return choose_places(graph, [spec], at, skip).sites
