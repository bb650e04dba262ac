"""What a model's config says: its layers, and how they call each other. Nothing in it is run.

Both dialects are read: Keras 3 (`{"args": [...], "kwargs": {...}}`, with the shape of each tensor)
and Keras 2 (`[["name", call, output, {...}]]`). A config is checked as it is read: what no Keras
writes is a BadFile of one line. Recursion is as deep as models are nested, which the depth of the
JSON bounds.
"""

from __future__ import annotations

import marshal
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.account import charge
from attn_cli.errors import BadFile
from attn_cli.graph import UNKNOWN
from attn_cli.operations import HOLDING, LAYERS, OPS, bind
from attn_cli.operations.base import MAX_RANK, MAX_SIZE, Opaque
from attn_cli.operations.common import is_of_keras
from attn_cli.sources.json_text import nested, taken
from attn_cli.text import quote, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from attn_cli.graph import Shape
    from attn_cli.operations.base import Operation


class Source(NamedTuple):
    """A tensor: an output of a call of a layer, by name."""

    name: str
    call: int
    output: int


class Call(NamedTuple):
    """One call of a layer: its tensors, the shapes noted with them, and all its arguments.

    `args` and `kwargs` hold the tensors where they stand, as Sources.
    """

    tensors: tuple[Source, ...]
    shapes: tuple[Shape | None, ...]
    args: list[Any]
    kwargs: dict[str, Any]


class Kind:
    """What layers of one type and config have in common: all but their names and their weights."""

    __slots__ = ("_operation", "config", "is_op", "keras_2", "type")

    def __init__(
        self, type: str, config: dict[str, Any], is_op: bool, keras_2: bool | None
    ) -> None:
        self.type = type
        self.config = config
        self.is_op = is_op
        self.keras_2 = keras_2  # which Keras wrote it, None where that is not known
        self._operation: Operation | None = None

    @property
    def operation(self) -> Operation:
        """What they do, which all ask who read them."""
        if self._operation is None:
            self._operation = bind(self.type, self.config, is_op=self.is_op, keras_2=self.keras_2)
        return self._operation


class Part:
    """A layer, an op or a model, once however often it is used."""

    __slots__ = (
        "batch_shape",
        "built_on",
        "class_name",
        "entries",
        "inputs",
        "is_function",
        "is_sequential",
        "keras_2",
        "kind",
        "name",
        "outputs",
        "recorded",
        "takes",
        "trainable",
        "used",
        "wrapped",
    )

    def __init__(self, name: str, kind: Kind) -> None:
        self.name = name
        self.kind = kind
        self.class_name = kind.type
        self.trainable = kind.config.get("trainable") is not False
        self.is_function = False  # of TensorFlow's, whose arguments stand at the call
        self.is_sequential = False
        self.keras_2 = False  # which Keras wrote it
        # What a model holds, in its order; None for a layer.
        self.entries: dict[str, Entry] | None = None
        self.inputs: tuple[Source, ...] = ()
        self.takes: Any = ()  # the names of its inputs: one, a list or a dict
        self.outputs: tuple[Source, ...] = ()
        # The shapes that the config notes for tensors.
        self.recorded: dict[Source, Shape] = {}
        # All tensors that its calls and outputs take.
        self.used: set[Source] = set()
        self.wrapped: Part | None = None  # what a TimeDistributed applies
        self.batch_shape: Shape | None = None  # of an input
        self.built_on: tuple[Shape, ...] | None = None  # before it is called

    @property
    def type(self) -> str:
        """The type of a layer, as it can be shown."""
        return self.kind.type

    @property
    def config(self) -> dict[str, Any]:
        """What the file says of it, which others may share."""
        return self.kind.config

    @property
    def is_op(self) -> bool:
        """Whether it is an op, and no layer."""
        return self.kind.is_op

    @property
    def operation(self) -> Operation:
        """What a layer or an op does."""
        return self.kind.operation


class Entry(NamedTuple):
    """A place of a part in a model: where it is called, if at all."""

    part: Part
    calls: list[Call]


