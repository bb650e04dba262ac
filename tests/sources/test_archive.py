"""The archive reader against zipfile on the same files, and against files made to harm it."""

from __future__ import annotations

import io
import os
import random
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from attn_cli.errors import BadFile
from attn_cli.files import ByteRange, open_file
from attn_cli.sources import archive
from attn_cli.sources.archive import Archive, read_archive
from attn_cli.sources.hdf5 import Dataset, open_hdf5

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONFIG = b'{"class_name": "Functional"}'
METADATA = b'{"keras_version": "3.15.1"}'


def weights() -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((200, 300), "f4")
    return stream.getvalue()


WEIGHTS = weights()
MEMBERS = {"metadata.json": METADATA, "config.json": CONFIG, "model.weights.h5": WEIGHTS}


def packed(
    members: dict[str, bytes] | list[tuple[str, bytes]] = MEMBERS,
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    """A zip archive as zipfile writes it for Keras."""
    stream = io.BytesIO()
    pairs = members.items() if isinstance(members, dict) else members
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, data in pairs:
            file.writestr(name, data)
    return stream.getvalue()


def read(data: bytes) -> Archive:
    return read_archive(ByteRange(io.BytesIO(data), 0, len(data)))


def contents(source: ByteRange | None) -> bytes | None:
    return source.read(0, source.size) if source else None


GOOD = packed()


# What Keras writes, and what else is as good


def test_what_keras_saves(keras: Any, tmp_path: Path) -> None:
    """A model that Keras saved: the parts are those that zipfile finds, the weights in place."""
    path = tmp_path / "model.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(path)
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
        offset = file.getinfo("model.weights.h5").header_offset
    with open_file(path) as source:
        found = read_archive(source)
        assert found.names == tuple(members)
        assert found.config == members["config.json"]
        assert found.metadata == members["metadata.json"]
        assert contents(found.weights) == members["model.weights.h5"]
        assert found.weights is not None
        assert found.weights.stream is source.stream
        assert found.weights.start > offset
        kernel = open_hdf5(found.weights)["layers/dense/vars/0"]
        assert kernel == Dataset((4, 3), "float32", 4, {})


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_stored_and_deflated_members_give_the_same_bytes(compression: int) -> None:
    """Packing a model anew with compression changes nothing of what is read."""
    found = read(packed(compression=compression))
    assert (found.config, found.metadata) == (CONFIG, METADATA)
    assert contents(found.weights) == WEIGHTS


@pytest.mark.parametrize("rest", [0, 1, 100, 257, 258, 259, 515, 700])
def test_deflated_members_are_read_to_their_last_byte(rest: int) -> None:
    """Whatever zlib holds back when the packed bytes have ended."""
    for size in (archive.CHUNK + rest, 2 * archive.CHUNK - rest):
        data = MEMBERS | {"model.weights.h5": bytes(size)}
        assert contents(read(packed(data, zipfile.ZIP_DEFLATED)).weights) == bytes(size)


def test_metadata_weights_and_order_are_free() -> None:
    """Only config.json has to be there; names in other scripts and folders are just names."""
    names = ["assets/größe.txt", "assets/", "config.json", "../../etc/passwd", "C:\\evil", "/root"]
    found = read(packed([(name, CONFIG) for name in names]))
    assert (found.names, found.metadata, found.weights) == (tuple(names), None, None)


def test_a_stream_without_seeking_writes_sizes_after_the_data() -> None:
    """Archives that were written to a pipe or a cloud bucket are read by their directory."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: Any) -> int:
            raise OSError

        def tell(self) -> int:
            raise OSError

    stream = Pipe()
    with zipfile.ZipFile(stream, "w") as file:
        for name, data in MEMBERS.items():
            file.writestr(name, data)
    assert contents(read(stream.getvalue()).weights) == WEIGHTS


def test_zip64_members() -> None:
    """A member that its writer reserved 8-byte sizes for, as Keras does for large weights."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, data in MEMBERS.items():
            with file.open(name, "w", force_zip64=True) as member:
                member.write(data)
    assert contents(read(stream.getvalue()).weights) == WEIGHTS


def large(path: Path, hole: int) -> None:
    """A model whose weights take more than 4 GiB, nearly all of it a hole in the file."""
    entry = struct.Struct("<4sHHHHIIIIHHHHHII")
    local = struct.Struct("<4sHHHIIIIHH")
    full = 0xFFFFFFFF
    with path.open("wb") as file:
        directory = b""
        members = [("config.json", CONFIG), ("model.weights.h5", b""), ("metadata.json", METADATA)]
        for name, data in members:
            at, raw = file.tell(), name.encode()
            size = len(data) or hole
            crc = zlib.crc32(data)
            wide = struct.pack("<HHQQ", 1, 16, size, size)
            file.write(local.pack(b"PK\x03\x04", 45, 0, 0, 0, crc, full, full, len(raw), len(wide)))
            file.write(raw + wide + data)
            if not data:
                file.seek(hole, os.SEEK_CUR)
            wide = struct.pack("<HHIHHQQQ", 0x5455, 4, 0, 1, 24, size, size, at)
            directory += entry.pack(
                *(b"PK\x01\x02", 45, 45, 0, 0, 0, crc, full, full, len(raw), len(wide)),
                *(0, 0, 0, 0, full),
            )
            directory += raw + wide
        start = file.tell()
        file.write(directory)
        end = file.tell()
        numbers = (44, 45, 45, 0, 0, 3, 3, len(directory), start)
        file.write(struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", *numbers))
        file.write(struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1))
        file.write(struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 3, 3, full, full, 0))


