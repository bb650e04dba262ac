"""What a model's config says: its layers, and how they call each other. Nothing in it is run.

Both dialects are read: Keras 3 (`{"args": [...], "kwargs": {...}}`, with the shape of each tensor)
and Keras 2 (`[["name", call, output, {...}]]`). A config is checked as it is read: what no Keras
writes is a BadFile of one line. Recursion is as deep as models are nested, which the depth of the
JSON bounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.errors import BadFile
from attn_cli.sources.text import quote, shown

if TYPE_CHECKING:
    from attn_cli.graph import Shape

MAX_LAYERS = 30_000
MAX_RANK = 16
MAX_SIZE = 2**31 - 1  # TensorFlow's own limit for a dimension


class Source(NamedTuple):
    """A tensor: an output of a call of a layer, by name."""

    name: str
    call: int
    output: int


class Call(NamedTuple):
    """One call of a layer: its tensors, the shapes noted with them, its other arguments."""

    tensors: tuple[Source, ...]
    shapes: tuple[Shape | None, ...]
    arguments: dict[str, Any]


class Part:
    """A layer, an op or a model, once however often it is used."""

    __slots__ = (
        "batch_shape",
        "config",
        "entries",
        "inputs",
        "is_op",
        "is_sequential",
        "name",
        "outputs",
        "recorded",
        "trainable",
        "type",
        "used",
        "wrapped",
    )

    def __init__(self, name: str, type: str, config: dict[str, Any], is_op: bool) -> None:
        self.name = name
        self.type = type
        self.config = config
        self.is_op = is_op
        self.trainable = config.get("trainable") is not False
        self.is_sequential = False
        # What a model holds, in its order; None for a layer.
        self.entries: dict[str, Entry] | None = None
        self.inputs: tuple[Source, ...] = ()
        self.outputs: tuple[Source, ...] = ()
        # The shapes that the config notes for tensors.
        self.recorded: dict[Source, Shape] = {}
        # All tensors that its calls and outputs take.
        self.used: set[Source] = set()
        self.wrapped: Part | None = None  # what a TimeDistributed applies
        self.batch_shape: Shape | None = None  # of an input


class Entry(NamedTuple):
    """A place of a part in a model: where it is called, if at all."""

    part: Part
    calls: list[Call]


def parse_config(data: Any) -> Part:
    """Return the model that a config describes. Raises BadFile where it describes none."""
    return _Parser().part(data, "the config")


def trainable_parts(model: Part) -> set[int]:
    """Return the ids of the parts whose flag, and that of all they stand in, says they train."""
    found: set[int] = set()
    stack = [model]
    while stack:
        part = stack.pop()
        if not part.trainable or id(part) in found:
            continue
        found.add(id(part))
        stack.extend([entry.part for entry in (part.entries or {}).values()])
        if part.wrapped is not None:
            stack.append(part.wrapped)
    return found


class _Parser:
    def __init__(self) -> None:
        self.shared: dict[tuple[int, str, str], Part] = {}
        self.open: set[int] = set()  # the ids of the parts that hold the one that is read
        self.count = 0

    def part(self, data: Any, where: str) -> Part:
        """Return the layer, op or model described; one that was seen before is the same one."""
        self.count += 1
        if self.count > MAX_LAYERS:
            raise BadFile(f"the config holds more than {MAX_LAYERS:,} layers")
        data = _object(data, where)
        class_name = data.get("class_name")
        if not isinstance(class_name, str):
            raise BadFile(f"{where} has no class_name")
        config = data.get("config")
        if class_name == "Sequential" and isinstance(config, list):  # before Keras 2.3
            config = {"layers": config}
        config = _object(config, f"the config of {where}")
        name = data.get("name", config.get("name"))
        if not isinstance(name, str):
            if name is not None:
                raise BadFile(f"the name of {where} is not a text")
            name = class_name
        identity = data.get("shared_object_id")
        if isinstance(identity, int):
            known = self.shared.get((identity, class_name, name))
            if known is not None:
                if id(known) in self.open:
                    what = known.type if known.entries is None else "model"
                    raise BadFile(f"{where} is the {what} that holds it")
                return known
        part = self._new(name, class_name, config, data)
        if isinstance(identity, int):
            self.shared[identity, class_name, name] = part
        self.open.add(id(part))
        self._fill(part, class_name, data)
        self.open.remove(id(part))
        return part

    def _new(
        self, name: str, class_name: str, config: dict[str, Any], data: dict[str, Any]
    ) -> Part:
        module = data.get("module")
        of_keras = module is None or (
            isinstance(module, str) and module.split(".")[0] in ("keras", "tf_keras")
        )
        registered = data.get("registered_name")
        if not of_keras:
            type = f"{module}>{class_name}"
        elif module is None and isinstance(registered, str) and ">" in registered:
            type = registered  # a registered class says what it is in place of where it is from
        else:
            type = class_name
        # Ops have no flags. A legacy .h5 does not tell the module.
        is_op = (
            ".ops." in f"{module}."
            if module is not None
            else not config.keys() & {"trainable", "layers", "batch_shape", "batch_input_shape"}
        )
        function = config.get("function")
        if class_name in ("TFOpLambda", "SlicingOpLambda") and isinstance(function, str):
            type = TF_OPS.get(function, f"tf.{function}")
            is_op = True
        return Part(name, shown(type), config, is_op)

    def _fill(self, part: Part, class_name: str, data: dict[str, Any]) -> None:
        config = part.config
        if class_name == "InputLayer":
            shape = config.get("batch_shape", config.get("batch_input_shape"))
            part.batch_shape = parse_shape(shape, f"the shape of input {quote(part.name)}")
        elif isinstance(config.get("layers"), list):
            if "output_layers" in config:
                self._functional(part)
            elif class_name == "Sequential" or "input_layers" not in config:
                self._sequential(part, data)
        elif class_name == "TimeDistributed":
            part.wrapped = self.part(config.get("layer"), f"what {quote(part.name)} applies")

    def _functional(self, part: Part) -> None:
        part.entries = {}
        nodes: list[tuple[str, Any]] = []
        for index, data in enumerate(part.config["layers"]):
            where = f"layer {index} of {quote(part.name)}"
            inner = self.part(data, where)
            name = inner.name
            if name in part.entries:
                raise BadFile(f"two layers of {quote(part.name)} are called {quote(name)}")
            inbound = data.get("inbound_nodes", [])
            if not isinstance(inbound, list):
                raise BadFile(f"the inbound_nodes of {where} are not a list")
            part.entries[name] = Entry(inner, [])
            nodes.extend([(name, node) for node in inbound])
        for name, node in nodes:
            part.entries[name].calls.append(_call(node, part, name))
        models = ALL if any(isinstance(node, list) for _, node in nodes) else FUNCTIONAL
        part.inputs = _sources(part.config.get("input_layers"), part, "input_layers", models)
        part.outputs = _sources(part.config["output_layers"], part, "output_layers", models)
        if not part.outputs:
            raise BadFile(f"{quote(part.name)} has no outputs")
        part.used.update(part.outputs)
        for entry in part.entries.values():
            for call in entry.calls:
                part.used.update(call.tensors)
                for source, shape in zip(call.tensors, call.shapes, strict=True):
                    if shape is not None:
                        part.recorded.setdefault(source, shape)

    def _sequential(self, part: Part, data: dict[str, Any]) -> None:
        part.is_sequential = True
        part.entries = {}
        previous: Source | None = None
        for index, layer in enumerate(part.config["layers"]):
            where = f"layer {index} of {quote(part.name)}"
            inner = self.part(layer, where)
            name = inner.name
            if name in part.entries:
                raise BadFile(f"two layers of {quote(part.name)} are called {quote(name)}")
            entry = Entry(inner, [])
            part.entries[name] = entry
            if inner.batch_shape is not None:
                part.inputs = (Source(name, 0, 0),)
            else:
                if previous is None:
                    # Without an InputLayer: its shape stands in other places.
                    first = Part("input", "InputLayer", {}, False)
                    first.batch_shape = _first_shape(part.config, inner.config, data)
                    previous = Source("", 0, 0)
                    part.entries = {"": Entry(first, []), name: entry}
                    part.inputs = (previous,)
                entry.calls.append(Call((previous,), (None,), {}))
            previous = Source(name, 0, 0)
        if previous is None:
            raise BadFile(f"{quote(part.name)} has no layers")
        part.outputs = (previous,)
        part.used.update([Source(name, 0, 0) for name in part.entries])


def _call(node: Any, part: Part, name: str) -> Call:
    where = f"a call of {quote(name)}"
    if isinstance(node, dict):
        return _call_of_keras_3(node, part, where)
    if isinstance(node, list):
        return _call_of_keras_2(node, part, where)
    raise BadFile(f"{where} is neither an object nor a list")


def _call_of_keras_3(node: dict[str, Any], part: Part, where: str) -> Call:
    tensors: list[Source] = []
    shapes: list[Shape | None] = []
    stack = [node.get("kwargs", {}), node.get("args", [])]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(reversed(value))
        elif isinstance(value, dict):
            if value.get("class_name") != "__keras_tensor__":
                stack.extend([value[key] for key in sorted(value, reverse=True)])
                continue
            config = _object(value.get("config"), f"a tensor in {where}")
            tensors.append(_source(config.get("keras_history"), part, where, NONE))
            shapes.append(parse_shape(config.get("shape"), f"a shape in {where}"))
    arguments = node.get("kwargs")
    return Call(tuple(tensors), tuple(shapes), arguments if isinstance(arguments, dict) else {})


def _call_of_keras_2(node: list[Any], part: Part, where: str) -> Call:
    tensors: list[Source] = []
    arguments: dict[str, Any] = {}
    stack: list[Any] = [node]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack.extend([value[key] for key in sorted(value, reverse=True)])
        elif isinstance(value, list):
            if len(value) in (3, 4) and isinstance(value[0], str):
                constant = value[0] == "_CONSTANT_VALUE"
                if constant or value[0] in (part.entries or ()):
                    if not constant:
                        tensors.append(_source(value, part, where, ALL))
                    if len(value) == 4 and isinstance(value[3], dict):
                        arguments = {**value[3], **arguments}
                        stack.append(value[3])
                    continue
                if len(value) == 4:
                    raise _unknown(value[0], where)
            stack.extend(reversed(value))
    return Call(tuple(tensors), (None,) * len(tensors), arguments)


def _sources(value: Any, part: Part, what: str, models: int) -> tuple[Source, ...]:
    where = f"the {what} of {quote(part.name)}"
    sources: list[Source] = []
    stack = [value]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack.extend([value[key] for key in sorted(value, reverse=True)])
        elif isinstance(value, list):
            if value and isinstance(value[0], str):
                sources.append(_source(value, part, where, models))
            else:
                stack.extend(reversed(value))
        elif value is not None:
            raise BadFile(f"{where} are not a list of [name, call, output]")
    return tuple(sources)


# A model has a call before those in which it is used: its own. What counts it: nothing in the calls
# that Keras 3 notes; functional models in its outputs; a Sequential as well in Keras 2.
NONE, FUNCTIONAL, ALL = range(3)


def _source(value: Any, part: Part, where: str, models: int) -> Source:
    """Return a tensor from `[name, call, output]`."""
    if not (
        isinstance(value, list)
        and len(value) >= 3
        and isinstance(value[0], str)
        and all(type(index) is int and 0 <= index <= MAX_LAYERS for index in value[1:3])
    ):
        raise BadFile(f"{where} refers to a tensor by something else than [name, call, output]")
    name, call, output = value[:3]
    entry = (part.entries or {}).get(name)
    if entry is None:
        raise _unknown(name, where)
    if call and entry.part.entries is not None:
        call -= models == ALL or (models == FUNCTIONAL and not entry.part.is_sequential)
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


def _first_shape(*configs: dict[str, Any]) -> Shape | None:
    for config in configs:
        build = config.get("build_config")
        for value in (
            config.get("build_input_shape"),
            config.get("batch_input_shape"),
            build.get("input_shape") if isinstance(build, dict) else None,
        ):
            if isinstance(value, list):
                return parse_shape(value, "the shape of an input")
    return None


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadFile(f"{what} is not an object")
    return value


# What Keras 2 wraps around TensorFlow's functions, by the name of Keras 3's op.
TF_OPS = {
    "__operators__.add": "Add",
    "__operators__.getitem": "GetItem",
    "__operators__.truediv": "TrueDivide",
    "cast": "Cast",
    "clip_by_value": "Clip",
    "concat": "Concatenate",
    "expand_dims": "ExpandDims",
    "identity": "Identity",
    "linalg.matmul": "Matmul",
    "math.abs": "Absolute",
    "math.add": "Add",
    "math.divide": "TrueDivide",
    "math.exp": "Exp",
    "math.maximum": "Maximum",
    "math.minimum": "Minimum",
    "math.multiply": "Multiply",
    "math.negative": "Negative",
    "math.pow": "Power",
    "math.reduce_max": "Max",
    "math.reduce_mean": "Mean",
    "math.reduce_min": "Min",
    "math.reduce_std": "Std",
    "math.reduce_sum": "Sum",
    "math.reduce_variance": "Var",
    "math.rsqrt": "Rsqrt",
    "math.sigmoid": "Sigmoid",
    "math.softplus": "Softplus",
    "math.sqrt": "Sqrt",
    "math.square": "Square",
    "math.subtract": "Subtract",
    "math.tanh": "Tanh",
    "math.truediv": "TrueDivide",
    "nn.elu": "Elu",
    "nn.gelu": "Gelu",
    "nn.leaky_relu": "LeakyRelu",
    "nn.relu": "Relu",
    "nn.relu6": "Relu6",
    "nn.sigmoid": "Sigmoid",
    "nn.silu": "Silu",
    "nn.softmax": "Softmax",
    "nn.softplus": "Softplus",
    "nn.swish": "Silu",
    "nn.tanh": "Tanh",
    "reshape": "Reshape",
    "split": "Split",
    "squeeze": "Squeeze",
    "stack": "Stack",
    "transpose": "Transpose",
}