def parse_config(data: Any, format: str, version: object = None) -> Part:
    """Return the model that a config describes.

    `format` is "keras", "h5" or "json", `version` that of the Keras that wrote it. What is read of
    `data` is taken from it: both together would be the most that reading takes. Raises BadFile
    where it describes none, or where what is shared in it could be one thing or another.
    """
    keras_2 = isinstance(version, str) and version.startswith(("1.", "2."))
    _check_shared(data)
    return _Parser(format, keras_2, is_either=version is None).part(data, "the config")


def _check_shared(data: Any) -> None:
    """Refuse two different things under one id: Keras takes the one that it meets first.

    Of all things, not of layers alone: an initializer's place can hold a layer too.
    """
    first: dict[int, dict[str, Any]] = {}
    stack = nested([data])
    while stack:
        value = stack.pop()
        if "shared_object_id" in value and type(value) is dict:
            identity = value["shared_object_id"]
            if type(identity) is not int:
                raise BadFile("a shared_object_id of its config is not a whole number")
            bare = {key: each for key, each in value.items() if key not in OF_A_PLACE}
            known = first.setdefault(identity, bare)
            if known is not bare:
                if known != bare:
                    raise BadFile(f"two different things in it share the id {identity}")
                continue
        stack += nested(value)


def oddities(model: Part) -> dict[str, list[str]]:
    """Return why Keras may not load a model, by models, inputs and wrappers in it: their names.

    Of all else that is not understood, the costs are unknown, for the same reason.
    """
    found: dict[str, list[str]] = {}
    met = {id(model)}
    stack = [model]
    while stack:
        part = stack.pop()
        inside = [entry.part for entry in (part.entries or {}).values()]
        is_model = part.entries is not None
        why = ""
        if is_model and part.type not in HOLDING:
            why = f"{part.type} is no class of Keras', and may do more than its config tells"
        elif part.type == "InputLayer" or part.wrapped is not None or is_model:
            why = part.operation.why if isinstance(part.operation, Opaque) else ""
        if why:
            found.setdefault(why, []).append(part.name)
        if part.wrapped is not None:
            inside.append(part.wrapped)
        stack.extend([each for each in reversed(inside) if id(each) not in met])
        met.update(map(id, inside))
    return found


# What of a layer is told by where it stands: its name there, and its calls.
OF_A_PLACE = ("name", "inbound_nodes")


def is_frozen(model: Part) -> bool:
    """Tell whether nothing of a model trains, whatever its layers say, once it is loaded.

    Only a functional model of Keras 3 keeps its flag: a Sequential is loaded without, and all
    models are in Keras 2.
    """
    return not (model.trainable or model.keras_2 or model.is_sequential)


def trainable_parts(model: Part) -> set[int]:
    """Return the ids of the parts that train once the model is loaded.

    A weight trains in Keras 3 if its own layer's flag says so, whatever that layer stands in. In
    Keras 2 the flags of what wraps the layer count as well. A nested model's flag counts in
    neither: it had set those of its layers, and what they were set to afterwards is what is saved.
    """
    if is_frozen(model):
        return set()
    found: set[int] = set()
    met: set[tuple[int, bool]] = set()
    stack = [(model, True)]
    while stack:
        part, wrapper_trains = stack.pop()
        if (id(part), wrapper_trains) in met:
            continue
        met.add((id(part), wrapper_trains))
        trains = wrapper_trains and (part.trainable or part.entries is not None)
        if trains:
            found.add(id(part))
        inherited = trains or not model.keras_2
        stack.extend([(entry.part, inherited) for entry in (part.entries or {}).values()])
        if part.wrapped is not None:
            stack.append((part.wrapped, inherited))
    return found


def layer_type(class_name: str, data: dict[str, Any]) -> str:
    """Return the type of a layer: Keras' own by its class, others with where they are from."""
    module, registered = data.get("module"), data.get("registered_name")
    for key, value in (("module", module), ("registered_name", registered)):
        if not isinstance(value, (str, type(None))):
            raise BadFile(f"the {key} of a layer of the class {quote(class_name)} is not a text")
    if module is None:
        # A registered class says what it is in place of where it is from.
        if isinstance(registered, str) and ">" in registered:
            return registered
        # Of a class of its own, Keras 3 says where it is from.
        is_other = "module" in data and any(class_name in known for known in (LAYERS, OPS, HOLDING))
        return f"Custom>{class_name}" if is_other else class_name
    if not is_of_keras(module) or not _may_hold(module, class_name):
        return f"{module}>{class_name}"
    # A class that is registered under another name comes before Keras' own.
    return class_name if registered in (None, class_name) else f"{module}>{registered}"