def test_a_model_above_4_gib_is_read_in_place(tmp_path: Path) -> None:
    """Sizes and places beyond 4 bytes; zipfile, as the oracle, sees the same."""
    path = tmp_path / "large.keras"
    large(path, 5 << 30)
    with zipfile.ZipFile(path) as file:
        assert file.read("metadata.json") == METADATA
        assert file.getinfo("model.weights.h5").file_size == 5 << 30
    with open_file(path) as source:
        found = read_archive(source)
        assert (found.config, found.metadata) == (CONFIG, METADATA)
        assert found.weights is not None
        assert found.weights.size == 5 << 30


# Bad archives: each with its line


def patched(data: bytes, at: int, change: bytes) -> bytes:
    return data[:at] + change + data[at + len(change) :]


def entry_of(data: bytes, name: str) -> int:
    """Where the central directory's entry of a member starts."""
    return data.rindex(name.encode()) - 46


def header_of(data: bytes, name: str) -> int:
    """Where the local header of a member starts."""
    return data.index(name.encode()) - 30


def in_both(name: str, offset: int, change: bytes, data: bytes = GOOD) -> bytes:
    """Change a field in a member's local header and, two bytes on, in the directory's entry."""
    data = patched(data, header_of(data, name) + offset, change)
    return patched(data, entry_of(data, name) + offset + 2, change)


def many(count: int) -> bytes:
    return packed([("config.json", CONFIG), *((f"{i}", b"") for i in range(count))])


def overlapping() -> bytes:
    """Two members that share their bytes: the directory names one place twice."""
    place = struct.pack("<I", header_of(GOOD, "metadata.json"))
    return patched(GOOD, entry_of(GOOD, "config.json") + 42, place)


def encrypted() -> bytes:
    return in_both("config.json", 6, b"\x01\x00")


def moved_directory() -> bytes:
    return patched(GOOD, len(GOOD) - 6, struct.pack("<I", len(GOOD)))


def prepended() -> bytes:
    """An archive behind eight bytes that pretend to be its beginning; all addresses are right."""
    stream = io.BytesIO(b"PK\x03\x04junk")
    with zipfile.ZipFile(stream, "a") as file:
        for name, data in MEMBERS.items():
            file.writestr(name, data)
    return stream.getvalue()


