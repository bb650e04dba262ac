"""What the messages of an object header mean (IV.A.2): shape, type, place, links, attributes."""

from __future__ import annotations

import struct
from math import prod
from typing import NamedTuple

from attn_cli.account import charge, memory_of
from attn_cli.sources.hdf5.storage import UNDEFINED, Storage, damaged, foreign
from attn_cli.text import quote

DATASPACE, LINK_INFO, DATATYPE, LINK, LAYOUT = 1, 2, 3, 6, 8
ATTRIBUTE, CONTINUATION, SYMBOL_TABLE, ATTRIBUTE_INFO = 12, 16, 17, 21
READ = frozenset((1, 2, 3, 6, 8, 12, 16, 17, 21))
# Of no consequence for names, shapes and types: nil, fill values, group info, comment,
# modification times, B-tree K values, driver info, reference count, file space.
IGNORED = frozenset((0, 4, 5, 10, 13, 14, 18, 19, 20, 22, 23))
REFUSED = {
    7: "an array in external storage (other files)",
    11: "a compressed or filtered array",
    15: "a table of shared messages",
}

# What an object has once: of two, libhdf5 goes by the first.
ONCE = frozenset((DATASPACE, LINK_INFO, DATATYPE, LAYOUT, SYMBOL_TABLE, ATTRIBUTE_INFO))

Scalar = str | int | float
Value = Scalar | tuple[Scalar, ...]

_MAX_RANK = 32  # the format's own limit
_INTEGERS = {1: "b", 2: "h", 4: "i", 8: "q"}
_FLOATS = {  # (bytes, bits of the exponent, bits of the mantissa): NumPy's name, struct's letter
    (2, 5, 10): ("float16", "e"),
    (4, 8, 23): ("float32", "f"),
    (8, 11, 52): ("float64", "d"),
    (2, 8, 7): ("bfloat16", ""),
    (1, 4, 3): ("float8_e4m3", ""),
    (1, 5, 2): ("float8_e5m2", ""),
}
_OTHERS = {2: "time", 4: "bitfield", 5: "opaque", 6: "compound", 7: "reference"}
_OTHERS |= {8: "enum", 9: "variable-length", 10: "array", 11: "complex"}


class Datatype(NamedTuple):
    """One element: its name, its bytes, and how an attribute's element is decoded."""

    name: str
    size: int
    layout: str = ""  # struct's format of a number
    is_text: bool = False  # of a fixed length, filled up with NULs


TEXT = "text"  # the name of a string type of variable length; its bytes are in the global heap


def dataspace(data: bytes) -> tuple[int, ...]:
    """The shape (IV.A.2.b)."""
    version, rank = data[0], data[1]
    if version not in (1, 2) or rank > _MAX_RANK:
        raise damaged("the shape of an array is none")
    if version == 2 and data[3] == 2:
        raise foreign("an array or attribute without a value")
    return struct.unpack_from(f"<{rank}Q", data, 8 if version == 1 else 4)


def datatype(data: bytes) -> Datatype:
    """The type of an element (IV.A.2.d)."""
    kind, bits = data[0] & 15, int.from_bytes(data[1:4], "little")
    (size,) = struct.unpack_from("<I", data, 4)
    if not size or not 1 <= data[0] >> 4 <= 5:
        raise damaged("the type of an array is none")
    order = ">" if bits & 1 else "<"
    if kind == 0 and data[8:12] == struct.pack("<HH", 0, 8 * size) and size in _INTEGERS:
        letter = _INTEGERS[size]
        if bits & 8:
            return Datatype(f"int{8 * size}", size, order + letter)
        return Datatype(f"uint{8 * size}", size, order + letter.upper())
    if kind == 1 and not bits & 0x40 and (size, data[13], data[15]) in _FLOATS:
        name, letter = _FLOATS[size, data[13], data[15]]
        return Datatype(name, size, order + letter if letter else "")
    if kind == 3 and bits & 15 < 2:
        return Datatype(f"bytes{8 * size}", size, is_text=True)
    if kind == 8 and size == 1 and bits == 2 and b"FALSE" in data and b"TRUE" in data:
        return Datatype("bool", 1, "?")  # as h5py spells it
    if kind == 9 and size == 16 and bits & 15 == 1:
        return Datatype(TEXT, size)
    if kind not in _OTHERS:
        raise foreign("numbers or texts of an uncommon layout")
    return Datatype(_OTHERS[kind], size)


