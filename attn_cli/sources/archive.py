"""A `.keras` file, which is a zip archive, read in place: nothing is extracted, nothing written.

The archive is read by the rules of PKWARE's APPNOTE (its sections are named), but only as Python's
`zipfile` writes it for Keras: the first member at the first byte, the directory right before the
end record, no comment, members stored (Keras) or deflated (packed anew), no two overlapping. Tools
disagree about archives of any other build, so two of them could see two different models there.
`zipfile` itself accepts those, and builds an object for each of 100,000 members before anything
can be counted.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from attn_cli.account import charge
from attn_cli.errors import BadFile
from attn_cli.files import ByteRange
from attn_cli.sources import json_text
from attn_cli.text import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_MEMBERS = 10_000  # three, and the assets: vocabularies
MAX_DIRECTORY = 4 << 20
MAX_CONFIG = json_text.MAX_BYTES
MAX_INFLATED = 48 << 20  # of deflated weights, which have to be in memory; stored ones do not

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
SIGNATURE = b"PK\x03\x04"
END_SIGNATURE = b"PK\x05\x06"
MAX_COMMENT = 0xFFFF  # between the end record and the end of the file

END = struct.Struct("<4sHHHHIIH")
_END_64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR_64 = struct.Struct("<4sIQI")
_ENTRY = struct.Struct("<4sHHHHIIIIHHHHHII")  # its time and date as one integer
_LOCAL = struct.Struct("<4sHHHIIIIHH")
_NEWEST = 63  # of the versions that a member may need, times ten (4.4.3)
_SATURATED = 0xFFFF_FFFF  # "see the zip64 field"
_ZIP64, _UNICODE_PATH = 1, 0x7075

_STORED, _DEFLATED = 0, 8
CHUNK = 1 << 18  # inflated at once
_ENCRYPTED = 0x2041  # flags 0 (the data), 6 (strongly) and 13 (the headers too)
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ"}


class Archive(NamedTuple):
    """What a `.keras` file holds. The names are the file's own words: show them with care."""

    names: tuple[str, ...]
    config: bytes
    metadata: bytes | None
    weights: ByteRange | None


class _Member(NamedTuple):
    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int  # bytes in the archive
    size: int  # bytes once unpacked
    header: int  # where its local header is
    end: int = 0  # where the next member, or the directory, starts


def read_archive(source: ByteRange) -> Archive:
    """The parts of the `.keras` file in `source`, which must stay open while `weights` is used."""
    if source.size < END.size or source.read(0, 4) != SIGNATURE:
        raise BadFile("this is not a .keras file: it does not begin as a zip archive does")
    start, end, count = _find_directory(source)
    members = _read_directory(source, start, end, count)
    by_name: dict[str, _Member] = {}
    for member in _with_ends(members, start):
        if member.name in by_name:
            raise BadFile(f"the archive holds {quote(member.name)} twice")
        by_name[member.name] = member
    if CONFIG not in by_name:
        raise BadFile(f"the archive holds no {CONFIG}: it is not a .keras file")
    metadata, weights = by_name.get(METADATA), by_name.get(WEIGHTS)
    return Archive(
        names=tuple(member.name for member in members),
        config=_text(source, by_name[CONFIG]),
        metadata=_text(source, metadata) if metadata else None,
        weights=_unpacked(source, weights, MAX_INFLATED) if weights else None,
    )


def _find_directory(source: ByteRange) -> tuple[int, int, int]:
    """Where the central directory starts and ends, and its number of members (4.3.16)."""
    at = source.size - END.size
    mark, disk, first, here, count, size, start, comment = END.unpack(source.read(at, END.size))
    if mark != END_SIGNATURE or comment:
        raise BadFile("the archive is cut short, or something was appended: its end is missing")
    # Python's zipfile takes the other end record where there is one, needed or not.
    if _has_locator(source, at) or count == 0xFFFF or _SATURATED in (size, start):
        at, disk, first, here, count, size, start = _zip64_end(source, at)
    if disk or first or here != count:
        raise BadFile("the archive is one of several parts")
    if not count:
        raise BadFile("this is an empty zip archive")
    if count > MAX_MEMBERS:
        raise BadFile(f"the archive holds {count:,} members; at most {MAX_MEMBERS:,} are read")
    if size > MAX_DIRECTORY:
        raise BadFile(f"the archive's directory takes {size:,} bytes: too much to read")
    extra = at - size - start
    if extra > 0:
        raise BadFile(f"{extra:,} bytes stand in the archive where none belong")
    if extra < 0:
        raise BadFile("the archive is damaged: its directory reaches beyond its end")
    return start, at, count


