"""The mechanism of the table: a layer or an op, bound to the arguments that it understands.

An entry is a class named after Keras' own. Its attributes say which arguments it understands; its
methods say, from those and from the shapes that go in, which weights it has, which shapes come out
and what a call costs. It has two voices: the stand-in for Keras gives it a block's arguments and
refuses what it does not understand; a reader of files hands it a config and is told *unknown*, with
the same words for a reason. Nothing stands in for what was not understood.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from attn_cli.errors import AttnError, NotModelled
from attn_cli.operations.common import (
    HELD,
    OF_LAYERS_2,
    OF_TYPE,
    TYPES,
    anything,
    hold,
    policy_of,
    short,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from attn_cli.graph import Shape

MAX_SIZE = 2**31 - 1  # TensorFlow's own limit for a dimension
MAX_RANK = 16  # more than any layer works on
# A count beyond this is no count of anything; and neither floats nor printed digits reach far.
MAX_COUNT = 10**100
BEYOND = "it comes to more than can be counted"
MAX_REASON = 300
# What goes wrong where a config is nonsense.
NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
DYNAMIC = "H or W is dynamic"


class Unknown(Exception):
    """Something is not told; the text says why."""


def reason(error: Exception) -> str:
    """Return why something is not told, in a line that can be read: what is wrong may be long."""
    text = str(error)
    return text if len(text) <= MAX_REASON else f"{text[: MAX_REASON - 1]}…"


class Role(NamedTuple):
    """A weight that a layer has: its name, its sizes, None where unknown, and if it is trained.

    `dtype` is its type where that is not the one of the layer's other weights.
    """

    name: str
    dims: tuple[int | None, ...] | None
    trainable: bool = True
    dtype: str | None = None

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Tell whether a stored array can be this weight."""
        return self.dims is None or (
            len(shape) == len(self.dims)
            and all(dim in (None, size) for dim, size in zip(self.dims, shape, strict=True))
        )


class Size(NamedTuple):
    """A size of a tensor that a model calculates with; None where it is dynamic."""

    value: int | None


class Constant(tuple[int, ...]):
    """The shape of an operand that is no tensor of the model: it has no batch, nor a mask.

    `value` is the number that it is, or None where it is an array.
    """

    value: float | None = None
    masked = False

    def __new__(cls, shape: Sequence[int], value: float | None = None) -> Constant:
        constant = super().__new__(cls, shape)
        constant.value = value
        return constant

    @property
    def shape(self) -> Constant:
        """Itself, as it is for each sample."""
        return self

    sample = shape


class Argument:
    """An argument that an entry understands.

    `check` takes its name, a value and the entry, and returns what the entry works with; it raises
    AttnError. Without one it is any value of the type that the entry notes. `strict` is in its
    place for the arguments of a block. `told` is whether it stands in the config of a graph: what
    counts does, and what a reader may want to see. `of_keras_2` is whether no layer of Keras 3 has
    it.
    """

    __slots__ = ("check", "default", "of_keras_2", "strict", "told")

    def __init__(
        self,
        check: Callable[[str, Any, Any], Any] | None,
        default: Any,
        strict: Callable[[str, Any, Any], Any] | None = None,
        *,
        told: bool = True,
        of_keras_2: bool = False,
    ) -> None:
        self.default = default
        self.check = check or anything
        self.strict = strict or self.check
        self.told = told
        self.of_keras_2 = of_keras_2

    def __set_name__(self, entry: type[Operation], name: str) -> None:
        """Take any value of the type that the entry notes, where nothing else checks it."""
        if self.check is anything:
            self.check = OF_TYPE.get(entry.__annotations__.get(name, ""), anything)
        if self.strict is anything:
            self.strict = self.check


REQUIRED: Any = object()

# What a config has besides: what an op is called, and how a layer trains and computes as well.
OF_EVERY_OP = frozenset(("name",))
OF_EVERY_LAYER = frozenset(("autocast", "dtype", "name", "trainable"))
FLOATS = frozenset((None, "float16", "bfloat16", "float32", "float64"))
ANY = FLOATS | TYPES


