"""Each member of the stand-in against the member of Keras that it stands for.

Arguments are drawn from the stand-in's own signatures, so a member is tested as soon as it is one.
"""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from attn_cli.errors import AttnError, NotModelled
from attn_cli.operations import entry
from attn_cli.operations.arguments import ACTIVATIONS, INITIALIZERS
from attn_cli.operations.base import REQUIRED, Argument, Operation
from attn_cli.symbolic import Keras, SymbolicTensor, Trace
from attn_cli.symbolic.members import LAYERS, OPS, POSITIONAL

if TYPE_CHECKING:
    from collections.abc import Callable

Shape = tuple[int | None, ...]

MEMBERS = [("layers", name) for name in LAYERS] + [("ops", name) for name in OPS]
EVERY_MEMBER = pytest.mark.parametrize(("part", "name"), MEMBERS, ids=[name for _, name in MEMBERS])

SIZES = st.sampled_from([None, 1, 2, 3, 4, 6, 8])
INTEGERS = st.one_of(st.integers(1, 5), st.integers(-2, 6))
AXES = st.integers(-4, 4)
NUMBERS = st.one_of(st.floats(0.001, 1), st.sampled_from([0.0, 1.0, -1.0, 2, 1e-5]))
FLAGS = st.booleans()
ACTIVATION_NAMES = st.sampled_from([*ACTIVATIONS, None, "nonsense"])
INITIALIZER_NAMES = st.sampled_from([*INITIALIZERS, "nonsense"])
NAMES = st.sampled_from([None, None, "gate", "a b", "", "a/b"])

PAIRS = st.tuples(st.integers(0, 3), st.integers(-1, 3))

SIZES_OF_KERNELS = st.one_of(INTEGERS, st.lists(INTEGERS, max_size=3).map(tuple))
SEVERAL_AXES = st.one_of(AXES, st.lists(AXES, max_size=3).map(tuple), st.none())

# What to draw for an argument of this name, or else of one that has such a default. Many axes are
# out of range, many kernels too large: what Keras refuses must be refused.
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "activation": ACTIVATION_NAMES,
    "padding": st.sampled_from(["valid", "same", "causal", "nonsense"]),
    "cropping": st.one_of(PAIRS, st.tuples(PAIRS, PAIRS)),
    "dims": st.one_of(st.permutations(range(1, 4)), st.lists(st.integers(0, 4), max_size=3)),
    "axis": SEVERAL_AXES,
    "axes": st.one_of(st.permutations(range(4)).map(tuple), st.none()),
    "data_format": st.sampled_from([None, "channels_last", "channels_first", "nonsense"]),
    "filters": INTEGERS,
    "units": INTEGERS,
    "groups": st.sampled_from([1, 1, 1, 2, 3, 0]),
    "depth_multiplier": INTEGERS,
    **dict.fromkeys(("kernel_size", "strides", "dilation_rate"), SIZES_OF_KERNELS),
}


@st.composite
def shapes_alike(draw: st.DrawFn, shape: Shape) -> Shape:
    """Draw a shape that often fits another one, as what is merged with it must."""
    sizes = [draw(st.one_of(st.just(size), st.just(size), st.just(1), SIZES)) for size in shape]
    return tuple(sizes[draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1])) :])


@st.composite
def argument(draw: st.DrawFn, name: str, given: Argument, shape: Shape) -> Any:
    """Draw a value for an argument, to be used on an input of this shape."""
    if name in ("target_shape", "newshape"):
        known = [size or 1 for size in shape]
        return tuple(draw(st.one_of(st.permutations(known), st.lists(INTEGERS, max_size=4))))
    if name in BY_NAME:
        return draw(BY_NAME[name])
    if name.endswith("initializer"):
        return draw(INITIALIZER_NAMES)
    if isinstance(given.default, bool):
        return draw(FLAGS)
    if isinstance(given.default, float):
        return draw(NUMBERS)
    return draw(st.sampled_from([given.default, given.default, "nonsense"]))


@cache
def kind_of(part: str, name: str) -> type[Operation]:
    """Return the entry of a member of the stand-in."""
    found = entry(name) if part == "layers" else entry(OPS[name], is_op=True)
    assert found is not None
    found.ready()
    return found


