"""What is foretold, held against TensorFlow: a check for each thing that is said.

Here of a block on its own, in verify_in.py of a network with a block in it.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import product, zip_longest
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.blocks import BLOCKS, PRESETS, find_block
from attn_cli.cost import graph_cost, reasons
from attn_cli.errors import AttnError
from attn_cli.graph import Cost
from attn_cli.signals import ended_between_calls
from attn_cli.spec import NONE, Spec
from attn_cli.tf.load import load_keras
from attn_cli.tf.memory import check_memory, is_out_of_memory, memory_errors, sizes
from attn_cli.tf.profile import Profile, profiled_flops
from attn_cli.tf.save import TOLERANCE, write_and_compare
from attn_cli.tf.walk import build_model, count_params, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from attn_cli.blocks import Block, Option
    from attn_cli.graph import Graph, Node, Shape

# Where no shape is named: an even one, and an odd one that is not square.
SHAPES: tuple[tuple[int, int, int], ...] = ((14, 14, 64), (7, 5, 40))

SAMPLES = 2
# As many tensors of the output's size are around where gradients are worked out, as measured.
COPIES = 6
# What the inputs are multiplied by, one after the other, in the search for a gradient.
SCALES = (1.0, 0.25, 4.0)
# Below this part of the largest gradient there is nothing but float32's rounding.
ROUNDING = 1e-6


class Check(NamedTuple):
    """One thing that was checked: what is expected, and what TensorFlow does.

    `note` is the first difference where it failed; where it is `ok` although the two differ, the
    exception that explains it.
    """

    name: str
    expected: int | str | None
    got: int | str | None
    ok: bool
    note: str = ""


class Verification(NamedTuple):
    """All checks of one block on one input, or at its places in a network: then without a shape.

    There is no spec where attention was taken out of a network.
    """

    spec: Spec | None
    shape: Shape
    checks: tuple[Check, ...]

    @property
    def text(self) -> str:
        """The block in its canonical form."""
        return NONE if self.spec is None else self.spec.text

    @property
    def as_given(self) -> str:
        """The block as it was typed."""
        return NONE if self.spec is None else self.spec.as_given

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(check.ok for check in self.checks)


def verify(spec: Spec, shape: Shape) -> Verification:
    """Check all that a trace says about a block on an input (H, W, C) against TensorFlow.

    Every check is made, whatever the others find. Raises BadShape where H or W is dynamic or a run
    does not fit in memory, and what the trace raises where it refuses the options.
    """
    return run(prepare(spec, shape))


def prepare(spec: Spec, shape: Shape) -> Alone:
    """Return what is to be verified. Raises what `verify` does, without TensorFlow."""
    traced = spec.trace(shape)
    known = sizes(shape)
    check_memory(traced, SAMPLES, COPIES)
    return Alone(spec, known, traced)


@memory_errors()
def run(case: Case) -> Verification:
    """Make all checks. Raises BadFile where Keras does not load what is to be checked."""
    load_keras()
    checks = []
    with ended_between_calls() as check_signals:
        case.load()
        for name in case.checks:
            checks.append(_run(name, case))
            check_signals()
    return Verification(case.spec, case.shape, tuple(checks))


class Case:
    """What is foretold, and what Keras makes of it once that is asked for."""

    checks: Mapping[str, Callable[[Any], Check]]
    spec: Any  # None where attention was taken out

    def __init__(self, spec: Spec | None, shape: tuple[int, ...], traced: Graph) -> None:
        self.spec = spec
        self.shape = shape
        self.traced = traced

    @property
    def as_given(self) -> str:
        """The block as it was typed."""
        return NONE if self.spec is None else self.spec.as_given

    def load(self) -> None:
        """Load what the model is made of."""

    @cached_property
    def model(self) -> Any:
        """What Keras makes."""
        raise NotImplementedError

    @cached_property
    def built(self) -> Graph:
        """The graph of the model."""
        return walk(self.model)

    @cached_property
    def cost(self) -> Cost:
        """What is said of the MACs and FLOPs, and why what is unknown is."""
        raise NotImplementedError

    @cached_property
    def profile(self) -> Profile:
        """What TensorFlow's profiler counts of that."""
        raise NotImplementedError

    @cached_property
    def padding(self) -> int:
        """The multiply-accumulates of that which the profiler counts in padding."""
        raise NotImplementedError


