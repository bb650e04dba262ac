"""Normalisations: over a batch, over a layer, over groups, to given statistics, to one length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.operations.arguments import (
    axes,
    axis,
    channel_axis,
    elsewhere,
    flag,
    free,
    inert,
    initializer,
    is_flag,
    only,
    only_default,
)
from attn_cli.operations.base import Role, Unknown
from attn_cli.operations.forms import Same
from attn_cli.operations.shapes import along, axes_of, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


class Normalizing(Same):
    """A layer with weights for the sizes of some axes."""

    axis: int | tuple[int, ...] = channel_axis()

    def dims(self, inputs: Sequence[Shape]) -> tuple[int | None, ...] | None:
        """Return the sizes of the axes that there are weights for; None where they are not told."""
        given = (self.axis,) if isinstance(self.axis, int) else self.axis
        if not inputs or not inputs[0]:
            return (None,) * len(given)
        return tuple([inputs[0][place] for place in axes_of(given, inputs[0])])


class Affine(Normalizing):
    """Scales with gamma and moves by beta, where it has them."""

    held = ("gamma", "beta")
    epsilon: float = free(0.001)
    center: bool = flag(True)
    scale: bool = flag(True)

    def weights(self, *inputs: Shape) -> list[Role]:
        dims = self.dims(inputs)
        gamma = [Role("gamma", dims)] if self.scale else []
        return [*gamma, Role("beta", dims)] if self.center else gamma


class BatchNormalization(Affine):
    axis: int | tuple[int, ...] = channel_axis()
    momentum: float = free(0.99)
    epsilon: float = free(0.001)
    center: bool = flag(True)
    scale: bool = flag(True)
    renorm: bool = only(False)
    renorm_clipping: Any = inert()
    renorm_momentum: float = inert(0.99)
    synchronized: bool = inert(False)
    moving_mean_initializer = initializer("zeros")
    moving_variance_initializer = initializer("ones")
    fused: Any = elsewhere(of_keras_2=True)
    virtual_batch_size: int | None = elsewhere(None, only_default, of_keras_2=True)
    adjustment: Any = elsewhere(None, only_default, of_keras_2=True)
    ignored = frozenset(("training", "mask"))

    def dims(self, inputs: Sequence[Shape]) -> tuple[int | None, ...] | None:
        if isinstance(self.axis, int) or len(self.axis) == 1:
            return super().dims(inputs)
        if not inputs or not inputs[0]:
            return None
        # Of several axes, as Keras 2 takes them, the weights have the rank of what goes in.
        places = axes_of(self.axis, inputs[0])
        return tuple([n if place in places else 1 for place, n in enumerate(inputs[0])])

    def weights(self, *inputs: Shape) -> list[Role]:
        dims = self.dims(inputs)
        statistics = Role("moving_mean", dims, False), Role("moving_variance", dims, False)
        return [*super().weights(*inputs), *statistics]

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        channels = size(self.dims(inputs) or ())
        return 2 * size(outputs[0]) + (6 if self.scale else 5) * channels


class SyncBatchNormalization(BatchNormalization):
    """Of Keras 2: calculates what the one that is not synchronised does."""


class LayerNormalization(Affine):
    axis: int | tuple[int, ...] = channel_axis()
    epsilon: float = free(0.001)
    center: bool = flag(True)
    scale: bool = flag(True)
    rms_scaling: bool = elsewhere(False, is_flag)  # of Keras before 3.11

    def weights(self, *inputs: Shape) -> list[Role]:
        if self.rms_scaling:
            return [Role("gamma", self.dims(inputs))]
        return super().weights(*inputs)

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        if self.rms_scaling:
            raise Unknown("no FLOPs are known for a LayerNormalization with rms_scaling")
        last = self.axis in (-1, (-1,), (len(outputs[0]) - 1,))
        if self.noted_by_keras_2 and not (
            last and self.scale and self.center and self.noted_dtype == "float32"
        ):
            raise Unknown("no FLOPs are known for this form of a LayerNormalization of Keras 2")
        whole = size(outputs[0])
        axes = axes_of(self.axis, outputs[0])
        groups = size([each for place, each in enumerate(outputs[0]) if place not in axes])
        # Mean 1, squared differences 2, their mean 1, times and plus; then gamma, beta, and what
        # the mean is scaled by: for each element with gamma, for each group without.
        each = 6 + (2 if self.scale else 0) + (1 if self.center else 0)
        return each * whole + (4 if self.scale else 5) * groups


class GroupNormalization(Affine):
    left_out = frozenset(("mask",))  # Keras 2's
    groups: int = axis(32)
    axis: int = axis(-1)

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        if self.noted_by_keras_2:
            raise Unknown("no FLOPs are known for a GroupNormalization of Keras 2")
        whole, channels = size(outputs[0]), along(outputs[0], self.axis)
        groups = channels if self.groups == -1 else self.groups
        # Mean, squared differences and their mean; times and plus. What is multiplied and added
        # has a size for each channel with gamma and beta, for each group without; its own part
        # is an epsilon, a root and a minus.
        factors = 2 * channels if self.scale else groups
        return 6 * whole + factors + (channels if self.center else 0) + 4 * groups


class RMSNormalization(Normalizing):
    epsilon: float = free(1e-6)

    def weights(self, *inputs: Shape) -> list[Role]:
        return [Role("scale", self.dims(inputs))]


class UnitNormalization(Same):
    axis: int | tuple[int, ...] = axes(-1)


class Normalization(Same):
    axis: int | tuple[int, ...] | None = axes(-1)
    mean: Any = free(None)
    variance: Any = free(None)
    invert: bool = flag(False)

    def dims(self, inputs: Sequence[Shape]) -> tuple[int | None, ...]:
        given = (
            () if self.axis is None else (self.axis,) if isinstance(self.axis, int) else self.axis
        )
        if not inputs or not inputs[0]:
            return (None,) * len(given)
        return tuple([inputs[0][place] for place in axes_of(given, inputs[0])])

    def weights(self, *inputs: Shape) -> list[Role]:
        if self.mean is not None:
            return []
        dims = self.dims(inputs)
        # It counts what it was adapted to.
        count = Role("count", (), False, "int64")
        return [Role("mean", dims, False), Role("variance", dims, False), count]

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        # A maximum and a root of each variance.
        return 2 * size(outputs[0]) + 2 * size(self.dims(inputs))
