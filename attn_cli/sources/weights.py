"""Which of the weights in a file are which layer's: their names, shapes and types, not their data.

Keras 3 and the `.keras` files of Keras 2 name a layer's group after its class: `layers/conv2d`,
`layers/conv2d_1`, …, counted in the order of the config in each model; a part that was met before
is not stored again. A legacy `.h5` has one group for each layer of the outermost model, and in it
the weights of all that the layer holds: the trained ones first, then the others.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.errors import BadFile
from attn_cli.graph import ITEM_SIZES, Weight
from attn_cli.operations import ALIASES, LAYERS, roles_of, weight_roles
from attn_cli.sources.config import is_frozen, trainable_parts
from attn_cli.sources.hdf5 import Dataset, Group
from attn_cli.sources.owners import (
    INNER,
    OWNING,
    VARS,
    Owner,
    flag_of_all,
    numbered_name,
    owner_by_group,
    owner_by_name,
    owners,
)
from attn_cli.sources.state import (
    CONTAINERS,
    Array,
    in_order,
    is_state,
    noted_name,
    of_keras,
    wrapped_twice,
)
from attn_cli.sources.variants import (
    holds_more,
    is_changed,
    is_quantised,
    is_whole,
    lora_weights,
    quantised_flags,
)
from attn_cli.text import few, quote, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from attn_cli.operations.base import Role
    from attn_cli.sources.config import Part

Judged = list[tuple[str, bool | None]]  # of each weight: its name, and whether it is trained

# Types of Keras' layers, and of those within its layers, whose weights are all trained, be the
# table without an entry or the config without what that asks for.
TRAINED = frozenset(
    (
        *("AdditiveAttention", "Attention", "ConvLSTMCell", "CuDNNGRU", "CuDNNLSTM"),
        *("EinsumDense", "GRUCell", "LSTMCell", "LocallyConnected1D", "LocallyConnected2D"),
        *("RMSNormalization", "ReversibleEmbedding", "STFTSpectrogram", "SimpleRNNCell"),
    )
)
DTYPES = {"float8_e4m3": "float8_e4m3fn"}

NO_LAYER = "weights of no layer, not counted"
NOT_IN_FILE = "layers whose weights are not in the file, so Keras does not load it"
NOT_SAID = "layers that are not known to have no weights, and of which none are in the file"
ORDER = "models whose weights are not in the order of their layers, in which Keras takes them"
OWN_WAY = "layers that store in a way of their own, of which only what Keras stores is counted"
DOUBTFUL = "what may be an optimizer's state or weights, not counted"
NO_LORA = "layers with LoRA whose own weights cannot be told, not counted"
# With any of these, what is counted is a lower bound.
AT_LEAST = (NO_LAYER, NOT_IN_FILE, NOT_SAID, OWN_WAY, DOUBTFUL, NO_LORA)

QUANTISED = "quantised layers, counted as they are stored"
LORA = "layers with LoRA, whose own weights are made when loaded, and counted"
OTHER = "layers with other weights than their type has, so which are trained is not known"
SPLIT = "layers of which the file does not tell which weights are trained"


class Stored(NamedTuple):
    """The weights of a file by their part's id, and what is odd about them.

    `at_least` tells whether there may be more.
    """

    weights: dict[int, tuple[Weight, ...]]
    warnings: list[str]
    at_least: bool


def weights_of_keras(root: Group, model: Part) -> Stored:
    """Return the weights of a `.keras` file."""
    reader = _KerasReader(model)
    reader.part(model, root, "")
    reader.find_left(root)
    return reader.stored()


def weights_of_legacy(root: Group, model: Part) -> Stored:
    """Return the weights of a legacy `.h5` file, from its group of all weights."""
    reader = _LegacyReader(model)
    reader.model(model, root)
    return reader.stored()


class Warnings:
    """Warnings of a kind in one line: what it is, and the first few places."""

    def __init__(self) -> None:
        self.places: dict[str, list[str]] = {}

    def add(self, what: str, place: str) -> None:
        self.places.setdefault(what, []).append(place)

    def lines(self) -> list[str]:
        return [line_of(what, places) for what, places in self.places.items()]


def line_of(what: str, places: Sequence[str]) -> str:
    """Return a warning: what it is, and the first few places."""
    return f"{what}: {few(places, 3)}"


class _Reader:
    def __init__(self, model: Part) -> None:
        self.keras_2 = model.keras_2
        self.frozen = is_frozen(model)
        self.trainable = trainable_parts(model)
        self.weights: dict[int, tuple[Weight, ...]] = {}
        self.warnings = Warnings()

    def stored(self) -> Stored:
        at_least = any(what in self.warnings.places for what in AT_LEAST)
        return Stored(self.weights, self.warnings.lines(), at_least)

    def take(
        self,
        part: Part,
        arrays: Sequence[Array],
        owner_of: Callable[[Sequence[Owner], str], Owner | None],
    ) -> None:
        """Give a layer its weights, each by what its owner's type and flag say of it."""
        trains = id(part) in self.trainable
        inside = owners(part.type, part.name, part.config, trains, self.keras_2)
        shares: dict[str | None, list[Array]] = {owner.group: [] for owner in inside}
        for path, array in arrays:
            owner = owner_of(inside, path)
            shares.setdefault(None if owner is None else owner.group, []).append((path, array))
        weights: list[Weight] = []
        made: list[Weight] = []
        odd: dict[str, None] = {}
        for owner, own in zip_longest(inside, shares.values()):
            if owner is None:
                judged: Judged = [("", self.of_any(inside, trains))] * len(own)
            else:
                judged = self.judge(owner, own, odd)
                made += self.made(owner, own, odd)
            for (name, flag), (_, array) in zip(judged, own, strict=True):
                weights.append(Weight(name, array.shape, dtype_of(array), flag))
        if OTHER not in odd and any(each.trainable is None for each in weights):
            odd.setdefault(SPLIT)
        for what in odd:
            self.warnings.add(what, shown(part.name))
        self.weights[id(part)] = tuple(named(part, weights) + made)

    def judge(self, owner: Owner, own: Sequence[Array], odd: dict[str, None]) -> Judged:
        """Return the name of each of an owner's weights, and whether it is trained."""
        roles = weight_roles(owner.type, owner.config)
        if roles is not None and owner.type == "Normalization" and len(own) < len(roles):
            roles = roles[: len(own)]
        judged: Judged
        if is_changed(owner.config):
            if is_quantised(owner.config):
                odd.setdefault(QUANTISED)
            judged = [("", flag) for flag in self.changed(owner, own)]
        elif roles is not None and fits(roles, own):
            judged = [(role.name, role.trainable) for role in roles]
        elif owner.type in OWNING:
            judged = [("", False)] * len(own)
        elif roles is None and owner.type in TRAINED and not any(is_whole(each) for _, each in own):
            judged = [("", True)] * len(own)
        else:
            if roles is not None and own:
                odd.setdefault(OTHER)
            judged = [("", None)] * len(own)
        trains = owner.trains and not self.frozen
        return judged if trains else [(name, False) for name, _ in judged]

    def of_any(self, inside: Sequence[Owner], trains: bool) -> bool | None:
        """Tell whether a weight is trained that is one of these layers', or yet another's."""
        if self.frozen or (self.keras_2 and not trains):
            return False
        return flag_of_all(inside) if all(owner.type in TRAINED for owner in inside) else None

    def changed(self, owner: Owner, own: Sequence[Array]) -> Sequence[bool | None]:
        """Tell of each weight of a layer that is quantised or has LoRA whether it is trained."""
        raise NotImplementedError

    def made(self, owner: Owner, own: Sequence[Array], odd: dict[str, None]) -> Sequence[Weight]:
        """Return the weights that a layer makes when it is loaded."""
        return ()