def zip64_too_short() -> bytes:
    """A member whose size is said to be in an extra field, which holds four bytes of it."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        info = zipfile.ZipInfo("config.json")
        info.extra = struct.pack("<HHI", 7, 4, 0)
        file.writestr(info, CONFIG)
    data = stream.getvalue()
    entry = entry_of(data, "config.json")
    data = patched(data, entry + 24, b"\xff" * 4)
    return patched(data, entry + 46 + len("config.json"), b"\x01\x00")


def comment() -> bytes:
    stream = io.BytesIO(GOOD)
    with zipfile.ZipFile(stream, "a") as file:
        file.comment = b"hello"
    return stream.getvalue()


def deflated(name: str, size: int) -> bytes:
    """A deflate bomb: `size` zeros in a thousandth of the bytes."""
    return packed(MEMBERS | {name: bytes(size)}, zipfile.ZIP_DEFLATED)


def forged(name: str, field: int, value: int, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A member whose checksum (14), packed size (18) or size (22) is not the true one."""
    return in_both(name, field, struct.pack("<I", value), packed(compression=compression))


def padded_deflate(size: int) -> bytes:
    """Weights of one byte, that a reader has to go through many empty blocks to find."""
    stream = b"\0\0\0\xff\xff" * (size // 5) + b"\1\1\0\xfe\xffx"
    stream = stream.ljust(size + 1, b"\0")
    data = packed(MEMBERS | {"model.weights.h5": stream})
    sizes = struct.pack("<III", zlib.crc32(b"x"), len(stream), 1)
    data = in_both("model.weights.h5", 14, sizes, data)
    return in_both("model.weights.h5", 8, b"\x08\x00", data)


SPLIT = b"\x01\x00"
PACKED = len(zlib.compress(CONFIG)) - 6

BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "text": (lambda: b"hello, world\n" * 9, "this is not a .keras file: it does not begin as a"),
    "a few bytes": (lambda: b"PK", "this is not a .keras file: it does not begin as a zip"),
    "HDF5": (lambda: WEIGHTS, "this is not a .keras file: it does not begin as a"),
    "empty archive": (lambda: packed({}), "this is not a .keras file: it does not begin"),
    "no config": (
        lambda: packed({"metadata.json": METADATA}),
        "the archive holds no config.json: it is not a .keras file",
    ),
    "cut in the weights": (lambda: GOOD[:2000], "the archive is cut short, or something was"),
    "cut in the directory": (lambda: GOOD[:-60], "the archive is cut short, or something was"),
    "last byte missing": (lambda: GOOD[:-1], "the archive is cut short, or something was"),
    "cut inside": (lambda: GOOD[:100] + GOOD[200:], "its directory reaches beyond its end"),
    "appended": (lambda: GOOD + b"\n", "the archive is cut short, or something was appended"),
    "comment": (comment, "the archive is cut short, or something was appended"),
    "prepended": (lambda: b"#!/bin/sh\n" + GOOD, "this is not a .keras file"),
    "prepended archive": (
        lambda: GOOD + GOOD,
        f"{len(GOOD):,} bytes stand in the archive where none",
    ),
    "prepended, and all addresses right": (
        prepended,
        "8 bytes stand in the archive where none belong",
    ),
    "several parts": (
        lambda: patched(GOOD, len(GOOD) - 18, SPLIT),
        "the archive is one of several parts",
    ),
    "directory elsewhere": (moved_directory, "its directory reaches beyond its end"),
    "fewer members": (
        lambda: patched(GOOD, len(GOOD) - 14, b"\x02\x00\x02\x00"),
        "its directory does not hold what it counts",
    ),
    "more members": (
        lambda: patched(GOOD, len(GOOD) - 14, b"\x04\x00\x04\x00"),
        "its directory does not hold what it counts",
    ),
    "a version of the future": (
        lambda: patched(GOOD, entry_of(GOOD, "config.json") + 6, b"\xff"),
        "the archive needs version 25.5 of the zip format",
    ),
    "zip64 missing": (
        lambda: patched(GOOD, len(GOOD) - 10, b"\xff" * 4),
        "its zip64 records are missing",
    ),
    "zip64 without room for it": (
        lambda: b"PK\x03\x04" + patched(packed({}), 10, b"\xff\xff"),
        "its zip64 records are missing",
    ),
    "zip64 field too short": (zip64_too_short, "a member's zip64 field is missing"),
    "zip64 field missing": (
        lambda: patched(GOOD, entry_of(GOOD, "config.json") + 24, b"\xff" * 4),
        "a member's zip64 field is missing",
    ),
    "entry missing": (
        lambda: patched(GOOD, entry_of(GOOD, "config.json"), b"NO"),
        "its directory is unreadable",
    ),
    "name with NUL": (
        lambda: GOOD.replace(b"config.json", b"config\0json"),
        "a member's name is none",
    ),
    "name not UTF-8": (
        lambda: patched(
            packed({"größe": b""}), entry_of(packed({"größe": b""}), "gr") + 48, b"\xff"
        ),
        "a member's name is not UTF-8",
    ),
    "encrypted": (encrypted, "'config.json' in the archive is encrypted"),
    "LZMA": (
        lambda: packed(compression=zipfile.ZIP_LZMA),
        "'config.json' in the archive is compressed with LZMA; Keras stores it as it is",
    ),
    "bzip2": (
        lambda: packed(compression=zipfile.ZIP_BZIP2),
        "'config.json' in the archive is compressed with bzip2",
    ),
    "an unknown method": (
        lambda: in_both("config.json", 8, b"\x63\x00"),
        "'config.json' in the archive is compressed with method 99",
    ),
    "two headers": (
        lambda: patched(GOOD, header_of(GOOD, "config.json") + 22, b"\x01"),
        "the archive is damaged: it describes 'config.json' in two different ways",
    ),
    "another name": (
        lambda: patched(GOOD, header_of(GOOD, "config.json") + 30, b"C"),
        "the archive is damaged: 'config.json' is not where its directory says",
    ),
    "a long name in its header": (
        lambda: patched(GOOD, header_of(GOOD, "model.weights.h5") + 26, b"\xff\xff"),
        "the archive is damaged: 'model.weights.h5' is not where its directory says",
    ),
    "a long extra field in its header": (
        lambda: patched(GOOD, header_of(GOOD, "config.json") + 28, b"\x01\x00"),
        "the archive is damaged: 'config.json' overlaps what follows it",
    ),
    "bad checksum": (
        lambda: GOOD.replace(b"Functional", b"functional"),
        "'config.json' in the archive is damaged: its checksum is wrong",
    ),
    "bad checksum, deflated": (
        lambda: forged("config.json", 14, 7),
        "'config.json' in the archive is damaged: its checksum is wrong",
    ),
    "bad checksum of deflated weights": (
        lambda: forged("model.weights.h5", 14, 7),
        "'model.weights.h5' in the archive is damaged: its checksum is wrong",
    ),
    "a stored size too small": (
        lambda: forged("config.json", 22, 5, zipfile.ZIP_STORED),
        "'config.json' is stored, but its two sizes differ",
    ),
    "a stored size too large": (
        lambda: in_both("config.json", 18, struct.pack("<II", 500, 500)),
        "the archive is damaged: 'config.json' overlaps what follows it",
    ),
    "a last size too large": (
        lambda: in_both("model.weights.h5", 18, struct.pack("<II", 1 << 30, 1 << 30)),
        "the archive is damaged: 'model.weights.h5' overlaps what follows it",
    ),
    "a deflated size too small": (
        lambda: forged("config.json", 22, 5),
        "'config.json' in the archive does not unpack to the size it says",
    ),
    "a deflated size too large": (
        lambda: forged("config.json", 22, 50),
        "'config.json' in the archive does not unpack to the size it says",
    ),
    "no deflated data": (
        lambda: packed(compression=zipfile.ZIP_DEFLATED).replace(
            zlib.compress(CONFIG)[2:-4], b"\xff" * PACKED
        ),
        "'config.json' in the archive is damaged: it cannot be unpacked",
    ),
    "config bomb": (
        lambda: deflated("config.json", 100 << 20),
        "'config.json' in the archive is 104,857,600 bytes long; at most 50,331,648 are read",
    ),
    "large config": (
        lambda: packed(MEMBERS | {"config.json": bytes(49 << 20)}),
        "'config.json' in the archive is 51,380,224 bytes long; at most 50,331,648 are read",
    ),
    "weights bomb": (
        lambda: deflated("model.weights.h5", 100 << 20),
        " to 104,857,600 bytes; at most 50,331,648 are unpacked. Save the model again",
    ),
    "weights bomb that denies it": (
        lambda: in_both(
            "model.weights.h5", 22, struct.pack("<I", 999), deflated("model.weights.h5", 99 << 20)
        ),
        "'model.weights.h5' in the archive does not unpack to the size it says",
    ),
    "weights of nothing": (
        lambda: padded_deflate(49 << 20),
        "'model.weights.h5' in the archive unpacks from 51,380,226 to 1 bytes; at most 50,331,648",
    ),
    "overlapping": (overlapping, "the archive is damaged: "),
    "10,001 members": (lambda: many(10_000), "the archive holds 10,001 members; at most 10,000"),
    "a large directory": (
        lambda: packed([("x" * 65_000 + f"{i}", b"") for i in range(99)]),
        "the archive's directory takes 6,439,742 bytes: too much to read",
    ),
    "a long name": (
        lambda: packed([("\x1b[31m" + "x" * 999, b"")] * 2),
        "the archive holds '\\x1b[31m" + "x" * 54 + "…' twice",
    ),
}


