"""Which of the weights in a file are which layer's: their names, shapes and types, not their data.

Keras 3 and the `.keras` files of Keras 2 name a layer's group after its class: `layers/conv2d`,
`layers/conv2d_1`, …, counted in the order of the config in each model; a part that was met before
is not stored again. A legacy `.h5` has one group for each layer of the outermost model, and in it
the weights of all that the layer holds: the trained ones first, then the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from attn_cli.errors import BadFile
from attn_cli.graph import ITEM_SIZES, Weight
from attn_cli.operations import LAYERS, weight_roles
from attn_cli.sources.config import trainable_parts
from attn_cli.sources.hdf5 import Dataset, Group
from attn_cli.sources.text import quote, shown
from attn_cli.symbolic.trace import snake_case

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from attn_cli.operations.base import Role
    from attn_cli.sources.config import Part

# Where the parts of a model stand. The second is Keras 2.12's.
CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
# Groups of a model that hold no weights of its layers.
NOT_WEIGHTS = frozenset(
    ("optimizer", "compile_metrics", "_compile_metrics", "metrics", "loss_tracker", "_loss_tracker")
)
# Types whose weights are all trained, however many there are.
TRAINED = frozenset(
    (
        *("Bidirectional", "ConvLSTM2D", "EinsumDense", "GRU", "GroupedQueryAttention", "LSTM"),
        *("MultiHeadAttention", "SimpleRNN", "RNN"),
    )
)
NO_LAYER = "weights of no layer, not counted"
ALIASES = {"float8_e4m3": "float8_e4m3fn"}


class Stored(NamedTuple):
    """The weights of a file by their part's id, and what is odd about them.

    `left` tells whether there are weights that belong to none of the parts.
    """

    weights: dict[int, tuple[Weight, ...]]
    warnings: list[str]
    left: bool


def weights_of_keras(root: Group, model: Part) -> Stored:
    """Return the weights of a `.keras` file."""
    reader = _KerasReader(trainable_parts(model))
    reader.part(model, root, "")
    reader.find_left(root)
    return Stored(reader.weights, reader.warnings.lines(), NO_LAYER in reader.warnings.places)


def weights_of_legacy(root: Group, model: Part) -> Stored:
    """Return the weights of a legacy `.h5` file, from its group of all weights."""
    reader = _LegacyReader(trainable_parts(model))
    reader.model(model, root)
    return Stored(reader.weights, reader.warnings.lines(), NO_LAYER in reader.warnings.places)


class _Warnings:
    """Warnings of a kind in one line: what it is, and the first few places."""

    def __init__(self) -> None:
        self.places: dict[str, list[str]] = {}

    def add(self, what: str, place: str) -> None:
        self.places.setdefault(what, []).append(place)

    def lines(self) -> list[str]:
        lines = []
        for what, places in self.places.items():
            named = ", ".join(places[:3])
            more = f" and {len(places) - 3} more" if len(places) > 3 else ""
            lines.append(f"{what}: {named}{more}")
        return lines


class _Reader:
    def __init__(self, trainable: set[int]) -> None:
        self.trainable = trainable
        self.weights: dict[int, tuple[Weight, ...]] = {}
        self.warnings = _Warnings()

    def take(self, part: Part, datasets: Sequence[tuple[str, Dataset]]) -> None:
        """Give a layer its weights, by the roles that its type has."""
        trains = id(part) in self.trainable
        roles = [] if part.is_op else weight_roles(part.type, part.config)
        names: list[tuple[str, bool]]
        if roles is not None and part.type == "Normalization" and len(datasets) < len(roles):
            roles = roles[: len(datasets)]
        if roles is not None and fits(roles, datasets):
            names = [(role.name, role.trainable) for role in roles]
        else:
            names = [("", True)] * len(datasets)
            where = shown(part.name)
            if is_changed(part):
                self.warnings.add("quantised or LoRA layers, counted as they are stored", where)
            elif part.type in LAYERS:
                self.warnings.add("layers with other weights than their type has", where)
            elif datasets and part.type not in TRAINED:
                self.warnings.add(
                    "layers of unknown type, all of whose weights are taken as trainable", where
                )
        self.weights[id(part)] = tuple(
            [
                Weight(
                    name,
                    dataset.shape,
                    dtype_of(dataset),
                    flag and trains and not is_whole(dataset),
                )
                for (name, flag), (_, dataset) in zip(names, datasets, strict=True)
            ]
        )


class _KerasReader(_Reader):
    def __init__(self, trainable: set[int]) -> None:
        super().__init__(trainable)
        self.seen: set[int] = set()
        self.claimed: set[str] = set()

    def part(self, part: Part, group: Group | None, path: str) -> None:
        """Find the weights of a part, and of all that it holds."""
        if id(part) in self.seen or part.is_op:
            return
        self.seen.add(id(part))
        if group is not None:
            self.check_name(part, group, path)
        if part.entries is not None:
            container, below = None, path
            for name in CONTAINERS:
                found = group.get(name) if group is not None else None
                if isinstance(found, Group):
                    container, below = found, f"{path}{name}/"
                    break
            self.own(part, group, path)
            used: dict[str, int] = {}
            for entry in part.entries.values():
                inner = entry.part
                if inner.is_op or (part.is_sequential and inner.type == "InputLayer"):
                    continue
                name = snake_case(inner.type.rpartition(">")[2])
                number = used.get(name, 0)
                used[name] = number + 1
                if number:
                    name = f"{name}_{number}"
                found = container.get(name) if container is not None else None
                self.part(inner, found if isinstance(found, Group) else None, f"{below}{name}/")
        elif part.wrapped is not None:
            found = group.get("layer") if group is not None else None
            self.part(part.wrapped, found if isinstance(found, Group) else None, f"{path}layer/")
        else:
            datasets = [] if group is None else arrays(group)
            if part.type == "SpectralNormalization":
                # It has the kernel of what it wraps as its own, too.
                wrapped = {dataset.shape for name, dataset in datasets if name.startswith("layer/")}
                self.claimed.update([path + name for name, _ in datasets])
                datasets = [
                    (name, dataset)
                    for name, dataset in datasets
                    if name.startswith("layer/") or dataset.shape not in wrapped
                ]
            self.claimed.update([path + name for name, _ in datasets])
            if group is None and needs_weights(part):
                self.warnings.add("layers whose weights are not in the file", shown(part.name))
            else:
                self.take(part, datasets)

    def own(self, part: Part, group: Group | None, path: str) -> None:
        """Take the weights that a model has beside those of its layers."""
        found = group.get("vars") if group is not None else None
        if isinstance(found, Group) and len(found):
            datasets = [
                (f"vars/{name}", node)
                for name, node in numbered(found)
                if isinstance(node, Dataset)
            ]
            self.claimed.update([path + name for name, _ in datasets])
            self.take(part, datasets)

    def check_name(self, part: Part, group: Group, path: str) -> None:
        """Compare the name that Keras 3.6 and later note in the group with the config's."""
        found = group.get("vars")
        name = found.attrs.get("name") if isinstance(found, Group) else None
        if isinstance(name, str) and name != part.name and part.type != "InputLayer":
            self.warnings.add(
                "layers whose weights have another layer's name",
                f"{shown(part.name)} ({shown(name)} in {shown(path.rstrip('/'))})",
            )

    def find_left(self, root: Group) -> None:
        """Say which weights belong to none of the layers."""
        for path, node in root.walk():
            if isinstance(node, Dataset) and path not in self.claimed and not is_state(path):
                self.warnings.add(NO_LAYER, shown(path))