class _KerasReader(_Reader):
    def __init__(self, model: Part) -> None:
        super().__init__(model)
        self.seen: set[int] = set()
        self.done: set[str] = set()  # the groups of which all is read

    def part(self, part: Part, group: Group | None, path: str) -> None:
        """Find the weights of a part, and of all that it holds."""
        if id(part) in self.seen or part.is_op:
            return
        self.seen.add(id(part))
        if group is not None:
            self.check_name(part, group, path)
        if part.entries is not None:
            own = group.get(VARS) if group is not None else None
            if isinstance(own, Group) and len(own):
                self.done.add(f"{path}{VARS}")
                self.take(part, self.own(own, "", part), owner_by_group)
            self.entries(part, group, path)
        elif part.wrapped is not None:
            found = group.get("layer") if group is not None else None
            self.part(part.wrapped, found if isinstance(found, Group) else None, f"{path}layer/")
        elif group is not None:
            self.done.add(path.rstrip("/"))
            self.take(part, self.arrays(part, group), owner_by_group)
        elif may_have_weights(part):
            self.warnings.add(NOT_IN_FILE if needs_weights(part) else NOT_SAID, shown(part.name))

    def entries(self, part: Part, group: Group | None, path: str) -> None:
        """Find the weights of what a model holds."""
        container, below = None, path
        for name in CONTAINERS:
            found = group.get(name) if group is not None else None
            if isinstance(found, Group):
                container, below = found, f"{path}{name}/"
                break
        used: dict[str, int] = {}
        by_name: dict[str, str] | None = None
        for entry in (part.entries or {}).values():
            inner = entry.part
            if inner.is_op or (part.is_sequential and inner.type == "InputLayer"):
                continue
            name = numbered_name(inner.class_name, used, self.keras_2)
            found = container.get(name) if container is not None else None
            if (
                not isinstance(found, Group)
                and container is not None
                and id(inner) not in self.seen
            ):
                # A class that has another name in Python than in configs: by the layer's own.
                if by_name is None:
                    by_name = _names_in(container)
                name = by_name.get(inner.name, name)
                found = container.get(name)
            self.part(inner, found if isinstance(found, Group) else None, f"{below}{name}/")

    def arrays(self, part: Part, group: Group) -> list[Array]:
        """Return a layer's arrays, its own before those of what it holds."""
        type = ALIASES.get(part.type, part.type)
        known = type in LAYERS or type in TRAINED or type in INNER
        found: list[Array] = []
        stack: list[tuple[str, Group]] = [("", group)]
        while stack:
            prefix, current = stack.pop()
            own = current.get(VARS)
            mine = self.own(own, prefix, part) if isinstance(own, Group) else []
            if prefix and not known:
                where = prefix.rstrip("/")
                verdict = is_state(where, current, mine, (), self.keras_2)
                if verdict is not False:
                    if verdict is None:
                        self.warnings.add(DOUBTFUL, f"{shown(part.name)}/{shown(where)}")
                    continue
            found += mine
            for name in sorted(current, key=lambda name: (len(name), name), reverse=True):
                if name != VARS:
                    node = current[name]
                    if isinstance(node, Group):
                        stack.append((f"{prefix}{name}/", node))
                    else:
                        self.warnings.add(OWN_WAY, shown(part.name))
        if part.type == "SpectralNormalization":
            own_places = [place for place, (path, _) in enumerate(found) if path.count("/") == 1]
            wrapped = [item for item in found if item[0].startswith("layer/")]
            twice = wrapped_twice([found[place] for place in own_places], wrapped)
            if twice is not None:
                del found[own_places[twice]]
        return found

    def own(self, group: Group, prefix: str, part: Part) -> list[Array]:
        """Return what Keras stores in one group, as a list."""
        arrays = [(name, node) for name, node in group.items() if isinstance(node, Dataset)]
        own, others = of_keras(arrays)
        if others or len(arrays) < len(group):
            self.warnings.add(OWN_WAY, shown(part.name))
        return [(f"{prefix}{VARS}/{name}", array) for name, array in in_order(own)]

    def changed(self, owner: Owner, own: Sequence[Array]) -> Sequence[bool | None]:
        arrays = [array for _, array in own]
        if is_quantised(owner.config):
            return quantised_flags(owner.config, arrays) or [None] * len(own)
        # LoRA trains its own matrices in place of the first weight, and the bias.
        return [place > 0 for place in range(len(own))]

    def made(self, owner: Owner, own: Sequence[Array], odd: dict[str, None]) -> Sequence[Weight]:
        if not owner.config.get("lora_rank"):
            return ()
        weights = lora_weights(
            owner.type, owner.config, [array for _, array in own], owner.trains and not self.frozen
        )
        odd.setdefault(NO_LORA if weights is None else LORA)
        return weights or ()

    def check_name(self, part: Part, group: Group, path: str) -> None:
        """Compare the name that Keras 3.6 and later note in the group with the config's."""
        name = noted_name(group)
        if name is not None and name != part.name and part.type != "InputLayer":
            self.warnings.add(
                "layers whose weights have another layer's name",
                f"{shown(part.name)} ({shown(name)} in {shown(path.rstrip('/'))})",
            )

    def find_left(self, root: Group) -> None:
        """Say which weights belong to none of the layers."""
        shapes = {weight.shape for weights in self.weights.values() for weight in weights}
        stack = [("", root)]
        while stack:
            path, group = stack.pop()
            own = group.get(VARS) if f"{path}{VARS}" not in self.done else None
            arrays = list(own.items()) if isinstance(own, Group) else []
            datasets = in_order([(k, node) for k, node in arrays if isinstance(node, Dataset)])
            if datasets:
                verdict = is_state(path.rstrip("/"), group, datasets, shapes, self.keras_2)
                if verdict is not False:
                    if verdict is None:
                        self.warnings.add(DOUBTFUL, shown(path.rstrip("/")))
                    continue
                for name, _ in datasets:
                    self.warnings.add(NO_LAYER, shown(f"{path}{VARS}/{name}"))
            for name in sorted(group, reverse=True):
                if name != VARS and f"{path}{name}" not in self.done:
                    node = group[name]
                    if isinstance(node, Group):
                        stack.append((f"{path}{name}/", node))
                    else:
                        self.warnings.add(NO_LAYER, shown(f"{path}{name}"))


