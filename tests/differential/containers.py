"""Files that hold two models, put together in ways in which who reads them may take either."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, NamedTuple

import h5py

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

NAMES = ("model.keras", "model.keras", "model.h5", "model.hdf5", "model", "model.zip")
CONFIG = "config.json"


class Saved(NamedTuple):
    """A model, in both formats."""

    archive: bytes
    hdf5: bytes


def members(data: bytes) -> list[tuple[zipfile.ZipInfo, bytes]]:
    """Return the members of an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(zipfile.ZipInfo(name), archive.read(name)) for name in archive.namelist()]


def written(found: list[tuple[zipfile.ZipInfo, bytes]], comment: bytes = b"") -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as archive:
        warnings.simplefilter("ignore")  # of a name that is there already
        for info, data in found:
            archive.writestr(info, data)
        archive.comment = comment
    return stream.getvalue()


def behind_user_block(hdf5: bytes, size: int, front: bytes) -> bytes:
    """Return an HDF5 file, whose addresses are counted from a superblock further on."""
    stream = io.BytesIO()
    with h5py.File(io.BytesIO(hdf5)) as file, h5py.File(stream, "w", userblock_size=size) as made:
        for name, value in file.attrs.items():
            made.attrs[name] = value
        for name in file:
            file.copy(name, made)
    return front[:size].ljust(size, b"\0") + stream.getvalue()[size:]


def packed(mine: Saved, other: Saved, drawn: random.Random) -> bytes:
    """Return an archive that is packed in another way."""
    found = members(mine.archive)
    theirs = {info.filename: data for info, data in members(other.archive)}
    match drawn.randrange(8):
        case 0:
            drawn.shuffle(found)
        case 1:
            method = drawn.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
            for info, _ in found:
                info.compress_type = method
        case 2:
            name = drawn.choice(
                [CONFIG, "CONFIG.JSON", "./config.json", ".\\config.json", "config.json\0x", "x/"]
            )
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            found.insert(drawn.randrange(len(found) + 1), (info, theirs[CONFIG]))
        case 3:
            name, again = drawn.choice([("notes.txt", b"config.json"), (CONFIG, b"notes.txt")])
            found = [each for each in found if name != CONFIG or each[0].filename != CONFIG]
            info = zipfile.ZipInfo(name)
            crc = drawn.choice([zlib.crc32(name.encode()), 0])
            info.extra = struct.pack("<HHBL", 0x7075, 5 + len(again), 1, crc) + again
            found.append((info, theirs[CONFIG]))
        case 4:
            info = zipfile.ZipInfo("notes.txt")
            info.extra = drawn.choice(
                [struct.pack("<HHQ", 1, 8, 3), b"\1\0", b"\xff\xff\x10\0x", b"ux\x00\x00"]
            )
            found.insert(drawn.randrange(len(found) + 1), (info, theirs[CONFIG]))
        case 5:
            return written(found, drawn.choice([b"note", other.archive[-22:], b"PK\x05\x06"]))
        case 6:
            found[drawn.randrange(len(found))][0].external_attr = drawn.getrandbits(32)
    data = written(found)
    if drawn.random() < 0.2:  # a name that differs between the local header and the directory
        place = (
            data.rindex(CONFIG.encode()) if drawn.random() < 0.5 else data.index(CONFIG.encode())
        )
        data = data[:place] + b"c0nfig.json" + data[place + len(CONFIG) :]
    return data


def joined(mine: Saved, other: Saved, drawn: random.Random) -> bytes:
    """Return two files in one."""
    size = 1 << drawn.randrange(9, 15)
    zips = packed(mine, other, drawn) if drawn.random() < 0.5 else mine.archive
    kinds: list[Callable[[], bytes]] = [
        lambda: other.hdf5 + zips,
        lambda: zips + other.hdf5,
        lambda: zips + other.archive,
        lambda: mine.hdf5 + other.hdf5,
        lambda: behind_user_block(other.hdf5, size, zips),
        lambda: behind_user_block(other.hdf5, size, b""),
        lambda: behind_user_block(other.hdf5, size, b"") + zips,
        lambda: with_hidden(mine, other),
        lambda: b"#!/bin/sh\n" + zips,
        lambda: zips + b"\0" * drawn.randrange(1, 40),
        lambda: mine.hdf5 + b"\0" * drawn.randrange(1, 40),
    ]
    return drawn.choice(kinds)()


def with_hidden(mine: Saved, other: Saved) -> bytes:
    """Return an archive with a member that begins where h5py looks for HDF5."""
    start = mine.archive.index(b"PK\x01\x02") + 30 + len("f")
    size = 1 << start.bit_length()
    hidden = behind_user_block(other.hdf5, size, b"")[start:]
    return written([*members(mine.archive), (zipfile.ZipInfo("f"), hidden)])


def drawn_files(
    one: Saved, two: Saved, drawn: random.Random, count: int
) -> Iterator[tuple[str, bytes]]:
    """Yield names, and what stands in the files."""
    for _ in range(count):
        mine, other = drawn.sample([one, two], 2)
        data = packed(mine, other, drawn) if drawn.random() < 0.4 else joined(mine, other, drawn)
        yield drawn.choice(NAMES), data