class Alone(Case):
    """A block on one input."""

    def __init__(self, spec: Spec, shape: tuple[int, ...], traced: Graph) -> None:
        super().__init__(spec, shape, traced)
        self.checks = CHECKS

    @cached_property
    def model(self) -> Any:
        """The block as a Keras model."""
        return build_model(self.spec.block.build, self.shape, **self.spec.given)

    @cached_property
    def cost(self) -> Cost:
        """What the trace says."""
        cost = graph_cost(self.traced)
        return Cost(cost.macs, cost.flops, reasons(cost.unknown))

    @cached_property
    def profile(self) -> Profile:
        """What TensorFlow's profiler counts in the model."""
        return profiled_flops(self.model, self.shape)

    @cached_property
    def padding(self) -> int:
        """What of it is padding."""
        return dilation_padding(self.built)

    @cached_property
    def drawn(self) -> Any:
        """The model with weights drawn so that all of them matter, and no gate is saturated."""
        random = _random()
        for weight in self.model.weights:
            low, high = (0.05, 0.15) if weight.name in SHIFTS else (0.5, 1.5)
            fan_in = prod(map(int, weight.shape[:-1]))
            weight.assign(random.uniform(low, high, weight.shape) / fan_in)
        return self.model

    @cached_property
    def inputs(self) -> Any:
        """Unit-normal inputs."""
        import numpy as np

        return _random().standard_normal((SAMPLES, *self.shape), dtype=np.float32)

    @cached_property
    def outputs(self) -> Any:
        """What the drawn model makes of the inputs."""
        import numpy as np

        return np.asarray(self.drawn(self.inputs, training=False))


SHIFTS = frozenset({"beta", "bias", "moving_mean"})


def _run(name: str, case: Case) -> Check:
    try:
        return case.checks[name](case)._replace(name=name)
    except Exception as error:  # whatever TensorFlow raises is what was found
        if is_out_of_memory(error):
            raise
        first, *_ = str(error).strip().splitlines() or [""]
        return Check(name, None, None, False, f"{type(error).__name__}: {first}")


def _compare(property: Callable[[Node], Any]) -> Callable[[Case], Check]:
    """Return a check that a property is the same, call by call."""

    def check(case: Case) -> Check:
        ours = [property(node) for node in case.traced.nodes]
        theirs = [property(node) for node in case.built.nodes]
        pairs = list(zip_longest(ours, theirs))
        differing = [row for row, (mine, other) in enumerate(pairs) if mine != other]
        note = ""
        if differing:
            row = differing[0]
            mine, other = pairs[row]
            note = f"row {row}: {mine} is expected, and Keras has {other}"
        same = len(pairs) - len(differing)
        return Check("", f"{len(ours)} calls", f"{same} the same", not differing, note)

    return check


def _params(case: Case) -> Check:
    return _equal(case.traced.params.total, case.model.count_params())


def _trainable(case: Case) -> Check:
    return _equal(case.traced.params.trained, count_params(case.model).trained)


def _equal(expected: int, got: int) -> Check:
    return Check("", expected, got, expected == got)