class World:
    """One of the two worlds: its namespace, how it makes an input, and what it recorded."""

    def __init__(self, keras: Any = None) -> None:
        self.keras = keras
        self.trace = Trace()
        if keras is not None:
            keras.backend.clear_session(free_memory=False)

    def input(self, shape: Shape) -> Any:
        return self.trace.input((None, *shape)) if self.keras is None else self.keras.Input(shape)

    def member(self, part: str, name: str) -> Any:
        return getattr(getattr(self.keras or Keras(self.trace), part), name)

    def record(self, tensor: Any) -> tuple[Any, ...]:
        """Return all that the stand-in records about the call that yields a tensor."""
        if self.keras is None:
            operation = tensor.trace.nodes[tensor.ref.node].layer
            weights = [(each.name, each.shape, each.trainable) for each in operation.weights]
            type_name, output = operation.type, 0
        else:
            operation, _, output = tensor._keras_history
            trainable = {id(each) for each in getattr(operation, "trainable_weights", ())}
            weights = [
                (each.name, tuple(each.shape), id(each) in trainable)
                for each in getattr(operation, "weights", ())
            ]
            type_name = type(operation).__name__
        return type_name, operation.name, output, weights, tuple(tensor.shape)

    def config(self, tensor: Any) -> dict[str, Any]:
        if self.keras is None:
            return dict(tensor.trace.nodes[tensor.ref.node].layer.config)
        return dict(tensor._keras_history[0].get_config())


