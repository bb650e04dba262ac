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


def se(x, w, *, ratio, width, divisor, round_limit, activation, gate, use_bias):
    """Hu, Shen & Sun 2018, equations 2 to 4."""
    _, height, wide, _ = x.shape
    z = np.einsum("bhwc->bc", x) / (height * wide)  # (2), squeeze
    s = ACTIVATIONS[gate](affine(ACTIVATIONS[activation](affine(z, w, "reduce")), w, "expand"))
    return np.einsum("bhwc,bc->bhwc", x, s)  # (4), scale


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


def cbam(x, w, *, ratio, kernel_size, use_bias, batch_norm):
    """Woo et al. 2018, equations 1 to 3."""

    def mlp(pooled):
        return affine(relu(affine(pooled, w, "reduce")), w, "expand")

    gates = sigmoid(mlp(x.mean(axis=(1, 2))) + mlp(x.max(axis=(1, 2))))  # (2)
    refined = x * gates[:, None, None, :]
    below = {role.removeprefix("spatial_"): value for role, value in w.items()}
    return spatial(refined, below, kernel_size=kernel_size, batch_norm=batch_norm)


def spatial(x, w, *, kernel_size, batch_norm):
    """Woo et al. 2018, equation 3, the maps stacked as in the official code: maximum, then mean."""
    maps = np.stack([x.max(axis=-1), x.mean(axis=-1)], axis=-1)
    kernel = w["conv/kernel"]
    assert kernel.shape[:2] == (kernel_size, kernel_size)
    gates = convolution(maps, kernel)
    if batch_norm:
        gates = normalised(gates, w, "norm", epsilon=1e-5)
    return x * sigmoid(gates)


REFERENCES: dict[str, Callable[..., Array]] = {
    "se": se,
    "eca": eca,
    "cbam": cbam,
    "spatial": spatial,
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