class Operation:
    """A layer or an op, bound to its arguments.

    Shapes that go into its methods are those of the operands of a call, in the order of `operands`;
    all sizes of a shape are told or None, and `()` is a shape of which nothing is known.
    """

    arguments: ClassVar[dict[str, Argument]] = {}
    # The types of number that Keras 3 makes it in; None is what a policy does not tell.
    computes_in: ClassVar[frozenset[str | None]] = FLOATS
    others: ClassVar[frozenset[str]] = OF_EVERY_LAYER  # what else stands in its config
    # Its weights by the names under which a config says how they begin, and are held.
    held: ClassVar[tuple[str, ...]] = ()
    holds: ClassVar[dict[str, str]] = {}
    behind: ClassVar[bool] = False  # the arguments come behind those of what derives from it
    told: ClassVar[tuple[str, ...]] = ()
    required: ClassVar[tuple[str, ...]] = ()
    # The arguments of a call that are tensors; how many of them a call has at the least.
    operands: ClassVar[tuple[str, ...]] = ("inputs",)
    needed: ClassVar[int] = 1
    many: ClassVar[bool] = False  # takes one list of tensors
    spread: ClassVar[bool] = False  # takes any number of tensors, one by one
    at_call: ClassVar[tuple[str, ...]] = ()  # the entry's arguments that stand at the call
    leads: ClassVar[bool] = False  # takes a list of which the first is the operand
    # Arguments of a call that change neither shapes nor products: those that may change the FLOPs,
    # and those that do not.
    passive: ClassVar[frozenset[str]] = frozenset()
    ignored: ClassVar[frozenset[str]] = frozenset(("training",))
    # Those that are understood where they are None or False, which is to leave them out.
    left_out: ClassVar[frozenset[str]] = frozenset()
    # The batch comes out where it went in; so it is with all layers of Keras' own.
    keeps_batch: bool = False
    masks: bool = False  # what comes out has a mask
    rank: ClassVar[int | None] = None  # of what goes in, batch and channels included
    quantised = False
    dtype_of_weights: str | None = "float32"  # None where that is not told
    noted_by_keras_2 = False  # or by a Keras 3 of the first, which wrote types in the same way
    noted_dtype = ""  # by those

    @classmethod
    @cache
    def ready(cls) -> None:
        """Work out what the entry understands, when it is first bound: most never are."""
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Argument)}
        inherited: dict[str, Argument] = {}
        for base in reversed(cls.__bases__):
            if issubclass(base, Operation):
                base.ready()
                inherited |= base.arguments
        # In Keras' order, which is that of the class that names them all.
        more, again = own.keys() - inherited.keys(), own.keys() & inherited.keys()
        in_front = own if more and (again or cls.behind) else {}
        cls.arguments = {**in_front, **inherited, **own}
        cls.told = tuple([name for name, each in cls.arguments.items() if each.told])
        cls.required = tuple([n for n, each in cls.arguments.items() if each.default is REQUIRED])
        cls.holds = {f"{weight}_{kind}": kind for weight in cls.held for kind in HELD}
        cls.holds |= {n: "initializer" for n in cls.arguments if n.endswith("_initializer")}
        cls.holds["activity_regularizer"] = "regularizer"
        for name, each in cls.arguments.items():
            if each.default is not REQUIRED:
                setattr(cls, name, each.check(name, each.default, cls))

    @property
    def type(self) -> str:
        """The name of Keras' class."""
        return type(self).__name__

    @property
    def config(self) -> dict[str, Any]:
        """The arguments by name, as they are understood."""
        return {name: getattr(self, name) for name in self.told}

    # What an entry says.

    def weights(self, *inputs: Shape) -> list[Role]:
        """Return the weights of the layer, sizes None where the inputs do not tell them."""
        return []

    def output(self, *inputs: Shape) -> Shape:
        """Return the shape that comes out, where it is one."""
        raise Unknown(f"what comes out of {self.type} is not known")

    def outputs(self, *inputs: Shape) -> Sequence[Shape]:
        """Return the shapes that come out. Raises AttnError, or Unknown."""
        return (self.output(*inputs),)

    def noted(self, *inputs: Shape) -> Sequence[Shape]:
        """Return the shapes that Keras notes for what comes out: less than it could, of some."""
        return self.outputs(*inputs)

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        """Return the multiply-accumulates of a call on one sample. Raises Unknown."""
        return 0

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        """Return the FLOPs of a call on one sample, as the profiler counts. Raises Unknown."""
        raise Unknown(f"no FLOPs are known for {self.type}")

    def batch_stays(self, shape: Shape) -> bool:
        """Tell whether the batch of what goes in comes out as it is."""
        return self.keeps_batch

    def numbers(self, *operands: Any) -> Any:
        """Return the numbers that come out, where they are the sizes of a tensor."""
        return None

    def checked(self) -> None:
        """Refuse arguments that do not go together. Raises AttnError."""

    # Binding.

    @classmethod
    def of_config(
        cls, config: Mapping[str, Any], *, is_op: bool = False, keras_2: bool | None = None
    ) -> Operation:
        """Return the entry bound to what a file says. Raises Unknown.

        `keras_2` is whether Keras 2 wrote it, None where that is not known.
        """
        cls.ready()
        self = cls()
        arguments, holds = cls.arguments, {} if is_op else cls.holds
        others = OF_EVERY_OP if is_op else cls.others
        try:
            for name, value in config.items():
                argument = arguments.get(name)
                if name in holds:
                    if value is not None:
                        hold(holds[name], value, keras_2)
                elif argument is not None and not (argument.of_keras_2 and keras_2 is False):
                    setattr(self, name, argument.check(name, value, self))
                elif keras_2 is not False and name in OF_LAYERS_2 and not is_op:
                    OF_LAYERS_2[name](name, value, self)
                elif name not in others:
                    self.unexpected(name, keras_2)
            for name in cls.required:
                if name not in config:
                    raise Unknown(f"{cls.__name__}: its {name} is not told")
            if "dtype" in config and "dtype" not in arguments:
                self.compute_in(config["dtype"], keras_2)
            self.checked()
        except AttnError as error:
            raise Unknown(f"{cls.__name__}: {error}") from None
        return self

    def unexpected(self, name: str, keras_2: bool | None) -> None:
        """Take an argument that is not of the entry. Raises Unknown."""
        raise Unknown(f"{self.type} has no argument {short(name)} that is known")

    def compute_in(self, dtype: Any, keras_2: bool | None) -> None:
        """Take a dtype. Raises AttnError where Keras has none like it."""
        policy = policy_of(dtype, keras_2)
        is_held = keras_2 is False or (keras_2 and bool(self.held))
        if is_held and policy.weights not in self.computes_in:
            raise NotModelled(f"what it makes in {policy.weights} is not known")
        self.dtype_of_weights, self.quantised = policy
        if isinstance(dtype, str):
            self.noted_by_keras_2, self.noted_dtype = True, dtype
        elif isinstance(dtype, dict) and dtype.get("class_name") == "Policy":
            self.noted_by_keras_2 = True

    @classmethod
    def of_arguments(cls, given: Mapping[str, Any]) -> Operation:
        """Return the entry bound to what a block says. Raises AttnError."""
        cls.ready()
        self = cls()
        for name, value in given.items():
            setattr(self, name, cls.arguments[name].strict(name, value, self))
        self.checked()
        return self


class Opaque(Operation):
    """A layer or an op that is not understood, and why. Nothing of it is told."""

    needed = 0

    many = True

    def __init__(self, type: str, why: str) -> None:
        self._type = type
        self.why = why

    @property
    def type(self) -> str:
        return self._type

    def weights(self, *inputs: Shape) -> list[Role]:
        raise Unknown(self.why)

    def outputs(self, *inputs: Shape) -> Sequence[Shape]:
        raise Unknown(self.why)

    def macs(self, outputs: Sequence[Shape], *inputs: Shape) -> int:
        raise Unknown(self.why)

    @classmethod
    def like(cls, operation: Operation, why: Exception) -> Opaque:
        """Return what stands in place of an operation that is not understood, for this reason."""
        told = isinstance(why, (Unknown, AttnError))
        opaque = cls(operation.type, reason(why) if told else f"{operation.type} makes no sense")
        opaque.keeps_batch = operation.keeps_batch
        return opaque