def macs_check(case: Case) -> Check:
    counted = sum(case.profile.by_op.get(type, 0) for type in PRODUCTS)
    return _profiled(case, case.cost.macs, counted // 2, case.padding)


def flops_check(case: Case) -> Check:
    return _profiled(case, case.cost.flops, case.profile.flops, 2 * case.padding)


# TensorFlow's ops whose FLOPs are two for each multiply-accumulate.
PRODUCTS = (
    *("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "MatMul"),
    *("Conv2D", "DepthwiseConv2dNative"),
)


def _profiled(case: Case, expected: int | None, got: int, padding: int) -> Check:
    """Compare a figure with the profiler's; by the exceptions that are named, they may differ."""
    silent = ", ".join(case.profile.uncounted)
    if expected is None:
        return Check("", None, got, True, f"not claimed: {case.cost.why}")
    note = f"the profiler takes {silent} for 0" if silent else ""
    if padding and got == expected + padding:
        note = "the profiler counts the padding of dilated convolutions too"
    return Check("", expected, got, got in (expected, expected + padding), note)


def dilation_padding(graph: Graph) -> int:
    """Return the multiply-accumulates that the profiler counts in the padding of dilation.

    TensorFlow pads each side of the output up to a multiple of the dilation before it convolves.
    """
    macs = 0
    for node in graph.nodes:
        dilation = node.layer.config.get("dilation_rate")
        if dilation and max(dilation) > 1:
            sides: list[int] = [size or 0 for size in node.output_shapes[0][1:-1]]
            padded = [-(-size // step) * step for size, step in zip(sides, dilation, strict=True)]
            here = node.cost.macs or 0
            macs += here // prod(sides) * (prod(padded) - prod(sides))
    return macs


def _saving(case: Alone) -> Check:
    with TemporaryDirectory(prefix="attn-") as folder:
        path = Path(folder) / "block.keras"
        difference = write_and_compare(case.drawn, path, case.inputs, case.outputs)
    return Check("", f"≤ {TOLERANCE:g}", f"{difference:.1g}", True)


def _forward(case: Alone) -> Check:
    import numpy as np

    output = case.outputs
    wanted = (SAMPLES, *case.shape)  # as it came in: that is what a block is
    finite = int(np.isfinite(output).sum())
    note = "" if output.shape == wanted else f"the shape is {output.shape}, not {wanted}"
    ok = output.shape == wanted and finite == output.size
    return Check("", f"{prod(wanted):,} finite", f"{finite:,} finite", ok, note)


def _gradients(case: Alone) -> Check:
    """Look for a gradient of every trainable weight, over inputs of several sizes."""
    import numpy as np
    import tensorflow as tf

    random = _random()
    model = case.drawn
    weights = model.trainable_variables
    largest = np.zeros(len(weights))
    least = 0.0
    for scale in SCALES:
        inputs = scale * random.random((SAMPLES, *case.shape), dtype=np.float32)
        with tf.GradientTape() as tape:
            output = model(inputs, training=False)
            loss = tf.reduce_sum(output * random.random(output.shape, dtype=np.float32))
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        found = [0.0 if each is None else float(np.abs(each).max()) for each in gradients]
        largest = np.maximum(largest, found)
        least = ROUNDING * max(largest, default=0)
        if all(largest > least):
            break
    excused = shift_free(case.built)
    names = [weight.path for weight, size in zip(weights, largest, strict=True) if not size > least]
    missing = [name for name in names if name not in excused]
    note = f"none for {missing[0]}" if missing else ""
    if names and not missing:
        note = f"none for {', '.join(names)}: the softmax behind it takes a shift out"
    return Check("", len(weights), len(weights) - len(names), not missing, note)


def shift_free(graph: Graph) -> set[str]:
    """Return the single biases that lead into nothing but a softmax, which takes a shift out."""
    behind: list[list[Node]] = [[] for _ in graph.nodes]
    for node in graph.nodes:
        for ref in node.inputs:
            behind[ref.node].append(node)
    places = {id(node): place for place, node in enumerate(graph.nodes)}
    free = set()
    for node in graph.nodes:
        biases = [weight for weight in node.layer.weights if weight.name == "bias"]
        after = node
        while len(behind[places[id(after)]]) == 1 and (after is node or after.layer.type in MOVES):
            (after,) = behind[places[id(after)]]
        if biases and biases[0].size == 1 and "softmax" in after.layer.label.lower():
            free.add(f"{node.layer.name}/bias")
    return free


MOVES = frozenset({"Permute", "Reshape", "Transpose"})


# The checks in the order of the table: those of any graph, and those of a block on its own.
OF_GRAPHS: dict[str, Callable[[Case], Check]] = {
    "names": _compare(lambda node: node.name),
    "types": _compare(lambda node: node.layer.type),
    "shapes": _compare(lambda node: node.output_shapes),
    "weights": _compare(lambda node: [tuple(weight) for weight in node.layer.weights]),
    "wiring": _compare(lambda node: [tuple(ref) for ref in node.inputs]),
    "params": _params,
    "trainable": _trainable,
}
CHECKS: dict[str, Callable[[Any], Check]] = {
    **OF_GRAPHS,
    "MACs": macs_check,
    "FLOPs": flops_check,
    "finite outputs": _forward,
    "gradients": _gradients,
    "saved and loaded": _saving,
}


def every_spec(shape: Shape) -> Iterator[Spec]:
    """Yield each block and preset that takes a shape, the blocks with each option changed too."""
    for name in BLOCKS:
        yield from variants(find_block(name), shape)
    for name in PRESETS:
        preset = Spec(find_block(name), {})
        if _takes(preset, shape):
            yield preset


def variants(block: Block, shape: Shape) -> Iterator[Spec]:
    """Yield a block as it is, then with each option changed, then with all of them changed.

    What to try follows from the signature and the words of the docstring; what the block refuses on
    this shape is passed over.
    """
    as_it_is = Spec(block, {})
    if not _takes(as_it_is, shape):
        return
    yield as_it_is
    changed: dict[str, Any] = {}
    for option in block.options.values():
        # Some options stand only beside another one.
        companions = [{}, *({name: value} for name, value in changed.items())]
        for value, beside in product(_others(option), companions):
            spec = Spec(block, {**beside, option.name: value})
            if _takes(spec, shape):
                yield spec
                changed[option.name] = value
                break
    everything = Spec(block, changed)
    if len(changed) > 1 and _takes(everything, shape):
        yield everything


def _others(option: Option) -> list[Any]:
    """Return values of an option that are not its default, the likeliest to be taken first."""
    default = option.default
    values: list[Any] = []
    for kind in option.type.split("|"):
        if kind.strip() == "bool":
            values.append(not default)
        elif kind.strip() == "int":
            values += [8, 3] if default is None else [default // 2 | 1, default + 2, 2, 1]
        elif kind.strip() == "float":
            values += [(default or 0) + 0.5, (default or 0) / 2]
        elif kind.strip() == "str":
            values += [*re.findall(r"\w+", option.help), "hard_sigmoid", "sigmoid"]
    return [value for value in values if value != default]


def _takes(spec: Spec, shape: Shape) -> bool:
    try:
        spec.trace(shape)
    except AttnError:
        return False
    return True


def _random() -> Any:
    import numpy as np

    return np.random.default_rng(0)
