"""The HDF5 reader against h5py and pyfive on the same files, and against files made to harm it."""

from __future__ import annotations

import io
import operator
import random
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import h5py
import ml_dtypes
import numpy as np
import pyfive
import pytest

from attn_cli.errors import BadFile
from attn_cli.files import ByteRange
from attn_cli.sources.hdf5 import Dataset, Group, open_hdf5

if TYPE_CHECKING:
    from pathlib import Path

Tree = dict[str, Any]


class Watched(ByteRange):
    """A range that keeps account of what is read from it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), 0, len(data))
        self.spans: list[tuple[int, int]] = []

    def read(self, at: int, length: int) -> bytes:
        self.spans.append((at, length))
        return super().read(at, length)


def make(fill: Callable[[h5py.File], object], **options: Any) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w", **options) as file:
        fill(file)
    return stream.getvalue()


def read(data: bytes) -> Tree:
    """Everything that the reader under test says about a file."""
    root = open_hdf5(ByteRange(io.BytesIO(data), 0, len(data)))
    return {"": dict(root.attrs)} | {
        path: (node.shape, node.dtype, dict(node.attrs))
        if isinstance(node, Dataset)
        else dict(node.attrs)
        for path, node in root.walk()
    }


def value_of(value: Any) -> Any:
    """An attribute as h5py or pyfive give it, in the reader's terms."""
    if isinstance(value, np.ndarray):
        return tuple(value_of(element) for element in value)
    if isinstance(value, np.generic):
        value = value.item()
    return value.decode() if isinstance(value, bytes) else value


