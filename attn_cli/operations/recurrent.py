"""Recurrent layers: their weights, and their products, once a step."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from attn_cli.errors import BadShape
from attn_cli.operations.arguments import (
    count,
    counts,
    data_format,
    elsewhere,
    flag,
    fraction,
    free,
    function,
    inert,
    is_flag,
    padding,
)
from attn_cli.operations.base import REQUIRED, Argument, Opaque, Operation, Role, Unknown
from attn_cli.operations.common import is_of_keras
from attn_cli.operations.forms import Spatial
from attn_cli.operations.shapes import size, windows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


class Recurrent(Operation):
    """Takes (B, T, …) step by step, with one kernel for what goes in and one for its state."""

    operands = ("sequences",)
    passive = frozenset(("mask", "initial_state"))
    left_out = frozenset(("constants",))  # Keras 2's
    leads = True
    held = ("kernel", "recurrent", "bias")
    gates: ClassVar[int] = 1
    states: ClassVar[int] = 1

    use_bias: bool = flag(True)
    unit_forget_bias: bool = inert(True)
    dropout: float = fraction(0.0)
    recurrent_dropout: float = fraction(0.0)
    seed: int | dict[str, Any] | None = inert()
    return_sequences: bool = flag(False)
    return_state: bool = flag(False)
    go_backwards: bool = flag(False)
    stateful: bool = flag(False)
    unroll: bool = flag(False)
    zero_output_for_mask: bool = inert(False)
    use_cudnn: Any = inert("auto")
    # Of Keras 2.
    time_major: bool = elsewhere(False, is_flag, of_keras_2=True)
    implementation: int = inert(2)

    def state(self, shape: Shape) -> Shape:
        """Return the shape of a state, for an input of this shape."""
        raise NotImplementedError

    def batch_stays(self, shape: Shape) -> bool:
        return self.keeps_batch and not self.time_major

    def outputs(self, *inputs: Shape) -> Sequence[Shape]:
        if self.time_major:
            raise Unknown(f"{self.type}: time_major is not understood")
        state = self.state(inputs[0])
        one = (inputs[0][0], inputs[0][1], *state[1:]) if self.return_sequences else state
        return (one, *(state,) * self.states) if self.return_state else (one,)

    def noted(self, *inputs: Shape) -> Sequence[Shape]:
        if self.stateful and inputs[0][:1] == (None,):
            raise BadShape(f"a {self.type} that is stateful takes a batch of a known size")
        return self.outputs(*inputs)

    def each_step(self, shape: Shape) -> int:
        """Return the multiply-accumulates of a step. Raises Unknown."""
        raise NotImplementedError

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        if self.time_major:
            raise Unknown(f"{self.type}: time_major is not understood")
        return size(inputs[0][1:2]) * self.each_step(inputs[0])


class Units(Recurrent):
    """A recurrent layer of so many units."""

    rank = 3
    units: int = count()
    activation: str = function("tanh")
    recurrent_activation: str = function("sigmoid")
    use_bias: bool = flag(True)
    reset_after: bool = flag(True)

    def state(self, shape: Shape) -> Shape:
        if len(shape) != 3:
            raise BadShape(f"{self.type} takes 3 dimensions, not {shape}")
        return (shape[0], self.units)

    def weights(self, *inputs: Shape) -> list[Role]:
        width = self.gates * self.units
        bias = (2, width) if self.gates == 3 and self.reset_after else (width,)
        return [
            Role("kernel", (inputs[0][-1] if inputs and inputs[0] else None, width)),
            Role("recurrent_kernel", (self.units, width)),
            *([Role("bias", bias)] if self.use_bias else ()),
        ]

    def each_step(self, shape: Shape) -> int:
        batch_and_channels = size((shape[0], shape[-1]))
        whole = batch_and_channels + size(shape[:1]) * self.units
        return whole * self.gates * self.units


class SimpleRNN(Units):
    pass


class GRU(Units):
    gates = 3


class LSTM(Units):
    gates = 4
    states = 2


class ConvLSTM(Spatial, Recurrent):
    """A recurrent layer whose kernels are convolutions, over (B, T, space…, C)."""

    gates = 4
    states = 2
    passive = frozenset(("mask",))
    # With a state that is given, Keras 2 multiplies less.
    left_out = frozenset(("constants", "initial_state"))
    leads = False
    filters: int = count()
    kernel_size: tuple[int, ...] = counts()
    strides: tuple[int, ...] = counts(1)
    padding: str = padding()
    data_format: str = data_format()
    dilation_rate: tuple[int, ...] = counts(1)
    activation: str = function("tanh")
    recurrent_activation: str = function("sigmoid")
    # Those of the cell's convolution, which has no other.
    groups: int = elsewhere(1, of_keras_2=True)

    def state(self, shape: Shape) -> Shape:
        batch, space, _ = self.parts((shape[0], *shape[2:]))
        after = windows(space, self.kernel_size, self.strides, self.padding, self.dilation_rate)
        return self.shape(batch, after, self.filters)

    def weights(self, *inputs: Shape) -> list[Role]:
        width = self.gates * self.filters
        shape = inputs[0] if inputs else ()
        channels = self.parts((shape[0], *shape[2:]))[2] if shape else None
        return [
            Role("kernel", (*self.kernel_size, channels, width)),
            Role("recurrent_kernel", (*self.kernel_size, self.filters, width)),
            *([Role("bias", (width,))] if self.use_bias else ()),
        ]

    def each_step(self, shape: Shape) -> int:
        channels = size((self.parts((shape[0], *shape[2:]))[2],))
        kernel = prod(self.kernel_size) * self.gates * self.filters
        return self.positions(self.state(shape)) * kernel * (channels + self.filters)

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        whole = super().macs(outputs, *inputs)
        if "time_major" not in vars(self):  # which Keras 2 alone notes
            return whole
        # Keras 2 has the shape of its first state from a convolution of zeros.
        (shape,) = inputs
        channels = size((self.parts((shape[0], *shape[2:]))[2],))
        kernel = prod(self.kernel_size) * channels * self.filters
        return whole + self.positions(self.state(shape)) * kernel


class ConvLSTM1D(ConvLSTM):
    rank = 3


class ConvLSTM2D(ConvLSTM):
    rank = 4


class ConvLSTM3D(ConvLSTM):
    rank = 5


def _layer(name: str, value: Any, entry: Any) -> Operation | None:
    """Return the layer that another one wraps, bound to its own config."""
    from attn_cli.operations import bind

    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        raise Unknown(f"{entry.type}: its {name} is not told")
    # One of another package has another type than its class is called.
    module = value.get("module")
    if isinstance(module, str) and not is_of_keras(module):
        raise Unknown(f"{entry.type} of a layer that is not Keras' own")
    inner = bind(str(value.get("class_name")), value["config"])
    if isinstance(inner, Opaque):
        raise Unknown(f"{entry.type}: {inner.why}")
    if not isinstance(inner, Recurrent):
        raise Unknown(f"{entry.type} of {value.get('class_name')} is not understood")
    return inner


class Bidirectional(Operation):
    """Two recurrent layers, one of them backwards."""

    operands = ("sequences",)
    passive = frozenset(("mask", "initial_state"))
    left_out = frozenset(("constants",))  # Keras 2's
    leads = True
    layer: Any = Argument(_layer, REQUIRED, told=False)
    backward_layer: Any = Argument(_layer, None, told=False)
    merge_mode: str | None = free("concat")

    @property
    def both(self) -> tuple[Recurrent, Recurrent]:
        return self.layer, self.backward_layer or self.layer

    def weights(self, *inputs: Shape) -> list[Role]:
        return [role for layer in self.both for role in layer.weights(*inputs)]

    def outputs(self, *inputs: Shape) -> Sequence[Shape]:
        (one, *states), (other, *more) = (layer.outputs(*inputs) for layer in self.both)
        if self.merge_mode is None:
            made: tuple[Shape, ...] = (one, other)
        elif self.merge_mode == "concat":
            sizes = one[-1], other[-1]
            last = None if None in sizes else sizes[0] + sizes[1]  # type: ignore[operator] # no None
            made = ((*one[:-1], last),)
        elif self.merge_mode in ("sum", "ave", "mul"):
            made = (one,)
        else:
            raise Unknown(f"Bidirectional: merge_mode {self.merge_mode!r} is not understood")
        return (*made, *states, *more)

    def noted(self, *inputs: Shape) -> Sequence[Shape]:
        for layer in self.both:
            layer.noted(*inputs)
        return self.outputs(*inputs)

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return sum(layer.macs(layer.outputs(*inputs), *inputs) for layer in self.both)
