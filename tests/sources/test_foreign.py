"""Files that are none of Keras': each is called what it is, whatever its name."""

from __future__ import annotations

import json
import struct
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from configs import Config
from hypothesis import example, given
from hypothesis import strategies as st
from process import run_here

from attn_cli.errors import BadFile
from attn_cli.files import ByteRange
from attn_cli.sources.foreign import READ, refuse_foreign_archive, what_it_is


def archive(*names: str) -> bytes:
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name in names:
            file.writestr(name, "")
    return data.getvalue()


def message(*fields: tuple[int, int | bytes]) -> bytes:
    """Return a message in Protocol Buffers' encoding."""
    data = b""
    for number, value in fields:
        if isinstance(value, int):
            data += bytes([number << 3, value])
        else:
            data += bytes([number << 3 | 2, len(value)]) + value
    return data


def safetensors() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(8)


NODE = message((1, b"x"), (2, b"Placeholder"))
FILES: dict[str, tuple[bytes, str]] = {
    "a PyTorch file": (archive("m/data.pkl", "m/version"), f"this is a PyTorch file; {READ}"),
    "TorchScript": (archive("m/constants.pkl", "m/code/m.py"), f"this is a PyTorch file; {READ}"),
    "an old PyTorch file": (
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.",
        f"this is a PyTorch file, a pickle, which could run anything; {READ}",
    ),
    "a pickle": (
        b"\x80\x04\x95.",
        f"this is a Python pickle, which could run anything; {READ}",
    ),
    "ONNX": (
        message((1, 8), (2, b"pytorch"), (3, b"2.1"), (7, b"graph"), (8, b"\x10\x11")),
        f"this is an ONNX model; {READ}",
    ),
    "ONNX, the graph last": (message((1, 10), (8, b"\x10\x11"), (7, b"")), "this is an ONNX model"),
    "a frozen graph": (
        message((1, NODE), (1, NODE), (4, b"\x08\x01")),
        f"this is a frozen graph of TensorFlow, which does not tell its layers; {READ}",
    ),
    "a SavedModel's graph": (
        message((1, 1), (2, message((1, b"")))),
        "this is the graph of a SavedModel, which does not tell Keras' layers; "
        "save the Keras model itself as .keras",
    ),
    "TensorFlow Lite": (
        b"\x1c\0\0\0TFL3" + bytes(20),
        "this is a TensorFlow Lite model, which does not tell its layers; "
        "save the Keras model itself as .keras",
    ),
    "a checkpoint": (
        b"\0\0\x01" + bytes(40) + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb",
        "this is a checkpoint of TensorFlow: it holds weights, and no layers; "
        "save the Keras model itself as .keras",
    ),
    "safetensors": (safetensors(), "this is a safetensors file: it holds weights, and no layers"),
    "arrays": (archive("a.npy"), f"this is a NumPy archive; {READ}"),
    "an array": (b"\x93NUMPY\x01\0", f"this is a NumPy array; {READ}"),
    "an image": (b"\x89PNG\r\n\x1a\n", f"this is a PNG image; {READ}"),
    "a picture": (b"RIFF\x10\0\0\0WEBPVP8 ", f"this is a WebP image; {READ}"),
    "a document": (archive("[Content_Types].xml"), f"this is an Office document; {READ}"),
    "nothing": (archive(), f"this is an empty zip archive; {READ}"),
    "gzip": (b"\x1f\x8b\x08", "this is packed by gzip: unpack it, and give what is inside"),
    "tar": (bytes(257) + b"ustar\x0000", "this is packed by tar: unpack it, and give what is"),
    "a pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n",
        "this is a pointer of Git LFS, and not the file itself: git lfs pull fetches that",
    ),
    "a page": (
        b"\n<!DOCTYPE html>\n<html>",
        "this is an HTML page: it may be what a download was answered with",
    ),
    "CSV": (b"a,b,c\n1,2,3\n", f"this is a table in CSV; {READ}"),
    "a letter": (b"Dear all, this is\nno model, sorry,\nhello", f"this is a text; {READ}"),
    "a long text": ("é".encode() * 5000, f"this is a text; {READ}"),
    "JSON": (b"[1, 2]", "this is JSON, but not what model.to_json() writes"),
    "a layer's JSON": (b'{"a": 1}', "this is JSON, but not what model.to_json() writes"),
    "UTF-16": (
        '{"class_name": "Functional"}'.encode("utf-16"),
        "this is a text in UTF-16: what model.to_json() returns is read in UTF-8",
    ),
    **{
        f"UTF-16 without a mark, {end}": (
            '{"class_name": "Functional"}'.encode(f"utf-16-{end}"),
            "this is a text in UTF-16: what model.to_json() returns is read in UTF-8",
        )
        for end in ("le", "be")
    },
    "YAML": (
        b"backend: tensorflow\nclass_name: Sequential\n",
        "this is YAML, which Keras no longer reads; save the model as .keras",
    ),
    "bytes": (bytes(range(99)), f"this is no model; {READ}"),
}


