"""A saved model, read and never run: `.keras`, legacy `.h5`, `to_json()`, `.weights.h5`.

Nothing is deserialised, imported, unpacked or written, and no weight's data is read: only the
config, and the names, shapes and types of the weights.
"""

from __future__ import annotations

import os
import re
from io import BytesIO
from math import prod
from typing import NamedTuple

from attn_cli.blocks import BLOCKS, PRESETS
from attn_cli.errors import BadArgument, BadFile, BadGraph
from attn_cli.graph import ITEM_SIZES, Graph, Params, params_of
from attn_cli.operations import LAYERS
from attn_cli.showing import one
from attn_cli.sources.applications import (
    PREFIX,
    application_names,
    application_text,
    is_application,
)
from attn_cli.sources.archive import SIGNATURE as ZIP
from attn_cli.sources.archive import read_archive
from attn_cli.sources.config import Part, parse_config
from attn_cli.sources.danger import dangers
from attn_cli.sources.files import ByteRange, open_file
from attn_cli.sources.hdf5 import SIGNATURE as HDF5
from attn_cli.sources.hdf5 import Group, open_hdf5
from attn_cli.sources.json_text import MAX_BYTES, load_json
from attn_cli.sources.owners import VARS
from attn_cli.sources.state import weights_in
from attn_cli.sources.text import shown
from attn_cli.sources.unfold import unfold
from attn_cli.sources.weights import (
    DOUBTFUL,
    SPLIT,
    Stored,
    Warnings,
    dtype_of,
    leaves_of,
    line_of,
    weights_of_keras,
    weights_of_legacy,
)


class Model(NamedTuple):
    """What a file says of a model.

    `graph` is None where the file does not tell the layers: a subclassed model, or weights alone.
    `params` are those of all layers, and None where only `total` is known, which is a lower bound
    where `at_least` is set; `params.trainable` is None where it is not known of all weights whether
    they are trained. `warnings` tell why, what is odd, and what would run or be read if Keras
    loaded the file.
    """

    format: str  # "keras", "h5", "json" or "weights"
    type: str  # "Functional", "Sequential", the class of a subclassed model
    name: str
    keras_version: str | None
    graph: Graph | None
    params: Params | None
    total: int
    bytes: int
    at_least: bool
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        """Show what it is in a line; `graph` and `warnings` tell the rest."""
        told = [
            self.format,
            f"Keras {self.keras_version}" if self.keras_version else "",
            "layers not told" if self.graph is None else f"{len(self.graph.nodes):,} calls",
            f"{'at least ' if self.at_least else ''}{one(self.total, 'params')}",
            f"warnings: {len(self.warnings)}" if self.warnings else "",
        ]
        return (
            f"<Model {f'{self.type} {self.name}'.strip() or '?'}: {', '.join(filter(None, told))}>"
        )


def read_model(path: str | os.PathLike[str]) -> Model:
    """Return what a saved model is: `.keras`, legacy `.h5`, a `to_json()` text, `.weights.h5`.

    `app:NAME` is an architecture of keras.applications, read from what the package has of it.

    Reads, and never runs: nothing of the file is imported, deserialised, unpacked or written, and
    TensorFlow is not needed. Time and memory are bounded, whatever the file.

    >>> from attn_cli import find_attention, read_model
    >>> model = read_model("EfficientNetB0.keras")  # doctest: +SKIP
    >>> assert model.graph is not None  # doctest: +SKIP
    >>> model.total, len(find_attention(model.graph))  # doctest: +SKIP
    (5330571, 16)

    Raises BadFile, with the path and one line that says what is wrong.
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise BadArgument(f"a model is read from a file, and {type(path).__name__} is no path")
    name = os.fspath(path)
    try:
        return _read(name)
    except (BadFile, BadGraph) as error:
        word = os.fsdecode(name)
        way = "" if os.path.lexists(name) else _way_of(word)
        raise BadFile(f"{shown(word)}: {error}{way}") from None


def _way_of(word: str) -> str:
    """Return what a name may be that is no file's: a block's, or an application's."""
    if word in BLOCKS or word in PRESETS:
        return "; it is the name of a block, and this takes a model"
    near = [name for name in application_names() if name.lower() == word.lower()]
    return f"; did you mean {PREFIX}{near[0]}?" if near else ""


def _read(name: str | bytes) -> Model:
    if isinstance(name, str) and is_application(name):
        text = application_text(name.removeprefix(PREFIX))
        return _read_json(ByteRange(BytesIO(text), 0, len(text)))
    with open_file(name) as source:
        start = source.read(0, min(8, source.size))
        if start.startswith(ZIP):
            return _read_keras(source)
        if start == HDF5:
            return _read_hdf5(open_hdf5(source), os.fsdecode(name))
        if start.lstrip()[:1] == b"{" or start.startswith(b"\xef\xbb\xbf{"):
            return _read_json(source)
        from attn_cli.sources.foreign import what_it_is

        raise BadFile(what_it_is(source, os.fsdecode(name)))


def _read_keras(source: ByteRange) -> Model:
    try:
        archive = read_archive(source)
    except BadFile:
        from attn_cli.sources.foreign import refuse_foreign_archive

        refuse_foreign_archive(source)
        raise
    config = load_json(archive.config, "config.json")
    metadata = load_json(archive.metadata, "metadata.json") if archive.metadata else {}
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    root = open_hdf5(archive.weights) if archive.weights else None
    model = parse_config(config, version)
    warnings = dangers(config, archive.names)
    if root is None:
        return _model("json", model, version, None, [*warnings, "the file holds no weights"])
    if model.entries is None:
        return _opaque("keras", model, version, root, warnings)
    return _model("keras", model, version, weights_of_keras(root, model), warnings)