def named(part: Part, weights: list[Weight]) -> list[Weight]:
    """Return the weights of a layer with the names that they have in it, where its type tells."""
    roles = roles_of(part.operation)
    if roles is None or is_changed(part.config) or len(roles) != len(weights):
        return weights
    if not all(role.fits(each.shape) for role, each in zip(roles, weights, strict=True)):
        return weights
    return [each._replace(name=role.name) for role, each in zip(roles, weights, strict=True)]


def _names_in(container: Group) -> dict[str, str]:
    """Return the groups of layers by the names that the layers have."""
    found: dict[str, str] = {}
    for name, node in container.items():
        noted = noted_name(node) if isinstance(node, Group) else None
        if noted is not None:
            found[noted] = name
    return found


class _LegacyReader(_Reader):
    def model(self, model: Part, root: Group) -> None:
        """Find the weights of all layers of the outermost model."""
        names = texts(root, "layer_names")
        if names is None:
            raise BadFile("its weights do not say which layers they belong to")
        entries = {entry.part.name: entry.part for entry in (model.entries or {}).values()}
        known = set(names)
        for name in dict.fromkeys([*names, "top_level_model_weights"]):
            group = root.get(name) if "/" not in name else reach(root, name)
            if not isinstance(group, Group):
                if name in known:
                    raise BadFile(f"it holds no weights for layer {quote(name)}")
                continue
            datasets = []
            for path in texts(group, "weight_names") or ():
                node = reach(group, path)
                if not isinstance(node, Dataset):
                    raise BadFile(f"the weight {quote(path)} is not in it")
                datasets.append((path, node))
            part = entries.get(name)
            if part is None:
                if datasets:
                    self.warnings.add(NO_LAYER, shown(name))
            else:
                self.share(part, datasets)
        for part in entries.values():
            if needs_weights(part) and part.name not in known:
                self.warnings.add(NOT_IN_FILE, shown(part.name))

    def share(self, part: Part, datasets: list[Array]) -> None:
        """Give the weights of one group to all layers in it: first the trained, then the others."""
        leaves = list(leaves_of(part))
        if leaves == [part]:
            if id(part) not in self.weights:
                self.take(part, datasets, owner_by_name)
            return
        slots: list[tuple[Part, int, Role, bool]] = []
        for leaf in leaves:
            roles = [] if leaf.is_op else roles_of(leaf.operation) or []
            # As they were listed when the model was saved.
            trains = leaf.trainable and (part.trainable or self.keras_2)
            slots.extend(
                [(leaf, i, role, role.trainable and trains) for i, role in enumerate(roles)]
            )
        order = [slot for slot in slots if slot[3]] + [slot for slot in slots if not slot[3]]
        if fits([slot[2] for slot in order], datasets):
            given: dict[int, list[tuple[int, str, Dataset]]] = {}
            for (leaf, place, _, _), (name, dataset) in zip(order, datasets, strict=True):
                given.setdefault(id(leaf), []).append((place, name, dataset))
            for leaf in leaves:
                if id(leaf) not in self.weights:
                    mine = sorted(given.get(id(leaf), []), key=lambda item: item[0])
                    self.take(leaf, [(name, array) for _, name, array in mine], owner_by_name)
            return
        if all(tells_weights(leaf, self.keras_2) for leaf in leaves):
            self.warnings.add(ORDER, shown(part.name))
        self.by_name(part, leaves, datasets)

    def changed(self, owner: Owner, own: Sequence[Array]) -> Sequence[bool | None]:
        if "float8" in str(owner.config.get("dtype")):
            return [True] * len(own)
        names = [path.rpartition("/")[2].partition(":")[0] for path, _ in own]
        return [name == "bias" or name.startswith("lora_") for name in names]

    def by_name(self, part: Part, leaves: Sequence[Part], datasets: Iterable[Array]) -> None:
        """Give each layer the weights that are named after it."""
        names = {leaf.name: leaf for leaf in leaves}
        mine: dict[str, list[Array]] = {}
        for path, dataset in datasets:
            parts = path.split("/")
            owner = next((name for name in reversed(parts[:-1]) if name in names), None)
            if owner is None:
                self.warnings.add(NO_LAYER, shown(path))
            else:
                mine.setdefault(owner, []).append((path, dataset))
        for name, found in mine.items():
            if id(names[name]) not in self.weights:
                self.take(names[name], found, owner_by_name)