def _may_hold(module: str, class_name: str) -> bool:
    """Tell whether a module of Keras' may hold a class that is known, by the names in its path."""
    places = module.split(".")
    if class_name == "Functional":
        return places[-1] == "functional"
    if class_name in ("Sequential", "Model"):
        return {"layers", "ops"}.isdisjoint(places)
    of_layers = class_name in LAYERS or class_name == "TimeDistributed"
    kinds = {*(OF_LAYERS if of_layers else ()), *(OF_OPS if class_name in OPS else ())}
    return not kinds or not kinds.isdisjoint(places)


OF_LAYERS, OF_OPS = ("layers", "applications"), ("ops",)


class _Parser:
    def __init__(self, format: str, keras_2: bool, *, is_either: bool) -> None:
        # What is shared, by its id, for as long as Keras keeps it: in a `.keras` file always; in
        # Keras 2's other formats until the next model begins or ends; in Keras 3's not at all.
        self.shared: dict[int, Part] | None = {} if format == "keras" else None
        self.keras_2 = keras_2
        self.is_either = is_either
        self.kinds: dict[bytes, Kind] = {}
        self.shares_in_models = keras_2 and format != "keras"
        if self.shares_in_models and format == "h5":
            self.shared = {}

    def part(self, data: Any, where: str) -> Part:
        """Return the layer, op or model described; one that was seen before is the same one."""
        charge(10)
        data = _object(data, where)
        class_name = data.get("class_name")
        if not isinstance(class_name, str):
            raise BadFile(f"{where} has no class_name")
        config = data.get("config")
        if class_name == "Sequential" and isinstance(config, list):  # before Keras 2.3
            config = {"layers": config}
        config = _object(config, f"the config of {where}")
        name = _name(data, config, where) or class_name
        identity = data.get("shared_object_id")
        if self.shared is not None and identity in self.shared:
            return self.shared[identity]
        part = self._new(name, class_name, config, data, where)
        self._fill(part, data)
        if self.shared is not None and identity is not None:
            self.shared[identity] = part
        return part

    def _new(
        self, name: str, class_name: str, config: dict[str, Any], data: dict[str, Any], where: str
    ) -> Part:
        module = data.get("module")
        type = layer_type(class_name, data)
        # Ops have no flags. Without a module, as in a legacy .h5, Keras finds the layer, where
        # there is one of that name, and ops alone are handed several tensors that are no list.
        is_op = (
            is_of_keras(module)
            and ".ops." in f"{module}."
            and (class_name in OPS or not (class_name in LAYERS or class_name in HOLDING))
            if module is not None
            else class_name in OPS
            and "trainable" not in config
            and (class_name not in LAYERS or _takes_several(data))
        )
        if not isinstance(config.get("trainable", True), bool):
            raise BadFile(
                f"whether {where} is trained is told by something else than true or false"
            )
        function = config.get("function")
        is_function = False
        if type in ("TFOpLambda", "SlicingOpLambda") and isinstance(function, str):
            from attn_cli.operations.tensorflow import type_of_function

            type, is_op, is_function = type_of_function(function), True, True
        # Without a version and a module, it is written in a way that both read.
        keras_2 = None if self.is_either and module is None else self.keras_2
        part = Part(name, self._kind(shown(type), config, is_op, keras_2))
        part.keras_2 = self.keras_2
        part.is_function = is_function
        part.class_name = class_name
        # Without a module, Keras reads it as Keras 2 wrote it, and builds nothing.
        if module is not None and not is_op and (build := data.get("build_config")):
            part.built_on = _built_on(build, type, where)
        return part

    def _kind(self, type: str, config: dict[str, Any], is_op: bool, keras_2: bool | None) -> Kind:
        """Return the kind of a layer: the one that is there, where another one is like it.

        What holds layers is like none: those are taken from its config.
        """
        if "layers" in config or "layer" in config:
            return Kind(type, config, is_op, keras_2)
        config.pop("name", None)
        # Of equal configs the same bytes: what 1, 1.0 and True are told apart by, too.
        key = marshal.dumps((type, is_op, keras_2, config), 2)
        return self.kinds.setdefault(key, Kind(type, config, is_op, keras_2))

    def _fill(self, part: Part, data: dict[str, Any]) -> None:
        config = part.config
        if part.type == "InputLayer":
            if self.keras_2 and "batch_shape" in config:
                raise BadFile(f"{quote(part.name)} is not as {_WRITER}")
            if config.keys() & OTHER_SHAPES:
                raise BadFile(f"the shape of input {quote(part.name)} is noted in an unknown way")
            part.batch_shape = _noted_shape([config], f"input {quote(part.name)}")
            if part.batch_shape is None and not self.keras_2:
                raise BadFile(f"no shape is noted for input {quote(part.name)}")
        elif part.type == "Sequential":
            self._sequential(part, data)
        elif part.type in ("Functional", "Model"):
            self._functional(part)
        elif (
            isinstance(config.get("layers"), list)
            and part.type not in LAYERS
            and not is_of_keras(part.type.partition(">")[0])
        ):
            # A class of one's own, that tells its layers as one of these two does.
            if "output_layers" in config:
                self._functional(part)
            elif "input_layers" not in config:
                self._sequential(part, data)
        elif part.type == "TimeDistributed":
            part.wrapped = self.part(config.get("layer"), f"what {quote(part.name)} applies")

    def _functional(self, part: Part) -> None:
        part.entries = {}
        if self.shares_in_models:
            self.shared = {}
        nodes: list[tuple[str, Any]] = []
        layers = part.config.get("layers")
        if not isinstance(layers, list):
            raise BadFile(f"the layers of {quote(part.name)} are not a list")
        for index, data in enumerate(taken(layers)):
            where = f"layer {index} of {quote(part.name)}"
            inner = self.part(data, where)
            name = inner.name
            if name in part.entries:
                raise BadFile(f"two layers of {quote(part.name)} are called {quote(name)}")
            if not {"name", "inbound_nodes"} <= data.keys():
                raise BadFile(f"{where} has no name or no inbound_nodes beside its config")
            inbound = data["inbound_nodes"]
            if not isinstance(inbound, list):
                raise BadFile(f"the inbound_nodes of {where} are not a list")
            part.entries[name] = Entry(inner, [])
            nodes.extend([(name, node) for node in inbound])
        if self.shares_in_models:
            self.shared = None
        for name, node in taken(nodes):
            part.entries[name].calls.append(self._call(node, part, name))
        models = ALL if self.keras_2 else FUNCTIONAL
        input_layers = part.config.get("input_layers")
        part.inputs = _sources(input_layers, part, "input_layers", models)
        part.takes = _names(input_layers)
        for source in part.inputs:
            if source.call or source.output:
                raise BadFile(
                    f"an input of {quote(part.name)} is call {source.call} of "
                    f"{quote(source.name)} and output {source.output}, where an input has one"
                )
        part.outputs = _sources(part.config.get("output_layers"), part, "output_layers", models)
        if not part.outputs:
            raise BadFile(f"{quote(part.name)} has no outputs")
        if not self.keras_2:
            _require_listed(part)
            _require_needed(part)
        part.used.update(part.outputs)
        for entry in part.entries.values():
            for call in entry.calls:
                part.used.update(call.tensors)
                for source, shape in zip(call.tensors, call.shapes, strict=True):
                    if shape is not None:
                        part.recorded.setdefault(source, shape)

    def _call(self, node: Any, part: Part, name: str) -> Call:
        where = f"a call of {quote(name)}"
        if not isinstance(node, (dict, list)):
            raise BadFile(f"{where} is neither an object nor a list")
        if not node:
            raise BadFile(f"{where} is empty")
        if self.keras_2:
            if "kwargs" in node and isinstance(node, dict):
                raise BadFile(f"the calls in {quote(part.name)} are not as {_WRITER}")
            return _call_of_keras_2(node, part, where)
        if isinstance(node, dict):
            return _call_of_keras_3(node, part, where)
        return _call_of_both(node, part, where)

    def _sequential(self, part: Part, data: dict[str, Any]) -> None:
        part.is_sequential = True
        part.entries = {}
        layers = part.config.get("layers")
        if not isinstance(layers, list):
            raise BadFile(f"the layers of {quote(part.name)} are not a list")
        previous: Source | None = None
        for index, layer in enumerate(taken(layers)):
            where = f"layer {index} of {quote(part.name)}"
            inner = self.part(layer, where)
            name = inner.name
            if name in part.entries:
                raise BadFile(f"two layers of {quote(part.name)} are called {quote(name)}")
            if inner.is_op and not inner.is_function:
                raise BadFile(f"{quote(part.name)} holds layers, and {quote(name)} is an op")
            entry = Entry(inner, [])
            part.entries[name] = entry
            if inner.batch_shape is not None:
                if index:
                    raise BadFile(f"an input of {quote(part.name)} is not its first layer")
                part.inputs, part.takes = (Source(name, 0, 0),), name
            else:
                if previous is None:
                    # Without an InputLayer: its shape stands in other places.
                    first = Part("input", Kind("InputLayer", {}, False, self.keras_2))
                    configs = (part.config, data, inner.config)
                    first.batch_shape = _noted_shape(configs, f"the input of {quote(part.name)}")
                    previous = Source("", 0, 0)
                    part.entries = {"": Entry(first, []), name: entry}
                    part.inputs, part.takes = (previous,), ""
                entry.calls.append(Call((previous,), (None,), [previous], {}))
            previous = Source(name, 0, 0)
        if previous is None:
            raise BadFile(f"{quote(part.name)} has no layers")
        part.outputs = (previous,)
        part.used.update([Source(name, 0, 0) for name in part.entries])


