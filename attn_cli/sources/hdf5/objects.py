"""Groups and datasets, made of the messages in their object headers."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, TypeVar

from attn_cli.account import charge
from attn_cli.sources.hdf5 import messages as m
from attn_cli.sources.hdf5.storage import Storage, damaged, foreign
from attn_cli.text import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from attn_cli.files import ByteRange
    from attn_cli.sources.hdf5.messages import Value

_Messages = list[tuple[int, bytes]]
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Dataset:
    """An array: all but its elements. `dtype` is NumPy's name, or HDF5's word for another type."""

    shape: tuple[int, ...]
    dtype: str
    itemsize: int
    attrs: Mapping[str, Value]


class Group:
    """A group: its attributes, and its members by name or path, which are read when asked for."""

    __slots__ = ("_address", "_attrs", "_links", "_messages", "_path", "_tree")

    def __init__(self, tree: _Tree, address: int, path: _Path, messages: _Messages) -> None:
        self._tree = tree
        self._address = address
        self._path = path
        self._messages = messages
        self._attrs: Mapping[str, Value] | None = None
        self._links: Mapping[str, int] | None = None

    @property
    def attrs(self) -> Mapping[str, Value]:
        """The attributes: text, numbers, or tuples of them."""
        if self._attrs is None:
            self._attrs = self._tree.attributes(self._messages)
        return self._attrs

    def __iter__(self) -> Iterator[str]:
        return iter(self._members())

    def __len__(self) -> int:
        return len(self._members())

    def __contains__(self, path: str) -> bool:
        return self.get(path) is not None

    def __getitem__(self, path: str) -> Node:
        node = self.get(path)
        if node is None:
            raise KeyError(path)
        return node

    def get(self, path: str) -> Node | None:
        """The group or dataset at `path` ("layers/dense/vars/0"), or None."""
        node: Node = self
        for name in path.split("/"):
            if not isinstance(node, Group):
                return None
            address = node._members().get(name)
            if address is None:
                return None
            node = node._tree.open(address, name, node._address, node._path)
        return node

    def items(self) -> Iterator[tuple[str, Node]]:
        """Each member with its name, in the order of the names."""
        for name in self:
            yield name, self[name]

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Everything below with its path, a group before its members."""
        levels = [("", self.items())]
        while levels:
            prefix, members = levels[-1]
            for name, node in members:
                path = prefix + name
                yield path, node
                if isinstance(node, Group):
                    levels.append((path + "/", node.items()))
                    break
            else:
                levels.pop()

    def _members(self) -> Mapping[str, int]:
        if self._links is None:
            self._links = self._tree.links(self._messages)
        return self._links


Node = Group | Dataset


def open_hdf5(source: ByteRange) -> Group:
    """The root group of the HDF5 file in `source`, which must stay open as long as it is used.

    Whatever is wrong, here or later when a member is asked for, is a BadFile.
    """
    storage = Storage(source)
    root = _Tree(storage).open(storage.root_address(), "", 0, _Path(0, True))
    if isinstance(root, Dataset):
        raise damaged("its root is not a group")
    return root


class _Path(NamedTuple):
    """What a path takes that is put together: how many letters, and whether all are ASCII."""

    letters: int
    is_ascii: bool


