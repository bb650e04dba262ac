"""Attention between sequences: of many heads, of grouped ones, and of none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.errors import BadShape
from attn_cli.operations.arguments import count, elsewhere, flag, fraction, free, inert, integers
from attn_cli.operations.base import Argument, Operation, Role
from attn_cli.operations.shapes import axes_of, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape

SCORES = frozenset(("return_attention_scores",))
MASKS = ("attention_mask", "query_mask", "value_mask", "key_mask", "use_causal_mask")


def _optional_count(name: str, value: Any, entry: Any) -> int | None:
    return None if value is None else count().check(name, value, entry)


class Heads(Operation):
    """Queries meet keys in several heads; what they find is a mean of the values."""

    operands = ("query", "value", "key")
    needed = 2
    passive = frozenset(MASKS)
    left_out = SCORES
    held = ("kernel", "bias")
    dropout: float = fraction(0.0)
    use_bias: bool = flag(True)
    use_gate: bool = flag(False)
    sliding_window: int | None = free(None)
    flash_attention: Any = inert()
    seed: int | dict[str, Any] | None = inert()
    # Keras 2 notes what it was built on.
    query_shape: Any = elsewhere(of_keras_2=True)
    key_shape: Any = elsewhere(of_keras_2=True)
    value_shape: Any = elsewhere(of_keras_2=True)

    def heads(self) -> tuple[int, int, int, int]:
        """Return the heads of the queries and of keys and values, and the widths of both."""
        raise NotImplementedError

    def channels(self, inputs: Sequence[Shape]) -> tuple[int | None, int | None, int | None]:
        """Return the channels of query, value and key."""
        query, value, key = [*inputs, (), (), ()][:3]
        last = [shape[-1] if shape else None for shape in (query, value, key or value)]
        return last[0], last[1], last[2]

    def made(self, query: int | None) -> tuple[int | None, ...]:
        """Return the sizes that come out in place of the channels."""
        return (query,)

    def projections(self, inputs: Sequence[Shape]) -> list[tuple[str, tuple[int | None, ...]]]:
        """Return the kernels in Keras' order, and what each is for."""
        heads, groups, width, value_width = self.heads()
        query, value, key = self.channels(inputs)
        gate = [("query", (query, heads, value_width))] if self.use_gate else []
        return [
            ("query", (query, heads, width)),
            ("value", (key, groups, width)),
            *gate,
            ("value", (value, groups, value_width)),
            ("query", (heads, value_width, *self.made(query))),
        ]

    def weights(self, *inputs: Shape) -> list[Role]:
        *inner, (_, last) = self.projections(inputs)
        roles: list[Role] = []
        for _, dims in inner:
            roles.append(Role("kernel", dims))
            roles += [Role("bias", dims[1:])] if self.use_bias else []
        roles.append(Role("kernel", last))
        return [*roles, Role("bias", last[2:])] if self.use_bias else roles

    def attended(self, shape: Shape) -> list[int]:
        """Return the axes of a query or a value that attention runs along."""
        return list(range(1, len(shape) - 1))

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        self.outputs(*inputs)  # refuses what is no sequence
        query, value = inputs[:2]
        heads, _, width, value_width = self.heads()
        of = {"query": size(query[:-1]), "value": size(value[:-1])}
        projected = sum(of[of_what] * size(dims) for of_what, dims in self.projections(inputs))
        # Each place of the query meets each place of the value, along the attended axes.
        met = size([value[axis] for axis in self.attended(value)])
        return projected + of["query"] * met * heads * (width + value_width)

    def outputs(self, *inputs: Shape) -> Sequence[Shape]:
        if len(inputs[0]) < 3 or len(inputs[1]) < 3:
            raise BadShape(f"{self.type} takes sequences, not {inputs[0]} and {inputs[1]}")
        return ((*inputs[0][:-1], *self.made(inputs[0][-1])),)


class MultiHeadAttention(Heads):
    num_heads: int = count()
    key_dim: int = count()
    value_dim: int | None = Argument(_optional_count, None)  # type: ignore[assignment] # bound
    output_shape: Any = free(None)
    attention_axes: tuple[int, ...] | None = integers(None)

    def heads(self) -> tuple[int, int, int, int]:
        width = self.value_dim or self.key_dim
        return self.num_heads, self.num_heads, self.key_dim, width

    def made(self, query: int | None) -> tuple[int | None, ...]:
        told = self.output_shape
        if told is None:
            return (query,)
        return (told,) if isinstance(told, int) else tuple(told)

    def attended(self, shape: Shape) -> list[int]:
        if self.attention_axes is None:
            return super().attended(shape)
        return axes_of(self.attention_axes, shape)


class GroupedQueryAttention(Heads):
    head_dim: int = count()
    num_query_heads: int = count()
    num_key_value_heads: int = count()

    def heads(self) -> tuple[int, int, int, int]:
        return self.num_query_heads, self.num_key_value_heads, self.head_dim, self.head_dim


class Attention(Operation):
    """Queries meet keys as they are: dot products, and a mean of the values."""

    many = True
    passive = frozenset(("mask", "use_causal_mask"))
    left_out = SCORES
    use_scale: bool = flag(False)
    score_mode: str = free("dot")
    dropout: float = fraction(0.0)
    seed: int | dict[str, Any] | None = inert()

    def weights(self, *inputs: Shape) -> list[Role]:
        scale = [Role("scale", ())] if self.use_scale else []
        score = [Role("concat_score_weight", ())] if self.score_mode == "concat" else []
        return [*scale, *score]

    def outputs(self, *inputs: Shape) -> Sequence[Shape]:
        if len(inputs) not in (2, 3):
            raise BadShape(f"{self.type} takes a query, a value and perhaps a key")
        return ((*inputs[0][:-1], inputs[1][-1]),)

    def scores(self, query: Shape, keys: Shape) -> int:
        """Return the multiply-accumulates of the scores."""
        dots = self.score_mode == "dot"
        return size(query) * size((keys[-2],)) if dots else 0

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        query, value = inputs[:2]
        return self.scores(query, value) + size(query[:-1]) * size(value[-2:])


class AdditiveAttention(Attention):
    use_scale: bool = flag(True)

    def weights(self, *inputs: Shape) -> list[Role]:
        if not self.use_scale:
            return []
        return [Role("scale", (inputs[0][-1] if inputs and inputs[0] else None,))]

    def scores(self, query: Shape, keys: Shape) -> int:
        return 0


class DotProductAttention(Operation):
    """The op: (B, T, N, H) meet (B, S, N, H)."""

    operands = ("query", "key", "value")
    needed = 3
    passive = frozenset(("bias", "mask", "scale"))
    is_causal: bool = flag(False)
    flash_attention: Any = inert()
    attn_logits_soft_cap: Any = free(None)

    def output(self, *inputs: Shape) -> Shape:
        if not all(len(shape) == 4 for shape in inputs):
            raise BadShape(f"{self.type} takes 4 dimensions, not {inputs}")
        return inputs[0]

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        query, key, value = inputs
        return size(query[:3]) * size(key[1:2]) * (size(query[3:]) + size(value[3:]))
