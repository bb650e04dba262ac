"""Arguments and inputs for a layer or an op, drawn by the names in its signature.

A new type is covered by itself, as long as its arguments are called as those of others are: what
is drawn for a name is in POOLS. Keras refuses what makes no sense; then something else is drawn.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Container, Mapping

Size = tuple[int, ...]

# Sizes without the batch, by how many dimensions there are between it and the channels.
SIZES: dict[int, list[Size]] = {
    0: [(6,), (5,), (1,)],
    1: [(6, 4), (9, 6), (1, 4), (5, 5)],
    2: [(6, 5, 4), (8, 8, 6), (7, 9, 3), (1, 1, 4), (5, 4, 2)],
    3: [(5, 4, 6, 2), (4, 4, 4, 4)],
    4: [(3, 4, 5, 4, 2)],
}

# What a type needs that takes no other.
WITH_ONES = [(1, 4), (1, 1, 4), (3, 1, 2)]
SQUARE = [(4, 4), (3, 5, 5)]
OF_SQUARES = "cholesky cholesky_inverse det eig eigh inv logdet solve solve_triangular"
SIZED: dict[str, list[Size]] = {
    "HashedCrossing": [(1,)],
    "TextVectorization": [(1,)],
    "squeeze": WITH_ONES,
    "backend.squeeze": WITH_ONES,
    **dict.fromkeys(OF_SQUARES.split(), SQUARE),
    "space_to_depth": [(8, 8, 6), (4, 6, 2)],
    "fold": [(8, 9)],
    "RandomColorDegeneration": [(8, 7, 3)],
}


class Place(NamedTuple):
    """Where a call stands: what there is to draw from, and the size of the first input."""

    dice: random.Random
    size: Size
    world: Any  # keras or tf_keras

    @property
    def rank(self) -> int:
        """The dimensions between batch and channels."""
        return len(self.size) - 1

    def pick(self, *choices: Any) -> Any:
        return self.dice.choice(choices)

    def side(self, low: int = 1, high: int = 3) -> Any:
        """Return one number for all dimensions of space, or one each."""
        each = tuple(self.dice.randint(low, high) for _ in range(max(self.rank, 1)))
        return self.pick(each[0], each[0], each)

    def axis(self) -> int:
        return self.dice.choice([*range(-len(self.size), 0), *range(1, len(self.size) + 1)])

    def axes(self) -> Any:
        some = self.dice.sample(range(1, len(self.size) + 1), self.dice.randint(1, len(self.size)))
        return self.pick(self.axis(), -1, tuple(sorted(some)), sorted(some), None)

    def pairs(self) -> Any:
        low = self.pick(0, 1)
        each = [(self.dice.randint(0, 2), self.dice.randint(low, 2)) for _ in range(self.rank)]
        both = tuple(each) if self.rank > 1 else (each or [(1, 1)])[0]
        return self.pick(self.side(0, 2), both, both)


FUNCTIONS = (None, "relu", "linear", "sigmoid", "tanh", "silu", "swish", "gelu", "softmax")
MORE_FUNCTIONS = ("elu", "selu", "relu6", "hard_sigmoid", "hard_silu", "softplus", "leaky_relu")
DTYPES = ("float32", "float16", "int32", "bool", "float64")

POOLS: dict[str, Callable[[Place], Any]] = {
    "activation": lambda p: p.pick(*FUNCTIONS, p.pick(*MORE_FUNCTIONS)),
    "alpha": lambda p: p.pick(0.3, 1.0),
    "amount": lambda p: p.pick(1, 2),
    "approximate": lambda p: p.pick(True, False),
    "attention_axes": lambda p: p.pick(None, 1, (1,)),
    "axes": lambda p: p.pick(
        p.axes(),
        (p.axis(), p.axis()),
        p.dice.sample(range(len(p.size) + 1), len(p.size) + 1),
        [[p.axis()], [p.axis()]],
    ),
    "axis": lambda p: p.axes(),
    "axis1": lambda p: p.axis(),
    "axis2": lambda p: p.axis(),
    "bias_axes": lambda p: p.pick(None, "e"),
    "bin_boundaries": lambda p: [0.0, 0.5, 1.0],
    "block_size": lambda p: 2,
    "cell": lambda p: cell(p),
    "cells": lambda p: [cell(p) for _ in range(p.pick(1, 2))],
    "center": lambda p: p.pick(True, False),
    "crop_to_aspect_ratio": lambda p: p.pick(True, False),
    "cropping": lambda p: p.pairs(),
    "data_format": lambda p: p.pick(None, "channels_last", "channels_first"),
    "decimals": lambda p: p.pick(0, 2),
    "depth_multiplier": lambda p: p.pick(1, 2, 3),
    "destination": lambda p: p.axis(),
    "dilation": lambda p: p.pick(1, 2),
    "dilation_rate": lambda p: p.side(1, 2),
    "dims": lambda p: tuple(p.dice.sample(range(1, len(p.size) + 1), len(p.size))),
    "dropout": lambda p: p.pick(0.0, 0.25),
    "dtype": lambda p: p.pick(*DTYPES),
    "dx": lambda p: 0.5,
    "epsilon": lambda p: p.pick(1e-3, 1e-6),
    "equation": lambda p: {1: "ab,be->ae", 2: "abc,ce->abe", 3: "abcd,de->abce"}.get(
        len(p.size), "...a,ae->...e"
    ),
    "factor": lambda p: p.pick(0.2, 0.5, 1, 2),
    "fft_length": lambda p: p.pick(None, 8),
    "fill_value": lambda p: 0.5,
    "filters": lambda p: p.pick(2, 4, 6),
    "flash_attention": lambda p: p.pick(None, False),
    "frame_length": lambda p: 4,
    "go_backwards": lambda p: p.pick(True, False),
    "groups": lambda p: p.pick(1, 2, -1, p.size[-1]),
    "head_dim": lambda p: p.pick(2, 3),
    "height": lambda p: p.pick(3, 4, 9),
    "height_factor": lambda p: 0.2,
    "indexing": lambda p: p.pick("xy", "ij"),
    "indices_or_sections": lambda p: p.pick(1, 2, 3, [1, 3], [1, -1], (2,)),
    "input_dim": lambda p: p.pick(7, 11),
    "interpolation": lambda p: p.pick("nearest", "bilinear", "bicubic"),
    "invert": lambda p: p.pick(True, False),
    "is_causal": lambda p: p.pick(True, False),
    "k": lambda p: p.pick(1, 2, -1),
    "keepdims": lambda p: p.pick(True, False),
    "kernel_size": lambda p: p.side(1, 3),
    "key": lambda p: keys(p),
    "slice_spec": lambda p: keys(p),
    "pattern": lambda p: p.pick(*patterns(p)),
    "num_or_size_splits": lambda p: p.pick(1, 2, [1, -1], [2, p.size[-1] - 2], [-1, 1, 1]),
    "multiples": lambda p: [1, *(p.pick(1, 2, 3) for _ in p.size)],
    "clip_value_min": lambda p: p.pick(-1.0, 0.0),
    "clip_value_max": lambda p: p.pick(1.0, 6.0),
    "min_value": lambda p: 0.0,
    "scalar": lambda p: 2.0,
    "beta": lambda p: 1.0,
    "squeeze_dims": lambda p: None,
    "key_dim": lambda p: p.pick(2, 3),
    "kth": lambda p: 1,
    "layer": lambda p: inner_layer(p),
    "mask_zero": lambda p: p.pick(True, False),
    "max_number": lambda p: 3,
    "max_value": lambda p: p.pick(None, 6, 6.0, 2.0),
    "mean": lambda p: p.pick(None, 1.0),
    "merge_mode": lambda p: p.pick("concat", "sum", "mul", "ave", None),
    "mode": lambda p: p.pick("constant", "reflect", "horizontal", "log", "same", "full"),
    "n": lambda p: p.pick(1, 2, 3),
    "negative_slope": lambda p: p.pick(0.0, 0.2),
    "newshape": lambda p: reshaped(p),
    "normalize": lambda p: p.pick(True, False),
    "num": lambda p: p.pick(None, p.size[0]),
    "num_bins": lambda p: p.pick(3, 5),
    "num_classes": lambda p: p.pick(3, 5),
    "num_heads": lambda p: p.pick(1, 2),
    "num_key_value_heads": lambda p: p.pick(1, 2),
    "num_query_heads": lambda p: p.pick(2, 4),
    "num_segments": lambda p: 3,
    "num_tokens": lambda p: 4,
    "offset": lambda p: p.pick(0, 1, -1.0),
    "ord": lambda p: p.pick(None, 1, 2),
    "order": lambda p: p.pick(1, 2),
    "output_dim": lambda p: p.pick(2, 5),
    "output_mode": lambda p: p.pick("int", "one_hot", "multi_hot", "count"),
    "output_padding": lambda p: p.pick(None, 0, 1),
    "output_shape": lambda p: p.pick(None, 3, (*p.size[:-1], 3), (None,) * p.rank + (5,)),
    "output_size": lambda p: p.side(1, 3),
    "pad_to_aspect_ratio": lambda p: p.pick(True, False),
    "pad_width": lambda p: p.pick(1, ((0, 0), *((p.pick(0, 1, 2), 1) for _ in p.size))),
    "padding": lambda p: p.pick("valid", "same", "causal", p.pairs()),
    "paddings": lambda p: [[0, 0], *([p.pick(0, 1, 2), 1] for _ in p.size)],
    "perm": lambda p: [0, *p.dice.sample(range(1, len(p.size) + 1), len(p.size))],
    "pool_size": lambda p: p.side(1, 3),
    "power_iterations": lambda p: p.pick(1, 2),
    "q": lambda p: p.pick(0.5, 30.0),
    "rate": lambda p: p.pick(0.0, 0.25),
    "recurrent_activation": lambda p: p.pick("sigmoid", "hard_sigmoid", "tanh", "relu"),
    "recurrent_dropout": lambda p: p.pick(0.0, 0.25),
    "repeats": lambda p: p.pick(1, 2, 3, (1,) * len(p.size) + (2,), (1, 2) + (1,) * p.rank),
    "reset_after": lambda p: p.pick(True, False),
    "return_sequences": lambda p: p.pick(True, False),
    "return_state": lambda p: p.pick(True, False),
    "scale": lambda p: p.pick(True, False, 0.5, None),
    "score_mode": lambda p: p.pick("dot", "concat"),
    "sequence_length": lambda p: 4,
    "sequence_stride": lambda p: p.pick(1, 2),
    "shape": lambda p: p.pick((1, *p.size), (2, *p.size)),
    "shared_axes": lambda p: p.pick(None, [1], list(range(1, p.rank + 1)) or None),
    "shift": lambda p: p.pick(1, -1),
    "size": lambda p: p.side(1, 3),
    "source": lambda p: p.axis(),
    "spatial_scale": lambda p: 1.0,
    "start_indices": lambda p: (0,) * (len(p.size) + 1),
    "stddev": lambda p: 0.1,
    "strides": lambda p: p.pick(p.side(1, 3), p.side(1, 2), None),
    "stride": lambda p: p.pick(1, 2),
    "subscripts": lambda p: p.pick(*einsums(p)),
    "synchronized": lambda p: p.pick(True, False),
    "target_shape": lambda p: reshaped(p)[1:],
    "threshold": lambda p: p.pick(0.0, 1.0),
    "transpose_a": lambda p: p.pick(True, False),
    "transpose_b": lambda p: p.pick(True, False),
    "unit_forget_bias": lambda p: p.pick(True, False),
    "units": lambda p: p.pick(1, 3, 5),
    "unroll": lambda p: p.pick(True, False),
    "upper": lambda p: p.pick(True, False),
    "use_bias": lambda p: p.pick(True, False),
    "use_gate": lambda p: p.pick(True, False),
    "use_scale": lambda p: p.pick(True, False),
    "value_dim": lambda p: p.pick(None, 4),
    "variance": lambda p: p.pick(None, 2.0),
    "vocabulary": lambda p: ["a", "b", "c"],
    "width": lambda p: p.pick(3, 5, 8),
    "width_factor": lambda p: p.pick(None, 0.1),
    "default_value": lambda p: 0.0,
    "x_min": lambda p: p.pick(-1.0, 0.0),
    "x_max": lambda p: p.pick(1.0, 6.0),
    "x_factor": lambda p: 0.1,
    "y_factor": lambda p: 0.1,
}


def cell(place: Place) -> Any:
    """Return a cell of a recurrent layer."""
    layers = place.world.layers
    kind = place.pick(layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell)
    return kind(place.pick(2, 3))


def inner_layer(place: Place) -> Any:
    """Return what a wrapper applies: of any rank, Keras refuses what does not fit."""
    layers = place.world.layers
    make = [
        lambda: layers.Dense(3, activation=place.pick(None, "relu")),
        lambda: layers.Conv2D(3, place.pick(1, 3), padding="same"),
        lambda: layers.Conv1D(3, 2, strides=place.pick(1, 2)),
        lambda: layers.GRU(3, return_sequences=place.pick(True, False)),
        lambda: layers.LSTM(2, return_sequences=place.pick(True, False)),
        lambda: layers.SimpleRNN(3, return_sequences=True, use_bias=place.pick(True, False)),
        lambda: layers.BatchNormalization(),
        lambda: layers.Reshape((-1, 2)),
        lambda: layers.MaxPooling2D(2),
        lambda: layers.Flatten(),
    ]
    layer = place.pick(*make)()
    if place.dice.random() < 0.25:
        layer.trainable = False
    return layer


def reshaped(place: Place) -> tuple[int, ...]:
    """Return a shape for as many numbers, the batch in front; some fold places into the batch."""
    size = place.size
    total = int(np.prod(size))
    return place.pick(
        (-1, total),
        (-1, *size[:-1], 1, size[-1]),
        (-1, size[-1], total // size[-1]),
        (-1, *size[1:]),
        (-1, size[-1]),
        (-1, total // size[-1], size[-1]),
        (-1, 2, total // 2),
    )


def keys(place: Place) -> Any:
    """Return what stands in brackets behind a tensor."""
    size = place.size
    one = (0, slice(None), slice(1, None), slice(None, None, 2), slice(None, -1), -1)
    inside = [place.pick(*one) for _ in range(place.dice.randint(0, len(size)))]
    key = (slice(None), *inside)
    return place.pick(
        key,
        key,
        (Ellipsis, place.pick(*one)),
        (*key, None),
        (slice(None), Ellipsis, None, place.pick(*one)),
    )


def ones(place: Place) -> list[Any]:
    """Return what may be squeezed away."""
    found = [axis + 1 for axis, size in enumerate(place.size) if size == 1]
    return [None, *found, *(each - len(place.size) - 1 for each in found)]


def patterns(place: Place) -> list[str]:
    """Return patterns of einops for this rank."""
    return {
        1: ["b c -> b c 1", "b c -> c b"],
        2: ["b t c -> b c t", "b t c -> b (t c)"],
        3: ["b h w c -> b (h w) c", "b h w c -> b c h w", "b h w c -> (b h) w c"],
    }.get(len(place.size), ["b ... -> b ..."])


def einsums(place: Place) -> list[str]:
    """Return equations for operands of this rank: matrix products, scalings, sums, orders."""
    return {
        1: ["ab,ab->a", "ab,ab->ab", "ab,bc->ac", "ab->ba"],
        2: [
            "abc,abd->acd",
            "abc,acd->abd",
            "abc,adc->abd",
            "abc,cd->abd",
            "abc,abc->abc",
            "abc->acb",
            "abc->ac",
        ],
        3: [
            "abcd,abce->abde",
            "abcd,abed->abce",
            "abcd,de->abce",
            "abcd,ad->abcd",
            "abcd,abcd->ad",
            "...ij,...kj->...ik",
        ],
    }.get(len(place.size), ["...a,...a->..."])


# What is drawn for an argument that is an array of numbers in place of a tensor.
ARRAYS: dict[str, Callable[[Place], Any]] = {
    "kernel": lambda p: numbers((*(p.pick(1, 3),) * p.rank, p.size[-1] // p.pick(1, 1, 2), 4)),
    "depthwise_kernel": lambda p: numbers((*(3,) * p.rank, p.size[-1], 2)),
    "pointwise_kernel": lambda p: numbers((*(1,) * p.rank, p.size[-1] * 2, 3)),
    "mean": lambda p: numbers((p.size[-1],)),
    "variance": lambda p: numbers((p.size[-1],)),
    "offset": lambda p: numbers((p.size[-1],)),
    "gamma": lambda p: numbers((p.size[-1],)),
    "beta": lambda p: numbers((p.size[-1],)),
    "indices": lambda p: p.pick(0, np.array([0, 1]), np.array([[0, 1], [1, 0]])),
    "bins": lambda p: numbers((4,)),
    "window": lambda p: "hann",
}


def numbers(size: Size) -> Any:
    """Return an array of this size."""
    return (np.arange(int(np.prod(size)), dtype="float32").reshape(size) % 7 + 1) / 8


# Arguments that are tensors; and those of them that may as well be a number or an array.
TENSORS = frozenset(
    {"x", "x1", "x2", "inputs", "input", "tensor", "a", "b", "y", "query", "key", "value", "target"}
    | {"output", "array", "data", "abs_", "angle", "targets", "predictions", "logits", "labels"}
    | {"features", "images", "image", "condition", "pred", "values", "input_tensor", "matrix"}
    | {"A", "B", "variable", "t", "params", "tensor", "start", "real", "imag", "volumes"}
)
LISTS = frozenset({"xs", "arrays", "tensors", "values"})
# The argument that is a list, where its name does not say so.
LISTED = {"stack": "x", "backend.stack": "x", "add_n": "inputs", "math.accumulate_n": "inputs"}
# What is drawn for one type alone, in place of what its arguments' names say.
ADAPTIVE: dict[str, Callable[[Place], Any]] = {
    "output_size": lambda p: (p.pick(1, 2),) * p.rank,
    "data_format": lambda p: "channels_first",  # Keras foretells another shape for the other
}
RESIZE: dict[str, Callable[[Place], Any]] = {
    "size": lambda p: (p.pick(3, 8), p.pick(2, 5)),
    "method": lambda p: p.pick("nearest", "bilinear", "lanczos3"),
}
OWN: dict[str, dict[str, Callable[[Place], Any]]] = {
    "fold": {
        "output_size": lambda p: 4,
        **dict.fromkeys(("kernel_size", "k"), lambda p: 2),
        **dict.fromkeys(("dilation", "stride"), lambda p: 1),
        "padding": lambda p: 0,
    },
    "unfold": {"padding": lambda p: p.pick(0, 1)},
    "CategoryEncoding": {
        "num_tokens": lambda p: 4,
        "output_mode": lambda p: p.pick("multi_hot", "one_hot", "count"),
    },
    "Discretization": {"bin_boundaries": lambda p: [0.0, 0.5, 1.0]},
    "HashedCrossing": {"output_mode": lambda p: p.pick("int", "one_hot")},
    # Of None, Keras makes an Infinity, which no JSON has: such a file is refused.
    "backend.clip": {"max_value": lambda p: p.pick(2.0, 6.0)},
    "backend.resize_images": {
        **dict.fromkeys(("height_factor", "width_factor"), lambda p: p.pick(1, 2)),
    },
    "resize": RESIZE,
    "image.resize": RESIZE,
    "get_item": {"key": lambda p: keys(p)},
    "unstack": {"axis": lambda p: p.pick(-1, *range(1, len(p.size) + 1)), "num": lambda p: None},
    "Dot": {"axes": lambda p: p.pick(p.axis(), (p.axis(), p.axis()))},
    "norm": {"ord": lambda p: p.pick(1, 2, "euclidean")},
    "adaptive_average_pool": ADAPTIVE,
    "adaptive_max_pool": ADAPTIVE,
    "squeeze": {"axis": lambda p: p.pick(*ones(p))},
    "backend.squeeze": {"axis": lambda p: p.pick(*ones(p))},
    "STFTSpectrogram": {"mode": lambda p: "log"},
    "pad": {"mode": lambda p: p.pick("constant", "reflect", "CONSTANT", "REFLECT")},
}
OPERANDS = frozenset({"x2", "y", "b", "x1", "B"})


def second(place: Place) -> Any:
    """Return the size of another operand, or the operand itself: a number, or an array."""
    size = place.size
    ones = tuple(place.pick(1, n) for n in size)
    return place.pick(
        size,
        size,
        (*(1,) * place.rank, size[-1]),
        ones,
        size[-1:],
        (*size[:-2], *size[-1:], 3) if place.rank else (3,),
        (*size[:-2], 3, size[-1]) if place.rank else (3,),
        2.0,
        numbers(size[-1:]),
        numbers(ones),
        numbers((1, *size)),
        numbers((size[-1], 3)),
        numbers((2, *size[1:])) if size[0] == 1 else 2,
    )


def parameters(function: Any) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a layer's constructor or of an op."""
    if inspect.isclass(function):
        function = function.__init__
    found = dict(inspect.signature(function).parameters)
    found.pop("self", None)
    return found