# The rules of which Keras hold follows from the version, which a file could lie about.
_WRITER = "Keras 2 notes them, which is said to have written the file"


def _require_listed(part: Part) -> None:
    """Refuse an InputLayer beside the inputs: Keras 3 finds nothing that is behind it."""
    entries = part.entries or {}
    first = {name for name, entry in entries.items() if entry.part.type == "InputLayer"}
    listed = {source.name for source in part.inputs}
    if listed < first:
        name = min(first - listed)
        raise BadFile(f"{quote(name)} is an InputLayer of {quote(part.name)}, and no input of it")


def _require_needed(part: Part) -> None:
    """Refuse a layer that no output needs: Keras 3 leaves it out, where Keras 2 keeps it."""
    entries = part.entries or {}
    needed: set[tuple[str, int]] = set()
    stack = [*part.outputs, *part.inputs]
    while stack:
        name, index, _ = stack.pop()
        calls = entries[name].calls
        if index >= max(len(calls), 1):
            return  # a call that is not there, which is told where it is looked for
        if calls and (name, index) not in needed:
            stack.extend(calls[index].tensors)
        needed.add((name, index))
    left = entries.keys() - {name for name, _ in needed}
    if left:
        raise BadFile(f"no output of {quote(part.name)} needs its layer {quote(min(left))}")