def check_layout(data: bytes, size: int, file_size: int, name: str) -> None:
    """Refuse an array whose data are not `size` bytes inside the file (IV.A.2.i).

    Without this a file of a kilobyte could claim any number of parameters.
    """
    version, kind = data[0], data[1]
    if not 3 <= version <= 5:
        raise foreign(f"an array in a layout of version {version}")
    if kind > 1:
        raise foreign(f"a {('chunked', 'virtual')[kind != 2]} array ({quote(name)})")
    if kind == 0:
        at, stored = 0, int.from_bytes(data[2:4], "little")
    else:
        at, stored = struct.unpack_from("<QQ", data, 2)
    if not size and at == UNDEFINED:
        return
    if at == UNDEFINED:
        raise foreign(f"an array that was never written ({quote(name)})")
    if stored != size:
        raise damaged(f"the array {quote(name)} has {stored:,} bytes; its shape needs {size:,}")
    if at + stored > file_size:
        raise damaged(f"the array {quote(name)} reaches beyond the end of the file")


def link(data: bytes, storage: Storage) -> tuple[str, int]:
    """The name and address of a new-style group's member (IV.A.2.g)."""
    version, flags = data[0], data[1]
    if version != 1:
        raise damaged("a link is none")
    at = 2 + bool(flags & 8)
    kind = data[2] if flags & 8 else 0
    at += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length = int.from_bytes(data[at : at + width], "little")
    at += width
    name = storage.link_name(data[at : at + length])
    if kind:
        words = {1: "a soft link", 64: "an external link"}.get(kind, "an unknown link")
        raise foreign(f"{words} ({quote(name)})")
    (address,) = struct.unpack_from("<Q", data, at + length)
    return name, address


def require_no_heap(data: bytes, creation_order_bytes: int, what: str) -> None:
    """Refuse links or attributes outside the object header (IV.A.2.c, IV.A.2.v)."""
    (heap,) = struct.unpack_from("<Q", data, 2 + (creation_order_bytes if data[1] & 1 else 0))
    if heap != UNDEFINED:
        raise foreign(f"{what} in a fractal heap")


def attribute(data: bytes, storage: Storage) -> tuple[str, Value]:
    """An attribute's name and value (IV.A.2.m)."""
    version = data[0]
    name_size, type_size, space_size = struct.unpack_from("<HHH", data, 2)
    if not 1 <= version <= 3 or (version > 1 and data[1]):
        raise foreign("an attribute of an unknown version or of a named type")
    round_up = 7 if version == 1 else 0
    at = 9 if version == 3 else 8
    parts = []
    for size in (name_size, type_size, space_size):
        parts.append(data[at : at + size])
        at += size + (-size & round_up)
    name = _text(parts[0].rstrip(b"\0"))
    kind, shape = datatype(parts[1]), dataspace(parts[2])
    if len(shape) > 1:
        raise foreign(f"an attribute of several dimensions ({quote(name)})")
    count = prod(shape)
    if at + count * kind.size > len(data):
        raise damaged(f"the attribute {quote(name)} is cut short")
    charge(count)
    values = _values(data[at : at + count * kind.size], kind, name, storage)
    return name, values if shape else values[0]


def _values(data: bytes, kind: Datatype, name: str, storage: Storage) -> tuple[Scalar, ...]:
    if kind.layout:
        return tuple(value for (value,) in struct.iter_unpack(kind.layout, data))
    if kind.is_text:
        elements = (data[at : at + kind.size] for at in range(0, len(data), kind.size))
        return tuple(_text(element.rstrip(b"\0")) for element in elements)
    if kind.name != TEXT:
        raise foreign(f"an attribute of the type {kind.name} ({quote(name)})")
    texts = []
    for length, heap, index in struct.iter_unpack("<IQI", data):
        texts.append(_text(storage.heap_object(heap, index, length)) if length else "")
    return tuple(texts)


def _text(data: bytes) -> str:
    charge(1 + (memory_of(data) >> 6))
    if b"\0" in data:  # where libhdf5 sees a name end, and h5py a text
        raise damaged("a text holds a NUL")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise damaged("a text is not UTF-8") from None