LARGE = ("config bomb", "weights bomb", "weights bomb that denies it", "weights of nothing")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE)) for name in BAD]
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_bad_archives_are_refused_with_their_line(name: str) -> None:
    """Each bad archive is told in one line that says what is wrong."""
    build, line = BAD[name]
    with pytest.raises(BadFile) as refusal:
        read(build())
    assert line in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 200


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", MEMBERS)
def test_doubled_members_are_refused(name: str) -> None:
    """Of two members with one name, two readers could take one each."""
    with pytest.raises(BadFile, match=f"the archive holds '{name}' twice"):
        read(packed([*MEMBERS.items(), (name, b"{}")]))


@pytest.mark.slow
def test_100_000_members_cost_one_read_of_the_end() -> None:
    """The members are counted before any is looked at."""

    class Watched(ByteRange):
        total = 0

        def read(self, at: int, length: int) -> bytes:
            self.total += length
            return super().read(at, length)

    data = many(70_000)
    source = Watched(io.BytesIO(data), 0, len(data))
    with pytest.raises(BadFile, match="70,001 members"):
        read_archive(source)
    assert source.total < 200


def test_a_bomb_is_not_inflated_beyond_what_it_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inflation stops one piece after the declared size."""
    written = []

    class Buffer(io.BytesIO):
        def write(self, data: Any) -> int:
            written.append(len(data))
            return super().write(data)

    data = deflated("model.weights.h5", 99 << 20)
    data = in_both("model.weights.h5", 22, struct.pack("<I", 999), data)
    source = ByteRange(io.BytesIO(data), 0, len(data))
    monkeypatch.setattr(io, "BytesIO", Buffer)
    with pytest.raises(BadFile, match="does not unpack to the size it says"):
        read_archive(source)
    assert sum(written) < 1 << 20


# Any damage at all


def mutants(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Bytes changed, integers made extreme, pieces copied elsewhere, ends cut off."""
    dice = random.Random(seed)
    for _ in range(count):
        mutant = bytearray(data)
        for _ in range(dice.choice((1, 1, 2, 4))):
            at = dice.randrange(len(mutant))
            width = dice.choice((1, 2, 4, 8))
            match dice.randrange(4):
                case 0:
                    mutant[at] ^= 1 << dice.randrange(8)
                case 1:
                    value = dice.choice((0, 1, 0xFFFF, (1 << 32) - 1, (1 << 64) - 1, len(data)))
                    value &= (1 << 8 * width) - 1
                    mutant[at : at + width] = value.to_bytes(width, "little")
                case 2:
                    other = dice.randrange(len(mutant))
                    mutant[at : at + 8 * width] = mutant[other : other + 8 * width]
                case _ if dice.random() < 0.1:
                    del mutant[at + 1 :]
        yield bytes(mutant)