def _call_of_keras_3(node: dict[str, Any], part: Part, where: str) -> Call:
    tensors: list[Source] = []
    shapes: list[Shape | None] = []
    args, kwargs = [
        _read_of_keras_3(node.get(key), part, where, tensors, shapes) for key in ("args", "kwargs")
    ]
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise BadFile(f"{where} has no list of arguments")
    return Call(tuple(tensors), tuple(shapes), args, kwargs)


def _read_of_keras_3(
    value: Any, part: Part, where: str, tensors: list[Source], shapes: list[Shape | None]
) -> Any:
    """Return arguments with their tensors as Sources, which are noted with their shapes."""
    if isinstance(value, list):
        return [_read_of_keras_3(each, part, where, tensors, shapes) for each in value]
    if not isinstance(value, dict) or value.get("class_name") in CONSTANTS:
        return value
    if value.get("class_name") != "__keras_tensor__":
        return {
            key: _read_of_keras_3(value[key], part, where, tensors, shapes) for key in sorted(value)
        }
    config = _object(value.get("config"), f"a tensor in {where}")
    source = _source(config.get("keras_history"), part, where, NONE)
    tensors.append(source)
    shapes.append(parse_shape(config.get("shape"), f"a shape in {where}"))
    return source


def _call_of_both(node: list[Any], part: Part, where: str) -> Call:
    """Read a list of `["name", call, output, {...}]` as Keras 3 does: its tensors, one by one."""
    named: dict[str, Any] = {}
    tensors: list[Source] = []
    for place in node:
        tensors.append(_source(place, part, where, NONE))
        named = _named(place, where)
    first = tensors if len(tensors) > 1 else tensors[0]
    return Call(tuple(tensors), (None,) * len(tensors), [first], named)