def leaves_of(part: Part) -> list[Part]:
    """Return the layers in a part, each once, in the order of the config."""
    leaves: list[Part] = []
    seen: set[int] = set()
    stack = [part]
    while stack:
        current = stack.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if current.entries is not None:
            stack.extend(reversed([entry.part for entry in current.entries.values()]))
        elif current.wrapped is not None:
            stack.append(current.wrapped)
        else:
            leaves.append(current)
    return leaves


def may_have_weights(part: Part) -> bool:
    """Tell whether a layer of this type and config has weights, as far as its type is known."""
    if part.is_op or part.batch_shape is not None:
        return False
    return roles_of(part.operation) != []


def needs_weights(part: Part) -> bool:
    """Tell whether a layer of this type and config has weights."""
    return not part.is_op and bool(roles_of(part.operation))


def tells_weights(part: Part, keras_2: bool) -> bool:
    """Tell whether the config of a layer tells which weights are stored of it."""
    changed = is_changed(part.config) or holds_more(part.config, keras_2)
    # Of what it adapts to, versions store more or less.
    return part.is_op or not (
        changed or roles_of(part.operation) is None or part.type == "Normalization"
    )


def fits(roles: Sequence[Role], datasets: Sequence[Array]) -> bool:
    """Tell whether arrays can be these weights, one for one."""
    return len(roles) == len(datasets) and all(
        role.fits(dataset.shape) for role, (_, dataset) in zip(roles, datasets, strict=True)
    )


