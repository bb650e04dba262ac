"""Layers with one matrix of weights: dense ones, by any equation, and tables of embeddings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadShape, NotModelled
from attn_cli.operations.arguments import (
    count,
    elsewhere,
    flag,
    free,
    function,
    inert,
    initializer,
)
from attn_cli.operations.base import Operation, Role, Unknown
from attn_cli.operations.forms import Kernel
from attn_cli.operations.shapes import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


class Adapted(Kernel):
    """A layer whose kernel LoRA may adapt, or a quantisation replace."""

    behind = True

    lora_rank: int | None = inert()
    lora_alpha: float | None = inert()
    quantization_config: dict[str, Any] | None = inert()
    quantization_mode: str | None = elsewhere()
    gptq_unpacked_column_size: int | None = elsewhere()

    def plain(self) -> None:
        """Raise Unknown where more is multiplied than the kernel."""
        if self.lora_rank:
            raise Unknown(f"{self.type}: LoRA's own products are not counted")


class Dense(Adapted):
    units: int = count()
    activation: str = function()
    use_bias: bool = flag(True)
    kernel_initializer = initializer("glorot_uniform")
    bias_initializer = initializer("zeros")

    def weights(self, *inputs: Shape) -> list[Role]:
        channels = inputs[0][-1] if inputs and inputs[0] else None
        return [Role("kernel", (channels, self.units)), *self.bias(self.units)]

    def output(self, *inputs: Shape) -> Shape:
        if len(inputs[0]) < 2:
            raise NotModelled(f"Dense on {inputs[0]}")
        return (*inputs[0][:-1], self.units)

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        self.plain()
        return size(inputs[0]) * self.units


class EinsumDense(Adapted):
    equation: str = free()
    output_shape: int | list[int | None] = free()
    activation: str = function()
    bias_axes: str | None = free(None)

    def sizes(self, shape: Shape) -> tuple[str, str, str, dict[str, int | None], Shape]:
        """Return the letters of input, kernel and output, and the size of each letter.

        The last is the shape of the output as far as it is told.
        """
        equation = str(self.equation)
        match = re.fullmatch(
            r"(\.\.\.|)([a-zA-Z]+)(\.\.\.|),([a-zA-Z]+)->\1([a-zA-Z]+)\3", equation
        )
        if match is None or (match[1] and match[3]):
            raise Unknown(f"EinsumDense: its equation {equation[:40]!r} is not understood")
        left, given, right, kernel, made = match.groups()
        elided = len(shape) - len(given)
        if elided < 0 or (elided and not left and not right):
            raise BadShape(f"EinsumDense: {equation} does not fit {shape}")
        spare = [c for c in "0123456789" if c not in equation][:elided]
        if len(spare) < elided:
            raise Unknown("EinsumDense: too many dimensions")
        more = "".join(spare)
        given, made = (more + given, more + made) if left else (given + more, made + more)
        target = self.output_shape
        told = [target] if isinstance(target, int) else list(target)
        front = list(shape[:elided]) if left and elided else [shape[0]]
        back = list(shape[len(shape) - elided :]) if right and elided else []
        out = [*front, *told, *back]
        if len(out) != len(made):
            raise BadShape(f"EinsumDense: output_shape {target} does not fit {equation}")
        sizes: dict[str, int | None] = dict(zip(given, shape, strict=True))
        for letter, one in zip(made, out, strict=True):
            if letter not in sizes or (sizes[letter] is None and one is not None):
                sizes[letter] = one
            elif one is not None and one != sizes[letter]:
                raise BadShape(f"EinsumDense: output_shape {target} does not fit {shape}")
        return given, kernel, made, sizes, tuple(out)

    @property
    def use_bias(self) -> bool:  # type: ignore[override] # told by bias_axes here
        return self.bias_axes is not None

    def weights(self, *inputs: Shape) -> list[Role]:
        if not inputs or not inputs[0]:
            roles = [Role("kernel", None)]
            return [*roles, Role("bias", None)] if self.use_bias else roles
        _, kernel, made, sizes, _ = self.sizes(inputs[0])
        roles = [Role("kernel", tuple([sizes[letter] for letter in kernel]))]
        if self.bias_axes is not None:
            # The bias has the dimensions of the output from the first that it is for.
            first = min(made.index(letter) for letter in self.bias_axes)
            dims = [sizes[letter] if letter in self.bias_axes else 1 for letter in made[first:]]
            roles.append(Role("bias", tuple(dims)))
        return roles

    def output(self, *inputs: Shape) -> Shape:
        _, _, made, sizes, _ = self.sizes(inputs[0])
        return tuple([sizes[letter] for letter in made])

    def noted(self, *inputs: Shape) -> Sequence[Shape]:
        """Keras 3 leaves open what `output_shape` leaves open; Keras 2 looks."""
        *_, told = self.sizes(inputs[0])
        return self.outputs(*inputs) if self.noted_by_keras_2 else (told,)

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        self.plain()
        given, kernel, _, sizes, _ = self.sizes(inputs[0])
        return size([sizes[letter] for letter in {*given, *kernel}])


class Embedding(Adapted):
    held = ("embeddings",)
    input_dim: int = count()
    output_dim: int = count()
    mask_zero: bool = flag(False)
    input_length: Any = inert()  # of Keras 2

    @property
    def masks(self) -> bool:  # type: ignore[override] # told by mask_zero here
        return self.mask_zero

    def weights(self, *inputs: Shape) -> list[Role]:
        return [Role("embeddings", (self.input_dim, self.output_dim))]

    def output(self, *inputs: Shape) -> Shape:
        return (*inputs[0], self.output_dim)

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return 0

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return Operation.flops(self, macs, outputs, *inputs)