def _has_locator(source: ByteRange, end: int) -> bool:
    at = end - _LOCATOR_64.size
    return at >= 0 and source.read(at, 4) == b"PK\x06\x07"


def _zip64_end(source: ByteRange, end: int) -> tuple[int, ...]:
    """The end record with 8-byte numbers, before the other at `end` (4.3.14, 4.3.15)."""
    at = end - _LOCATOR_64.size - _END_64.size
    if at >= 0:
        mark, disk, where, _ = _LOCATOR_64.unpack(source.read(at + _END_64.size, _LOCATOR_64.size))
        mark_64, _, _, _, *numbers = _END_64.unpack(source.read(at, _END_64.size))
        if (mark, disk, where, mark_64) == (b"PK\x06\x07", 0, at, b"PK\x06\x06"):
            return at, *numbers
    raise BadFile("the archive is damaged: its zip64 records are missing")


def _read_directory(source: ByteRange, start: int, end: int, count: int) -> list[_Member]:
    """The central directory's entries (4.3.12)."""
    data = source.read(start, end - start)
    members = []
    at = 0
    for _ in range(count):
        if at + _ENTRY.size > len(data):
            break
        (mark, _, needed, flags, method, _, crc, packed, size, *lengths, disk, _, _, header) = (
            _ENTRY.unpack_from(data, at)
        )
        name_end = at + _ENTRY.size + lengths[0]
        raw_name, extra = data[at + _ENTRY.size : name_end], data[name_end : name_end + lengths[1]]
        at = name_end + lengths[1] + lengths[2]
        if mark != b"PK\x01\x02" or at > len(data) or disk:
            raise BadFile("the archive is damaged: its directory is unreadable")
        if needed & 0xFF > _NEWEST:
            raise BadFile(f"the archive needs version {(needed & 0xFF) / 10} of the zip format")
        size, packed, header = _zip64(extra, [size, packed, header])
        name = _name(raw_name, flags)
        _require_one_name(name, extra)
        members.append(_Member(name, raw_name, flags, method, crc, packed, size, header))
    if len(members) != count or at != len(data):
        raise BadFile("the archive is damaged: its directory does not hold what it counts")
    return members


def _name(raw: bytes, flags: int) -> str:
    try:
        # cp437 is a module of its own to import, which Keras' names do not need
        name = raw.decode("utf-8" if flags & 0x800 or raw.isascii() else "cp437")
    except UnicodeDecodeError:
        raise BadFile("the archive is damaged: a member's name is not UTF-8") from None
    if not name or "\0" in name:  # where some readers would see the name end
        raise BadFile("the archive is damaged: a member's name is none")
    return name


def _fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the fields beside a member's entry, each with its kind (4.5.1)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        yield kind, extra[at + 4 : at + 4 + length]
        at += 4 + length


def _require_one_name(name: str, extra: bytes) -> None:
    """Refuse another name in a Unicode path field, which newer Pythons follow (4.6.9)."""
    for kind, data in _fields(extra):
        second = data[5:].decode("utf-8", "replace")  # behind a version and a checksum
        if kind == _UNICODE_PATH and second != name:
            raise BadFile(f"{quote(name)} in the archive has a second name, {quote(second)}")


def _zip64(extra: bytes, values: list[int]) -> list[int]:
    """The sizes and the place of a member, those too large for 4 bytes from `extra` (4.5.3)."""
    if _SATURATED not in values:
        return values
    for kind, field in _fields(extra):
        if kind == _ZIP64:
            large = [value for (value,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8])]
            if len(large) < values.count(_SATURATED):
                break
            return [large.pop(0) if value == _SATURATED else value for value in values]
    raise BadFile("the archive is damaged: a member's zip64 field is missing")


