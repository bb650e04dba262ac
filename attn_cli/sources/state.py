"""What a file keeps beside the weights of layers: the state of optimizers and, in Keras 2, metrics.

Keras writes each under the name of the attribute that holds it, which may be any. So an optimizer
is known by what it writes: `vars/0` is the count of its steps, one whole number; in Keras 3
`vars/1` is its learning rate, where that is no schedule; then come a few arrays in the shape of
each weight that it trains. A layer lists what it trains first, so hardly any begins with a whole
number; where one may, nothing is said for certain.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.sources.hdf5 import Dataset, Group
from attn_cli.sources.owners import VARS
from attn_cli.sources.variants import is_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Array = tuple[str, Dataset]

# Where the layers of a model stand, and no other state. The second is Keras 2.12's.
CONTAINERS = ("layers", "_layer_checkpoint_dependencies")
# Where models of Keras 2 keep their metrics.
METRICS = frozenset(
    ("compile_metrics", "_compile_metrics", "metrics", "loss_tracker", "_loss_tracker")
)
# Words in the names of attributes that hold a metric.
LIKE_A_METRIC = re.compile("metric|tracker|loss|acc|auc|precision|recall|iou|error|mean")
# The names that Keras' optimizers have unless they are given one; noted since Keras 3.6.
OPTIMIZERS = frozenset(
    (
        *("adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb", "lion"),
        *("loss_scale_optimizer", "muon", "nadam", "optimizer", "rmsprop", "rm_sprop", "sgd"),
        *("schedule_free_adam_w", "adam_w"),
    )
)


def is_optimizer(
    path: str, group: Group, arrays: Sequence[Dataset], others: Collection[tuple[int, ...]]
) -> bool | None:
    """Tell whether a group is an optimizer's; None where it may be one, or a layer.

    `arrays` are its own, in order, and `others` the shapes of arrays in other groups.
    """
    if not arrays or arrays[0].shape or not is_whole(arrays[0]):
        return False
    above, _, attribute = path.rpartition("/")
    if above.rpartition("/")[2] in CONTAINERS:
        return False
    noted = noted_name(group)
    if "optimizer" in attribute.lower() or any(
        re.sub(r"_\d+$", "", name) in OPTIMIZERS for name in (attribute, noted or "")
    ):
        return True
    if noted is None and len(arrays) > 2 and not arrays[1].shape and not is_whole(arrays[1]):
        slots = [array.shape for array in arrays[2:]]
        if any(len(shape) > 1 for shape in slots) and all(shape in others for shape in slots):
            return True
    return None


def noted_name(group: Group) -> str | None:
    """Return the name that Keras 3.6 and later note beside what is stored of a layer."""
    own = group.get(VARS)
    name = own.attrs.get("name") if isinstance(own, Group) else None
    return name if isinstance(name, str) else None


def is_state(
    path: str,
    group: Group,
    arrays: Sequence[Array],
    others: Collection[tuple[int, ...]],
    keras_2: bool,
) -> bool | None:
    """Tell whether a group of no layer that is known holds no weights; None where that is open."""
    datasets = [array for _, array in arrays]
    if keras_2 and is_metric(path):
        return True
    verdict = is_optimizer(path, group, datasets, others)
    if verdict is False and keras_2 and may_be_metric(path, datasets):
        return None
    return verdict


def may_be_metric(path: str, arrays: Sequence[Dataset]) -> bool:
    """Tell whether a group of Keras 2, which does not note names, may be a metric's."""
    names = path.split("/")
    if any(name in CONTAINERS for name in names[-2:-1]):
        return False
    if all(not array.shape for array in arrays):
        return bool(arrays)
    return LIKE_A_METRIC.search(names[-1].lower()) is not None


def is_metric(path: str) -> bool:
    """Tell whether a path leads to where a model of Keras 2 keeps its metrics."""
    names = path.split("/")
    return any(
        name in METRICS and (not place or names[place - 1] not in CONTAINERS)
        for place, name in enumerate(names)
    )


class Found(NamedTuple):
    """The weights in a tree of which no config tells the layers, and what may be some or not."""

    weights: list[Array]
    doubtful: list[str]


def weights_in(root: Group) -> Found:
    """Return the weights of a file's layers, whatever they are."""
    groups: dict[str, Group] = {"": root}
    arrays: dict[str, list[Array]] = {}
    loose: list[Array] = []
    for path, node in root.walk():
        if isinstance(node, Group):
            groups[path] = node
            continue
        owner, container, name = _split(path)
        if container == VARS:
            arrays.setdefault(owner, []).append((name, node))
        else:  # Keras 2's own format: a name for each weight, and nothing but weights
            loose.append((path, node))
    shapes: dict[tuple[int, ...], int] = {}
    for own in arrays.values():
        for shape in {array.shape for _, array in own}:
            shapes[shape] = shapes.get(shape, 0) + 1
    elsewhere = {shape for shape, count in shapes.items() if count > 1}
    noted = noted_name(root) is not None
    found: list[Array] = loose
    doubtful: list[str] = []
    skipped: set[str] = set()
    for owner, own in sorted(arrays.items()):
        if not skipped.isdisjoint(accumulate(owner.split("/"), "{}/{}".format)):
            continue
        own = in_order(own)
        verdict = is_state(owner, groups[owner], own, elsewhere, not noted)
        if verdict is not False:
            skipped.update([owner] if owner else ())
            doubtful += [owner or VARS] if verdict is None else []
            continue
        own, others = of_keras(own)
        doubtful += [f"{owner}/{name}".lstrip("/") for name, _ in others]
        twice = wrapped_twice(own, arrays.get(f"{owner}/layer".lstrip("/"), ()))
        if twice is not None and not _is_spectral(owner, groups[owner]):
            doubtful.append(f"{owner}/{VARS}/{own[twice][0]}".lstrip("/"))
        found += [
            (f"{owner}/{VARS}/{name}".lstrip("/"), array)
            for place, (name, array) in enumerate(own)
            if place != twice
        ]
    return Found(found, doubtful)


def of_keras(arrays: Sequence[Array]) -> tuple[list[Array], list[Array]]:
    """Return what Keras stores of a layer, which it numbers, and what else the layer stores."""
    names = {name for name, _ in arrays}
    count = next(place for place in range(len(names) + 1) if str(place) not in names)
    numbers = set(map(str, range(count)))
    return (
        [array for array in arrays if array[0] in numbers],
        [array for array in arrays if array[0] not in numbers],
    )


def in_order(arrays: Sequence[Array]) -> list[Array]:
    """Return arrays by their numbers: 2 before 10."""
    return sorted(arrays, key=lambda item: (len(item[0]), item[0]))


def wrapped_twice(own: Sequence[Array], wrapped: Sequence[Array]) -> int | None:
    """Return which of two arrays of a SpectralNormalization is the kernel of what it wraps."""
    if len(own) != 2 or not wrapped:
        return None
    shapes = {array.shape for _, array in wrapped}
    matching = [place for place, (_, array) in enumerate(own) if array.shape in shapes]
    rows = [place for place, (_, array) in enumerate(own) if array.shape[:-1] == (1,)]
    for place in matching:
        if any(row != place for row in rows):
            return place
    return None


def _is_spectral(path: str, group: Group) -> bool:
    names = (path.rpartition("/")[2], noted_name(group) or "")
    return any(name.startswith("spectral_normalization") for name in names)


def _split(path: str) -> tuple[str, str, str]:
    """Return the group that an array belongs to, the group that it is in, and its name."""
    above, _, name = path.rpartition("/")
    owner, _, container = above.rpartition("/")
    return owner, container, name
