"""Convolutions over one to three dimensions: plain, transposed, of each channel, separable."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from attn_cli.errors import BadOption, BadShape
from attn_cli.operations.arguments import (
    count,
    counts,
    data_format,
    elsewhere,
    flag,
    function,
    initializer,
    optional_counts,
    padding,
)
from attn_cli.operations.base import Role
from attn_cli.operations.forms import Kernel, Spatial
from attn_cli.operations.shapes import size, windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape
    from attn_cli.operations.shapes import Size


class Convolution(Spatial, Kernel):
    """What all convolutions have: a kernel that moves over the map."""

    strides: tuple[int, ...]
    dilation_rate: tuple[int, ...]

    def checked(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise BadOption(f"strides {self.strides} do not go with dilation {self.dilation_rate}")

    def channels(self, inputs: Sequence[Shape]) -> Size:
        """Return the channels that go in, None where they are unknown."""
        return self.parts(inputs[0])[2] if inputs and inputs[0] else None


class Conv(Convolution):
    filters: int = count()
    kernel_size: tuple[int, ...] = counts()
    strides: tuple[int, ...] = counts(1)
    padding: str = padding()
    data_format: str = data_format()
    dilation_rate: tuple[int, ...] = counts(1)
    groups: int = count(1)
    activation: str = function()
    use_bias: bool = flag(True)

    def checked(self) -> None:
        super().checked()
        if self.filters % self.groups:
            raise BadOption(f"{self.filters} filters cannot be shared among {self.groups} groups")

    def weights(self, *inputs: Shape) -> list[Role]:
        channels = self.channels(inputs)
        if channels is not None:
            if channels % self.groups:
                raise BadShape(f"{channels} channels cannot be shared among {self.groups} groups")
            channels //= self.groups
        kernel = Role("kernel", (*self.kernel_size, channels, self.filters))
        return [kernel, *self.bias(self.filters)]

    def output(self, *inputs: Shape) -> Shape:
        batch, space, _ = self.parts(inputs[0])
        after = windows(space, self.kernel_size, self.strides, self.padding, self.dilation_rate)
        return self.shape(batch, after, self.filters)

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        channels = size((self.channels(inputs),)) // self.groups
        return self.positions(outputs[0]) * prod(self.kernel_size) * channels * self.filters


class Conv1D(Conv):
    rank = 3
    padding: str = padding("causal")


class Conv2D(Conv):
    rank = 4


class Conv3D(Conv):
    rank = 5


class ConvTranspose(Convolution):
    filters: int = count()
    kernel_size: tuple[int, ...] = counts()
    strides: tuple[int, ...] = counts(1)
    padding: str = padding()
    output_padding: tuple[int, ...] | None = optional_counts()
    data_format: str = data_format()
    dilation_rate: tuple[int, ...] = counts(1)
    activation: str = function()
    use_bias: bool = flag(True)
    groups: int = elsewhere(1, count().check, of_keras_2=True)  # which notes it; it is always 1

    def checked(self) -> None:
        super().checked()
        if self.groups != 1:
            raise BadOption(f"groups is 1, not {self.groups}")

    def weights(self, *inputs: Shape) -> list[Role]:
        kernel = Role("kernel", (*self.kernel_size, self.filters, self.channels(inputs)))
        return [kernel, *self.bias(self.filters)]

    def output(self, *inputs: Shape) -> Shape:
        batch, space, _ = self.parts(inputs[0])
        return self.shape(batch, [self.side(*each) for each in enumerate(space)], self.filters)

    def side(self, place: int, side: Size) -> Size:
        """Return the size of a dimension after it was spread out."""
        if side is None:
            return None
        stride = self.strides[place]
        kernel = (self.kernel_size[place] - 1) * self.dilation_rate[place] + 1
        if self.output_padding is None:
            return side * stride + (max(kernel - stride, 0) if self.padding == "valid" else 0)
        kept = kernel if self.padding == "valid" else kernel % 2
        return (side - 1) * stride + kept + self.output_padding[place]

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        channels = size((self.channels(inputs),))
        return self.positions(inputs[0]) * prod(self.kernel_size) * channels * self.filters


class Conv1DTranspose(ConvTranspose):
    rank = 3


class Conv2DTranspose(ConvTranspose):
    rank = 4


class Conv3DTranspose(ConvTranspose):
    rank = 5


class DepthwiseConv(Convolution):
    held = ("depthwise", "bias", "kernel")  # of the last Keras 2 alone
    kernel_size: tuple[int, ...] = counts()
    strides: tuple[int, ...] = counts(1)
    padding: str = padding()
    depth_multiplier: int = count(1)
    data_format: str = data_format()
    dilation_rate: tuple[int, ...] = counts(1)
    activation: str = function()
    use_bias: bool = flag(True)
    depthwise_initializer = initializer("glorot_uniform")
    bias_initializer = initializer("zeros")
    # Keras 2 notes what a convolution has, and does not use it here.
    groups: int = elsewhere(1, of_keras_2=True)

    def weights(self, *inputs: Shape) -> list[Role]:
        channels = self.channels(inputs)
        kernel = Role("kernel", (*self.kernel_size, channels, self.depth_multiplier))
        return [kernel, *self.bias(None if channels is None else channels * self.depth_multiplier)]

    def output(self, *inputs: Shape) -> Shape:
        batch, space, channels = self.parts(inputs[0])
        after = windows(space, self.kernel_size, self.strides, self.padding, self.dilation_rate)
        return self.shape(
            batch, after, None if channels is None else channels * self.depth_multiplier
        )

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return size(outputs[0]) * prod(self.kernel_size)


class DepthwiseConv1D(DepthwiseConv):
    rank = 3


class DepthwiseConv2D(DepthwiseConv):
    rank = 4


class SeparableConv(Convolution):
    held = ("depthwise", "pointwise", "bias", "kernel")
    filters: int = count()
    kernel_size: tuple[int, ...] = counts()
    strides: tuple[int, ...] = counts(1)
    padding: str = padding()
    data_format: str = data_format()
    dilation_rate: tuple[int, ...] = counts(1)
    depth_multiplier: int = count(1)
    activation: str = function()
    use_bias: bool = flag(True)
    groups: int = elsewhere(1, of_keras_2=True)

    def weights(self, *inputs: Shape) -> list[Role]:
        channels = self.channels(inputs)
        between = None if channels is None else channels * self.depth_multiplier
        return [
            Role("depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier)),
            Role("pointwise_kernel", (*(1,) * len(self.kernel_size), between, self.filters)),
            *self.bias(self.filters),
        ]

    def output(self, *inputs: Shape) -> Shape:
        batch, space, _ = self.parts(inputs[0])
        after = windows(space, self.kernel_size, self.strides, self.padding, self.dilation_rate)
        return self.shape(batch, after, self.filters)

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        between = size((self.channels(inputs),)) * self.depth_multiplier
        return self.positions(outputs[0]) * between * (prod(self.kernel_size) + self.filters)


class SeparableConv1D(SeparableConv):
    rank = 3
    padding: str = padding("causal")


class SeparableConv2D(SeparableConv):
    rank = 4