class _LegacyReader(_Reader):
    def model(self, model: Part, root: Group) -> None:
        """Find the weights of all layers of the outermost model."""
        names = texts(root, "layer_names")
        if names is None:
            raise BadFile("its weights do not say which layers they belong to")
        entries = {entry.part.name: entry.part for entry in (model.entries or {}).values()}
        top = [*names, "top_level_model_weights"]
        for name in dict.fromkeys(top):
            group = root.get(name) if "/" not in name else reach(root, name)
            if not isinstance(group, Group):
                if name in names:
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
            if needs_weights(part) and part.name not in names:
                self.warnings.add("layers whose weights are not in the file", shown(part.name))

    def share(self, part: Part, datasets: list[tuple[str, Dataset]]) -> None:
        """Give the weights of one group to all layers in it: first the trained, then the others."""
        leaves = list(leaves_of(part))
        if leaves == [part]:
            if id(part) not in self.weights:
                self.take(part, datasets)
            return
        slots: list[tuple[Part, int, Role, bool]] = []
        for leaf in leaves:
            roles = [] if leaf.is_op else weight_roles(leaf.type, leaf.config) or []
            trains = id(leaf) in self.trainable
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
                    self.take(leaf, [(name, dataset) for _, name, dataset in mine])
            return
        self.by_name(part, leaves, datasets)

    def by_name(
        self, part: Part, leaves: Sequence[Part], datasets: Iterable[tuple[str, Dataset]]
    ) -> None:
        """Give each layer the weights that are named after it."""
        names = {leaf.name: leaf for leaf in leaves}
        mine: dict[str, list[tuple[str, Dataset]]] = {}
        for path, dataset in datasets:
            parts = path.split("/")
            owner = next((name for name in reversed(parts[:-1]) if name in names), None)
            if owner is None:
                self.warnings.add(NO_LAYER, shown(path))
            else:
                mine.setdefault(owner, []).append((path, dataset))
        for name, found in mine.items():
            if id(names[name]) not in self.weights:
                self.take(names[name], found)


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