class _Tree:
    """Opens objects, each under one name only: no loop, and no object counted twice."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._names: dict[int, tuple[str, int]] = {}  # an object's address: its name, its parent

    def open(self, address: int, name: str, parent: int, above: _Path) -> Node:
        """Open an object by its name in a group that has a path."""
        path = _Path(above.letters + 1 + len(name), above.is_ascii and name.isascii())
        charge(4 + (path.letters >> (5 if path.is_ascii else 3)))  # who asks may well keep it
        if self._names.setdefault(address, (name, parent)) != (name, parent):
            raise foreign(f"one object under two names (a hard link, {quote(name)})")
        messages = self._header(address)
        kinds = {kind for kind, _ in messages}
        once = [kind for kind, _ in messages if kind in m.ONCE]
        if len(once) > len(set(once)) or kinds >= {m.SYMBOL_TABLE, m.LINK_INFO}:
            raise damaged(f"the object at byte {address:,} is described twice")
        if m.LAYOUT in kinds:
            return self._dataset(messages, name)
        if m.SYMBOL_TABLE in kinds or m.LINK_INFO in kinds:
            return Group(self, address, path, messages)
        if m.DATATYPE in kinds:
            raise foreign(f"a named type ({quote(name)})")
        raise damaged(f"the object at byte {address:,} is neither a group nor an array")

    def links(self, messages: _Messages) -> Mapping[str, int]:
        """The members of a group: name to address, in the order of the names."""
        links: dict[str, int] = {}
        for kind, data in messages:
            if kind == m.SYMBOL_TABLE:
                found = self.storage.symbol_table(*_decode(_pair, data))
            elif kind == m.LINK:
                found = dict([_decode(m.link, data, self.storage)])
            else:
                if kind == m.LINK_INFO:
                    _decode(m.require_no_heap, data, 8, "links")
                continue
            if links.keys() & found.keys():
                raise damaged("two members of one group have the same name")
            links.update(found)
        return dict(sorted(links.items()))

    def attributes(self, messages: _Messages) -> Mapping[str, Value]:
        """The attributes in the header."""
        attributes: dict[str, Value] = {}
        for kind, data in messages:
            if kind == m.ATTRIBUTE_INFO:
                _decode(m.require_no_heap, data, 2, "attributes")
            elif kind == m.ATTRIBUTE:
                name, value = _decode(m.attribute, data, self.storage)
                if name in attributes:
                    raise damaged(f"two attributes of one object are called {quote(name)}")
                attributes[name] = value
        return attributes

    def _dataset(self, messages: _Messages, name: str) -> Dataset:
        by_kind = dict(messages)
        if not by_kind.keys() >= {m.DATASPACE, m.DATATYPE}:
            raise damaged(f"the array {quote(name)} has no shape or type")
        shape = _decode(m.dataspace, by_kind[m.DATASPACE])
        kind = _decode(m.datatype, by_kind[m.DATATYPE])
        size = prod(shape) * kind.size
        _decode(m.check_layout, by_kind[m.LAYOUT], size, self.storage.size, name)
        attributes = self.attributes(messages)
        dtype = kind.name
        if dtype == "opaque" and isinstance(noted := attributes.get("dtype"), str):
            dtype = noted  # HDF5 has no bfloat16: Keras notes it beside two opaque bytes
        return Dataset(shape, dtype, kind.size, attributes)

    def _header(self, address: int) -> _Messages:
        """The messages of an object header, those continued elsewhere too (IV.A.1)."""
        read, what = self.storage.read, "object header"
        prefix = read(address, 16, what)
        new = prefix.startswith(b"OHDR")
        if new:
            version, flags = prefix[4], prefix[5]
            at = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
            width = 1 << (flags & 3)
            length = int.from_bytes(read(at, width, what), "little")
            at += width
            layout = struct.Struct("<BHB2x" if flags & 4 else "<BHB")
        else:
            version, at = prefix[0], address + 16
            length = int.from_bytes(prefix[8:12], "little")
            layout = struct.Struct("<HHB3x")
        if version != 1 + new:
            raise damaged(f"there is no {what} at byte {address:,}")
        messages: _Messages = []
        blocks = {at: length}
        todo = [(at, length)]
        while todo:
            at, length = todo.pop()
            charge(length >> 2)  # a message has four bytes or more
            for kind, data in _messages(read(at, length, what), layout):
                if kind != m.CONTINUATION:
                    messages.append((kind, data))
                    continue
                at, length = _decode(_pair, data)
                if new:  # with a signature and a checksum around
                    if length < 8 or read(at, 4, what) != b"OCHK":
                        raise damaged(f"there is no continuation of a header at byte {at:,}")
                    at, length = at + 4, length - 8
                if at in blocks:
                    raise damaged(f"the header at byte {address:,} continues in circles")
                blocks[at] = length
                todo.append((at, length))
        return messages


def _messages(block: bytes, layout: struct.Struct) -> Iterator[tuple[int, bytes]]:
    """The messages in one block of an object header, those of no consequence left out."""
    at = 0
    while at + layout.size <= len(block):
        kind, size, flags = layout.unpack_from(block, at)
        at += layout.size + size
        if at > len(block):
            raise damaged("a message is longer than its object header")
        if kind in m.IGNORED:
            continue
        if kind not in m.READ:
            raise foreign(m.REFUSED.get(kind, f"a header message of type {kind}"))
        if flags & 2:
            raise foreign("a shared message (a named type)")
        yield kind, block[at - size : at]


def _pair(data: bytes) -> tuple[int, int]:
    first, second = struct.unpack_from("<QQ", data)
    return first, second


def _decode(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call `function`; a message too short for what it says is damage like any other."""
    try:
        return function(*args, **kwargs)
    except (struct.error, IndexError):
        raise damaged("a message of an object header is cut short") from None
