"""Each block again in NumPy float64, from the equations of its paper and not from its builder.

To add one: write a function of the feature map x (B, H, W, C), the weights and *all* options of the
block, and name it in REFERENCES. `w` holds the weights by the role of their layer, as the block is
built with a name: `w["reduce/kernel"]`. Batch norm stands as in inference, with its moving
statistics.
"""

from __future__ import annotations

from math import floor, log2
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Array = np.ndarray
    Weights = dict[str, Array]


def se(x, w, *, ratio, width, input_channels, divisor, round_limit, activation, gate, use_bias):
    """Hu, Shen & Sun 2018, equations 2 to 4."""
    _, height, wide, _ = x.shape
    z = np.einsum("bhwc->bc", x) / (height * wide)  # (2), squeeze
    s = ACTIVATIONS[gate](affine(ACTIVATIONS[activation](affine(z, w, "reduce")), w, "expand"))
    return np.einsum("bhwc,bc->bhwc", x, s)  # (4), scale


def ese(x, w, *, gate, use_bias):
    """Lee & Park 2020, equations 3 and 4."""
    gates = ACTIVATIONS[gate](affine(x.mean(axis=(1, 2)), w, "excite"))
    return np.einsum("bhwc,bc->bhwc", x, gates)


def eca(x, w, *, b, gamma, kernel_size, min_kernel_size):
    """Wang et al. 2020, equations 6, 7 and 12: each channel sees its k nearest, zeros outside."""
    channels = x.shape[-1]
    if kernel_size is None:  # (12)
        t = floor(abs(log2(channels) / gamma + b / gamma))
        kernel_size = max(min_kernel_size, t if t % 2 else t + 1)
    kernel = w["conv/kernel"]
    assert kernel.shape == (kernel_size, 1, 1)
    half = kernel_size // 2
    y = x.mean(axis=(1, 2))
    gates = np.zeros_like(y)
    for channel in range(channels):  # (6)
        for tap in range(kernel_size):
            near = channel + tap - half
            if 0 <= near < channels:
                gates[:, channel] += kernel[tap, 0, 0] * y[:, near]
    return x * sigmoid(gates)[:, None, None, :]


def ceca(x, w, *, b, gamma, kernel_size, min_kernel_size):
    """As `eca`, each channel's k nearest counted round a circle."""
    channels = x.shape[-1]
    kernel = w["conv/kernel"][:, 0, 0]
    y = x.mean(axis=(1, 2))
    taps = np.arange(len(kernel)) - len(kernel) // 2
    circle = (np.arange(channels)[:, None] + taps) % channels
    return x * sigmoid(y[:, circle] @ kernel)[:, None, None, :]


def srm(x, w, *, unbiased, epsilon):
    """Lee, Kim & Nam 2019, equations 1 to 5."""
    places = x.shape[1] * x.shape[2]
    mean = np.einsum("bhwc->bc", x) / places  # (1)
    spread = ((x - mean[:, None, None, :]) ** 2).sum(axis=(1, 2))
    deviation = np.sqrt(spread / (places - 1 if unbiased else places) + epsilon)  # (2)
    style = np.stack([mean, deviation], axis=-1)  # (3)
    encoded = np.einsum("bcd,dc->bc", style, w["integrate/kernel"][:, 0, :, 0])  # (4)
    gates = sigmoid(normalised(encoded, w, "norm", epsilon=1e-5))  # (5)
    return x * gates[:, None, None, :]


def gct(x, w, *, epsilon):
    """Yang et al. 2020, equations 2 to 4, the l2 norms with epsilon as in the official code."""
    alpha = w["alpha/kernel"][0, 0, :, 0]
    gamma, beta = w["gamma_beta/kernel"][0, 0, :, 0], w["gamma_beta/bias"]
    s = alpha * np.sqrt((x**2).sum(axis=(1, 2)) + epsilon)  # (2)
    channels = s.shape[-1]
    length = np.sqrt((s**2).sum(axis=-1, keepdims=True) + epsilon * channels)
    normal = np.sqrt(channels) * s / length  # (3)
    return x * (1 + np.tanh(gamma * normal + beta))[:, None, None, :]  # (4)


def gc(x, w, *, ratio, divisor, pool, fuse, epsilon):
    """Cao et al. 2019, equation 5, and its variants in the official code."""
    batch, height, width, channels = x.shape
    places = x.reshape(batch, height * width, channels)
    if pool == "attention":
        scores = places @ w["conv/kernel"][0, 0, :, 0] + w["conv/bias"]
        weights = softmax(scores)
    else:
        weights = np.full((batch, height * width), 1 / (height * width))
    context = np.einsum("bn,bnc->bc", weights, places)
    hidden = affine(context, w, "reduce")
    centred = hidden - hidden.mean(axis=-1, keepdims=True)
    hidden = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + epsilon)
    hidden = hidden * w["norm/gamma"] + w["norm/beta"]
    delta = affine(relu(hidden), w, "expand")[:, None, None, :]
    return x + delta if fuse == "add" else x * sigmoid(delta)


def cbam(x, w, *, ratio, divisor, kernel_size, use_bias, batch_norm, momentum, stack):
    """Woo et al. 2018, equations 1 to 3."""

    def mlp(pooled):
        return affine(relu(affine(pooled, w, "reduce")), w, "expand")

    gates = sigmoid(mlp(x.mean(axis=(1, 2))) + mlp(x.max(axis=(1, 2))))  # (2)
    refined = x * gates[:, None, None, :]
    below = {role.removeprefix("spatial_"): value for role, value in w.items()}
    return spatial(refined, below, kernel_size=kernel_size, batch_norm=batch_norm, stack=stack)


