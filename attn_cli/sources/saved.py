"""A saved model, read and never run: `.keras`, legacy `.h5`, `to_json()`, `.weights.h5`.

Nothing is deserialised, imported, unpacked or written, and no weight's data is read: only the
config, and the names, shapes and types of the weights.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.errors import BadFile, BadGraph
from attn_cli.graph import ITEM_SIZES, Graph, Params
from attn_cli.operations import LAYERS
from attn_cli.sources.archive import SIGNATURE as ZIP
from attn_cli.sources.archive import read_archive
from attn_cli.sources.config import Part, parse_config
from attn_cli.sources.danger import dangers
from attn_cli.sources.files import open_file
from attn_cli.sources.hdf5 import SIGNATURE as HDF5
from attn_cli.sources.hdf5 import Dataset, Group, open_hdf5
from attn_cli.sources.json_text import MAX_BYTES, load_json
from attn_cli.sources.text import shown
from attn_cli.sources.unfold import unfold
from attn_cli.sources.weights import (
    Stored,
    dtype_of,
    is_changed,
    is_state,
    leaves_of,
    weights_of_keras,
    weights_of_legacy,
)

if TYPE_CHECKING:
    from attn_cli.sources.files import ByteRange


class Model(NamedTuple):
    """What a file says of a model.

    `graph` is None where the file does not tell the layers: a subclassed model, or weights alone.
    `params` are those of all layers, and None where only `total` is known, which is a lower bound
    where `at_least` is set. `warnings` tell what is odd, and what would run or be read if Keras
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


def read_model(path: str | os.PathLike[str]) -> Model:
    """Return what a saved model is: `.keras`, legacy `.h5`, a `to_json()` text, `.weights.h5`.

    Reads, and never runs: nothing of the file is imported, deserialised, unpacked or written, and
    TensorFlow is not needed. Time and memory are bounded, whatever the file.

    >>> from attn_cli import find_attention, read_model
    >>> model = read_model("EfficientNetB0.keras")  # doctest: +SKIP
    >>> model.total, len(find_attention(model.graph))  # doctest: +SKIP
    (5330571, 16)

    Raises BadFile, with one line that says what is wrong.
    """
    with open_file(path) as source:
        start = source.read(0, min(8, source.size))
        try:
            if start.startswith(ZIP):
                return _read_keras(source)
            if start == HDF5:
                return _read_hdf5(open_hdf5(source))
            if start.lstrip()[:1] == b"{" or start.startswith(b"\xef\xbb\xbf{"):
                return _read_json(source)
            raise BadFile(_what_it_is(source, os.fspath(path)))
        except BadGraph as error:
            raise BadFile(str(error)) from None


def _read_keras(source: ByteRange) -> Model:
    archive = read_archive(source)
    config = load_json(archive.config, "config.json")
    metadata = load_json(archive.metadata, "metadata.json") if archive.metadata else {}
    version = metadata.get("keras_version") if isinstance(metadata, dict) else None
    root = open_hdf5(archive.weights) if archive.weights else None
    model = parse_config(config)
    warnings = dangers(config, archive.names)
    if root is None:
        return _model("json", model, version, None, [*warnings, "the file holds no weights"])
    if model.entries is None:
        return _opaque("keras", model, version, root, warnings)
    return _model("keras", model, version, weights_of_keras(root, model), warnings)


def _read_hdf5(root: Group) -> Model:
    version = root.attrs.get("keras_version")
    config = root.attrs.get("model_config")
    if config is None:
        return _weights_alone(root)
    if not isinstance(config, str):
        raise BadFile("its model_config is not a text")
    data = load_json(config.encode(), "model_config")
    model = parse_config(data)
    warnings = dangers(data)
    weights = root.get("model_weights")
    if not isinstance(weights, Group):
        return _model("json", model, version, None, [*warnings, "the file holds no weights"])
    if version is None:
        version = weights.attrs.get("keras_version")
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
    return _model("json", parse_config(data), version, None, dangers(data))


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
    lora = False
    if stored is None:
        unknown = [
            shown(leaf.name)
            for leaf in leaves
            if not (leaf.is_op or leaf.type == "InputLayer" or id(leaf) in unfolded.counted)
        ]
        weights = [weight for layer in layers for weight in layer.weights]
        if any(is_changed(leaf) for leaf in leaves):
            warnings = [*warnings, "quantised or LoRA layers are counted as plain ones"]
    else:
        weights = [weight for found in stored.weights.values() for weight in found]
        warnings = [*warnings, *stored.warnings]
        lora = any(leaf.config.get("lora_rank") for leaf in leaves)
        if lora:
            warnings.append("LoRA's own weights are made when loaded, and are not in the file")
    if unknown:
        named = ", ".join(unknown[:3])
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        warnings = [*warnings, f"layers whose weights cannot be known: {named}{more}"]
    trainable = sum([weight.size for weight in weights if weight.trainable])
    total = sum([weight.size for weight in weights])
    size = sum([weight.size * ITEM_SIZES[weight.dtype] for weight in weights])
    graph = unfolded.graph
    apart = total - graph.params.total
    if apart:
        warnings = [*warnings, f"{apart:,} of the params are in layers that no output needs"]
    return _record(
        format,
        root,
        version,
        graph,
        Params(trainable, total - trainable),
        total,
        size,
        bool(unknown) or lora or (stored is not None and stored.left),
        warnings,
    )


OPAQUE = "a subclassed model: its layers stand in its own code, not in the file"


def _opaque(format: str, root: Part, version: object, weights: Group, warnings: list[str]) -> Model:
    """Return the record of a subclassed model: its weights, added up."""
    total, size = _sums(weights)
    return _record(format, root, version, None, None, total, size, False, [*warnings, OPAQUE])


def _weights_alone(root: Group) -> Model:
    """Return the record of a file that holds weights and no config."""
    if (
        "layers" not in root
        and "layer_names" not in root.attrs
        and ("_layer_checkpoint_dependencies" not in root and "layer_names0" not in root.attrs)
    ):
        raise BadFile("this is an HDF5 file, but neither a model nor weights that Keras saved")
    total, size = _sums(root)
    version = root.attrs.get("keras_version")
    note = "weights alone: how the layers are connected is not in the file"
    return Model(
        "weights",
        "",
        "",
        shown(version) if isinstance(version, str) else None,
        None,
        None,
        total,
        size,
        False,
        (note,),
    )


def _sums(root: Group) -> tuple[int, int]:
    """Return how many numbers all weights hold, and in how many bytes."""
    total = size = 0
    for path, node in root.walk():
        if isinstance(node, Dataset) and not is_state(path):
            count = 1
            for side in node.shape:
                count *= side
            total += count
            size += count * ITEM_SIZES[dtype_of(node)]
    return total, size


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


def _what_it_is(source: ByteRange, path: str | bytes) -> str:
    start = source.read(0, min(2, source.size))
    if start[:1] == b"\x80":
        return "this is a Python pickle, which could run anything; save the model as .keras"
    name = path if isinstance(path, str) else os.fsdecode(path)
    suffix = os.path.splitext(name)[1].lower()
    kinds = {
        ".pb": "a SavedModel", ".tflite": "a TensorFlow Lite model", ".onnx": "an ONNX model",
        ".pt": "a PyTorch file", ".pth": "a PyTorch file", ".npz": "a NumPy archive",
    }  # fmt: skip
    what = kinds.get(suffix)
    if what:
        return f"this is {what}, which attn does not read; save the model as .keras"
    return "this is no model that Keras saved; save the model as .keras"