# What changes no shape, no size and no cost, or what a name in every signature is for.
IDLE = frozenset(
    {"name", "kwargs", "args", "seed", "momentum", "trainable", "autocast", "stateful"}
)
IDLE_ENDS = ("_initializer", "_regularizer", "_constraint")
WEIGHTS = frozenset(
    {"weights", "lora_rank", "lora_alpha", "quantization_config", "gptq_unpacked_column_size"}
)


def options(
    type: str, function: Any, place: Place, much: float, leave: Container[str] = ()
) -> dict[str, Any] | None:
    """Draw the arguments of a layer, each with a chance; None where one is beyond this."""
    own = OWN.get(type, {})
    drawn: dict[str, Any] = {}
    for name, parameter in parameters(function).items():
        if (
            name in leave
            or name in IDLE
            or name.endswith(IDLE_ENDS)
            or parameter.kind is parameter.VAR_KEYWORD
        ):
            continue
        needed = parameter.default is parameter.empty
        pool = own.get(name) or POOLS.get(name)
        if pool is None:
            if needed:
                return None
            if isinstance(parameter.default, bool) and place.dice.random() < much:
                drawn[name] = not parameter.default
            continue
        if needed or name in own or place.dice.random() < much:
            drawn[name] = pool(place)
    return drawn


