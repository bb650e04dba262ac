"""A call of a layer or an op: what it is called with, what comes out of it, and what it costs.

Every source tells its calls here. Shapes are told twice: as Keras notes them, the batch open, and
for one sample, every size of it followed from the input on. What a call costs follows from the
second, so that places that are folded into the batch are counted as often as they are there.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.errors import AttnError, BadShape
from attn_cli.graph import UNKNOWN, Cost
from attn_cli.operations import LAYERS, OPS
from attn_cli.operations.base import (
    BEYOND,
    DYNAMIC,
    MAX_COUNT,
    MAX_RANK,
    MAX_SIZE,
    NONSENSE,
    Constant,
    Opaque,
    Operation,
    Unknown,
    reason,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from attn_cli.graph import Shape


class Tensor(NamedTuple):
    """A tensor of the model: its shape, that of one sample, and why that is unknown.

    `numbers` are what it holds, where those are sizes of another tensor or one of them. `masked` is
    whether a mask goes with it.
    """

    shape: Shape
    sample: Shape | None = None
    why: str = ""
    numbers: Any = None
    masked: bool = False


Operand = Tensor | Constant


class Bound(NamedTuple):
    """What is called, with its operands in order; `more` is whether more may change its FLOPs."""

    operation: Operation
    operands: Sequence[Operand]
    more: bool = False

    @property
    def numbers(self) -> tuple[float | None, ...]:
        """The operands that are a number, None in the place of each other one."""
        return tuple([each.value if isinstance(each, Constant) else None for each in self.operands])


def input_tensor(shape: Shape | None) -> Tensor:
    """Return the tensor of an input: a sample of it is a batch of one."""
    if not shape:
        return Tensor(UNKNOWN, None, "the shape of an input is not told")
    return Tensor(shape, (1, *shape[1:]))


def bind_call(
    operation: Operation,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    tensors: Sequence[Tensor],
    *,
    is_op: bool,
    keras_2: bool = False,
) -> Bound:
    """Return a call as it is understood; as an Opaque on all its tensors where it is not."""
    try:
        if not is_op and not isinstance(operation, Opaque):
            _require_tensors(operation, [*args, *kwargs.values()], keras_2)
        return _bound(operation, args, kwargs)
    except (Unknown, *NONSENSE) as unknown:
        return Bound(Opaque.like(operation, unknown), tensors)


def _require_tensors(operation: Operation, given: Sequence[Any], keras_2: bool) -> None:
    """Refuse what a layer does not take in the place of its tensors. Raises Unknown.

    Ops take lists for arrays, and numbers; layers do neither, but for numbers in Keras 2.
    """
    first = given[0] if given else None
    if operation.many and not isinstance(first, list):
        raise Unknown(f"a call of {operation.type} without a list of tensors is not understood")
    if isinstance(first, list):
        if not operation.many and not (operation.leads and len(first) > 1):
            raise Unknown(f"a call of {operation.type} with a list is not understood")
        if not keras_2 and any(isinstance(each, (int, float)) for each in first):
            raise Unknown(f"a call of {operation.type} with a number is not understood")
    elif not keras_2 and isinstance(first, (int, float)):
        raise Unknown(f"a call of {operation.type} with a number is not understood")


def _bound(operation: Operation, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Bound:
    """Return a call as it is understood.

    Raises Unknown where the call has an argument that the entry does not understand.
    """
    if operation.spread:
        return Bound(operation, [_operand(operation, each) for each in args], bool(kwargs))
    names = (*operation.operands, *operation.at_call)
    if len(args) > len(names):
        raise Unknown(f"a call of {operation.type} with {len(args)} arguments is not understood")
    bound = dict(zip(names, args, strict=False))
    more = False
    for name, value in kwargs.items():
        if name in names:
            bound[name] = value
        elif name in operation.ignored or (
            (value is None or value is False)
            and (
                name in operation.left_out
                or name in operation.passive
                or isinstance(operation, Opaque)
            )
        ):
            continue
        elif name in operation.passive:
            more = True
        else:
            raise Unknown(f"a call of {operation.type} with {name} is not understood")
    if operation.at_call:
        operation = copy(operation)
        for name in operation.at_call:
            if name in bound:
                setattr(operation, name, bound[name])
    given = [bound.get(name) for name in operation.operands]
    first = given[0]
    if operation.many:
        given = first if isinstance(first, list) else [first]
    elif isinstance(first, list) and first and operation.leads:
        # The states of a recurrent layer may stand in one list with what goes in.
        more = more or len(first) > 1
        given[0] = first[0]
    operands = [_operand(operation, each) for each in given if each is not None]
    if len(operands) < operation.needed:
        raise Unknown(f"a call of {operation.type} with {len(operands)} tensors is not understood")
    return Bound(operation, operands, more)


def _operand(operation: Operation, value: Any) -> Operand:
    """Return a tensor, or a constant by its shape."""
    if isinstance(value, (Tensor, Constant)):
        return value
    if isinstance(value, (int, float)):
        return Constant((), value)
    if isinstance(value, dict) and value.get("class_name") in ("__numpy__", "__tensor__"):
        inner = value.get("config")
        value = inner.get("value") if isinstance(inner, dict) else None
        if isinstance(value, (int, float)):
            return Constant((), value)
    if isinstance(value, list):
        if value and all(isinstance(each, Tensor) for each in value):
            return stacked(operation, value)
        sizes: list[int] = []
        while isinstance(value, list) and len(sizes) < MAX_RANK:
            sizes.append(len(value))
            value = value[0] if value else 0.0
        if isinstance(value, (int, float)):
            return Constant(sizes)
    raise Unknown(f"what {operation.type} is called with is not understood")


def stacked(operation: Operation, tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensor that TensorFlow makes of a list of tensors."""
    if len({(each.shape, each.sample) for each in tensors}) > 1 or not tensors[0].shape:
        raise Unknown(f"a call of {operation.type} with a list is not understood")
    first = tensors[0]
    sample = None if first.sample is None else (len(tensors), *first.sample)
    return first._replace(shape=(len(tensors), *first.shape), sample=sample)