def _call_of_keras_2(node: Any, part: Part, where: str) -> Call:
    """Read lists and dicts of `["name", call, output, {...}]`; the others stand in the last."""
    named: dict[str, Any] = {}
    first = _read_of_keras_2(node, part, where, named)
    if isinstance(first, list) and len(first) == 1 and not isinstance(node[0], str):
        (first,) = first
    kwargs = _read_of_keras_2(dict(named), part, where, {})
    tensors = [*_tensors_in(first), *_tensors_in(kwargs)]
    return Call(tuple(tensors), (None,) * len(tensors), [first], kwargs)


def _read_of_keras_2(value: Any, part: Part, where: str, named: dict[str, Any]) -> Any:
    """Return arguments with their tensors as Sources; what stands with the last is `named`."""
    if isinstance(value, dict):
        # In Keras' order, for the sake of the last.
        return {key: _read_of_keras_2(value[key], part, where, named) for key in sorted(value)}
    if not isinstance(value, list):
        return value
    if len(value) in (3, 4) and isinstance(value[0], str):
        constant = value[0] == "_CONSTANT_VALUE"
        if constant or value[0] in (part.entries or ()):
            named.clear()
            named.update(_named(value, where))
            return value[2] if constant else _source(value, part, where, ALL)
        if len(value) == 4:
            raise _unknown(value[0], where)
    return [_read_of_keras_2(each, part, where, named) for each in value]


def _named(place: list[Any], where: str) -> dict[str, Any]:
    """Return the arguments by name that stand with a tensor: those with the last are the call's."""
    return _object(place[3], f"what stands with a tensor in {where}") if len(place) > 3 else {}


# What Keras 3 writes for an array; the values in it are no tensors of the model.
CONSTANTS = ("__numpy__", "__tensor__")


def _tensors_in(value: Any) -> Iterator[Source]:
    """Yield the tensors in the arguments of a call, in order."""
    if isinstance(value, Source):
        yield value
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from _tensors_in(value[key])
    elif isinstance(value, list):
        for each in value:
            yield from _tensors_in(each)


def _sources(value: Any, part: Part, what: str, models: int) -> tuple[Source, ...]:
    where = f"the {what} of {quote(part.name)}"
    sources: list[Source] = []
    stack = [] if value is None else [value]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack.extend([value[key] for key in sorted(value, reverse=True)])
        elif isinstance(value, list):
            if value and isinstance(value[0], str):
                if len(value) > 3:
                    raise BadFile(f"{where} are not a list of [name, call, output]")
                sources.append(_source(value, part, where, models))
            else:
                stack.extend(reversed(value))
        else:
            raise BadFile(f"{where} are not a list of [name, call, output]")
    return tuple(sources)


def _names(value: Any) -> Any:
    """Return the names of a model's inputs, as it has them: one, a list or a dict."""
    if isinstance(value, dict):
        return {key: _names(each) for key, each in value.items()}
    if not isinstance(value, list):
        return []
    return value[0] if value and isinstance(value[0], str) else [_names(each) for each in value]


# A model has a call before those in which it is used: its own. What counts it: nothing in the calls
# that Keras 3 notes or reads; functional models in its outputs; in Keras 2 all models everywhere.
NONE, FUNCTIONAL, ALL = range(3)