# How a model takes its inputs, by their names, and how it is called.


def taking(dice: random.Random) -> Any:
    """Return the names of a model's inputs as it takes them: one, a list or a dict."""
    names = dice.sample(["a", "aa", "b", "ba"], dice.choice([1, 2, 2, 3]))
    kind = dice.choice(["one", "list", "list", "dict", "dict", "crossed", "deep"])
    if kind == "one":
        return names[0]
    if kind == "deep" and len(names) > 1:
        return [[names[0]], *names[1:]]
    if kind in ("dict", "crossed"):
        keys = names if kind == "dict" else dice.sample(names, len(names))
        return dict(zip(keys, names, strict=True))
    return names


def handed(dice: random.Random, taken: Any, tensors: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return arguments for a call of a model that takes its inputs like this: most of them do."""
    keys = list(taken) if isinstance(taken, dict) else [taken] if isinstance(taken, str) else taken
    keys = [key[0] if isinstance(key, list) else key for key in keys]
    count = len(keys) + dice.choice([0, 0, 0, 0, 1, -1])
    given = [dice.choice(tensors) for _ in range(max(count, 1))]
    argument: Any = given
    match dice.choice(["dict", "dict", "dict", "list", "list", "deep", "one"]):
        case "dict":
            names = dice.sample(keys, len(keys)) + dice.choice([[], ["a0"], ["zz"], ["aa"]])
            if dice.random() < 0.1:
                names = names[1:] or ["b"]
            argument = {name: dice.choice(tensors) for name in names}
        case "deep":
            argument = [[given[0]], *given[1:]]
        case "one":
            argument = given[0]
    more = dice.choice([{}, {}, {}, {"training": False}, {"mask": None}, {"junk": None}])
    match dice.choice(["first", "first", "first", "named", "two"]):
        case "named":
            return [], {"inputs": argument, **more}
        case "two":
            return [argument, dice.choice([None, tensors[0]])], more
    return [argument], more