def read_by(library: Any, data: bytes) -> Tree:
    """The same by h5py or pyfive, whose interfaces are alike."""

    def attributes(node: Any) -> Tree:
        return {name: value_of(value) for name, value in node.attrs.items()}

    def dtype(node: Any) -> str:
        if node.dtype.kind == "V":
            return str(attributes(node).get("dtype", "opaque"))
        return "text" if node.dtype == object else str(node.dtype.name)

    def visit(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        for name in group:
            node = group[name]
            if hasattr(node, "shape"):
                yield prefix + name, (tuple(node.shape), dtype(node), attributes(node))
            else:
                yield prefix + name, attributes(node)
                yield from visit(node, f"{prefix}{name}/")

    with library.File(io.BytesIO(data)) as file:
        return {"": attributes(file)} | dict(visit(file, ""))


def assert_same(data: bytes, *, pyfive_too: bool = True) -> Tree:
    found = read(data)
    assert found == read_by(h5py, data)
    if pyfive_too:
        assert found == read_by(pyfive, data)
    return found


# What Keras writes


@pytest.fixture(scope="module")
def saved(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small model in each of Keras' formats that hold HDF5."""
    folder = tmp_path_factory.mktemp("saved")

    def model(policy: str) -> Any:
        keras.utils.clear_session()
        inner_input = keras.Input((4, 4, 8))
        inner = keras.Model(
            inner_input, keras.layers.SeparableConv2D(8, 3, padding="same")(inner_input)
        )
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Conv2D(8, 3, strides=2, padding="same", dtype=policy)(inputs)
        x = keras.layers.BatchNormalization()(x)
        x = inner(x)
        x = keras.layers.TimeDistributed(keras.layers.Dense(6, name="größe"))(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        result = keras.Model(inputs, keras.layers.Dense(2)(x))
        result.compile("adam", "mse")
        result.optimizer.build(result.trainable_variables)
        return result

    files = {}
    for policy in ("float32", "float16", "bfloat16"):
        m = model(policy)
        suffixes = (".weights.h5", ".h5") if policy != "bfloat16" else (".weights.h5",)
        for suffix in suffixes:
            path = folder / f"{policy}{suffix}"
            (m.save_weights if "weights" in suffix else m.save)(path)
            files[path.name] = path.read_bytes()
    dense = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
    dense.layers[-1].quantize("int8")
    path = folder / "int8.weights.h5"
    dense.save_weights(path)
    files[path.name] = path.read_bytes()
    return files


def test_keras_files_read_as_h5py_and_pyfive_read_them(saved: dict[str, bytes]) -> None:
    """Every file that Keras saved: the same groups, attributes, shapes and types by all three."""
    for data in saved.values():
        assert_same(data)


def test_keras_files_hold_what_the_test_means_to_cover(saved: dict[str, bytes]) -> None:
    """The saved files do have the types, attributes and names that the comparison is for."""
    nodes = [node for data in saved.values() for node in read(data).values()]
    dtypes = {node[1] for node in nodes if isinstance(node, tuple)}
    assert dtypes >= {"float32", "float16", "bfloat16", "int8"}
    legacy = read(saved["float32.h5"])
    assert '"class_name": "Functional"' in legacy[""]["model_config"]
    assert "batch_normalization" in legacy["model_weights"]["layer_names"]
    assert legacy["model_weights/batch_normalization"]["weight_names"][0].endswith("/gamma")


def test_no_weight_is_ever_read(saved: dict[str, bytes]) -> None:
    """No read touches the bytes of any array's elements."""
    for data in saved.values():
        source = Watched(data)
        for _, node in open_hdf5(source).walk():
            assert node.attrs is not None
        stored: list[tuple[int, int]] = []

        def note(_: str, node: Any, stored: list[tuple[int, int]] = stored) -> None:
            if isinstance(node, h5py.Dataset) and node.id.get_offset() is not None:
                stored.append((node.id.get_offset(), node.id.get_storage_size()))

        with h5py.File(io.BytesIO(data)) as file:
            file.visititems(note)
        assert stored
        for at, length in source.spans:
            for start, size in stored:
                assert at + length <= start or start + size <= at


@pytest.mark.usefixtures("keras")
def test_long_lists_of_names_come_in_the_chunks_that_keras_writes() -> None:
    """Keras splits an attribute above 64 KB into name0, name1, ...: all are there."""
    from keras.src.legacy.saving import legacy_h5_format as legacy

    names = [f"block{i:05}/conv/kernel:0".encode() for i in range(6000)]
    data = make(lambda file: legacy.save_attributes_to_hdf5_group(file, "weight_names", names))
    attributes = assert_same(data)[""]
    chunks = [attributes[f"weight_names{i}"] for i in range(len(attributes))]
    assert len(chunks) > 1
    assert [name.encode() for chunk in chunks for name in chunk] == names


# What h5py can write


def everything(file: h5py.File) -> None:
    for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">f4", ">i2"):
        file[f"types/{kind}"] = np.zeros((2, 3), kind)
    file["types/text"] = "größe"
    file["types/fixed"] = np.array([b"ab", b"c"])
    file["types/opaque"] = np.zeros(2, ml_dtypes.float8_e4m3fn)
    file["shapes/scalar"] = np.float32(1)
    file["shapes/none"] = np.zeros((0, 3), "f4")
    file["shapes/deep"] = np.zeros((1,) * 31 + (2,), "f4")
    file.create_group("empty/inside")


def attributes(file: h5py.File) -> None:
    group = file.create_group("größe")
    group.attrs["text"] = "größe"
    group.attrs["bytes"] = b"abc"
    group.attrs["empty text"] = ""
    group.attrs["no names"] = []  # as Keras notes a layer without weights
    group.attrs["fixed"] = np.array([b"conv/kernel:0", "größe".encode(), b""])


def more_attributes(file: h5py.File) -> None:
    attributes(file)
    group = file["größe"]
    group.attrs["texts"] = ["a", "größe", ""]
    group.attrs["ints"] = np.arange(5)
    group.attrs["floats"] = np.array([1.5, -2], ">f4")
    group.attrs["half"] = np.float16(0.5)
    group.attrs["byte"] = np.uint8(255)
    group.attrs["flag"] = np.bool_(True)
    for padding in (h5py.h5t.STR_NULLTERM, h5py.h5t.STR_NULLPAD):
        kind = h5py.h5t.C_S1.copy()
        kind.set_size(6)
        kind.set_strpad(padding)
        space = h5py.h5s.create(h5py.h5s.SCALAR)
        attribute = h5py.h5a.create(group.id, f"padded {padding}".encode(), kind, space)
        attribute.write(np.array(b"ab", "S6"), mtype=kind)


def test_types_and_shapes() -> None:
    """Every type and shape that a weight can have, and some that it never has."""
    assert_same(make(everything))


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_a_compact_array_is_in_its_header(libver: str) -> None:
    """A layout that h5py's low-level interface can ask for, as safe as a contiguous one."""

    def fill(file: h5py.File) -> None:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((2, 3))
        h5py.h5d.create(file.id, b"x", h5py.h5t.IEEE_F32LE, space, plist)

    assert assert_same(make(fill, libver=libver))["x"] == ((2, 3), "float32", {})


def test_a_truth_value_is_bool() -> None:
    """h5py spells it as an enumeration, which pyfive leaves at int8."""
    data = make(lambda file: operator.setitem(file, "x", np.zeros(3, bool)))
    assert assert_same(data, pyfive_too=False)["x"] == ((3,), "bool", {})


def test_attributes() -> None:
    """Texts, numbers and arrays of them, empty ones too."""
    assert_same(make(more_attributes))


@pytest.mark.parametrize("count", [1, 8, 9, 300, 2000])
def test_a_group_of_many_members(count: int) -> None:
    """Groups whose B-tree has one node, several, and several levels."""
    data = make(lambda file: [file.create_group(f"layers/dense_{i}") for i in range(count)])
    assert len(assert_same(data)) == count + 2


def test_an_object_header_in_several_blocks() -> None:
    """Attributes that come late, when the header has no room left, are found."""

    def fill(file: h5py.File) -> None:
        for i in range(100):
            file.create_group(f"group{i}")
            file.attrs[f"attribute {i}"] = "x" * i

    assert len(assert_same(make(fill))[""]) == 100


def eight_of_each(file: h5py.File) -> None:
    """As much as a newer header holds, added bit by bit, so that it continues elsewhere."""
    attributes(file)
    for i in range(8):
        file[f"layers/dense/vars/{i}"] = np.zeros((2, i), "f4")
        file["layers/dense/vars"].attrs[f"attribute {i}"] = np.bytes_(b"x" * (500 * i + 1))


@pytest.mark.parametrize(
    "options",
    [{"libver": "latest"}, {"libver": "v108"}, {"track_order": True}],
    ids=["latest", "v108", "track_order"],
)
def test_newer_structures(options: dict[str, Any]) -> None:
    """Newer superblocks, object headers and groups, as far as the object header holds all."""

    assert_same(make(eight_of_each, **options))


def test_a_part_of_a_larger_file_is_read_in_place() -> None:
    """All addresses count from the start of the range, and nothing outside is looked at."""
    data = make(everything)
    stream = io.BytesIO(b"x" * 1000 + data + b"y" * 1000)
    root = open_hdf5(ByteRange(stream, 1000, len(data)))
    assert {path for path, _ in root.walk()} == read(data).keys() - {""}


def test_members_by_name_and_path() -> None:
    """The access that a reader of models needs."""
    data = make(lambda file: operator.setitem(file, "layers/dense/vars/0", np.zeros((2, 3), "f4")))
    root = open_hdf5(ByteRange(io.BytesIO(data), 0, len(data)))
    weight = root["layers/dense/vars/0"]
    assert weight == Dataset((2, 3), "float32", 4, {})
    layers = root["layers"]
    assert isinstance(layers, Group)
    assert (list(layers), len(layers)) == (["dense"], 1)
    assert "layers/dense" in root
    assert "layers/conv" not in root
    assert root.get("layers/dense/vars/0/more") is None
    with pytest.raises(KeyError, match="nothing"):
        root["nothing"]


# What Keras never writes: each with its line


def foreign_files() -> Iterator[tuple[str, Callable[[h5py.File], object], dict[str, Any], str]]:
    zeros = np.zeros((4, 4), "f4")

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
        file.create_virtual_dataset("x", layout)

    def set_link(file: h5py.File, link: object) -> None:
        file["x"] = link

    def named_type(file: h5py.File) -> None:
        file["kind"] = np.dtype("f4")

    def of_named_type(file: h5py.File) -> None:
        file["kind"] = np.dtype("f4")
        file.create_dataset("a", (2,), dtype=file["kind"])

    def attribute(value: object) -> Callable[[h5py.File], object]:
        return lambda file: file.attrs.update(x=value)

    def loop(file: h5py.File) -> None:
        group = file.create_group("a/b")
        group["c"] = file["a"]

    def twice(file: h5py.File) -> None:
        file["a"] = zeros
        file["b"] = file["a"]

    def many(file: h5py.File) -> None:
        for i in range(9):
            file.create_group(str(i))

    def many_attributes(file: h5py.File) -> None:
        for i in range(9):
            file.attrs[str(i)] = i

    external = {"external": [("other.raw", 0, 64)]}
    yield "soft link", lambda f: set_link(f, h5py.SoftLink("/x")), {}, "a soft link ('x')"
    soft = {"libver": "latest"}
    yield "new soft link", lambda f: set_link(f, h5py.SoftLink("/x")), soft, "a soft link ('x')"
    yield (
        "external link",
        lambda f: set_link(f, h5py.ExternalLink("/etc/passwd", "/")),
        {},
        "an external link ('x')",
    )
    yield (
        "external storage",
        lambda f: f.create_dataset("x", (16,), "f4", **external),
        {},
        "an array in external storage (other files)",
    )
    yield "virtual", virtual, {}, "a virtual array ('x')"
    yield "new virtual", virtual, {"libver": "latest"}, "a virtual array ('x')"
    yield (
        "chunked",
        lambda f: f.create_dataset("x", data=zeros, chunks=(2, 2)),
        {},
        "a chunked array ('x')",
    )
    yield (
        "huge chunked",
        lambda f: f.create_dataset("x", (10**9, 10**9), "f4", chunks=(2, 2)),
        {},
        "a chunked array ('x')",
    )
    yield (
        "compressed",
        lambda f: f.create_dataset("x", data=zeros, compression="gzip"),
        {},
        "a compressed or filtered array",
    )
    yield (
        "huge, never written",
        lambda f: f.create_dataset("x", (10**6, 10**6), "f4"),
        {},
        "an array that was never written ('x')",
    )
    yield "no value", lambda f: set_link(f, h5py.Empty("f4")), {}, "an array or attribute without"
    yield "named type", named_type, {}, "a named type ('kind')"
    yield "of a named type", of_named_type, {}, "a shared message (a named type)"
    yield "hard link", twice, {}, "one object under two names (a hard link, 'b')"
    yield "hard link loop", loop, {}, "one object under two names (a hard link, 'c')"
    yield "many new links", many, {"libver": "latest"}, "links in a fractal heap"
    yield "many new attributes", many_attributes, {"libver": "latest"}, "attributes in a fractal"
    yield "user block", lambda f: set_link(f, zeros), {"userblock_size": 512}, ""
    for name, value, line in (
        ("2-D", np.zeros((2, 2)), "an attribute of several dimensions ('x')"),
        ("compound", np.zeros((), "i4,f4"), "an attribute of the type compound ('x')"),
        ("complex", 1j, "an attribute of the type compound ('x')"),
        ("void", np.void(b"ab"), "an attribute of the type opaque ('x')"),
        ("empty", h5py.Empty("f4"), "an array or attribute without a value"),
    ):
        yield f"{name} attribute", attribute(value), {}, line


@pytest.mark.parametrize(
    ("fill", "options", "line"),
    [pytest.param(*case[1:], id=case[0]) for case in foreign_files()],
)
def test_what_keras_never_writes_is_refused_by_name(
    fill: Callable[[h5py.File], object], options: dict[str, Any], line: str
) -> None:
    """Links to elsewhere, filters, chunks and the like: one line that names them."""
    with pytest.raises(BadFile) as refusal:
        read(make(fill, **options))
    if line:
        assert str(refusal.value).startswith(f"the HDF5 data hold {line}")
        assert str(refusal.value).endswith(", which Keras never writes")
    else:
        assert str(refusal.value).startswith("this is not an HDF5 file")


# Damage: each with its line


def patched(data: bytes, at: int, change: bytes) -> bytes:
    return data[:at] + change + data[at + len(change) :]


def small(file: h5py.File) -> None:
    """A file whose every structure is small and stands once."""
    file.attrs["text"] = "some words"
    file["layers/0"] = np.zeros((2, 3), "f4")


SMALL = make(small)
ROOT_HEADER = 96
Patch = Callable[[bytes], bytes]


def first(signature: bytes, offset: int, change: bytes) -> Patch:
    """Change bytes at an offset from the first place where a signature stands."""
    return lambda data: patched(data, data.index(signature) + offset, change)


def shape(*dims: int) -> Patch:
    old = struct.pack("<2Q", 2, 3)
    return lambda data: data.replace(old, struct.pack("<2Q", *dims))


DAMAGE: dict[str, tuple[Patch, str]] = {
    "empty": (lambda data: b"", "this is not an HDF5 file"),
    "text": (lambda data: b"hello " * 100, "this is not an HDF5 file"),
    "only the signature": (lambda data: data[:8], "the file ends after 8 bytes"),
    "cut in the superblock": (lambda data: data[:60], "the file ends after 60 bytes"),
    "cut in the middle": (
        lambda data: data[:2000],
        f"the file is cut short: 2,000 of its {len(SMALL):,} bytes are there",
    ),
    "last byte missing": (
        lambda data: data[:-1],
        f"{len(SMALL) - 1:,} of its {len(SMALL):,} bytes",
    ),
    "a superblock of the future": (
        lambda data: patched(data, 8, b"\x09"),
        "a superblock of version 9",
    ),
    "addresses of 4 bytes": (
        lambda data: patched(data, 13, b"\x04"),
        "addresses or lengths of other than 8 bytes",
    ),
    "a base address": (lambda data: patched(data, 24, b"\x08"), "a user block"),
    "root outside": (
        lambda data: patched(data, 64, struct.pack("<Q", 1 << 40)),
        "the object header at byte 1,099,511,627,776 points outside the file",
    ),
    "root is data": (
        lambda data: patched(data, 64, struct.pack("<Q", len(data) - 24)),
        f"there is no object header at byte {len(SMALL) - 24:,}",
    ),
    "tree missing": (first(b"TREE", 0, b"NONE"), "there is no group's B-tree at byte 136"),
    "tree of chunks": (first(b"TREE", 4, b"\1"), "there is no group's B-tree at byte 136"),
    "tree of another depth": (first(b"TREE", 5, b"\1"), "there is no group's B-tree at byte"),
    "tree too full": (first(b"TREE", 6, b"\xff\xff"), "the B-tree at byte 160 points outside"),
    "tree in circles": (
        lambda data: patched(first(b"TREE", 5, b"\1")(data), 136 + 32, struct.pack("<Q", 136)),
        "the group's B-tree at byte 136 runs in circles",
    ),
    "symbols missing": (first(b"SNOD", 0, b"NONE"), "there is no symbol table at byte"),
    "symbols too many": (first(b"SNOD", 6, b"\xff\xff"), "points outside the file"),
    "name outside": (first(b"SNOD", 8, b"\xff" * 4), "a name of the symbol table at byte"),
    "name empty": (first(b"layers\0", 0, b"\0"), "a member's name is none"),
    "name with a slash": (first(b"layers\0", 0, b"/"), "a member's name is none"),
    "name not UTF-8": (first(b"layers\0", 0, b"\xff"), "a member's name is not UTF-8 text"),
    "names missing": (first(b"HEAP", 0, b"NONE"), "there is no local heap at byte 680"),
    "names too long": (first(b"HEAP", 8, b"\xff" * 4), "the local heap at byte"),
    "heap missing": (first(b"GCOL", 0, b"NONE"), "there is no global heap at byte"),
    "heap that loops in libhdf5": (
        first(b"GCOL", 24, struct.pack("<Q", 2**64 - 16)),
        "the texts of the global heap at byte",
    ),
    "heap of a huge size": (first(b"GCOL", 8, b"\xff" * 8), "reaches beyond the end of the file"),
    "text of another number": (first(b"GCOL", 16, b"\7"), "has no text of number 1"),
    "text not UTF-8": (first(b"some words", 0, b"\xff"), "a text is not UTF-8"),
    "header continues outside": (
        lambda data: patched(data, ROOT_HEADER + 24, b"\xff" * 8),
        "the object header at byte 18,446,744,073,709,551,615 points outside the file",
    ),
    "header continues in circles": (
        lambda data: patched(data, ROOT_HEADER + 24, struct.pack("<Q", ROOT_HEADER + 16)),
        "the header at byte 96 continues in circles",
    ),
    "shape bomb": (shape(10**9, 10**9), "has 24 bytes; its shape needs 4,000,000,000,000,000,000"),
    "shape of no elements": (shape(0, 3), "the array '0' has 24 bytes; its shape needs 0"),
}


def two(file: h5py.File) -> None:
    """Pairs of things that a change of one letter gives the same name."""
    file.attrs["first 1"] = np.arange(5)
    file.attrs["first 2"] = 2
    file.create_group("group 1")
    file.create_group("group 2")


FLOAT32 = bytes.fromhex("11201f0004000000")
DAMAGED_IN_MESSAGES: dict[str, tuple[bytes, Patch, str]] = {
    "rank": (
        SMALL,
        first(struct.pack("<2Q", 2, 3), -7, b"\x21"),
        "the shape of an array is none",
    ),
    "type": (SMALL, first(FLOAT32, 0, b"\x01"), "the type of an array is none"),
    "float of 5 exponent bits": (
        SMALL,
        first(FLOAT32, 13, b"\5"),
        "numbers or texts of an uncommon layout",
    ),
    "root is an array": (
        SMALL,
        lambda data: patched(data, 64, struct.pack("<Q", header_of_array(data))),
        "its root is not a group",
    ),
    "array outside": (
        SMALL,
        lambda data: data.replace(*layout(data, len(data) - 8, 24)),
        "the array '0' reaches beyond the end of the file",
    ),
    "old layout": (
        SMALL,
        lambda data: patched(data, data.index(layout(data, 0, 0)[0]) - 2, b"\1"),
        "an array in a layout of version 1",
    ),
    "no members": (
        SMALL,
        lambda data: patched(data, data.index(struct.pack("<QQ", 136, 680), 200) - 8, b"\0"),
        "the object at byte 96 is neither a group nor an array",
    ),
    "no type": (SMALL, first(FLOAT32, -8, b"\0"), "the array '0' has no shape or type"),
    "message too long": (
        SMALL,
        first(FLOAT32, -5, b"\1"),
        "a message is longer than its object header",
    ),
    "message too short": (
        SMALL,
        lambda data: patched(data, ROOT_HEADER + 18, b"\x08"),
        "a message of an object header is cut short",
    ),
    "header too long": (
        patched(SMALL + bytes(49 << 20), ROOT_HEADER + 8, struct.pack("<I", 49 << 20)),
        bytes,
        "the HDF5 data hold 51,380,224 bytes in one object header: too much to read",
    ),
    "driver block": (
        SMALL,
        lambda data: patched(data, 48, struct.pack("<Q", 96)),
        "a driver block",
    ),
    "two members": (
        make(two),
        first(b"group 2", 6, b"1"),
        "two members of one group are called 'group 1'",
    ),
    "two new members": (
        make(two, libver="latest"),
        first(b"group 2", 6, b"1"),
        "two members of one group have the same name",
    ),
    "two attributes": (
        make(two),
        first(b"first 2", 6, b"1"),
        "two attributes of one object are called 'first 1'",
    ),
    "attribute too short": (
        make(two),
        first(struct.pack("<Q", 5), 0, b"\x32"),
        "the attribute 'first 1' is cut short",
    ),
    "attribute of the future": (
        make(two),
        first(b"first 1", -8, b"\4"),
        "an attribute of an unknown version or of a named type",
    ),
    "link of the future": (
        make(two, libver="latest"),
        first(b"group 2", -3, b"\4"),
        "a link is none",
    ),
    "continuation": (
        make(eight_of_each, libver="latest"),
        first(b"OCHK", 0, b"NONE"),
        "there is no continuation of a header at byte",
    ),
}


def header_of_array(data: bytes) -> int:
    with h5py.File(io.BytesIO(data)) as file:
        return int(h5py.h5o.get_info(file["layers/0"].id).addr)


def layout(data: bytes, at: int, size: int) -> tuple[bytes, bytes]:
    """Where the only array's elements are, as its header says it; and what it shall say."""
    with h5py.File(io.BytesIO(data)) as file:
        offset = file["layers/0"].id.get_offset()
    return struct.pack("<QQ", offset, 24), struct.pack("<QQ", at, size)


@pytest.mark.parametrize("name", DAMAGED_IN_MESSAGES)
def test_damaged_messages_are_refused_with_their_line(name: str) -> None:
    """The same inside the messages of object headers, old and new."""
    data, damage, line = DAMAGED_IN_MESSAGES[name]
    refusal = refusal_of(Watched(damage(data)))
    assert refusal is not None
    assert line in refusal


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_refused_with_its_line(name: str) -> None:
    """Each kind of damage is told in one line that says what and where."""
    damage, line = DAMAGE[name]
    with pytest.raises(BadFile) as refusal:
        read(damage(SMALL))
    assert line in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert damage(SMALL) != SMALL


def chain(links: int) -> bytes:
    def fill(file: h5py.File) -> None:
        group = file
        for _ in range(links):
            group = group.create_group("g")

    return make(fill)


def test_groups_2000_deep_are_read() -> None:
    """However deep, nothing recurs."""
    assert len(read(chain(2000))) == 2001


def test_long_paths_count_too() -> None:
    """A deep chain of long names before many members would make each path a book."""

    def fill(file: h5py.File) -> None:
        group = file
        for _ in range(100):
            group = group.create_group("x" * 1000)
        for i in range(400):
            group.create_group(str(i))

    assert charged(make(fill)) > 400 * 100_000 // 64


def test_what_is_kept_is_charged() -> None:
    """Members of groups, opened or not; elements of attributes; texts by their bytes."""
    assert charged(make(lambda file: [file.create_group(f"{i}") for i in range(1000)])) > 5000
    assert charged(make(lambda file: file.attrs.update(x=np.arange(30_000, dtype="f2")))) > 30_000
    words = "x" * (2 << 20)
    assert charged(make(lambda file: file.attrs.update(x=words))) > 2 * (2 << 20) // 64
    assert charged(make(lambda file: file.attrs.update(x=f"{words}😀"))) > (2 << 20) // 16


@pytest.mark.slow
def test_an_attribute_of_50_mb_is_refused() -> None:
    """No text above 48 MiB is read, and one below is."""
    assert len(read(make(lambda file: file.attrs.update(x="x" * (48 << 20))))[""]["x"]) == 48 << 20
    with pytest.raises(BadFile, match="51,000,000 bytes in one text"):
        read(make(lambda file: file.attrs.update(x="x" * 51_000_000)))


def test_one_large_text_that_is_named_many_times_is_refused() -> None:
    """References to one text in the global heap add up, however small the file."""
    data = make(lambda file: file.attrs.update(x=["x" * 1_000_000, *"y" * 99]))
    at = data.index(struct.pack("<I", 1_000_000))
    reference = data[at : at + 16]
    assert charged(patched(data, at, reference * 100)) > charged(data) + 99 * 1_000_000 // 64


# Any damage at all


def mutants(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Bytes changed, integers made extreme, pieces copied elsewhere, ends cut off."""
    dice = random.Random(seed)
    extremes = [0, 1, 0xFF, 0xFFFF, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - 1, len(data)]
    for _ in range(count):
        mutant = bytearray(data)
        for _ in range(dice.choice((1, 1, 2, 4, 16))):
            at = dice.randrange(len(mutant))
            match dice.randrange(5):
                case 0:
                    mutant[at] = dice.randrange(256)
                case 1:
                    mutant[at] ^= 1 << dice.randrange(8)
                case 2:
                    width = dice.choice((1, 2, 4, 8))
                    value = dice.choice((*extremes, dice.randrange(len(data))))
                    change = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
                    mutant[at : at + width] = change
                case 3:
                    other = dice.randrange(len(mutant))
                    length = dice.choice((4, 8, 40, 300))
                    mutant[at : at + length] = mutant[other : other + length]
                case _ if dice.random() < 0.1:
                    del mutant[at + 1 :]
        yield bytes(mutant)


def bushy(file: h5py.File) -> None:
    attributes(file)
    for i in range(12):
        file[f"layers/dense_{i}/vars/0"] = np.zeros((2, i), "f4")


FUZZED = {
    "old": make(bushy),
    "many types": make(everything),
    "attributes": make(more_attributes),
    "latest": make(eight_of_each, libver="latest"),
    "small": SMALL,
}


def refusal_of(source: ByteRange) -> str | None:
    """The line with which a file is refused, whether at its opening or while it is walked."""
    try:
        root = open_hdf5(source)
        assert root.attrs is not None
        for _, node in root.walk():
            assert node.attrs is not None
    except BadFile as refusal:
        return str(refusal)
    return None


def charged(data: bytes) -> int:
    """Return the steps that walking a file takes."""
    with pytest.MonkeyPatch.context() as patch:
        steps: list[int] = []
        for module in ("messages", "objects", "storage"):
            patch.setattr(f"attn_cli.sources.hdf5.{module}.charge", steps.append)
        assert refusal_of(Watched(data)) is None
    return sum(steps)


@pytest.mark.parametrize("name", FUZZED)
def test_any_mutant_is_read_or_refused(name: str) -> None:
    """A thousand mutants of each file: read, or refused as a BadFile, within a bound of work."""
    data = FUZZED[name]
    refused = 0
    for mutant in mutants(data, 1000, seed=7):
        source = Watched(mutant)
        line = refusal_of(source)
        if line is not None:
            refused += 1
            assert "\n" not in line
            assert len(line) < 200
        # of its own bytes a file may have each read a few times, never many
        assert len(source.spans) < 20_000
        assert sum(length for _, length in source.spans) < 100 * len(data) + (1 << 20)
    assert 0 < refused < 1000


def test_every_truncation_is_refused() -> None:
    """A file that ends anywhere before its end is refused, wherever it ends."""
    for end in range(len(SMALL)):
        with pytest.raises(BadFile):
            read(SMALL[:end])


def test_a_file_written_to_disk(tmp_path: Path) -> None:
    """Files of the newest format with a user block's size of zero and an explicit driver."""
    path = tmp_path / "core.h5"
    with h5py.File(path, "w", driver="core") as file:
        bushy(file)
    assert_same(path.read_bytes())
