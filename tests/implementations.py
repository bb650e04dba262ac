"""Each preset's source again in NumPy float64: what that code computes, with its weights' names.

To add one: a function of the channels that returns the shapes of the weights, by the names that
they have there, and a function of the feature map and of those weights; and a line in
IMPLEMENTATIONS that says which weight of the preset is which of theirs. What comes from PyTorch is
written as PyTorch has it: the feature map is (B, C, H, W), a kernel (out, in, height, width).
"""

from __future__ import annotations

from functools import partial
from math import log
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Array = np.ndarray
    Shapes = dict[str, tuple[int, ...]]
    Forward = Callable[[Array, Mapping[str, Array]], Array]


class Implementation(NamedTuple):
    """A preset's source: its module, its names for our weights, and where to try it."""

    module: Callable[[int], tuple[Shapes, Forward]]
    names: Mapping[str, str]
    channels: tuple[int, ...] = (16, 24, 40, 200)
    size: tuple[int, int] = (6, 9)
    torch: bool = True
    # Of its batch norms, in its own sense: PyTorch's weighs the new batch.
    momentum: float | None = None


# --- Squeeze-and-excitation


def senet(channels: int, ratio: int = 16) -> tuple[Shapes, Forward]:
    """SENet's models, as ported with their weights: two 1×1 convolutions with biases."""
    return two_layers(channels, channels // ratio), partial(gated_by_two_layers, relu, sigmoid)


def timm_se(channels: int) -> tuple[Shapes, Forward]:
    """timm's SEModule: rd_ratio 1/16, rd_divisor 8."""
    narrow = make_divisible(channels * (1 / 16), 8, round_limit=0.0)
    return two_layers(channels, narrow), partial(gated_by_two_layers, relu, sigmoid)


def efficientnet(channels: int, entering: int | None = None) -> tuple[Shapes, Forward]:
    """keras.applications' EfficientNet, also V2: a quarter of the channels before the expansion."""
    narrow = max(1, int((entering or channels) * 0.25))
    return keras_layers(channels, narrow), partial(gated_in_keras, silu, sigmoid)


def mobilenetv3(channels: int) -> tuple[Shapes, Forward]:
    """keras.applications' MobileNetV3: a quarter to a multiple of 8 that keeps 90 %."""
    narrow = make_divisible(channels * 0.25, 8, round_limit=0.9)
    return keras_layers(channels, narrow), partial(gated_in_keras, relu, hard_sigmoid)


def timm_ese(channels: int) -> tuple[Shapes, Forward]:
    """timm's EffectiveSEModule."""

    def forward(x: Array, w: Mapping[str, Array]) -> Array:
        return x * hard_sigmoid(conv(x.mean(axis=(2, 3), keepdims=True), w, "fc"))

    return layer("fc", channels, channels), forward


def two_layers(channels: int, narrow: int) -> Shapes:
    return layer("fc1", channels, narrow) | layer("fc2", narrow, channels)


def gated_by_two_layers(activation: Any, gate: Any, x: Array, w: Mapping[str, Array]) -> Array:
    s = conv(x.mean(axis=(2, 3), keepdims=True), w, "fc1")
    return x * gate(conv(activation(s), w, "fc2"))


def keras_layers(channels: int, narrow: int) -> Shapes:
    return {
        "se_reduce/kernel": (1, 1, channels, narrow),
        "se_reduce/bias": (narrow,),
        "se_expand/kernel": (1, 1, narrow, channels),
        "se_expand/bias": (channels,),
    }


def gated_in_keras(activation: Any, gate: Any, x: Array, w: Mapping[str, Array]) -> Array:
    """Channels last, and 1×1 convolutions."""
    s = x.mean(axis=(1, 2), keepdims=True)
    s = activation(s @ w["se_reduce/kernel"][0, 0] + w["se_reduce/bias"])
    return x * gate(s @ w["se_expand/kernel"][0, 0] + w["se_expand/bias"])


# --- Efficient channel attention


def timm_eca(channels: int, circular: bool = False) -> tuple[Shapes, Forward]:
    """timm's EcaModule(channels), and its CecaModule, which pads in a circle."""
    t = int(abs(log(channels, 2) + 1) / 2)
    size = max(t if t % 2 else t + 1, 3)
    shapes = {"conv.weight": (1, 1, size)}

    def forward(x: Array, w: Mapping[str, Array]) -> Array:
        mode = "wrap" if circular else "constant"
        y = np.pad(x.mean(axis=(2, 3)), ((0, 0), (size // 2, size // 2)), mode=mode)
        near = np.lib.stride_tricks.sliding_window_view(y, size, axis=1)
        return x * sigmoid(near @ w["conv.weight"][0, 0])[:, :, None, None]

    return shapes, forward


# --- Global context


def timm_gc(channels: int) -> tuple[Shapes, Forward]:
    """timm's GlobalContext: fuse_scale, rd_ratio 1/8, a LayerNorm2d of epsilon 1e-6."""
    narrow = make_divisible(channels * (1 / 8), 1, round_limit=0.0)
    shapes = {
        **layer("conv_attn", channels, 1),
        **layer("mlp_scale.fc1", channels, narrow),
        "mlp_scale.norm.weight": (narrow,),
        "mlp_scale.norm.bias": (narrow,),
        **layer("mlp_scale.fc2", narrow, channels),
    }

    def forward(x: Array, w: Mapping[str, Array]) -> Array:
        batch, channels, height, width = x.shape
        scores = conv(x, w, "conv_attn").reshape(batch, height * width, 1)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        context = x.reshape(batch, channels, height * width) @ weights
        y = conv(context[..., None], w, "mlp_scale.fc1")
        y = (y - y.mean(axis=1, keepdims=True)) / np.sqrt(y.var(axis=1, keepdims=True) + 1e-6)
        y = y * column(w["mlp_scale.norm.weight"]) + column(w["mlp_scale.norm.bias"])
        return x * sigmoid(conv(relu(y), w, "mlp_scale.fc2"))

    return shapes, forward


# --- CBAM and BAM


def timm_cbam(channels: int) -> tuple[Shapes, Forward]:
    """timm's CbamModule: rd_ratio 1/16, rd_divisor 1, no biases; mean, then maximum."""
    narrow = make_divisible(channels * (1 / 16), 1, round_limit=0.0)
    shapes = {
        **layer("channel.fc1", channels, narrow, bias=False),
        **layer("channel.fc2", narrow, channels, bias=False),
        **layer("spatial.conv.conv", 2, 1, 7, bias=False),
        **norm("spatial.conv.bn", 1),
    }

    def forward(x: Array, w: Mapping[str, Array]) -> Array:
        def mlp(pooled: Array) -> Array:
            return conv(relu(conv(pooled, w, "channel.fc1")), w, "channel.fc2")

        mean, peak = x.mean(axis=(2, 3), keepdims=True), x.max(axis=(2, 3), keepdims=True)
        x = x * sigmoid(mlp(mean) + mlp(peak))
        maps = np.stack([x.mean(axis=1), x.max(axis=1)], axis=1)
        return x * sigmoid(normalised(conv(maps, w, "spatial.conv.conv"), w, "spatial.conv.bn"))

    return shapes, forward


def official_bam(channels: int, fuse: Any) -> tuple[Shapes, Forward]:
    """The official BAM with its two branches added, as in the paper: ratio 16, dilation 4."""
    narrow = channels // 16
    shapes = {
        **layer("c.fc_0", channels, narrow, size=None),
        **norm("c.bn_1", narrow),
        **layer("c.fc_final", narrow, channels, size=None),
        **layer("s.conv_reduce0", channels, narrow),
        **norm("s.bn_reduce0", narrow),
        **layer("s.conv_di_0", narrow, narrow, 3),
        **norm("s.bn_di_0", narrow),
        **layer("s.conv_di_1", narrow, narrow, 3),
        **norm("s.bn_di_1", narrow),
        **layer("s.conv_final", narrow, 1),
    }

    def forward(x: Array, w: Mapping[str, Array]) -> Array:
        _, _, height, width = x.shape
        assert height == width, "it pools a square, as high as wide"
        c = linear(x.mean(axis=(2, 3)), w, "c.fc_0")[:, :, None, None]
        c = relu(normalised(c, w, "c.bn_1"))[:, :, 0, 0]
        c = linear(c, w, "c.fc_final")[:, :, None, None]
        s = relu(normalised(conv(x, w, "s.conv_reduce0"), w, "s.bn_reduce0"))
        for place in range(2):
            s = conv(s, w, f"s.conv_di_{place}", dilation=4)
            s = relu(normalised(s, w, f"s.bn_di_{place}"))
        return (1 + sigmoid(fuse(c, conv(s, w, "s.conv_final")))) * x

    return shapes, forward


# --- Spatial and channel SE


def official_scse(channels: int, fuse: Any) -> tuple[Shapes, Forward]:
    """The authors' ChannelSpatialSELayer: two linear layers with biases, ratio 2."""
    shapes = {
        **layer("cSE.fc1", channels, channels // 2, size=None),
        **layer("cSE.fc2", channels // 2, channels, size=None),
        **layer("sSE.conv", channels, 1),
    }

    def forward(x: Array, w: Mapping[str, Array]) -> Array:
        z = linear(relu(linear(x.mean(axis=(2, 3)), w, "cSE.fc1")), w, "cSE.fc2")
        return fuse(x * sigmoid(z)[:, :, None, None], x * sigmoid(conv(x, w, "sSE.conv")))

    return shapes, forward


def smp_scse(channels: int) -> tuple[Shapes, Forward]:
    """segmentation_models.pytorch's SCSEModule: ratio 16."""
    shapes = {
        **layer("cSE.1", channels, channels // 16),
        **layer("cSE.3", channels // 16, channels),
        **layer("sSE.0", channels, 1),
    }

    def forward(x: Array, w: Mapping[str, Array]) -> Array:
        z = conv(relu(conv(x.mean(axis=(2, 3), keepdims=True), w, "cSE.1")), w, "cSE.3")
        return x * sigmoid(z) + x * sigmoid(conv(x, w, "sSE.0"))

    return shapes, forward


# --- Style-based recalibration


def official_srm(channels: int) -> tuple[Shapes, Forward]:
    """The official SRMLayer: 1e-5 and an unbiased variance."""
    shapes = {"cfc": (channels, 2), **norm("bn", channels)}

    def forward(x: Array, w: Mapping[str, Array]) -> Array:
        flat = x.reshape(*x.shape[:2], -1)
        std = np.sqrt(flat.var(axis=2, ddof=1) + 1e-5)
        z = (np.stack([flat.mean(axis=2), std], axis=2) * w["cfc"]).sum(axis=2)
        return x * sigmoid(normalised(z[:, :, None, None], w, "bn"))

    return shapes, forward


# --- Coordinate attention


def timm_coord(channels: int) -> tuple[Shapes, Forward]:
    """timm's CoordAttn: two thirds of rd_ratio 1/16, rd_divisor 8, no biases."""
    narrow = make_divisible(channels * (1 / 16) * (2 / 3), 8, round_limit=0.0)
    shapes = {
        **layer("conv1", channels, narrow, bias=False),
        **norm("bn1", narrow),
        **layer("conv_h", narrow, channels, bias=False),
        **layer("conv_w", narrow, channels, bias=False),
    }

    def forward(x: Array, w: Mapping[str, Array]) -> Array:
        height = x.shape[2]
        rows, columns = x.mean(axis=3, keepdims=True), x.mean(axis=2, keepdims=True)
        y = np.concatenate([rows, columns.swapaxes(2, 3)], axis=2)
        y = normalised(conv(y, w, "conv1"), w, "bn1")
        y = y * hard_sigmoid(y)
        by_row = sigmoid(conv(y[:, :, :height], w, "conv_h"))
        by_column = sigmoid(conv(y[:, :, height:].swapaxes(2, 3), w, "conv_w"))
        return x * by_column * by_row

    return shapes, forward


# --- What they are made of


def make_divisible(value: float, divisor: int, round_limit: float) -> int:
    """The rounding of widths that went from MobileNet's code to timm and Keras."""
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < round_limit * value else rounded


def layer(name: str, inside: int, outside: int, size: int | None = 1, bias: bool = True) -> Shapes:
    """A convolution, or without a size a linear layer."""
    sides = () if size is None else (size, size)
    shapes: Shapes = {f"{name}.weight": (outside, inside, *sides)}
    return shapes | ({f"{name}.bias": (outside,)} if bias else {})


def norm(name: str, channels: int) -> Shapes:
    return {f"{name}.{part}": (channels,) for part in NORM}


NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def conv(x: Array, w: Mapping[str, Array], name: str, dilation: int = 1) -> Array:
    """A convolution with stride 1 that keeps height and width."""
    kernel = w[f"{name}.weight"]
    reach = kernel.shape[-1] // 2 * dilation
    padded = np.pad(x, ((0, 0), (0, 0), (reach, reach), (reach, reach)))
    sides = (2 * reach + 1, 2 * reach + 1)
    near = np.lib.stride_tricks.sliding_window_view(padded, sides, axis=(2, 3))
    y = np.einsum("bchwij,ocij->bohw", near[..., ::dilation, ::dilation], kernel)
    return y + column(w[f"{name}.bias"]) if f"{name}.bias" in w else y


def linear(x: Array, w: Mapping[str, Array], name: str) -> Array:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def normalised(x: Array, w: Mapping[str, Array], name: str) -> Array:
    """PyTorch's batch norm in inference; its epsilon is 1e-5."""
    shifted = (x - column(w[f"{name}.running_mean"])) / np.sqrt(
        column(w[f"{name}.running_var"]) + 1e-5
    )
    return shifted * column(w[f"{name}.weight"]) + column(w[f"{name}.bias"])


def column(values: Array) -> Array:
    """One value for each channel of (B, C, H, W)."""
    return values[:, None, None]


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def hard_sigmoid(x: Array) -> Array:
    return np.clip(x + 3, 0, 6) / 6


def silu(x: Array) -> Array:
    return x * sigmoid(x)


# --- Which is which


def both(ours: str, theirs: str) -> dict[str, str]:
    """A dense layer or a convolution with a bias."""
    return {f"{ours}/kernel": f"{theirs}.weight", f"{ours}/bias": f"{theirs}.bias"}


def kernel(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}/kernel": f"{theirs}.weight"}


def batch_norm(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}/{part}": f"{theirs}.{name}" for name, part in NORM.items()}


SE = both("reduce", "fc1") | both("expand", "fc2")
KERAS_SE = {
    f"{role}/{part}": f"se_{role}/{part}"
    for role in ("reduce", "expand")
    for part in ("kernel", "bias")
}
SCSE = both("channel_reduce", "cSE.fc1") | both("channel_expand", "cSE.fc2")

# By spec: the presets, and the blocks of which timm's form is the default.
IMPLEMENTATIONS = {
    "se-senet": Implementation(senet, SE),
    "se-timm": Implementation(timm_se, SE),
    "se-efficientnet": Implementation(efficientnet, KERAS_SE, torch=False),
    "se-efficientnet:input_channels=18": Implementation(
        partial(efficientnet, entering=18), KERAS_SE, channels=(108,), torch=False
    ),
    "se-mobilenetv3": Implementation(mobilenetv3, KERAS_SE, torch=False),
    "ese": Implementation(timm_ese, both("excite", "fc")),
    "eca-timm": Implementation(
        timm_eca, {"conv/kernel": "conv.weight"}, channels=(4, 24, 127, 200)
    ),
    "ceca": Implementation(
        partial(timm_eca, circular=True), {"conv/kernel": "conv.weight"}, channels=(4, 24, 200)
    ),
    "gc-timm": Implementation(
        timm_gc,
        {
            **both("conv", "conv_attn"),
            **both("reduce", "mlp_scale.fc1"),
            "norm/gamma": "mlp_scale.norm.weight",
            "norm/beta": "mlp_scale.norm.bias",
            **both("expand", "mlp_scale.fc2"),
        },
        channels=(20, 40, 200),
    ),
    "cbam-timm": Implementation(
        timm_cbam,
        {
            **kernel("reduce", "channel.fc1"),
            **kernel("expand", "channel.fc2"),
            **kernel("spatial_conv", "spatial.conv.conv"),
            **batch_norm("spatial_norm", "spatial.conv.bn"),
        },
        momentum=0.1,
    ),
    "srm-official": Implementation(
        official_srm, {"integrate/kernel": "cfc", **batch_norm("norm", "bn")}, momentum=0.1
    ),
    "bam-paper": Implementation(
        partial(official_bam, fuse=np.add),
        {
            **both("reduce", "c.fc_0"),
            **batch_norm("reduce_norm", "c.bn_1"),
            **both("expand", "c.fc_final"),
            **both("place", "s.conv_reduce0"),
            **batch_norm("place_norm", "s.bn_reduce0"),
            **both("context1", "s.conv_di_0"),
            **batch_norm("context1_norm", "s.bn_di_0"),
            **both("context2", "s.conv_di_1"),
            **batch_norm("context2_norm", "s.bn_di_1"),
            **both("place_expand", "s.conv_final"),
        },
        channels=(32, 56),
        size=(8, 8),
        momentum=0.1,
    ),
    "scse-paper": Implementation(
        partial(official_scse, fuse=np.add), SCSE | both("conv", "sSE.conv")
    ),
    "scse-smp": Implementation(
        smp_scse,
        both("channel_reduce", "cSE.1") | both("channel_expand", "cSE.3") | both("conv", "sSE.0"),
    ),
    "coord-timm": Implementation(
        timm_coord,
        {
            **kernel("reduce", "conv1"),
            **batch_norm("norm", "bn1"),
            **kernel("rows", "conv_h"),
            **kernel("columns", "conv_w"),
        },
        channels=(16, 96, 200, 288),
        momentum=0.1,
    ),
}


def in_keras_form(values: Array, shape: tuple[int, ...], torch: bool) -> Array:
    """Lay out a weight as Keras does: a kernel (height, width, in, out), a dense one (in, out)."""
    if torch and values.ndim > 1:
        values = np.moveaxis(values, (0, 1), (-1, -2))
    return values.reshape(shape)