def plain(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with tuples for its lists, as Keras mixes them."""
    return {
        key: tuple(value) if isinstance(value, list) else value for key, value in config.items()
    }


def outcome(build: Callable[[World], Any], world: World) -> Any:
    """Return the tensors that are built in a world, or why none are."""
    try:
        return build(world)
    except Exception as error:
        return error


def compare(build: Callable[[World], Any], keras: Any) -> None:
    """Build in both worlds and compare each tensor that comes out, or see both refuse.

    What the stand-in says that it does not model, Keras may build or refuse.
    """
    worlds = (World(), World(keras))
    ours, theirs = (outcome(build, world) for world in worlds)
    if isinstance(ours, NotModelled):
        event("not modelled")
        return
    refused = isinstance(ours, Exception)
    assert refused == isinstance(theirs, Exception), f"only one refuses: {ours!r}, {theirs!r}"
    event("refused" if refused else "built")
    if refused:
        assert isinstance(ours, AttnError), repr(ours)
        return
    assert [worlds[0].record(each) for each in ours] == [worlds[1].record(each) for each in theirs]
    for our, their in zip(ours, theirs, strict=True):
        config, keras_config = worlds[0].config(our), worlds[1].config(their)
        assert plain(config) == plain({key: keras_config.get(key, "(absent)") for key in config})


@pytest.mark.parametrize("name", LAYERS)
@given(data=st.data())
def test_a_layer_is_as_in_keras(keras: Any, name: str, data: st.DataObject) -> None:
    """Names, configuration, weights and shapes agree over one call and two, or both refuse."""
    kind = kind_of("layers", name)
    rank = (kind.rank or data.draw(st.integers(1, 5))) - 1
    if data.draw(st.integers(0, 9)) == 5:
        rank = data.draw(st.integers(0, 4))
    shape = tuple(data.draw(SIZES) for _ in range(rank))
    arguments = {
        each: data.draw(argument(each, given, shape), label=each)
        for each, given in kind.arguments.items()
        if given.default is REQUIRED or data.draw(st.booleans())
    }
    arguments["name"] = data.draw(NAMES)
    merge = kind.many
    calls = []
    for _ in range(data.draw(st.integers(1, 2), label="calls")):
        count = data.draw(st.sampled_from([2, 2, 3, 1, 0])) if merge else 1
        calls.append([data.draw(shapes_alike(shape), label="shape") for _ in range(count)])

    def build(world: World) -> Any:
        layer = world.member("layers", name)(**arguments)
        outputs = []
        for shapes in calls:
            inputs = [world.input(each) for each in shapes]
            outputs.append(layer(inputs if merge else inputs[0]))
        again = world.member("layers", name)(**{**arguments, "name": None})
        inputs = [world.input(each) for each in calls[0]]
        return [*outputs, again(inputs if merge else inputs[0])]

    compare(build, keras)


@pytest.mark.parametrize("name", OPS)
@given(data=st.data())
def test_an_op_is_as_in_keras(keras: Any, name: str, data: st.DataObject) -> None:
    """Names, configuration and shapes agree, or both refuse."""
    shape = tuple(data.draw(st.lists(SIZES, max_size=4), label="shape"))
    shapes = [data.draw(shapes_alike(shape), label="shape") for _ in range(3)]
    kind = kind_of("ops", name)
    arguments = {
        each: data.draw(argument(each, given, shapes[0]), label=each)
        for each, given in kind.arguments.items()
        if given.default is REQUIRED or data.draw(st.booleans())
    }
    numbers = {}
    if len(kind.operands) > 1 and data.draw(st.booleans(), label="an operand is a number"):
        numbers[data.draw(st.sampled_from(kind.operands))] = data.draw(NUMBERS)

    def build(world: World) -> Any:
        tensors = [world.input(each) for each in shapes]
        given = {**arguments, **{each: tensors.pop(0) for each in kind.operands}, **numbers}
        first = world.member("ops", name)(**given)
        second = world.member("ops", name)(**given)
        return [*(first if isinstance(first, (list, tuple)) else [first]), second]

    compare(build, keras)


@EVERY_MEMBER
def test_arguments_are_those_of_keras(keras: Any, part: str, name: str) -> None:
    """Each argument is one of Keras' with its default, and stands where it stands in Keras."""
    kind = kind_of(part, name)
    theirs = dict(inspect.signature(getattr(getattr(keras, part), name)).parameters)
    positional = (*(kind.operands if part == "ops" else ()), *kind.arguments)
    assert list(positional)[:POSITIONAL] == list(theirs)[: len(positional)][:POSITIONAL]
    for each in positional:
        if each not in theirs:
            continue  # of another version of Keras
        default = theirs[each].default
        given = kind.arguments.get(each)
        if given is None or given.default is REQUIRED:
            assert default is inspect.Parameter.empty, each
        else:
            assert given.check(each, default, kind) == getattr(kind, each), each


@pytest.mark.slow
@EVERY_MEMBER
def test_what_is_not_modelled_is_refused(keras: Any, part: str, name: str) -> None:
    """An argument that Keras has and the stand-in has not is an error, never ignored."""
    theirs = inspect.signature(getattr(getattr(keras, part), name)).parameters.values()
    named = {each.name for each in theirs if each.kind is not each.VAR_KEYWORD}
    more = {"dtype", "trainable", "autocast", "nonsense"} if part == "layers" else {"nonsense"}
    kind = kind_of(part, name)
    unknown = (named | more) - {*kind.arguments, *kind.operands, "name"}
    assert unknown
    member = getattr(getattr(Keras(Trace()), part), name)
    for argument_name in unknown:
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{argument_name}'"):
            member(**{argument_name: None})


@pytest.mark.parametrize("part", ["layers", "ops"])
def test_a_member_that_is_not_modelled_is_named(part: str) -> None:
    """The refusal says what was asked for, and what a block can use."""
    with pytest.raises(NotModelled, match=rf"keras\.{part}\.Nonsense is not modelled .* can use"):
        _ = getattr(Keras(Trace()), part).Nonsense


@pytest.mark.parametrize("attribute", ["numpy", "dtype", "__add__", "__mul__", "__getitem__"])
def test_a_symbolic_tensor_has_a_shape_and_nothing_else(attribute: str) -> None:
    """Arithmetic and values are refused, whose op nodes would otherwise be missing."""
    assert not hasattr(Trace().input((None, 2)), attribute)


def test_a_symbolic_tensor_has_no_values() -> None:
    tensor = Trace().input((None, 2))
    with pytest.raises(TypeError, match="no values"):
        bool(tensor)
    with pytest.raises(TypeError, match="no values"):
        tensor.__array__()


def test_tensors_of_two_traces_do_not_meet() -> None:
    """Each trace numbers its own names, so a layer cannot join two of them."""
    ours, other = Trace(), Trace()
    tensors = [ours.input((None, 2)), other.input((None, 2))]
    with pytest.raises(TypeError, match="two different traces"):
        Keras(ours).layers.Add()(tensors)
    assert all(isinstance(tensor, SymbolicTensor) for tensor in tensors)


def test_activations_are_those_of_keras(keras: Any) -> None:
    """The names that Keras takes are those that the stand-in takes, each saved as the same."""
    public = {name for name in dir(keras.activations) if not name.startswith("_")}
    public -= {"get", "serialize", "deserialize"}
    assert public <= set(ACTIVATIONS)
    for name, saved_as in ACTIVATIONS.items():
        assert keras.layers.Activation(name).get_config()["activation"] == (saved_as or name), name
