"""Files that are built to take time or memory: a generator of any size for each thing said in one.

Each is a few bytes for each of what it says, and would take far more than its size if what is said
were followed as often as it is said.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OPS = "keras.src.ops.numpy"
INPUT = [None, 8, 8, 4]


def layer(type: str, name: str, calls: Sequence[Any] = (), **config: Any) -> dict[str, Any]:
    """Return a layer as Keras 2 writes it, which takes the fewest bytes; `calls` name tensors."""
    module = config.pop("module", "keras.layers")
    nodes = [[[each, 0, 0, {}] for each in call] for call in calls]
    config = {"trainable": True, **config} if module == "keras.layers" else config
    return {
        "class_name": type, "module": module, "name": name, "config": config, "inbound_nodes": nodes
    }  # fmt: skip


def handed(*names: str) -> dict[str, Any]:
    """Return a call as Keras 3 writes it, on tensors that are no list."""
    config = [{"shape": None, "dtype": "float32", "keras_history": [name, 0, 0]} for name in names]
    args = [{"class_name": "__keras_tensor__", "config": each} for each in config]
    return {"args": args, "kwargs": {}}


def start(name: str = "i", shape: Any = INPUT) -> dict[str, Any]:
    return layer("InputLayer", name, batch_input_shape=shape)


def model(
    name: str,
    layers: Sequence[Any],
    outputs: Sequence[Any],
    calls: Sequence[Any] = (),
    inputs: Sequence[Any] = (("i", 0, 0),),
) -> dict[str, Any]:
    config = {"name": name, "layers": layers, "input_layers": inputs, "output_layers": outputs}
    own = {"module": "keras.src.models.functional", "config": config}
    return {**layer("Functional", name, calls), **own}


def called(name: str, times: int, first: str = "i") -> dict[str, Any]:
    """Return the calls of a layer, each on what the one before made."""
    nodes = [[[first, 0, 0, {}]], *[[[name, call, 0, {}]] for call in range(times - 1)]]
    return {"inbound_nodes": nodes}


def called_model(name: str, times: int) -> dict[str, Any]:
    # A model's own call is counted before those in which it is used.
    nodes = [[["i", 0, 0, {}]], *[[[name, call, 0, {}]] for call in range(1, times)]]
    return {"inbound_nodes": nodes}


def text(config: Any) -> bytes:
    return json.dumps(config, separators=(",", ":")).encode()


def never_called(n: int) -> bytes:
    """A model of n layers that are never called, called 2n times."""
    idle = [layer("ReLU", f"r{i}") for i in range(n)]
    inner = model("m", [start(), *idle, layer("ReLU", "r", [["i"]])], [["r", 0, 0]])
    return text(model("o", [start(), {**inner, **called_model("m", 2 * n)}], [["m", 2 * n, 0]]))


def many_axes(n: int) -> bytes:
    """A layer with n axes, called n times."""
    norm = layer("BatchNormalization", "b", axis=list(range(1, 4)) * (n // 3))
    return text(model("o", [start(), {**norm, **called("b", n)}], [["b", n - 1, 0]]))


def axes_inside(n: int) -> bytes:
    """The same with the axes in lists within one, of a product that is made n/1000 times."""
    product = layer("Tensordot", "t", module=OPS, axes=[[0] * n, [0] * n])
    product["inbound_nodes"] = [handed("i", "i")] * (n // 1000)
    return text(model("o", [start(), product], [["t", place, 0] for place in range(n // 1000)]))


def wide_inside(n: int) -> bytes:
    """An Add of n tensors in a model that is called n/10 times."""
    inner = model("m", [start(), layer("Add", "a", [["i"] * n])], [["a", 0, 0]])
    times = n // 10
    return text(model("o", [start(), {**inner, **called_model("m", times)}], [["m", times, 0]]))


def wide_in_levels(n: int) -> bytes:
    """The same in three levels."""
    inner = model("m", [start(), layer("Add", "a", [["i"] * (n // 3)])], [["a", 0, 0]])
    times = n // 30
    for name in ("n", "o"):
        of = inner["name"]
        inner = model(name, [start(), {**inner, **called_model(of, times)}], [[of, times, 0]])
    return text(inner)


def idle_inputs(n: int) -> bytes:
    """A model with n input layers that are none of its inputs, called n times."""
    idle = [start(f"i{i}") for i in range(n)]
    inner = model("m", [start(), *idle, layer("ReLU", "r", [["i"]])], [["r", 0, 0]])
    return text(model("o", [start(), {**inner, **called_model("m", n)}], [["m", n, 0]]))


def idle_inputs_in_levels(n: int) -> bytes:
    """The same in three levels."""
    idle = [start(f"i{i}") for i in range(n)]
    inner = model("m", [start(), *idle, layer("Add", "r", [["i", *[f"i{i}" for i in range(n)]]])],
                  [["r", 0, 0]])  # fmt: skip
    times = n // 10
    for name in ("n", "o"):
        of = inner["name"]
        inner = model(name, [start(), {**inner, **called_model(of, times)}], [[of, times, 0]])
    return text(inner)


def named_arguments(n: int) -> bytes:
    """A call with an argument for each of n tensors."""
    relus = [layer("ReLU", f"r{i}", [["i"]]) for i in range(n)]
    last = layer("Mine", "m")
    last["inbound_nodes"] = [[["i", 0, 0, {f"a{i}": [f"r{i}", 0, 0] for i in range(n)}]]]
    return text(model("o", [start(), *relus, last], [["m", 0, 0]]))


def sums_of_sums(n: int) -> bytes:
    """X adds one tensor n times, and Y adds X n times."""
    adds = [layer("Add", "x", [["i"] * n]), layer("Add", "y", [["x"] * n])]
    return text(model("o", [start(), *adds], [["y", 0, 0]]))


def long_chain(n: int) -> bytes:
    """A chain of n Dropouts, and n multiplications by its end."""
    drop = {**layer("Dropout", "d", rate=0.5), **called("d", n)}
    nodes = [[["i", 0, 0, {}], ["d", n - 1, 0, {}]]]
    nodes += [[["x", call, 0, {}], ["d", n - 1, 0, {}]] for call in range(n - 1)]
    times = {**layer("Multiply", "x"), "inbound_nodes": nodes}
    return text(model("o", [start(), drop, times], [["x", n - 1, 0]]))


def long_shortcuts(n: int) -> bytes:
    """A chain of n convolutions, each added to where it began."""
    size = {"filters": 4, "kernel_size": [1, 1], "padding": "same"}
    chain = {**layer("Conv2D", "c", **size), **called("c", n)}
    add = layer("Add", "a")
    add["inbound_nodes"] = [[["i", 0, 0, {}], ["c", call, 0, {}]] for call in range(n)]
    last = layer("Add", "b")
    last["inbound_nodes"] = [[["a", call, 0, {}] for call in range(n)]]
    return text(model("o", [start(), chain, add, last], [["b", 0, 0]]))


def dropped_branches(n: int) -> bytes:
    """A convolution, a chain of n Dropouts behind it, and its end added to the input n times."""
    conv = layer("Conv2D", "c", [["i"]], filters=4, kernel_size=[1, 1], padding="same")
    drop = {**layer("Dropout", "d", rate=0.5), **called("d", n, "c")}
    add = layer("Add", "a")
    add["inbound_nodes"] = [[["d", n - 1, 0, {}], ["i", 0, 0, {}]] for _ in range(n)]
    last = layer("Add", "b")
    last["inbound_nodes"] = [[["a", call, 0, {}] for call in range(n)]]
    return text(model("o", [start(), conv, drop, add, last], [["b", 0, 0]]))


def deep_branches(n: int) -> bytes:
    """n convolutions, each added to what it takes, in models 45 deep."""
    size = {"filters": 4, "kernel_size": [1, 1], "padding": "same"}
    layers, source = [start()], "i"
    for place in range(n):
        layers.append(layer("Conv2D", f"c{place}", [[source]], **size))
        layers.append(layer("Add", f"a{place}", [[source, f"c{place}"]]))
        source = f"a{place}"
    inner = model("m0", layers, [[source, 0, 0]], [["i"]])
    for depth in range(1, 45):
        inner = model(f"m{depth}", [start(), inner], [[f"m{depth - 1}", 0, 0]], [["i"]])
    return text(model("o", [start(), inner], [["m44", 0, 0]]))


def high_rank(n: int) -> bytes:
    """A Reshape to rank n, and a Split into n parts."""
    reshape = layer("Reshape", "r", [["i"]], target_shape=[*[1] * n, 256])
    split = layer("Split", "s", [["r"]], module=OPS, indices_or_sections=n, axis=1)
    ends = [["s", 0, place] for place in range(n)]
    return text(model("o", [start(), reshape, split], ends))


def many_parts(n: int) -> bytes:
    """A Split into n parts, called n times."""
    split = layer("Split", "s", module=OPS, indices_or_sections=n, axis=3)
    split["inbound_nodes"] = [[["i", 0, 0, {}]] for _ in range(n)]
    ends = [["s", call, n - 1] for call in range(n)]
    return text(model("o", [start(shape=[None, 8, 8, n]), split], ends))


def parts_of_rank(n: int) -> bytes:
    """A Split of a high rank into 4096 parts, called n times, in a file with much else."""
    split = layer("Split", "s", module=OPS, indices_or_sections=4096, axis=15)
    split["inbound_nodes"] = [[["i", 0, 0, {}]] for _ in range(n)]
    shape = [None, *[1000] * 14, 4096]
    ends = [["s", call, 0] for call in range(n)]
    return text({**model("o", [start(shape=shape), split], ends), "more": "x" * 250_000})


def many_places(n: int) -> bytes:
    """n calls of a convolution: a place for a block behind each."""
    size = {"filters": 16, "kernel_size": [1, 1], "padding": "same"}
    chain = {**layer("Conv2D", "c", **size), **called("c", n)}
    return text(model("o", [start(shape=[None, 8, 8, 16]), chain], [["c", n - 1, 0]]))


def gate(name: str, source: str, channels: int = 4) -> list[dict[str, Any]]:
    return [
        layer("GlobalAveragePooling2D", f"{name}p", [[source]], keepdims=True),
        layer("Dense", f"{name}d", [[f"{name}p"]], units=2, activation="relu"),
        layer("Dense", f"{name}e", [[f"{name}d"]], units=channels, activation="sigmoid"),
        layer("Multiply", name, [[source, f"{name}e"]]),
    ]


def gates_in_gates(n: int) -> bytes:
    """Each gate gates what the one before made, and each gate is made of all before it."""
    layers = [start()]
    source = "i"
    for place in range(n):
        layers += gate(f"g{place}", source)
        source = f"g{place}"
    layers += [layer("Add", "a", [[source, "i"]])]
    return text(model("o", layers, [["a", 0, 0]]))


def deep_gates(n: int, word: str = "a") -> bytes:
    """Gates side by side, in models 30 deep with long names."""
    layers = [start()]
    source = "i"
    for place in range(n):
        layers += gate(f"{word}{place}", source)
        source = f"{word}{place}"
    inner = model(f"{word * 50}0", layers, [[source, 0, 0]])
    for place in range(1, 30):
        of = inner["name"]
        inner["inbound_nodes"] = [[["i", 0, 0, {}]]]
        inner = model(f"{word * 50}{place}", [start(), inner], [[of, 1, 0]])
    return text(inner)


def inputs_of_gates(n: int) -> bytes:
    """n gates, and n inputs of a high rank."""
    config = json.loads(gates_in_gates(n))
    own = config["config"]
    for place in range(n):
        own["layers"].append(start(f"x{place}", [None] + [2**31 - 1] * 15))
        own["input_layers"].append([f"x{place}", 0, 0])
        own["output_layers"].append([f"x{place}", 0, 0])
    return text(config)


def gates_of_gates(n: int) -> bytes:
    """Gates whose gate is a gated gate, and so on."""
    layers = [start(), layer("GlobalAveragePooling2D", "p", [["i"]], keepdims=True)]
    source = "p"
    for place in range(n):
        layers.append(layer("Dense", f"e{place}", [[source]], units=4, activation="sigmoid"))
        layers.append(layer("Multiply", f"g{place}", [["i", f"e{place}"]]))
        layers.append(layer("GlobalAveragePooling2D", f"p{place}", [[f"g{place}"]], keepdims=True))
        source = f"p{place}"
    return text(model("o", layers, [[source, 0, 0]]))


def merged_gates(n: int) -> bytes:
    """Multiplications and sums of the same few tensors, in all ways."""
    layers = [start(), *gate("g", "i"), layer("Dense", "f", [["i"]], units=4)]
    names = ["i", "g", "ge", "f"]
    for place in range(n):
        type = ("Multiply", "Add", "Maximum")[place % 3]
        layers.append(layer(type, f"m{place}", [[names[-1 - place % 4], names[-2 - place % 3]]]))
        names.append(f"m{place}")
    return text(model("o", layers, [[name, 0, 0] for name in names]))


def long_names(n: int) -> bytes:
    """Models 40 deep with long names, around n layers: each path is a book."""
    word = "x" * 200
    relu = {**layer("ReLU", "r"), **called("r", n)}
    inner = model(f"{word}0", [start(), relu], [["r", n - 1, 0]])
    for place in range(1, 40):
        of = inner["name"]
        inner["inbound_nodes"] = [[["i", 0, 0, {}]]]
        inner = model(f"{word}{place}", [start(), inner], [[of, 1, 0]])
    return text(inner)


def long_names_in_sums(n: int, sign: str = "x") -> bytes:
    """The same, and a sum of the last one n times over."""
    word = "x" * 197 + sign
    relu = layer("ReLU", "r", [["i"]])
    inner = model(f"{word}0", [start(), relu, layer("Add", "a", [["r"] * n])], [["a", 0, 0]])
    for place in range(1, 40):
        of = inner["name"]
        inner["inbound_nodes"] = [[["i", 0, 0, {}]]]
        inner = model(f"{word}{place}", [start(), inner], [[of, 1, 0]])
    return text(inner)


def wide_names_in_sums(n: int) -> bytes:
    """The same with a sign for which each letter of a path takes four bytes."""
    return long_names_in_sums(n, "\N{BREAD}")


def one_long_name(n: int) -> bytes:
    """Models 40 deep with long names, and n calls of a layer that stands in none of them."""
    inner = json.loads(long_names(1))
    relu = {**layer("ReLU", "r"), **called("r", n)}
    inner["inbound_nodes"] = [[["i", 0, 0, {}]]]
    ends = [[inner["name"], 1, 0], ["r", n - 1, 0]]
    return text(model("o", [start(), inner, relu], ends))


def formulas(n: int) -> bytes:
    """A sum of one tensor n times, with a name in which formulas could begin, and no letter."""
    name = ";=" * 99
    layers = [start("=;"), layer("ReLU", name, [["=;"]]), layer("Add", "a", [[name] * n])]
    return text(model("o", layers, [["a", 0, 0]], inputs=[["=;", 0, 0]]))


def empty_steps(n: int) -> bytes:
    """n calls of wrappers 80 deep around a model without layers, with names to be spelt out."""
    inner = model("m", [start()], [["i", 0, 0]])
    name = "\x80" * 200
    for _ in range(80):
        inner = layer("TimeDistributed", name, layer={**inner, "inbound_nodes": []})
    inner["inbound_nodes"] = [[["i", 0, 0, {}]]] * n
    return text(model("o", [start(), inner], [[name, n - 1, 0]]))


def letters(n: int) -> bytes:
    """An einsum of n operands, each letter of which stands once, in a model called 8 times."""
    signs = [chr(0x4E00 + place) for place in range(16 * n)]
    terms = ["".join(signs[place::n]) for place in range(n)]
    einsum = layer("Einsum", "e", module=OPS, subscripts=",".join(terms))
    tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": ["i", 0, 0]}}
    einsum["inbound_nodes"] = [{"args": [tensor] * n, "kwargs": {}}]
    inner = model("m", [start(shape=[1] * 16), einsum], [["e", 0, 0]])
    times = {**inner, **called_model("m", 8)}
    times["inbound_nodes"] = [[["i", 0, 0, {}]]] * 8
    return text(model("o", [start(shape=[1] * 16), times], [["m", 8, 0]]))


def doubled_models(n: int) -> bytes:
    """A model that calls one model twice, which calls one twice, …: 2 to the power of log n."""
    inner = model("m0", [start(), layer("ReLU", "r", [["i"]])], [["r", 0, 0]])
    for place in range(1, n.bit_length() + 4):
        of = inner["name"]
        inner = model(f"m{place}", [start(), {**inner, **called_model(of, 2)}], [[of, 2, 0]])
    return text(inner)


def nested_models(n: int) -> bytes:
    """n models within each other."""
    inner = model("m0", [start(), layer("ReLU", "r", [["i"]])], [["r", 0, 0]])
    data = text(inner).decode()
    for place in range(1, n):
        # By hand: Python does not write what is nested so deep.
        around = text(model(f"m{place}", [start(), "HERE"], [[f"m{place - 1}", 1, 0]])).decode()
        called = data[: -len('"inbound_nodes":[]}')] + '"inbound_nodes":[[["i",0,0,{}]]]}'
        data = around.replace('"HERE"', called)
    return data.encode()


def empty_values(n: int) -> bytes:
    """n empty objects in the config of a layer."""
    relu = layer("ReLU", "r", [["i"]], more=[[{}] for _ in range(n)])
    return text(model("o", [start(), relu], [["r", 0, 0]]))


def dangers(n: int) -> bytes:
    """n layers that would act when loaded."""
    layers = [layer("Lambda", f"l{i}", [["i"]]) for i in range(n)]
    return text(model("o", [start(), *layers], [[f"l{i}", 0, 0] for i in range(n)]))


# HDF5, byte by byte.

END = b"\xff" * 8


def superblock(size: int, root: int) -> bytes:
    start = b"\x89HDF\r\n\x1a\n" + bytes((0, 0, 0, 0, 0, 8, 8, 0)) + struct.pack("<HHI", 4, 16, 0)
    return start + struct.pack("<QQQ8sQQ24x", 0, 2**64 - 1, size, END, 0, root)


def header(messages: bytes) -> bytes:
    return struct.pack("<BxHII4x", 1, 1, 1, len(messages)) + messages


def message(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HHB3x", kind, len(data), 0) + data


def weights_alone(messages: bytes) -> bytes:
    """Return a file whose root has these messages, and a group `vars`."""
    root = message(2, struct.pack("<BB8s8s6x", 0, 0, END, END)) + messages
    link = struct.pack("<BBB4sQ", 1, 0, 4, b"vars", 0)
    at = 96 + 16 + len(root) + len(message(6, link + bytes(1)))
    link = struct.pack("<BBB4sQ", 1, 0, 4, b"vars", at)
    data = header(root + message(6, link + bytes(1)))
    empty = header(message(2, struct.pack("<BB8s8s6x", 0, 0, END, END)))
    return superblock(96 + len(data) + len(empty), 96) + data + empty


def many_messages(n: int) -> bytes:
    """A root with n shapes."""
    return weights_alone(message(1) * n)


def overlapping_headers(n: int) -> bytes:
    """An object header that continues n times, each time a message later in the same place."""
    shapes = 96 + 16 + 32 + 24 * n
    more = [
        message(16, struct.pack("<QQ", shapes + 8 * place, 8 * (n - place))) for place in range(n)
    ]
    return weights_alone(b"".join(more) + message(1) * n)


def overlapping_heaps(n: int) -> bytes:
    """180 heaps that end in the same n texts."""
    heaps, end = [], 180 * 32
    for at in range(0, end, 32):
        size = struct.pack("<4sB3xQ", b"GCOL", 1, end + 16 * n - at)
        heaps.append(size + struct.pack("<HH4xQ", 65535, 1, end - at - 32))
    texts = b"".join(struct.pack("<HH4xQ", place + 1, 1, 0) for place in range(n))
    # The first message of the root stands at 144, and what it says behind 8 more.
    named = b"".join(struct.pack("<IQI", 1, 152 + 32 * place, 65535) for place in range(179))
    kind = struct.pack("<BBBBIBBBBI", 0x19, 1, 0, 0, 16, 0x13, 0, 0, 0, 1)
    shape = struct.pack("<BBBB4xQ", 1, 1, 0, 0, 179)
    about = struct.pack("<BBHHH16s", 1, 0, 12, len(kind), len(shape), b"layer_names")
    return weights_alone(
        message(0, b"".join(heaps) + texts) + message(12, about + kind + shape + named)
    )


def overlapping_names(n: int, sign: bytes = b"x") -> bytes:
    """n groups whose names are pieces of the same text."""
    empty = header(message(2, struct.pack("<BB8s8s6x", 0, 0, END, END)))
    words = b"".join(
        b"x" * (991 - len(sign)) + sign + b"%08d\0" % place for place in range(n // 1000)
    )
    names = [*[place for place in range(len(words)) if place % 1000 < 980], len(words)]
    words += b"vars\0"
    at = 96 + 16 + 24
    tree_size = 24 + 16
    table = at + tree_size
    heap = table + 8 + 40 * len(names)
    groups = heap + 32 + len(words)
    entries = [
        struct.pack("<QQI20x", name, groups + len(empty) * place, 0)
        for place, name in enumerate(names)
    ]
    data = header(message(17, struct.pack("<QQ", at, heap)))
    data += struct.pack("<4sBBHQQ", b"TREE", 0, 0, 1, 0, 0) + struct.pack("<QQ", 0, table)
    data += struct.pack("<4sBxH", b"SNOD", 1, len(names)) + b"".join(entries)
    data += struct.pack("<4sB3xQQQ", b"HEAP", 0, len(words), 0, heap + 32) + words
    data += empty * len(names)
    return superblock(96 + len(data), 96) + data


def wide_overlapping_names(n: int) -> bytes:
    """The same with a sign for which each letter takes four bytes."""
    return overlapping_names(n, "\N{BREAD}".encode())


def long_paths(n: int, sign: str = "x") -> bytes:
    """Groups 100 deep with long names, around n groups."""
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_group("vars")
        group = file
        for _ in range(100):
            group = group.create_group("x" * 900 + sign)
        for place in range(n):
            group.create_group(f"{place}/vars")
    return stream.getvalue()


def wide_paths(n: int) -> bytes:
    """The same with a sign for which each letter takes four bytes."""
    return long_paths(n, "\N{BREAD}")


def one_array_named(n: int) -> bytes:
    """A legacy file in which a layer 85 deep in others has one array under n names."""
    import h5py
    import numpy as np

    inner = layer("Dense", "a", units=1)
    for _ in range(85):
        inner = layer("SpectralNormalization", "a", layer=inner)
    inner["inbound_nodes"] = [[["i", 0, 0, {}]]]
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["model_config"] = text(model("o", [start(), inner], [["a", 0, 0]])).decode()
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"a"]
        weights.create_group("a").create_dataset("a", (1,))[:] = 0
        weights["a"].attrs["weight_names"] = np.array([b"a"] * n)
    return stream.getvalue()


def deep_groups(n: int) -> bytes:
    """Groups n deep."""
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        group = file.create_group("vars")
        for _ in range(n):
            group = group.create_group("g")
    return stream.getvalue()


def keras(config: bytes, weights: bytes, packed: bool = False) -> bytes:
    stream = io.BytesIO()
    how = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(stream, "w", how) as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", weights)
    return stream.getvalue()


PLAIN = text(model("o", [start(), layer("ReLU", "r", [["i"]])], [["r", 0, 0]]))


def packed_config(n: int) -> bytes:
    """A config that is packed from many times its size."""
    relu = layer("ReLU", "r", [["i"]], more=[0] * (50 * n))
    config = text(model("o", [start(), relu], [["r", 0, 0]]))
    return keras(config, weights_alone(b""), packed=True)


def packed_blanks(n: int) -> bytes:
    """The same of nothing but blanks."""
    return keras(PLAIN + b" " * (1000 * n), weights_alone(b""), packed=True)


def keras_messages(n: int) -> bytes:
    """A .keras file with overlapping headers."""
    return keras(PLAIN, overlapping_headers(n))


# By name, with a suffix and the least n.
FILES: dict[str, tuple[Callable[[int], bytes], str, int]] = {
    "layers that are never called": (never_called, ".json", 1000),
    "axes": (many_axes, ".json", 5000),
    "axes inside": (axes_inside, ".json", 50_000),
    "a sum inside": (wide_inside, ".json", 2000),
    "a sum inside, in levels": (wide_in_levels, ".json", 2000),
    "inputs that are none": (idle_inputs, ".json", 250),
    "inputs that are none, in levels": (idle_inputs_in_levels, ".json", 250),
    "arguments by name": (named_arguments, ".json", 1500),
    "sums of sums": (sums_of_sums, ".json", 3000),
    "a long chain": (long_chain, ".json", 2000),
    "long shortcuts": (long_shortcuts, ".json", 500),
    "dropped branches": (dropped_branches, ".json", 400),
    "deep branches": (deep_branches, ".json", 250),
    "a high rank": (high_rank, ".json", 4000),
    "parts": (many_parts, ".json", 500),
    "gates in gates": (gates_in_gates, ".json", 200),
    "gates of gates": (gates_of_gates, ".json", 200),
    "merged gates": (merged_gates, ".json", 1000),
    "deep gates": (deep_gates, ".json", 10),
    "inputs of gates": (inputs_of_gates, ".json", 100),
    "places": (many_places, ".json", 500),
    "parts of a high rank": (parts_of_rank, ".json", 10),
    "letters": (letters, ".json", 300),
    "steps of nothing": (empty_steps, ".json", 100),
    "one long name": (one_long_name, ".json", 1000),
    "formulas": (formulas, ".json", 50),
    "wide names in sums": (wide_names_in_sums, ".json", 100),
    "long names": (long_names, ".json", 1000),
    "long names in sums": (long_names_in_sums, ".json", 1000),
    "models called twice": (doubled_models, ".json", 1000),
    "empty values": (empty_values, ".json", 20_000),
    "what acts": (dangers, ".json", 1000),
    "messages": (many_messages, ".weights.h5", 20_000),
    "overlapping headers": (overlapping_headers, ".weights.h5", 200),
    "overlapping names": (overlapping_names, ".weights.h5", 5000),
    "overlapping names of wide letters": (wide_overlapping_names, ".weights.h5", 5000),
    "overlapping heaps": (overlapping_heaps, ".weights.h5", 725),
    "long paths": (long_paths, ".weights.h5", 250),
    "long paths of wide letters": (wide_paths, ".weights.h5", 250),
    "names of one array": (one_array_named, ".h5", 2000),
    "deep groups": (deep_groups, ".weights.h5", 200),
    "overlapping headers in an archive": (keras_messages, ".keras", 200),
    "a packed config": (packed_config, ".keras", 4000),
    "packed blanks": (packed_blanks, ".keras", 4000),
}