def tell(bound: Bound, recorded: Sequence[Shape | None] = ()) -> tuple[list[Tensor], Cost]:
    """Return what comes out of a call, and what it costs.

    `recorded` are the shapes that Keras noted for what comes out, None where it did not.
    """
    operation, operands, more = bound
    samples: list[Shape] = []
    why = ""
    masked = operation.masks
    for each in operands:
        if each.sample is None:
            why = why or each.why
        else:
            samples.append(each.sample)
        masked = masked or each.masked
    if recorded and None not in recorded:
        noted = [shape or UNKNOWN for shape in recorded]
    else:
        noted = _noted(operation, operands, recorded)
    made: Sequence[Shape] | None = None
    if len(samples) == len(operands):
        made, why = _made(operation, samples, noted, recorded)
    cost = _cost(operation, samples, made, why)
    if cost.flops is not None:
        if more or (masked and "mask" in operation.passive):
            cost = Cost(cost.macs, None, f"no FLOPs are known for {operation.type} with a mask")
        elif operation.quantised:
            cost = Cost(cost.macs, None, f"no FLOPs are known for a quantised {operation.type}")
    numbers = operation.numbers(*operands)
    both = zip(noted, [None] * len(noted) if made is None else made, strict=False)
    outputs = [Tensor(shape, sample, why, numbers, masked) for shape, sample in both]
    return outputs, cost


def believed(bound: Bound, recorded: Sequence[Shape | None]) -> tuple[list[Shape | None], bool]:
    """Return the shapes that a file notes, which may be any: unknown where the entry tells others.

    And whether the file's word is all that there is for them. Keras makes its own when it loads the
    file. Nothing is believed of a type of the table that is not understood, nor behind what was not
    believed.
    """
    operation, operands, _ = bound
    if not any(recorded):
        return list(recorded), False
    is_odd = isinstance(operation, Opaque) and (operation.type in LAYERS or operation.type in OPS)
    if is_odd or any(isinstance(each, Tensor) and not each.shape for each in operands):
        return [UNKNOWN] * len(recorded), False
    try:
        told = _told(operation, operands)
    except (AttnError, *NONSENSE):
        return [UNKNOWN] * len(recorded), False
    if told is None:
        return list(recorded), True
    # Of outputs that there are not, nothing is noted.
    held = [
        noted and (ours if _fits(noted, ours) else UNKNOWN)
        for noted, ours in zip(recorded, told, strict=False)
    ]
    return held, False


def _fits(noted: Shape, told: Shape) -> bool:
    """Tell whether a noted shape is what the entry tells, or leaves some of its sizes open."""
    both = zip(noted, told, strict=True)
    return len(noted) == len(told) and all(size in (None, ours) for size, ours in both)


def _told(operation: Operation, operands: Sequence[Operand]) -> list[Shape] | None:
    """Return the shapes that come out as the entry tells, None where it does not.

    Raises what says that the call cannot be made.
    """
    shapes = [each.shape for each in operands]
    if not all(shape or isinstance(shape, Constant) for shape in shapes):
        return None
    try:
        told = [tuple(shape) for shape in operation.noted(*shapes)]
    except Unknown:
        return None
    if not all(_is_shape(shape) for shape in told):
        raise BadShape(f"what comes out of {operation.type} is larger than all that there is")
    return told


def _noted(
    operation: Operation, operands: Sequence[Operand], recorded: Sequence[Shape | None]
) -> list[Shape]:
    """Return the shapes that come out: as Keras noted them, or else as the entry tells."""
    try:
        told = _told(operation, operands) or []
    except (AttnError, *NONSENSE):
        told = []
    count = max(len(told), len(recorded), 1)
    return [
        (recorded[i] if i < len(recorded) else None) or (told[i] if i < len(told) else UNKNOWN)
        for i in range(count)
    ]


