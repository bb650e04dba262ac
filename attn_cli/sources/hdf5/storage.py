"""Charged reads, and the structures between the bytes and the objects (sections II and III)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from attn_cli.account import charge, memory_of
from attn_cli.errors import BadFile
from attn_cli.sources import json_text
from attn_cli.text import quote

if TYPE_CHECKING:
    from attn_cli.files import ByteRange

MAX_BLOCK = json_text.MAX_BYTES  # read at once; the largest that should be is a configuration
MAX_NAME = 1024

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = 0xFFFF_FFFF_FFFF_FFFF

_TREE = struct.Struct("<4sBBHQQ")  # signature, type, level, entries, siblings
_LOCAL_HEAP = struct.Struct("<4sB3xQQQ")  # signature, version, size, free list, address
_NODE = struct.Struct("<4sBxH")  # signature, version, symbols
_SYMBOL = struct.Struct("<QQI20x")  # offset of the name, object header, cache type
_COLLECTION = struct.Struct("<4sB3xQ")  # signature, version, size
_HEAP_OBJECT = struct.Struct("<HH4xQ")  # index, references, size


def damaged(what: str) -> BadFile:
    """The refusal of a file that contradicts the format, or itself."""
    return BadFile(f"the HDF5 data are damaged: {what}")


def foreign(what: str) -> BadFile:
    """The refusal of what the format allows and Keras does not write."""
    return BadFile(f"the HDF5 data hold {what}, which Keras never writes")


def beyond(what: str) -> BadFile:
    """The refusal of what would take too much time or memory."""
    return BadFile(f"the HDF5 data hold {what}: too much to read")


class Storage:
    """The bytes of one HDF5 file; every read is checked and charged."""

    def __init__(self, source: ByteRange) -> None:
        self._source = source
        self.size = source.size
        self._heaps: dict[int, dict[int, tuple[int, int]]] = {}

    def read(self, at: int, length: int, what: str) -> bytes:
        """The `length` bytes of a `what` at the address `at`."""
        if at + length > self.size:
            raise damaged(f"the {what} at byte {at:,} points outside the file")
        if length > MAX_BLOCK:
            raise beyond(f"{length:,} bytes in one {what}")
        charge(1 + (length >> 6))
        return self._source.read(at, length)

    def root_address(self) -> int:
        """The address of the root group's object header, from the superblock (II.A)."""
        data = self.read(0, min(self.size, 96), "superblock")
        if not data.startswith(SIGNATURE):
            raise BadFile("this is not an HDF5 file: it does not begin with HDF5's signature")
        if len(data) < 96:  # no version is longer, and no file with a root group is shorter
            raise damaged(f"the file ends after {len(data)} bytes")
        version = data[8]
        if version > 3:
            raise foreign(f"a superblock of version {version}")
        old = version < 2
        if (data[13:15] if old else data[9:11]) != b"\x08\x08":
            raise foreign("addresses or lengths of other than 8 bytes")
        start = 24 + 4 * version if old else 12
        base, _, end, last = struct.unpack_from("<4Q", data, start)
        if base:
            raise foreign("a user block")
        if end > self.size:
            raise damaged(f"the file is cut short: {self.size:,} of its {end:,} bytes are there")
        if not old:
            return int(last)
        if last != UNDEFINED:
            raise foreign("a driver block")
        return int.from_bytes(data[start + 40 : start + 48], "little")

    def symbol_table(self, tree: int, heap: int) -> dict[str, int]:
        """The links of an old-style group: a B-tree of symbol table nodes (III.A.1, III.B)."""
        names = self._local_heap(heap)
        links: dict[str, int] = {}
        met = set()
        todo = [(tree, -1)]
        while todo:
            at, level = todo.pop()
            if at in met:
                raise damaged(f"the group's B-tree at byte {tree:,} runs in circles")
            met.add(at)
            if level == 0:
                self._symbols(at, names, links)
            else:
                level, children = self._tree_node(at, level)
                todo += [(child, level) for child in children]
        return dict(sorted(links.items()))

    def _tree_node(self, at: int, expected: int) -> tuple[int, list[int]]:
        """The level of a B-tree's node, which for the root is not known before, and its children.

        The level of a node is here the distance to the symbol tables, one more than on disk."""
        signature, kind, level, used, _, _ = _TREE.unpack(self.read(at, _TREE.size, "B-tree"))
        if signature != b"TREE" or kind or expected not in (-1, level + 1):
            raise damaged(f"there is no group's B-tree at byte {at:,}")
        pairs = self.read(at + _TREE.size, 16 * used, "B-tree")  # a key, a child, a key, ...
        return level, [child for _, child in struct.iter_unpack("<QQ", pairs)]

    def _symbols(self, at: int, names: bytes, links: dict[str, int]) -> None:
        """Add a symbol table node's links to `links` (III.B, III.C)."""
        signature, version, count = _NODE.unpack(self.read(at, _NODE.size, "symbol table"))
        if signature != b"SNOD" or version != 1:
            raise damaged(f"there is no symbol table at byte {at:,}")
        entries = self.read(at + _NODE.size, _SYMBOL.size * count, "symbol table")
        for offset, address, cache in _SYMBOL.iter_unpack(entries):
            end = names.find(b"\0", offset, offset + MAX_NAME + 1)
            if end < 0:
                raise damaged(f"a name of the symbol table at byte {at:,} has no end")
            name = self.link_name(names[offset:end])
            if cache == 2:
                raise foreign(f"a soft link ({quote(name)})")
            if name in links:
                raise damaged(f"two members of one group are called {quote(name)}")
            links[name] = address

    def _local_heap(self, at: int) -> bytes:
        """The names of an old-style group (III.D)."""
        data = self.read(at, _LOCAL_HEAP.size, "local heap")
        signature, version, size, _, address = _LOCAL_HEAP.unpack(data)
        if signature != b"HEAP" or version:
            raise damaged(f"there is no local heap at byte {at:,}")
        return self.read(address, size, "local heap")

    def link_name(self, raw: bytes) -> str:
        """The text of a link's name."""
        charge(1 + (memory_of(raw) >> 6))
        if not 0 < len(raw) <= MAX_NAME or raw == b"." or b"/" in raw or b"\0" in raw:
            raise damaged("a member's name is none")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise damaged("a member's name is not UTF-8 text") from None

    def heap_object(self, at: int, index: int, length: int) -> bytes:
        """The first `length` bytes of an object in the global heap collection at `at` (III.E)."""
        if at not in self._heaps:
            self._heaps[at] = self._collection(at)
        start, size = self._heaps[at].get(index, (0, -1))
        if length > size:
            raise damaged(f"the global heap at byte {at:,} has no text of number {index:,}")
        return self.read(start, length, "text")

    def _collection(self, at: int) -> dict[int, tuple[int, int]]:
        """Where each object of a global heap collection is, by its number."""
        what = "global heap"
        signature, version, size = _COLLECTION.unpack(self.read(at, _COLLECTION.size, what))
        if signature != b"GCOL" or version != 1:
            raise damaged(f"there is no {what} at byte {at:,}")
        if at + size > self.size:
            raise damaged(f"the {what} at byte {at:,} reaches beyond the end of the file")
        objects: dict[int, tuple[int, int]] = {}
        end = at + size
        at += _COLLECTION.size
        while at + _HEAP_OBJECT.size <= end:
            charge(2)  # besides what it takes to read it
            index, _, size = _HEAP_OBJECT.unpack(self.read(at, _HEAP_OBJECT.size, what))
            at += _HEAP_OBJECT.size
            if not index:  # the free space, which is last
                break
            if index in objects or at + size > end:
                raise damaged(f"the texts of the {what} at byte {at:,} overlap")
            objects[index] = at, size
            at += size + -size % 8
        return objects
