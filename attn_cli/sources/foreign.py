"""What a file is that is none of Keras', by what stands in it: so that the right one is looked for.

A name is asked last, and where nothing else tells. Advice is given where it can help: whoever has a
SavedModel of Keras can save the model anew, whoever has PyTorch's cannot.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.errors import BadFile
from attn_cli.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attn_cli.files import ByteRange

READ = "attn reads what Keras saves (.keras, .h5, to_json())"
ANEW = "save the Keras model itself as .keras"
UNPACK = "unpack it, and give what is inside"

# Formats by what they begin with; where that is not at byte 0, with its place.
_SIGNATURES = (
    (0, b"\x89PNG\r\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (0, b"BM", "a BMP image"),
    (0, b"II*\0", "a TIFF image"),
    (0, b"MM\0*", "a TIFF image"),
    (8, b"WEBP", "a WebP image"),
    (0, b"%PDF-", "a PDF"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"SQLite format 3\0", "an SQLite database"),
    (0, b"GGUF", "a GGUF file"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"PAR1", "a Parquet table"),
    (0, b"PK\x05\x06", "an empty zip archive"),
)
_PACKED = (
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (0, b"Rar!", "RAR"),
    (257, b"ustar", "tar"),
)
_BEGINNING = 4096  # of the file: enough for all of these, and for a text to be told
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # the mark that a text in it begins with
_CHECKPOINT = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"  # what a table of TensorFlow's ends with
_TORCH_PICKLE = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # the number that PyTorch's own begin with
# What PyTorch, and others, put into a zip archive first.
_TORCH = frozenset(("data.pkl", "constants.pkl", ".format_version", "version", "byteorder"))
_MEMBERS = ((".npy", "a NumPy archive"), ("[Content_Types].xml", "an Office document"))
# Those that say it nowhere else.
_SUFFIXES = {
    ".pt": "a PyTorch file",
    ".pth": "a PyTorch file",
    ".onnx": "an ONNX model",
    ".pb": "a graph of TensorFlow",
    ".tflite": "a TensorFlow Lite model",
    ".npz": "a NumPy archive",
}


def what_it_is(source: ByteRange, name: str) -> str:
    """Return the line that says what a file is that is no model of Keras'."""
    start = source.read(0, min(source.size, _BEGINNING))
    for at, signature, words in _SIGNATURES:
        if start.startswith(signature, at):
            return f"this is {words}; {READ}"
    for at, signature, words in _PACKED:
        if start.startswith(signature, at):
            return f"this is packed by {words}: {UNPACK}"
    if re.match(rb"\x80[\x02-\x05]", start):
        whose = "a PyTorch file, a pickle" if _TORCH_PICKLE in start[:16] else "a Python pickle"
        return f"this is {whose}, which could run anything; {READ}"
    if start.startswith(b"TFL3", 4):
        return f"this is a TensorFlow Lite model, which does not tell its layers; {ANEW}"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < source.size:
        return "this is a safetensors file: it holds weights, and no layers"
    if source.read(max(0, source.size - 8), min(8, source.size)) == _CHECKPOINT:
        return f"this is a checkpoint of TensorFlow: it holds weights, and no layers; {ANEW}"
    text = _text_of(start)
    if text is not None:
        return _what_text(text, _utf_16(start) is not None)
    proto = _what_proto(source)
    if proto is not None:
        return proto
    words = _SUFFIXES.get(os.path.splitext(name)[1].lower(), "")
    return f"this is {words}, by its name; {READ}" if words else f"this is no model; {READ}"


def what_folder_it_is(folder: str) -> str:
    """Return the line that says what a folder is, and which models are in it."""
    if os.path.exists(os.path.join(folder, "saved_model.pb")):
        return "this is a SavedModel folder; save the model as a .keras file instead"
    suffixes: dict[str, None] = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in islice(entries, 1000):
            suffixes[os.path.splitext(entry.name)[1]] = None
    for suffix in (".keras", ".h5"):
        if suffix in suffixes:
            models = shown(os.path.join(folder, f"*{suffix}"))
            return f"this is a folder, not a model file; its models are {models}"
    return "this is a folder, not a model file"


def refuse_foreign_archive(source: ByteRange) -> None:
    """Raise BadFile for a zip archive that is known, by its first member, to be another's."""
    header = source.read(0, min(source.size, 30))
    length = int.from_bytes(header[26:28], "little")
    if 30 + length > source.size:
        return
    first = source.read(30, length).decode("utf-8", "replace")
    if "/" in first and first.rpartition("/")[2] in _TORCH:
        raise BadFile(f"this is a PyTorch file; {READ}")
    for ending, words in _MEMBERS:
        if first.endswith(ending):
            raise BadFile(f"this is {words}; {READ}")


