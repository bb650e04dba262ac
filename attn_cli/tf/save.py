"""A block as a file that others can use: Keras, TensorFlow Lite or SavedModel."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import warnings
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.blocks.options import NAME
from attn_cli.errors import BadFile, BadOption
from attn_cli.signals import ended_between_calls
from attn_cli.sources.block import graph_of
from attn_cli.tf.load import load_keras, quiet
from attn_cli.tf.memory import check_memory, memory_errors
from attn_cli.tf.reason import told
from attn_cli.tf.walk import build_model, count_params
from attn_cli.writing import beside, files_in, refuse_what_was_read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from attn_cli.graph import Params, Shape
    from attn_cli.spec import Spec

# The size that stands for a dynamic H or W when a saved model is tried.
TRIAL_SIZE = 16
# How far a reloaded model's outputs may be off, of the largest of them: what float32 loses.
TOLERANCE = 1e-5
# As many tensors of the output's size are around where two outputs are compared, as measured.
COPIES = 4
# What Keras 3 writes, and cannot read where ops stand in a model, as in most blocks.
LEGACY = (".h5", ".hdf5")
LARGEST_SEED = 2**32 - 1

# What a SavedModel is made of, and which of that are folders.
SAVED_MODEL = {
    **dict.fromkeys(("saved_model.pb", "fingerprint.pb", "keras_metadata.pb"), False),
    **dict.fromkeys(("variables", "assets", "assets.extra", "debug"), True),
}
VARIABLES = re.compile(r"variables\.(index|data-\d+-of-\d+)")


class Saved(NamedTuple):
    """A model that was written, loaded again and found to be the same."""

    path: Path
    format: str
    bytes: int
    params: Params
    seed: int
    difference: float


class Format(NamedTuple):
    """How a model is written and read. What is read is a function of a batch of feature maps."""

    name: str
    write: Callable[[Any, Path], None]
    read: Callable[[Path], Callable[[Any], Any]]
    folder: bool = False


@memory_errors()
def save_block(
    spec: Spec,
    shape: Shape,
    path: Path,
    seed: int = 0,
    name: str | None = None,
    force: bool = False,
) -> Saved:
    """Build a block on an input (H, W, C) and save it; the suffix of the path picks the format.

    H and W may be dynamic. The weights are drawn as Keras' initialisers do, from the seed; `name`
    names the model and prefixes its layers. Nothing stands at the path until the model was loaded
    again and its outputs were those of the one that was saved.

    Raises BadFile where the file cannot be written, BadShape where a run needs more memory than
    there is, BadOption for a seed or a name that Keras does not take.
    """
    check_build(spec, shape, path, seed=seed, name=name, force=force)
    keras = load_keras()
    import numpy as np

    with ended_between_calls() as check_signals:
        keras.utils.set_random_seed(seed)
        model = build_model(spec.block.build, shape, **_named(spec, name))
        model.name = name or re.sub(r"\W", "_", spec.block.name.rpartition(":")[2])
        params = count_params(model)
        random = np.random.default_rng(seed)
        inputs = random.standard_normal((1, *trial_shape(shape)), dtype=np.float32)
        wanted = np.asarray(model(inputs, training=False))
        check_signals()
        target = check_target(path, force)
        with replacing(path) as temporary:
            difference = write_and_compare(model, temporary, inputs, wanted)
            size = size_of(temporary)
            check_signals()
            if target.exists() and not force:
                raise BadFile(exists(path))
    return Saved(path, format_of(path).name, size, params, seed, difference)


def check_build(
    spec: Spec, shape: Shape, path: Path, *, seed: int = 0, name: str | None = None, force: bool
) -> None:
    """Raise what keeps a block from being saved, without TensorFlow."""
    check_target(path, force)
    check_seed(seed)
    if name is not None and not NAME.fullmatch(name):
        raise BadOption(f"a model's name is letters, digits, '_', '.' and '-', not {name!r}")
    graph_of(spec.block.build, shape, **_named(spec, name))
    check_memory(spec.trace(trial_shape(shape)), copies=COPIES)


def check_seed(seed: int) -> None:
    """Raise BadOption for a seed that Keras does not take."""
    if not 0 <= seed <= LARGEST_SEED:
        raise BadOption(f"a seed is from 0 to {LARGEST_SEED}, not {seed}")


def _named(spec: Spec, name: str | None) -> dict[str, Any]:
    return {**spec.given, **({} if name is None else {"name": name})}


def trial_shape(shape: Shape) -> tuple[int, ...]:
    """Return the input that a saved model is tried on, a size in place of each dynamic one."""
    return tuple(TRIAL_SIZE if size is None else size for size in shape)


def write_and_compare(model: Any, path: Path, inputs: Any, wanted: Any) -> float:
    """Write a model, read it in a fresh graph, and return how far its outputs are from the wanted.

    Raises BadFile where they are further off than float32 loses.
    """
    import numpy as np

    write(model, path)
    load_keras().backend.clear_session(free_memory=False)
    with not_loading(path), quiet(), _temporary_files_in(path.parent):
        got = np.asarray(format_of(path).read(path)(inputs))
    if got.shape != wanted.shape:
        raise BadFile(
            f"{path.name!r} yields {got.shape} when loaded, and {wanted.shape} when built"
        )
    largest = max(1.0, float(np.abs(wanted).max()))
    return same_values(path, float(np.abs(got - wanted).max()) / largest)


def write(model: Any, path: Path) -> None:
    """Write a model. Raises BadFile where that fails."""
    cannot = told(BadFile, lambda why: f"cannot write {path.name!r}: {why}")
    with cannot, quiet(), _temporary_files_in(path.parent):
        format_of(path).write(model, path)


def not_loading(path: Path) -> AbstractContextManager[None]:
    """Return what raises BadFile where a file that was written does not load."""
    return told(BadFile, lambda why: f"{path.name!r} was written and does not load: {why}")


def same_values(path: Path, difference: float) -> float:
    """Return how far the outputs of what was loaded are off. Raises BadFile where that is far."""
    if not difference <= TOLERANCE:
        raise BadFile(
            f"{path.name!r} yields other values when loaded than when built, off by "
            f"{difference:.2g}"
        )
    return difference


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Have what TensorFlow generates on its way go with the folder, not with Python's exit."""
    before = tempfile.tempdir
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def format_of(path: Path) -> Format:
    """Return the format that a path's suffix picks. Raises BadFile where it picks none."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        known = ", ".join(filter(None, FORMATS))
        wrong = f"the suffix of {str(path)!r} names no format"
        if suffix in LEGACY:
            wrong = f"{str(path)!r} is not written: Keras 3 loads no {suffix} again with ops in it"
        raise BadFile(f"{wrong}; it is one of {known}, or there is none for a SavedModel folder")
    return FORMATS[suffix]


def check_target(path: Path, force: bool = False) -> Path:
    """Return where a path really is. Raises BadFile where nothing may or can be written."""
    if path.name in ("", "-"):
        raise BadFile(f"a model is written to a file or a folder with a name, not to {str(path)!r}")
    format = format_of(path)
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise BadFile(f"cannot write {str(path)!r}: there is no folder {str(target.parent)!r}")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise BadFile(f"cannot write {str(path)!r}: Permission denied")
    if target.exists():
        if format.folder:
            check_saved_model(path)
        elif not target.is_file():
            raise BadFile(f"{str(path)!r} exists and is no file: it is left alone")
        for file in files_in(target):
            refuse_what_was_read(path if file == target else file)
        if not force:
            raise BadFile(exists(path))
    return target


def check_saved_model(path: Path, name: Path | None = None) -> None:
    """Raise BadFile unless a folder can be replaced whole: a SavedModel and nothing else, or empty.

    `name` is what it is called, where that is not where it is.
    """
    told = f"{str(name or path)!r} exists and"
    if not path.is_dir():
        raise BadFile(f"{told} is no SavedModel folder: it is left alone")
    there = {each.name: each.is_dir() and not each.is_symlink() for each in path.iterdir()}
    if there and there.get("saved_model.pb", True):
        raise BadFile(f"{told} is no SavedModel folder: it is left alone")
    others = {name for name, is_folder in there.items() if SAVED_MODEL.get(name) is not is_folder}
    if there.get("variables"):
        inside = [each.name for each in (path / "variables").iterdir()]
        others |= {f"variables/{each}" for each in inside if not VARIABLES.fullmatch(each)}
    if others:
        first = min(others)
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise BadFile(f"{told} has {first!r}{more} beside its SavedModel: it is left alone")


def exists(path: Path) -> str:
    """Return the words for a path that is taken."""
    return f"{str(path)!r} exists; --force replaces it"


def replacing(path: Path) -> AbstractContextManager[Path]:
    """Return what yields a path beside another one, that is renamed to it in the end."""
    return beside(path, lambda aside: check_saved_model(aside, path))


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in files_in(path))


def _write_keras(model: Any, path: Path) -> None:
    model.save(path)


def _read_keras(path: Path) -> Callable[[Any], Any]:
    model = load_keras().saving.load_model(path, compile=False, safe_mode=True)
    return lambda inputs: model(inputs, training=False)


def _write_saved_model(model: Any, path: Path) -> None:
    model.export(path, verbose=False)


def _read_saved_model(path: Path) -> Callable[[Any], Any]:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    # The function belongs to the object that was loaded, and that must live as long.
    return lambda inputs: loaded.serve(inputs)


def _write_tflite(model: Any, path: Path) -> None:
    import tensorflow as tf

    # Made here and not by the converter, which prints what it made.
    between = path.with_name("between")
    _write_saved_model(model, between)
    path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(str(between)).convert())
    shutil.rmtree(between)


def _read_tflite(path: Path) -> Callable[[Any], Any]:
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the interpreter will move to a package of its own
        interpreter = tf.lite.Interpreter(model_path=str(path))
    (source,) = interpreter.get_input_details()
    (result,) = interpreter.get_output_details()

    def run(inputs: Any) -> Any:
        interpreter.resize_tensor_input(source["index"], inputs.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(source["index"], inputs)
        interpreter.invoke()
        return interpreter.get_tensor(result["index"])

    return run


FORMATS = {
    ".keras": Format("Keras", _write_keras, _read_keras),
    ".tflite": Format("TensorFlow Lite", _write_tflite, _read_tflite),
    "": Format("SavedModel", _write_saved_model, _read_saved_model, folder=True),
}