def _read_hdf5(root: Group, name: str) -> Model:
    version = root.attrs.get("keras_version")
    config = root.attrs.get("model_config")
    if config is None:
        return _weights_alone(root, name)
    if not isinstance(config, str):
        raise BadFile("its model_config is not a text")
    data = load_json(config.encode(), "model_config")
    weights = root.get("model_weights")
    if version is None and isinstance(weights, Group):
        version = weights.attrs.get("keras_version")
    model = parse_config(data, version)
    warnings = dangers(data)
    if not isinstance(weights, Group):
        return _model("json", model, version, None, [*warnings, "the file holds no weights"])
    if model.entries is None:
        return _opaque("h5", model, version, weights, warnings)
    return _model("h5", model, version, weights_of_legacy(weights, model), warnings)


def _read_json(source: ByteRange) -> Model:
    if source.size > MAX_BYTES:
        raise BadFile(f"the text is {source.size:,} bytes long; at most {MAX_BYTES:,} are read")
    data = load_json(source.read(0, source.size), "the file")
    if not isinstance(data, dict) or "class_name" not in data:
        raise BadFile("this is JSON, but not what model.to_json() writes")
    version = data.get("keras_version")
    return _model("json", parse_config(data, version), version, None, dangers(data))


def _model(
    format: str, root: Part, version: object, stored: Stored | None, warnings: list[str]
) -> Model:
    """Return the record of a model that tells its layers; their weights are stored or follow."""
    if root.entries is None:
        if root.is_op or root.type in LAYERS:
            raise BadFile(f"this is the config of a {shown(root.type)} layer, not of a model")
        return _record(format, root, version, None, None, 0, 0, True, [*warnings, OPAQUE])
    unfolded = unfold(root, None if stored is None else stored.weights)
    leaves = leaves_of(root)
    layers = [unfolded.layers[id(leaf)] for leaf in leaves if id(leaf) in unfolded.layers]
    unknown: list[str] = []
    if stored is None:
        unknown = [
            shown(leaf.name)
            for leaf in leaves
            if not (leaf.is_op or leaf.type == "InputLayer" or id(leaf) in unfolded.counted)
        ]
        weights = [weight for layer in layers for weight in layer.weights]
    else:
        weights = [weight for found in stored.weights.values() for weight in found]
        warnings = [*warnings, *stored.warnings]
    if unknown:
        warnings = [*warnings, line_of("layers whose weights cannot be known", unknown)]
    params = params_of(weights)
    if stored is None and params.either:
        split = [layer.name for layer in layers if layer.params.either]
        warnings = [*warnings, line_of(SPLIT, split)]
    size = sum([weight.size * ITEM_SIZES[weight.dtype] for weight in weights])
    graph = unfolded.graph
    apart = params.total - graph.params.total
    if apart:
        warnings = [*warnings, f"{apart:,} of the params are in layers that no output needs"]
    return _record(
        format,
        root,
        version,
        graph,
        params,
        params.total,
        size,
        bool(unknown) or (stored is not None and stored.at_least),
        warnings,
    )


SHARD = re.compile(r"_\d{5}\.weights\.h5$")
OPAQUE = "a subclassed model: its layers stand in its own code, not in the file"


def _opaque(format: str, root: Part, version: object, weights: Group, warnings: list[str]) -> Model:
    """Return the record of a subclassed model: its weights, added up."""
    sums = _sums(weights)
    warnings = [*warnings, *sums.warnings, OPAQUE]
    return _record(
        format, root, version, None, None, sums.total, sums.bytes, bool(sums.warnings), warnings
    )


def _weights_alone(root: Group, name: str) -> Model:
    """Return the record of a file that holds weights and no config."""
    # All that Keras has its own format for has a group `vars`, be it empty.
    shard = SHARD.search(name) is not None
    if not (VARS in root or shard or {"layer_names", "layer_names0"} & root.attrs.keys()):
        raise BadFile("this is an HDF5 file, but neither a model nor weights that Keras saved")
    sums = _sums(root)
    version = root.attrs.get("keras_version")
    notes = ["weights alone: how the layers are connected is not in the file", *sums.warnings]
    if shard:
        notes.append(
            "one of several files that the weights are split into: the others are not read"
        )
    return Model(
        format="weights",
        type="",
        name="",
        keras_version=shown(version) if isinstance(version, str) else None,
        graph=None,
        params=None,
        total=sums.total,
        bytes=sums.bytes,
        at_least=len(notes) > 1,
        warnings=tuple(notes),
    )


class _Sums(NamedTuple):
    total: int
    bytes: int
    warnings: list[str]


def _sums(root: Group) -> _Sums:
    """Return how many numbers all weights hold, in how many bytes, and what is left out."""
    found = weights_in(root)
    sizes = [(prod(array.shape), ITEM_SIZES[dtype_of(array)]) for _, array in found.weights]
    warnings = Warnings()
    for path in found.doubtful:
        warnings.add(DOUBTFUL, shown(path))
    return _Sums(
        sum(size for size, _ in sizes), sum(size * each for size, each in sizes), warnings.lines()
    )


def _record(
    format: str,
    root: Part,
    version: object,
    graph: Graph | None,
    params: Params | None,
    total: int,
    size: int,
    at_least: bool,
    warnings: list[str],
) -> Model:
    return Model(
        format=format,
        type=root.type,
        name=shown(root.name),
        keras_version=shown(version) if isinstance(version, str) else None,
        graph=graph,
        params=params,
        total=total,
        bytes=size,
        at_least=at_least,
        warnings=tuple(warnings),
    )