def _with_ends(members: list[_Member], directory: int) -> list[_Member]:
    """The members in the order of the archive, each with the byte before which it has to end."""
    members = sorted(members, key=lambda member: member.header)
    if members and members[0].header:
        raise BadFile(f"{members[0].header:,} bytes stand in the archive where none belong")
    ends = [member.header for member in members[1:]] + [directory]
    for member, end in zip(members, ends, strict=True):
        if member.header + _LOCAL.size + len(member.raw_name) + member.packed > end:
            raise BadFile(f"the archive is damaged: {_overlaps(member)}")
    return [member._replace(end=end) for member, end in zip(members, ends, strict=True)]


def _overlaps(member: _Member) -> str:
    return f"{quote(member.name)} overlaps what follows it"


def _packed(source: ByteRange, member: _Member) -> ByteRange:
    """A member's bytes as they are stored; its local header must repeat the directory (4.3.7)."""
    quoted = quote(member.name)
    if member.flags & _ENCRYPTED:
        raise BadFile(f"{quoted} in the archive is encrypted")
    if member.method not in (_STORED, _DEFLATED):
        how = _METHODS.get(member.method, f"method {member.method}")
        raise BadFile(f"{quoted} in the archive is compressed with {how}; Keras stores it as it is")
    local = _LOCAL.unpack(source.read(member.header, _LOCAL.size))
    mark, _, flags, method, _, crc, packed, size, name_length, extra_length = local
    at = member.header + _LOCAL.size
    name = source.read(at, len(member.raw_name))
    if mark != SIGNATURE or name_length != len(name) or name != member.raw_name:
        raise BadFile(f"the archive is damaged: {quoted} is not where its directory says")
    streamed = flags & 8  # written to a stream: the sizes follow the data
    large = _SATURATED in (packed, size)
    if (flags, method) != (member.flags, member.method) or not (
        streamed or large or (crc, packed, size) == (member.crc, member.packed, member.size)
    ):
        raise BadFile(f"the archive is damaged: it describes {quoted} in two different ways")
    if member.method == _STORED and member.packed != member.size:
        raise BadFile(f"the archive is damaged: {quoted} is stored, but its two sizes differ")
    at += name_length + extra_length
    if at + member.packed > member.end:
        raise BadFile(f"the archive is damaged: {_overlaps(member)}")
    return source.part(at, member.packed)


def _unpacked(source: ByteRange, member: _Member, most: int) -> ByteRange:
    """A member's bytes: in place if it is stored, whatever its size; else inflated and checked."""
    packed = _packed(source, member)
    if member.method == _STORED:
        return packed
    quoted = quote(member.name)
    if max(member.size, member.packed) > most:
        raise BadFile(
            f"{quoted} in the archive unpacks from {member.packed:,} to {member.size:,} bytes; at"
            f" most {most:,} are unpacked. Save the model again: Keras does not compress"
        )
    charge(member.size >> 4)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    result = io.BytesIO()
    try:
        for at in range(0, packed.size, CHUNK):
            chunk = packed.read(at, min(CHUNK, packed.size - at))
            while chunk and result.tell() <= member.size:
                result.write(inflater.decompress(chunk, CHUNK))
                chunk = inflater.unconsumed_tail
        if result.tell() <= member.size:
            result.write(inflater.flush())  # what was held back by the bound of the last piece
    except zlib.error:
        raise BadFile(f"{quoted} in the archive is damaged: it cannot be unpacked") from None
    if result.tell() != member.size or not inflater.eof or inflater.unused_data:
        raise BadFile(f"{quoted} in the archive does not unpack to the size it says")
    _check_crc(result.getbuffer(), member)
    return ByteRange(result, 0, member.size)


def _text(source: ByteRange, member: _Member) -> bytes:
    """A small member's bytes, checked."""
    if member.size > MAX_CONFIG:
        raise BadFile(
            f"{quote(member.name)} in the archive is {member.size:,} bytes long;"
            f" at most {MAX_CONFIG:,} are read"
        )
    data = _unpacked(source, member, MAX_CONFIG).read(0, member.size)
    _check_crc(data, member)
    return data


def _check_crc(data: bytes | memoryview, member: _Member) -> None:
    if zlib.crc32(data) != member.crc:
        raise BadFile(f"{quote(member.name)} in the archive is damaged: its checksum is wrong")
