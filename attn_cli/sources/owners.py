"""The layers within a layer that own its weights, and whether each of them trains.

A recurrent layer keeps its weights in a cell, attention in dense layers, a wrapper in what it
wraps. Keras 3 asks the flag of the layer that owns a weight and of nothing around it: a layer that
another one makes by itself trains, whatever the other one's flag, unless the other one hands its
flag on. Keras 2 asks the flags of all around it as well.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.account import charge
from attn_cli.operations import ALIASES
from attn_cli.sources.config import layer_type
from attn_cli.symbolic.trace import snake_case
from attn_cli.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Config = dict[str, Any]
VARS = "vars"  # the group in which Keras puts a layer's own weights
MOST = 100  # layers within one


class Owner(NamedTuple):
    """A layer with weights of its own.

    `group` is where it stands in a layer's group of a `.keras` file, without the underscores that
    versions disagree about; `names` are those of the layers that it stands in and its own.
    """

    group: str
    names: tuple[str, ...]
    type: str
    config: Config
    trains: bool


class Inner(NamedTuple):
    """A layer that another one holds. `follows` tells whether it is given the other one's flag."""

    group: str
    name: str
    type: str
    config: Config
    follows: bool = False


def owners(type: str, name: str, config: Config, trains: bool, keras_2: bool) -> list[Owner]:
    """Return the layers in a layer that own weights, in the order in which it lists those.

    None are returned where there are more than MOST: a config can double what it holds at each of
    its levels.
    """
    found: list[Owner] = []
    met = 0
    stack = [Owner("", (name,), type, config, trains)]
    while stack:
        outer = stack.pop()
        met += 1
        if met > MOST:
            return []
        inside = INNER.get(ALIASES.get(outer.type, outer.type))
        inner = () if inside is None else tuple(islice(inside(outer.config), MOST + 1))
        if inside is None or outer.type in OWNING:
            found.append(outer)
        stack.extend(
            [
                Owner(
                    f"{outer.group}{each.group}/",
                    (*outer.names, _name(each, keras_2)),
                    each.type,
                    each.config,
                    _trains(each, outer.trains, keras_2),
                )
                for each in reversed(inner)
            ]
        )
    return found


def flag_of_all(owners: Sequence[Owner]) -> bool | None:
    """Return the flag of layers that have the same, None where they differ."""
    flags = {owner.trains for owner in owners}
    return flags.pop() if len(flags) == 1 else None


def _trains(inner: Inner, outer_trains: bool, keras_2: bool) -> bool:
    own = outer_trains if inner.follows else inner.config.get("trainable") is not False
    return own and outer_trains if keras_2 else own


def _name(inner: Inner, keras_2: bool) -> str:
    # Keras 2 notes the layers of a Bidirectional as they were before it renamed them.
    direction = inner.group.removesuffix("layer") if keras_2 and "_layer" in inner.group else ""
    return f"{direction}{inner.name}"


def owner_by_group(owners: Sequence[Owner], path: str) -> Owner | None:
    """Return the owner of an array by its place in the group of a layer of a `.keras` file."""
    *groups, container, _ = ("", *path.split("/")) if "/" in path else ("", "", path)
    group = "".join([f"{each.lstrip('_')}/" for each in groups if each])
    if container == VARS:
        for owner in owners:
            if owner.group == group:
                return owner
    return None


def owner_by_name(owners: Sequence[Owner], path: str) -> Owner | None:
    """Return the owner of an array of a legacy `.h5` by the names of layers in its path."""
    if len(owners) == 1:
        return owners[0]
    names = path.split("/")
    charge(sum([1 + len(owner.names) // 8 for owner in owners]) + len(names))
    there = {*names, ""}
    fitting = [owner for owner in owners if there.issuperset(owner.names[1:])]
    lengths = [sum(map(bool, owner.names[1:])) for owner in fitting]
    longest = max(lengths, default=0)
    best = [owner for owner, length in zip(fitting, lengths, strict=True) if length == longest]
    return best[0] if len(best) == 1 else None


def _one(group: str, data: Any) -> Iterator[Inner]:
    """Return the layer that stands in a config, if one does."""
    if isinstance(data, dict) and isinstance(data.get("class_name"), str):
        config = data.get("config")
        config = config if isinstance(config, dict) else {}
        name = data.get("name", config.get("name"))
        type = shown(layer_type(data["class_name"], data))
        yield Inner(group, name if isinstance(name, str) else "", type, config)


def _cell_of_a_config(config: Config) -> Iterator[Inner]:
    return _one("cell", config.get("cell"))


def _cells(config: Config) -> Iterator[Inner]:
    cells = config.get("cells")
    used: dict[str, int] = {}
    for cell in cells if isinstance(cells, list) else ():
        for inner in _one("", cell):
            yield inner._replace(group=f"cells/{numbered_name(cell['class_name'], used)}")


def _cell(type: str, follows: bool) -> Callable[[Config], Iterator[Inner]]:
    def inside(config: Config) -> Iterator[Inner]:
        own = {key: value for key, value in config.items() if key != "trainable"}
        yield Inner("cell", "", type, own, follows)

    return inside


def _attention(config: Config) -> Iterator[Inner]:
    for part, name in (
        ("query", "query"),
        ("key", "key"),
        ("value", "value"),
        ("gate", "gate"),
        ("output", "attention_output"),
    ):
        if part != "gate" or config.get("use_gate"):
            yield Inner(f"{part}_dense", name, "EinsumDense", {})


def _both_directions(config: Config) -> Iterator[Inner]:
    yield from _one("forward_layer", config.get("layer"))
    yield from _one("backward_layer", config.get("backward_layer") or config.get("layer"))


def _wrapped(config: Config) -> Iterator[Inner]:
    return _one("layer", config.get("layer"))


def numbered_name(class_name: str, used: dict[str, int], keras_2: bool = False) -> str:
    """Return the group of the next layer of a class in a list of layers: `conv2d`, `conv2d_1`."""
    class_name = class_name.rpartition(">")[2]
    name = snake_case(ALIASES.get(class_name, class_name))
    if keras_2 and name.startswith("_"):
        name = f"private{name}"
    number = used.get(name, 0)
    used[name] = number + 1
    return f"{name}_{number}" if number else name


# Layers that hold layers. What is in neither this nor a table of kinds is not known to hold none.
INNER: dict[str, Callable[[Config], Iterator[Inner]]] = {
    "Bidirectional": _both_directions,
    "ConvLSTM1D": _cell("ConvLSTMCell", follows=False),
    "ConvLSTM2D": _cell("ConvLSTMCell", follows=False),
    "ConvLSTM3D": _cell("ConvLSTMCell", follows=False),
    "GRU": _cell("GRUCell", follows=True),
    "GroupedQueryAttention": _attention,
    "LSTM": _cell("LSTMCell", follows=True),
    "MultiHeadAttention": _attention,
    "RNN": _cell_of_a_config,
    "SimpleRNN": _cell("SimpleRNNCell", follows=True),
    "SpectralNormalization": _wrapped,
    "StackedRNNCells": _cells,
    "TimeDistributed": _wrapped,
}
# Those of them that have weights of their own, too.
OWNING = frozenset(("SpectralNormalization",))