@pytest.mark.parametrize("suffix", ["", ".keras", ".pt", ".json"])
@pytest.mark.parametrize("what", FILES)
def test_files_are_called_what_they_are(what: str, suffix: str, tmp_path: Path) -> None:
    """In one line, with exit code 2; a name tells only where nothing in the file does."""
    data, line = FILES[what]
    path = tmp_path / f"file{suffix}"
    path.write_bytes(data)
    result = run_here(["inspect", str(path)])
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    if what == "bytes" and suffix == ".pt":
        line = f"this is a PyTorch file, by its name; {READ}"
    assert result.err.startswith(f"attn: {path}: {line}")


@pytest.mark.parametrize("before", [b"\n" * 10, b" \t\r\n" * 500, b"\xef\xbb\xbf" + b"\n" * 10])
def test_blanks_before_a_config_are_no_other_format(before: bytes, tmp_path: Path) -> None:
    """It is read, or it is said what of it is not JSON; only UTF-16 is called so."""
    path = tmp_path / "m.json"
    config = Config(8, 8, 3)
    path.write_bytes(before + config.json(config.add("ReLU", config.input)).encode())
    result = run_here(["inspect", str(path)])
    assert "UTF-16" not in result.err
    assert (result.code == 0) is before.isspace(), result.err
    path.write_bytes(b"\n" * 10 + b"\f{}")
    assert "UTF-16" not in run_here(["inspect", str(path)]).err


def test_an_archive_that_could_be_one_of_keras_says_what_it_lacks(tmp_path: Path) -> None:
    """What is wrong with it is more than that it is another's."""
    (tmp_path / "m.keras").write_bytes(archive("metadata.json"))
    result = run_here(["inspect", str(tmp_path / "m.keras")])
    assert "the archive holds no config.json: it is not a .keras file" in result.err


def test_a_folder_says_how_its_models_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it has any."""
    monkeypatch.chdir(tmp_path)
    Path("models").mkdir()
    line = "attn: models: this is a folder, not a model file"
    assert run_here(["inspect", "models"]).err == f"{line}\n"
    Path("models/a.keras").touch()
    assert run_here(["inspect", "models"]).err == f"{line}; its models are models/*.keras\n"


STARTS = st.sampled_from([b"", *[data for data, _ in FILES.values()]])


@given(start=STARTS, at=st.integers(0, 200), middle=st.binary(max_size=99))
@example(start=b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", at=99, middle=b"")
@example(start=b"PK\x03\x04" + b"\xff" * 26, at=99, middle=b"")
def test_any_bytes_get_a_line(start: bytes, at: int, middle: bytes) -> None:
    """However a file is damaged, nothing is read beyond its end."""
    data = start[:at] + middle + start[at + len(middle) :]
    if not data:
        return
    source = ByteRange(BytesIO(data), 0, len(data))
    line = what_it_is(source, "file")
    assert line.startswith("this is ")
    assert line.isprintable()
    with suppress(BadFile):
        refuse_foreign_archive(source)


def exported(keras: Any, folder: Path) -> dict[str, Path]:
    """Return what TensorFlow itself writes of a model, by what it is."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.export(folder / "export", verbose=False)
    called = tf.function(model).get_concrete_function(tf.TensorSpec((1, 4)))
    graph = convert_variables_to_constants_v2(called).graph.as_graph_def()
    (folder / "frozen").write_bytes(graph.SerializeToString())
    tf.train.Checkpoint(model=model).write(str(folder / "weights"))
    return {
        "a frozen graph of TensorFlow": folder / "frozen",
        "the graph of a SavedModel": folder / "export" / "saved_model.pb",
        "a checkpoint of TensorFlow": folder / "weights.index",
    }


def test_what_tensorflow_writes_is_known(
    keras: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The files themselves, and not what a test takes for them."""
    for words, path in exported(keras, tmp_path).items():
        moved = path.rename(tmp_path / "model.keras")
        assert f"this is {words}" in run_here(["inspect", str(moved)]).err
