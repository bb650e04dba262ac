"""A saved model, read and never run: `.keras`, legacy `.h5`, `to_json()`, `.weights.h5`.

Nothing is deserialised, imported, unpacked or written, and no weight's data is read: only the
config, and the names, shapes and types of the weights.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from io import BytesIO
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.account import account
from attn_cli.blocks import BLOCKS, PRESETS
from attn_cli.errors import BadArgument, BadFile, BadGraph, BadShape
from attn_cli.files import ByteRange, open_file
from attn_cli.graph import ITEM_SIZES, Graph, Params, params_of
from attn_cli.operations import LAYERS
from attn_cli.showing import one
from attn_cli.sources.applications import (
    PREFIX,
    application_names,
    application_text,
    is_application,
)
from attn_cli.sources.archive import read_archive
from attn_cli.sources.config import Part, oddities, parse_config
from attn_cli.sources.container import format_of
from attn_cli.sources.danger import dangers
from attn_cli.sources.hdf5 import Group, open_hdf5
from attn_cli.sources.json_text import MAX_BYTES, load_json
from attn_cli.sources.owners import VARS
from attn_cli.sources.state import weights_in
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
from attn_cli.text import shown

if TYPE_CHECKING:
    from attn_cli.graph import Shape
    from attn_cli.sources.unfold import Unfolded


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
    # What the file notes for the input that another size was asked of.
    noted_input: Shape | None = None

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


def read_model(path: str | os.PathLike[str], *, input_shape: Shape | None = None) -> Model:
    """Return what a saved model is: `.keras`, legacy `.h5`, a `to_json()` text, `.weights.h5`.

    `app:NAME` is an architecture of keras.applications, read from what the package has of it.

    Reads, and never runs: nothing of the file is imported, deserialised, unpacked or written, and
    TensorFlow is not needed. Time and memory are bounded, whatever the file.

    >>> from attn_cli import find_attention, read_model
    >>> model = read_model("EfficientNetB0.keras")  # doctest: +SKIP
    >>> assert model.graph is not None  # doctest: +SKIP
    >>> model.total, len(find_attention(model.graph))  # doctest: +SKIP
    (5330571, 16)

    `input_shape` asks the same model at another input size (H, W, C), None where dynamic: shapes
    and costs are worked out anew, and the params stay.

    >>> read_model("app:ResNet50", input_shape=(448, 448, 3)).total
    25636712

    Raises BadFile, with the path and one line that says what is wrong, and BadShape where the model
    does not take that input.
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise BadArgument(f"a model is read from a file, and {type(path).__name__} is no path")
    name = os.fspath(path)
    try:
        return _read(name, input_shape)
    except (BadFile, BadGraph, BadShape) as error:
        kind = BadShape if isinstance(error, BadShape) else BadFile
        word = os.fsdecode(name)
        way = "" if is_application(word) or os.path.lexists(name) else _way_of(word)
        raise kind(f"{shown(word)}: {error}{way}") from None


def _way_of(word: str) -> str:
    """Return what a name may be that is no file's: a block's, or an application's."""
    if word in BLOCKS or word in PRESETS:
        return "; it is the name of a block, and this takes a model"
    near = [name for name in application_names() if name.lower() == word.lower()]
    return f"; did you mean {PREFIX}{near[0]}?" if near else ""


def _read(name: str | bytes, asked: Shape | None) -> Model:
    if isinstance(name, str) and is_application(name):
        text = application_text(name.removeprefix(PREFIX))
        with account(len(text), READING):
            return _read_json(ByteRange(BytesIO(text), 0, len(text)), asked)
    if os.path.isdir(name):
        from attn_cli.sources.foreign import what_folder_it_is

        raise BadFile(what_folder_it_is(os.fsdecode(name)))
    with open_file(name) as source, account(source.size, READING):
        match format_of(source, os.fsdecode(name)):
            case "zip":
                return _read_keras(source, asked)
            case "hdf5":
                return _read_hdf5(open_hdf5(source), os.fsdecode(name), asked)
            case _:
                return _read_json(source, asked)


def _read_keras(source: ByteRange, asked: Shape | None) -> Model:
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
    warnings = dangers(config, archive.names)
    model = parse_config(config, "keras", version)
    if root is None:
        warnings = [*warnings, _no_weights(archive.names)]
        return _model("json", model, version, None, warnings, asked)
    if model.entries is None:
        _refuse_asked(asked)
        return _opaque("keras", model, version, root, warnings)
    return _model("keras", model, version, weights_of_keras(root, model), warnings, asked)