def _made(
    operation: Operation,
    samples: Sequence[Shape],
    noted: Sequence[Shape],
    recorded: Sequence[Shape | None],
) -> tuple[Sequence[Shape] | None, str]:
    """Return what comes out for one sample, or None and why that is not known."""
    if samples and recorded and None not in recorded and operation.batch_stays(samples[0]):
        # A layer of Keras' own leaves the batch where it is, and Keras noted the rest.
        fixed = None not in samples[0][1:]
        made: list[Shape] = []
        for shape in noted:
            if shape[:1] != (None,) or (fixed and None in shape[1:]):
                break
            made.append((*samples[0][:1], *shape[1:]))
        else:
            return made, ""
    try:
        made = [tuple(shape) for shape in operation.outputs(*samples)]
    except (Unknown, AttnError) as unknown:
        return None, reason(unknown)
    except NONSENSE:
        return None, f"what {operation.type} is made with makes no sense"
    for ours, theirs in zip(made, recorded, strict=False):
        if theirs and not _agree(ours, theirs):
            return None, f"Keras notes {theirs} for what comes out of {operation.type}"
    if any(len(shape) > MAX_RANK for shape in made):
        return None, f"what comes out of {operation.type} has more than {MAX_RANK} dimensions"
    if not all(map(_is_shape, made)):
        return None, f"what comes out of {operation.type} is larger than all that there is"
    if len(made) < len(noted):
        return None, f"how much comes out of {operation.type} is not known"
    return made, ""


def _agree(made: Shape, noted: Shape) -> bool:
    """Tell whether a sample's shape can be the one that was noted, whatever the batch."""
    return len(made) == len(noted) and all(
        None in (one, other) or one == other or not place
        for place, (one, other) in enumerate(zip(made, noted, strict=True))
    )


def _cost(
    operation: Operation, samples: Sequence[Shape], made: Sequence[Shape] | None, why: str
) -> Cost:
    """Return what a call costs; a type without products has none, whatever is not known."""
    macs = 0 if type(operation).macs is Operation.macs else None
    if made is None:
        return Cost(macs, None, why)
    try:
        if macs is None:
            macs = counted(operation.macs(made, *samples))
        return Cost(macs, counted(operation.flops(macs, made, *samples)))
    except (Unknown, AttnError) as unknown:
        return Cost(macs, None, reason(unknown))
    except NONSENSE:
        return Cost(macs, None, f"what {operation.type} is made with makes no sense")


def _is_shape(shape: Shape) -> bool:
    return len(shape) <= MAX_RANK and all(
        size is None or (type(size) is int and 0 <= size <= MAX_SIZE) for size in shape
    )


def fitted(tensor: Tensor, noted: Shape | None) -> Tensor:
    """Return a tensor as a model takes it that notes a shape for its input.

    Keras drops a last axis of 1, or adds one, where that makes the rank the noted one.
    """
    if not noted:
        return tensor
    shape = _of_rank(noted, tensor.shape)
    sample = tensor.sample and _of_rank(noted, tensor.sample)
    if (shape, sample) == (tensor.shape, tensor.sample):
        return tensor
    return tensor._replace(shape=shape, sample=sample, numbers=None)


def _of_rank(noted: Shape, given: Shape) -> Shape:
    if len(given) == len(noted) + 1 and given[-1] == 1:
        return given[:-1]
    if given and len(given) == len(noted) - 1 and noted[-1] == 1:
        return (*given, 1)
    return given


# What a TimeDistributed applies has the shapes of one step.


def without_steps(tensor: Tensor) -> Tensor:
    """Return one step of (B, T, …)."""
    shape, sample = tensor.shape, tensor.sample
    return tensor._replace(
        shape=(shape[0], *shape[2:]) if len(shape) > 2 else UNKNOWN,
        sample=None if sample is None else (*sample[:1], *sample[2:]),
    )


def with_steps(tensor: Tensor, whole: Tensor) -> Tensor:
    """Return as many steps as `whole` has, of one of them."""
    shape, sample = tensor.shape, tensor.sample
    return tensor._replace(
        shape=(shape[0], whole.shape[1], *shape[1:]) if shape and whole.shape[1:] else UNKNOWN,
        sample=None
        if sample is None or whole.sample is None
        else (*sample[:1], *whole.sample[1:2], *sample[1:]),
    )


def steps_of(tensor: Tensor, times: int | None) -> int | None:
    """Return how often a step is taken, within so many of another; None where that is unknown."""
    steps = tensor.sample[1] if tensor.sample and len(tensor.sample) > 1 else None
    return None if steps is None or times is None else times * steps


def repeated(cost: Cost, times: int | None) -> Cost:
    """Return the cost of so many steps."""
    if times == 1:
        return cost
    if times is None:
        return Cost(cost.macs and None, cost.flops and None, cost.why or DYNAMIC)
    try:
        macs, flops = [None if each is None else counted(each * times) for each in cost[:2]]
    except Unknown as unknown:
        return Cost(cost.macs and None, cost.flops and None, reason(unknown))
    return Cost(macs, flops, cost.why)


def counted(figure: int) -> int:
    """Return a count. Raises Unknown where it is beyond all that is counted."""
    if figure > MAX_COUNT:
        raise Unknown(BEYOND)
    return figure
