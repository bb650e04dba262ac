"""Pooling over windows, over a whole map, and to a given size."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from attn_cli.operations.arguments import counts, data_format, flag, optional_counts, padding
from attn_cli.operations.base import Unknown
from attn_cli.operations.forms import Spatial
from attn_cli.operations.shapes import size, windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


class Pooling(Spatial):
    pool_size: tuple[int, ...] = counts(2)
    strides: tuple[int, ...] | None = optional_counts()
    padding: str = padding()
    data_format: str = data_format()

    def output(self, *inputs: Shape) -> Shape:
        batch, space, channels = self.parts(inputs[0])
        strides = self.strides or self.pool_size
        return self.shape(batch, windows(space, self.pool_size, strides, self.padding), channels)

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        if self.rank == 5:
            raise Unknown(f"no FLOPs are known for {self.type}")
        return prod(self.pool_size) * size(outputs[0])


class MaxPooling1D(Pooling):
    rank = 3


class MaxPooling2D(Pooling):
    rank = 4


class MaxPooling3D(Pooling):
    rank = 5


class AveragePooling(Pooling):
    pool_size: tuple[int, ...] = counts()


class AveragePooling1D(AveragePooling):
    rank = 3


class AveragePooling2D(AveragePooling):
    rank = 4


class AveragePooling3D(AveragePooling):
    rank = 5


class GlobalPooling(Spatial):
    data_format: str = data_format()
    keepdims: bool = flag(False)

    def output(self, *inputs: Shape) -> Shape:
        batch, space, channels = self.parts(inputs[0])
        return self.shape(batch, (1,) * len(space) if self.keepdims else (), channels)

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return size(inputs[0])


class GlobalAveragePooling1D(GlobalPooling):
    rank = 3
    passive = frozenset(("mask",))


class GlobalAveragePooling2D(GlobalPooling):
    rank = 4


class GlobalAveragePooling3D(GlobalPooling):
    rank = 5


class GlobalMaxPooling1D(GlobalPooling):
    rank = 3


class GlobalMaxPooling2D(GlobalPooling):
    rank = 4


class GlobalMaxPooling3D(GlobalPooling):
    rank = 5


class AdaptivePooling(Spatial):
    output_size: tuple[int, ...] = counts()
    data_format: str = data_format()

    def output(self, *inputs: Shape) -> Shape:
        batch, _, channels = self.parts(inputs[0])
        return self.shape(batch, self.output_size, channels)


class AdaptiveAveragePooling1D(AdaptivePooling):
    rank = 3


class AdaptiveAveragePooling2D(AdaptivePooling):
    rank = 4


class AdaptiveAveragePooling3D(AdaptivePooling):
    rank = 5


class AdaptiveMaxPooling1D(AdaptivePooling):
    rank = 3


class AdaptiveMaxPooling2D(AdaptivePooling):
    rank = 4


class AdaptiveMaxPooling3D(AdaptivePooling):
    rank = 5