def _source(value: Any, part: Part, where: str, models: int) -> Source:
    """Return a tensor from `[name, call, output]`."""
    if not (
        isinstance(value, list)
        and len(value) >= 3
        and isinstance(value[0], str)
        and all(type(index) is int and index >= 0 for index in value[1:3])
    ):
        raise BadFile(f"{where} refers to a tensor by something else than [name, call, output]")
    name, call, output = sys.intern(value[0]), value[1], value[2]
    entry = (part.entries or {}).get(name)
    if entry is None:
        raise _unknown(name, where)
    if entry.part.entries is not None and (
        models == ALL or (models == FUNCTIONAL and not entry.part.is_sequential)
    ):
        if not call and len(entry.calls) > 1:  # Keras 3 would take the last, Keras 2 refuses it
            raise BadFile(f"{where} refers to a call of {quote(name)} before the first")
        call = max(call - 1, 0)
    return Source(name, call, output)


def _unknown(name: str, where: str) -> BadFile:
    return BadFile(f"{where} refers to a layer {quote(name)} that its model does not hold")


def parse_shape(value: Any, what: str) -> Shape | None:
    """Return a shape; None stays None. Raises BadFile for anything else than a list of sizes."""
    if value is None:
        return None
    if isinstance(value, dict) and value.get("class_name") == "__tuple__":
        value = value.get("items")
    if not isinstance(value, (list, tuple)) or len(value) > MAX_RANK:
        raise BadFile(f"{what} is not a list of sizes")
    for size in value:
        if size is not None and (type(size) is not int or not 0 <= size <= MAX_SIZE):
            raise BadFile(f"{what} is not a list of sizes")
    return tuple(value)


def _takes_several(data: dict[str, Any]) -> bool:
    """Tell whether a call of Keras 3 has several arguments without a name."""
    nodes = data.get("inbound_nodes")
    args = [node.get("args") for node in nodes or () if isinstance(node, dict)]
    return any(isinstance(each, list) and len(each) > 1 for each in args)


def _built_on(build: Any, type: str, where: str) -> tuple[Shape, ...] | None:
    """Return the shapes that Keras builds a layer on before it calls it; None where it builds none.

    What else it may find there, it takes a layer for built by that has no weights yet.
    """
    if type not in LAYERS:  # a model may be built on a dict of shapes, or on lists of them
        return None
    what = f"what {where} is built on"
    if isinstance(build, dict) and "input_shape" in build:
        shape = build["input_shape"]
        several = isinstance(shape, list) and any(isinstance(each, list) for each in shape)
        shapes = shape if several else [shape]
    elif isinstance(build, dict) and isinstance(build.get("shapes_dict"), dict):
        shapes = [*build["shapes_dict"].values()]
    else:
        raise BadFile(f"{what} is not told as Keras does: input_shape, or shapes_dict")
    return tuple([parse_shape(each, what) or UNKNOWN for each in shapes])


def _noted_shape(configs: Iterable[dict[str, Any]], what: str) -> Shape | None:
    """Return the shape that configs note for an input, by whatever key. They have to agree."""
    noted: list[Any] = []
    for config in configs:
        build = config.get("build_config")
        noted += [config.get(key) for key in SHAPES]
        noted.append(build.get("input_shape") if isinstance(build, dict) else None)
    shapes = {parse_shape(shape, f"the shape of {what}") for shape in noted if shape is not None}
    if len(shapes) > 1:
        raise BadFile(f"the shape of {what} is noted in different ways")
    return shapes.pop() if shapes else None


SHAPES = ("batch_shape", "batch_input_shape", "build_input_shape")
OTHER_SHAPES = frozenset(("shape", "input_shape", "input_tensor", "batch_size"))


def _name(data: dict[str, Any], config: dict[str, Any], where: str) -> str | None:
    """Return the name of a layer, which stands in its place and in its config."""
    names = [each["name"] for each in (data, config) if each.get("name") is not None]
    if not all(isinstance(name, str) for name in names):
        raise BadFile(f"the name of {where} is not a text")
    if len(set(names)) > 1:
        raise BadFile(f"{where} has two names, {' and '.join(map(quote, names))}")
    return sys.intern(names[0]) if names else None


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadFile(f"{what} is not an object")
    return value