def _no_weights(names: tuple[str, ...]) -> str:
    if "model.weights.npz" in names:
        return (
            "its weights are in model.weights.npz, which is not read: they are those of its config"
        )
    return "the file holds no weights"


def _read_hdf5(root: Group, name: str, asked: Shape | None) -> Model:
    version = root.attrs.get("keras_version")
    config = root.attrs.get("model_config")
    if config is None:
        _refuse_asked(asked)
        return _weights_alone(root, name)
    if not isinstance(config, str):
        raise BadFile("its model_config is not a text")
    data = load_json(config.encode(), "model_config")
    weights = root.get("model_weights")
    if version is None and isinstance(weights, Group):
        version = weights.attrs.get("keras_version")
    warnings = dangers(data)
    model = parse_config(data, "h5", version)
    if not isinstance(weights, Group):
        warnings = [*warnings, "the file holds no weights"]
        return _model("json", model, version, None, warnings, asked)
    if model.entries is None:
        _refuse_asked(asked)
        return _opaque("h5", model, version, weights, warnings)
    ops = [shown(leaf.name) for leaf in leaves_of(model) if leaf.is_op]
    if ops and not model.keras_2:
        # It does not note which module they are of, and they are no layers.
        warnings = [*warnings, line_of("ops, which Keras 3 does not load from a .h5", ops)]
    return _model("h5", model, version, weights_of_legacy(weights, model), warnings, asked)


def _read_json(source: ByteRange, asked: Shape | None) -> Model:
    if source.size > MAX_BYTES:
        raise BadFile(f"the text is {source.size:,} bytes long; at most {MAX_BYTES:,} are read")
    data = load_json(source.read(0, source.size), "the file")
    if not isinstance(data, dict) or "class_name" not in data:
        raise BadFile("this is JSON, but not what model.to_json() writes")
    version = data.get("keras_version")
    warnings = dangers(data)
    return _model("json", parse_config(data, "json", version), version, None, warnings, asked)


def _model(
    format: str,
    root: Part,
    version: object,
    stored: Stored | None,
    warnings: list[str],
    asked: Shape | None,
) -> Model:
    """Return the record of a model that tells its layers; their weights are stored or follow."""
    if root.entries is None:
        if root.is_op or root.type in LAYERS:
            raise BadFile(f"this is the config of a {shown(root.type)} layer, not of a model")
        _refuse_asked(asked)
        return _record(format, root, version, None, None, 0, 0, True, [*warnings, OPAQUE])
    for why, names in oddities(root).items():
        warnings = [*warnings, line_of(f"{why}, so Keras may not load it", [*map(shown, names)])]
    known = None if stored is None else stored.weights
    noted_input = None
    if asked is None:
        unfolded = unfold(root, known)
    else:
        from attn_cli.sources.resize import unfold_at

        unfolded, noted_input = unfold_at(root, known, asked)
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
    if unfolded.noted:
        warnings = [*warnings, line_of(NOTED, unfolded.noted)]
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
    if idle := _idle_inputs(root, unfolded):
        warnings = [*warnings, line_of("inputs that no output needs", idle)]
    if twice := [source.name for source, count in Counter(root.inputs).items() if count > 1]:
        warnings = [*warnings, line_of("inputs that it takes twice", [*map(shown, twice)])]
    record = _record(
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
    return record._replace(noted_input=noted_input)


def _idle_inputs(root: Part, unfolded: Unfolded) -> list[str]:
    """Return the inputs that a model takes without using them: its graph has none of them."""
    used = {id(node.layer) for node in unfolded.graph.nodes}
    parts = [root.entries[source.name].part for source in root.inputs] if root.entries else []
    return [shown(part.name) for part in parts if id(unfolded.layers.get(id(part))) not in used]


def _refuse_asked(asked: Shape | None) -> None:
    """Raise BadShape where another input size is asked of a file that tells no layers."""
    if asked is not None:
        raise BadShape("the file does not tell the layers: no input size can be asked of it")


READING = "reading it"
NOTED = "layers of which what they do is not known, and the shape is as the file notes it"
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