def _text_of(start: bytes) -> str | None:
    """Return the beginning of a text, None where it is none."""
    encoding = _utf_16(start)
    if encoding is not None:
        return start[: len(start) // 2 * 2].decode(encoding, "replace")
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(start) < _BEGINNING or error.start < len(start) - 4:
            return None
        text = start[: error.start].decode("utf-8")  # its last character is cut
    return None if re.search(r"[^\t\n\f\r\x1b -\x7e\x80-\U0010ffff]", text) else text


def _utf_16(start: bytes) -> str | None:
    """Return how a text in UTF-16 is encoded, by its mark or the zero beside its first brace."""
    if start.startswith(_UTF_16):
        return "utf-16"
    encoding = {b"{\0": "utf-16-le", b"\0{": "utf-16-be"}.get(start[:2])
    return None if start[2:4] == b"\0\0" else encoding  # which UTF-32 has


def _what_text(text: str, utf_16: bool) -> str:
    begins = text.lstrip("\ufeff \t\r\n")
    if begins.startswith("version https://git-lfs"):
        return "this is a pointer of Git LFS, and not the file itself: git lfs pull fetches that"
    if begins.startswith("{") and utf_16:
        return "this is a text in UTF-16: what model.to_json() returns is read in UTF-8"
    if begins.startswith(("[", "{")):
        return "this is JSON, but not what model.to_json() writes"
    if re.match(r"(?i)<!doctype html|<html", begins):
        return "this is an HTML page: it may be what a download was answered with"
    if re.match(r"(backend|class_name|config): ?", begins):
        return "this is YAML, which Keras no longer reads; save the model as .keras"
    lines = begins.splitlines()[:3]
    commas = {line.count(",") for line in lines}
    if len(lines) > 1 and len(commas) == 1 and commas != {0}:
        return f"this is a table in CSV; {READ}"
    return f"this is a text; {READ}"


class _Field(NamedTuple):
    """A field of a message in Protocol Buffers' encoding: where its content is."""

    number: int
    kind: int
    value: int  # of a varint; else the length
    at: int


_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_MOST_FIELDS = 1000
# The fields that each kind of file has at its top.
_SAVED_MODEL = {(1, _VARINT), (2, _BYTES)}
_ONNX_GRAPH = (7, _BYTES)
_ONNX = {(1, _VARINT), (5, _VARINT), *((n, _BYTES) for n in (2, 3, 4, 6, 7, 8, 14, 20, 25))}
_GRAPH_DEF = {(1, _BYTES), (2, _BYTES), (3, _VARINT), (4, _BYTES)}


def _what_proto(source: ByteRange) -> str | None:
    """Return what a message in Protocol Buffers' encoding is: they name nothing but numbers."""
    fields = list(_fields(source, 0, source.size))
    if not fields:
        return None
    first, kinds = fields[0], {(field.number, field.kind) for field in fields}
    if kinds == _SAVED_MODEL and first.value == 1:
        return f"this is the graph of a SavedModel, which does not tell Keras' layers; {ANEW}"
    if _ONNX_GRAPH in kinds <= _ONNX:
        return f"this is an ONNX model; {READ}"
    if (first.number, first.kind) == (1, _BYTES) and kinds <= _GRAPH_DEF:
        named = [(field.number, field.kind) for field in _fields(source, first.at, first.value)]
        if named[:2] == [(1, _BYTES), (2, _BYTES)]:  # a name, and an op
            return f"this is a frozen graph of TensorFlow, which does not tell its layers; {READ}"
    return None


def _fields(source: ByteRange, at: int, size: int) -> Iterator[_Field]:
    """Yield the first fields of a message; none where it is none, or ends within one."""
    found: list[_Field] = []
    end = at + size
    while at < end and len(found) < _MOST_FIELDS:
        data = source.read(at, min(20, end - at))
        tag, used = _varint(data, 0)
        number, kind = tag >> 3, tag & 7
        value = {_FIXED_64: 8, _FIXED_32: 4}.get(kind, 0)
        if kind in (_VARINT, _BYTES):
            value, used = _varint(data, used)
        at += used
        if not used or not number or kind not in (_VARINT, _FIXED_64, _BYTES, _FIXED_32):
            return
        found.append(_Field(number, kind, value, at))
        at += 0 if kind == _VARINT else value
    if at <= end:
        yield from found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of any length, and where it ends: 0 where it does not."""
    value = 0
    for place in range(at, min(at + 10, len(data))):
        value |= (data[place] & 0x7F) << 7 * (place - at)
        if data[place] < 0x80:
            return value, place + 1
    return 0, 0