SMALL = MEMBERS | {"model.weights.h5": b"\x89HDF\r\n\x1a\n"}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_any_mutant_is_read_or_refused(compression: int) -> None:
    """Thousands of mutants: refused as a BadFile, or read to the same bytes as zipfile reads."""
    read_well = 0
    for mutant in mutants(packed(SMALL, compression), 3000, seed=3):
        try:
            found = read(mutant)
        except BadFile as refusal:
            line = str(refusal)
        else:
            line = ""
            read_well += 1
            with zipfile.ZipFile(io.BytesIO(mutant)) as file:
                assert file.read("config.json") == found.config
                assert found.names == tuple(info.filename for info in file.infolist())
        assert "\n" not in line
    assert 100 < read_well < 2900


# Ranges, and paths that are no files


def test_a_range_ends_where_it_ends() -> None:
    """Neither a read nor a part of a range reaches outside it."""
    whole = ByteRange(io.BytesIO(b"0123456789"), 2, 6)
    assert whole.read(0, 6) == b"234567"
    part = whole.part(1, 4)
    assert part.read(1, 3) == b"456"
    for at, length in ((0, 5), (4, 1), (-1, 1), (1, -1), (1 << 80, 1)):
        with pytest.raises(BadFile, match="are outside the 4 there are"):
            part.read(at, length)
        with pytest.raises(BadFile, match="are outside the 4 there are"):
            part.part(at, length)