def spatial(x, w, *, kernel_size, batch_norm, stack, momentum=None):
    """Woo et al. 2018, equation 3; the official code stacks the maximum before the mean."""
    maps = {"max": x.max(axis=-1), "mean": x.mean(axis=-1)}
    maps = np.stack([maps[which] for which in stack.split("_")], axis=-1)
    kernel = w["conv/kernel"]
    assert kernel.shape[:2] == (kernel_size, kernel_size)
    gates = convolution(maps, kernel)
    if batch_norm:
        gates = normalised(gates, w, "norm", epsilon=1e-5)
    return x * sigmoid(gates)


def bam(x, w, *, ratio, dilation, fuse):
    """Park et al. 2018, equations 1 to 4, the layers and the product as in the official code."""

    def norm_relu(y, role):
        return relu(normalised(y, w, f"{role}_norm", epsilon=1e-5))

    def conv(y, role, dilation=1):
        return convolution(y, w[f"{role}/kernel"], dilation) + w[f"{role}/bias"]

    channel = affine(norm_relu(affine(x.mean(axis=(1, 2)), w, "reduce"), "reduce"), w, "expand")
    channel = channel[:, None, None, :]
    place = norm_relu(conv(x, "place"), "place")
    place = norm_relu(conv(place, "context1", dilation), "context1")
    place = norm_relu(conv(place, "context2", dilation), "context2")
    place = conv(place, "place_expand")
    gates = sigmoid(channel * place if fuse == "multiply" else channel + place)
    return x + x * gates


def scse(x, w, *, ratio, fuse):
    """Roy, Navab & Wachinger 2018, equations 1 to 4."""
    z = x.mean(axis=(1, 2))
    z = affine(relu(affine(z, w, "channel_reduce")), w, "channel_expand")
    by_channel = x * sigmoid(z)[:, None, None, :]
    q = np.einsum("bhwc,cf->bhwf", x, w["conv/kernel"][0, 0]) + w["conv/bias"]
    by_place = x * sigmoid(q)
    return np.maximum(by_channel, by_place) if fuse == "max" else by_channel + by_place


def coord(x, w, *, ratio, divisor, min_width, use_bias, activation):
    """Hou, Zhou & Feng 2021, equations 4 to 9; the 1×1 convolutions see no neighbour."""

    def conv(y, role):
        return y @ w[f"{role}/kernel"][0, 0] + w.get(f"{role}/bias", 0)

    def shared(y):
        return ACTIVATIONS[activation](normalised(conv(y, "reduce"), w, "norm", epsilon=1e-5))

    rows = sigmoid(conv(shared(x.mean(axis=2)), "rows"))  # (B, H, C)
    columns = sigmoid(conv(shared(x.mean(axis=1)), "columns"))  # (B, W, C)
    return np.einsum("bijc,bic,bjc->bijc", x, rows, columns)


def triplet(x, w, *, kernel_size, spatial):
    """Misra et al. 2021, equations 3 and 4: Z-pool over one axis, gate the plane of the others."""

    def gated(role, axis):
        planes = np.stack([x.max(axis=axis), x.mean(axis=axis)], axis=-1)
        gates = convolution(planes, w[f"{role}_conv/kernel"])
        gates = sigmoid(normalised(gates, w, f"{role}_norm", epsilon=1e-5))
        return x * np.expand_dims(gates[..., 0], axis)

    branches = [gated("height", 1), gated("width", 2)]
    if spatial:
        branches.append(gated("spatial", 3))
    return sum(branches) / len(branches)


def simam(x, w, *, e_lambda):
    """Yang et al. 2021, equation 5 and the listing: the inverse of the least energy."""
    mean = x.mean(axis=(1, 2), keepdims=True)
    variance = x.var(axis=(1, 2), ddof=1, keepdims=True)
    inverse_energy = (x - mean) ** 2 / (4 * (variance + e_lambda)) + 0.5
    return x * sigmoid(inverse_energy)


REFERENCES: dict[str, Callable[..., Array]] = {
    "se": se,
    "ese": ese,
    "eca": eca,
    "ceca": ceca,
    "srm": srm,
    "gct": gct,
    "gc": gc,
    "spatial": spatial,
    "cbam": cbam,
    "bam": bam,
    "scse": scse,
    "coord": coord,
    "triplet": triplet,
    "simam": simam,
}


def relu(x):
    return np.maximum(x, 0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def hard_sigmoid(x):
    """MobileNetV3's: relu6(x + 3) / 6."""
    return np.clip(x + 3, 0, 6) / 6


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": lambda x: x * hard_sigmoid(x),
    "linear": lambda x: x,
    "relu": relu,
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "softmax": softmax,
    "tanh": np.tanh,
}


def affine(x, w, role):
    """A dense layer, with a bias where there is one."""
    return x @ w[f"{role}/kernel"] + w.get(f"{role}/bias", 0)


def convolution(x, kernel, dilation=1):
    """A convolution of (B, H, W, C) with (k, k, C, F), odd k, stride 1, zeros outside."""
    size = kernel.shape[0]
    reach = size // 2 * dilation
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    _, height, width, _ = x.shape
    result = np.zeros((*x.shape[:3], kernel.shape[-1]))
    for row in range(size):
        for column in range(size):
            top, left = row * dilation, column * dilation
            result += padded[:, top : top + height, left : left + width] @ kernel[row, column]
    return result


def normalised(x, w, role, epsilon):
    """Batch norm in inference."""
    deviation = np.sqrt(w[f"{role}/moving_variance"] + epsilon)
    shifted = (x - w[f"{role}/moving_mean"]) / deviation
    return shifted * w[f"{role}/gamma"] + w[f"{role}/beta"]