def arrays(group: Group) -> list[tuple[str, Dataset]]:
    """Return a layer's arrays, its own before those of what it holds; seeds are not weights."""
    found: list[tuple[str, Dataset]] = []
    stack: list[tuple[str, Group]] = [("", group)]
    while stack:
        prefix, current = stack.pop()
        inner = []
        for name, node in numbered(current):
            if isinstance(node, Dataset):
                if not is_state(prefix + name):
                    found.append((prefix + name, node))
            else:
                inner.append((f"{prefix}{name}/", node))
        stack.extend(reversed(inner))
    return found


def numbered(group: Group) -> list[tuple[str, Group | Dataset]]:
    """Return the members: "2" before "10"."""
    return sorted(group.items(), key=lambda item: (item[0] != "vars", len(item[0]), item[0]))


def is_state(path: str) -> bool:
    """Tell whether an array is no weight: an optimizer's, a metric's or a random seed."""
    names = path.split("/")
    return names[0] in NOT_WEIGHTS or any("seed_generator" in name for name in names)


def needs_weights(part: Part) -> bool:
    """Tell whether a layer of this type and config has weights."""
    return not part.is_op and bool(weight_roles(part.type, part.config))


def is_changed(part: Part) -> bool:
    """Tell whether a layer stores other weights than its type has: quantised, or with LoRA."""
    config = part.config
    return bool(
        config.get("lora_rank")
        or config.get("quantization_mode")
        or config.get("quantization_config")
        or "quantiz" in str(config.get("dtype")).lower()
        or "int8_from" in str(config.get("dtype"))
        or "int4_from" in str(config.get("dtype"))
    )


def fits(roles: Sequence[Role], datasets: Sequence[tuple[str, Dataset]]) -> bool:
    """Tell whether arrays can be these weights, one for one."""
    return len(roles) == len(datasets) and all(
        role.fits(dataset.shape) for role, (_, dataset) in zip(roles, datasets, strict=True)
    )


def is_whole(dataset: Dataset) -> bool:
    """Tell whether an array holds whole numbers, which are never trained."""
    return dataset.dtype.startswith(("int", "uint", "bool"))


def dtype_of(dataset: Dataset) -> str:
    """Return the type of an array's elements. Raises BadFile where Keras stores no such weights."""
    dtype = ALIASES.get(dataset.dtype, dataset.dtype)
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