def test_paths_that_are_no_regular_files(tmp_path: Path) -> None:
    """Looked at before they are opened: nothing waits, and no device is touched."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    lines = {
        "folder": "this is a folder, not a file",
        "empty": "the file is empty",
        "a": "its symbolic links form a loop",
        "dangling": "there is no such file",
        "missing": "there is no such file",
        "empty/x": "there is no such file: a part of its path is not a folder",
        "pipe": "this is a named pipe, not a regular file",
        "x" * 5000: "its name is too long",
        "nul\0": "its name is not one that a file can have",
        "half \ud800": "its name is not one that a file can have",
        "/dev/null": "this is a device, not a regular file",
        "/dev/zero": "this is a device, not a regular file",
    }
    for name, line in lines.items():
        with pytest.raises(BadFile) as refusal, open_file(tmp_path / name):
            pass
        assert str(refusal.value) == line


def test_a_path_exchanged_after_the_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that becomes a pipe between the look and the opening is refused, without waiting."""
    path = tmp_path / "model.keras"
    path.write_bytes(GOOD)
    status = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(os, "stat", lambda _: status)
    with pytest.raises(BadFile, match="this is a named pipe"), open_file(path):
        pass


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    """What is gone is a refusal, not an error."""
    path = tmp_path / "model.keras"
    path.write_bytes(GOOD)
    with open_file(path) as source:
        os.truncate(path, 1000)
        with pytest.raises(BadFile, match="became shorter"):
            read_archive(source)


def test_reading_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Nothing is written: neither the file nor its folder change."""
    path = tmp_path / "model.keras"
    path.write_bytes(packed([*MEMBERS.items(), ("../evil.txt", b"x")]))
    before = path.stat()
    path.chmod(0o400)
    with open_file(path) as source:
        assert "../evil.txt" in read_archive(source).names
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert list(tmp_path.iterdir()) == [path]