def dtype_of(dataset: Dataset) -> str:
    """Return the type of an array's elements. Raises BadFile where Keras stores no such weights."""
    dtype = DTYPES.get(dataset.dtype, dataset.dtype)
    if (dtype, dataset.itemsize) == ("opaque", 2):
        dtype = "bfloat16"  # as tf_keras writes it, and nothing else of this size
    if ITEM_SIZES.get(dtype) != dataset.itemsize:
        raise BadFile(
            f"it holds weights of type {shown(dtype)} ({dataset.itemsize} bytes each), which Keras "
            f"does not store"
        )
    return dtype


def texts(group: Group, name: str) -> list[str] | None:
    """Return an attribute that is a list of texts, in one piece or (a long one) in several."""
    attributes: Mapping[str, object] = group.attrs
    pieces = [attributes[name]] if name in attributes else []
    while name not in attributes and f"{name}{len(pieces)}" in attributes:
        pieces.append(attributes[f"{name}{len(pieces)}"])
    if not pieces:
        return None
    found: list[str] = []
    for piece in pieces:
        items = piece if isinstance(piece, tuple) else (piece,)
        for item in items:
            if not isinstance(item, str):
                raise BadFile(f"its {name} are not a list of texts")
            found.append(item)
    return found


def reach(group: Group, path: str) -> Group | Dataset | None:
    """Return what is at a path."""
    return group.get(path)
