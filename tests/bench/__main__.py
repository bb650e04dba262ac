"""How fast and how small the commands are, in whole processes: `python -m tests.bench`.

Measures `attn` as it is installed beside this Python, with its bytecode written, as users run it.
Each row is a function in ROWS: it runs a command and what it is compared with in turns, so that
both meet the same machine, and takes medians. CPU is user and system time of the process. Nothing
is asserted: the target stands beside what was measured.

`python -m tests.bench [-n RUNS] [ROW…]` takes some rows, and more or fewer runs.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ATTN = [sys.executable, "-m", "attn_cli"]
BLOCK = ["-b", "eca", "-s", "26,26,512"]


class Cost(NamedTuple):
    """What a process took."""

    cpu: float  # seconds
    wall: float  # seconds
    memory: float  # MiB at its largest


class Line(NamedTuple):
    """One line of the printed table."""

    name: str
    target: str
    measured: str
    met: bool


def run(command: Sequence[str], stdin: str = os.devnull) -> Cost:
    """Run a process to its end, its output thrown away."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    process = os.posix_spawn(
        command[0],
        command,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
    )
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def in_turns(runs: int, *commands: Sequence[str]) -> list[Cost]:
    """Run commands in turns, and return the medians of each."""
    for command in commands:
        run(command)  # bytecode is written, files are in the cache
    costs = [[run(command) for command in commands] for _ in range(runs)]
    return [Cost(*map(median, zip(*column, strict=True))) for column in zip(*costs, strict=True)]


def python(code: str) -> list[str]:
    """Return a command that runs this code."""
    return [sys.executable, "-c", code]


def params(runs: int) -> list[Line]:
    """`attn params` takes little more than loading Typer."""
    ours, typer = in_turns(runs, [*ATTN, "params", *BLOCK], python("import typer"))
    return [ratio("attn params / import typer, CPU", ours.cpu, typer.cpu, 1.25)]


def summary(runs: int) -> list[Line]:
    """`attn summary` takes little more than loading Typer and Rich, in little memory."""
    rich = python("import typer, rich.console, rich.table")
    ours, theirs = in_turns(runs, [*ATTN, "summary", *BLOCK], rich)
    memory = f"{ours.memory:.1f} MiB"
    return [
        ratio("attn summary / import typer, rich, CPU", ours.cpu, theirs.cpu, 1.3),
        Line("attn summary, memory", "25 MiB", memory, ours.memory <= 25),
    ]


KERAS = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
from attn_cli import eca_block
inputs = keras.Input((26, 26, 512))
keras.Model(inputs, eca_block(inputs)).summary()
"""


def against_keras(runs: int) -> list[Line]:
    """The same block, built and summarised in Keras."""
    ours, keras = in_turns(max(1, runs // 5), [*ATTN, "summary", *BLOCK], python(KERAS))
    times = keras.wall / ours.wall
    measured = f"{times:.0f}×  ({keras.wall:.2f} s, {ours.wall:.3f} s)"
    return [Line("the same in Keras / attn summary, wall", "20×", measured, times >= 20)]


# What `attn verify` has TensorFlow do, done by hand.
BY_HAND = """
import os, tempfile
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np, tensorflow as tf
from attn_cli import eca_block
inputs = keras.Input((26, 26, 512))
model = keras.Model(inputs, eca_block(inputs))
infer = tf.function(lambda x: model(x, training=False), autograph=False)
graph = infer.get_concrete_function(tf.TensorSpec((1, 26, 26, 512))).graph
options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
tf.compat.v1.profiler.profile(graph, cmd="op", options={**options, "output": "none"})
x = np.random.default_rng(0).standard_normal((2, 26, 26, 512), dtype=np.float32)
wanted = model(x, training=False)
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(model(x, training=False) * x)
tape.gradient(loss, [weight.value for weight in model.trainable_variables])
with tempfile.TemporaryDirectory() as folder:
    model.save(f"{folder}/block.keras")
    keras.saving.load_model(f"{folder}/block.keras")(x)
"""


def verify(runs: int) -> list[Line]:
    """`attn verify` against import and build alone, and against all that TensorFlow does in it."""
    ours, built, by_hand = in_turns(
        max(3, runs // 3),
        [*ATTN, "verify", *BLOCK[1:]],
        python(KERAS.replace(".summary()", "")),
        python(BY_HAND),
    )
    lines = []
    for name, theirs in (("import and build", built), ("TensorFlow's part", by_hand)):
        share = (ours.cpu - theirs.cpu) / ours.cpu
        measured = f"{100 * share:.0f} %  ({ours.cpu:.2f} s, {theirs.cpu:.2f} s)"
        lines.append(Line(f"attn verify beside {name}, CPU", "10 %", measured, share <= 0.1))
    return lines


def configurations(runs: int) -> list[Line]:
    """Thousands of configurations from stdin, and ten times as long for ten times as many."""
    command = [*ATTN, "compare", "-", "-s", "56,56,256", "--format", "csv"]
    costs: dict[int, list[Cost]] = {1: [], 1_000: [], 10_000: []}
    with tempfile.TemporaryDirectory() as folder:
        for count in costs:
            specs = "".join(f"se:width={width}\n" for width in range(1, count + 1))
            (Path(folder) / f"{count}").write_text(specs)
        for _ in range(max(3, runs // 5)):
            for count, taken in costs.items():
                taken.append(run(command, f"{folder}/{count}"))
    one, few, many = [median(cost.cpu for cost in taken) for taken in costs.values()]
    wall = median(cost.wall for cost in costs[10_000])
    growth = (many - one) / (few - one)
    return [
        Line(
            "compare, 10,000 configurations", "2 s", f"{wall:.2f} s  (CPU {many:.2f} s)", wall <= 2
        ),
        Line("the same / 1,000, less the start, CPU", "12×", f"{growth:.1f}×", growth <= 12),
    ]


def budgets(runs: int) -> list[Line]:
    """200 block checks in one file beside one block."""
    blocks = ("se", "eca", "cbam", "se:ratio=8")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "attn.toml"
        path.write_text(
            "".join(
                f'[[check]]\nname = "stage {place}"\nblock = "{blocks[place % 4]}"\n'
                f"shape = [26, 26, {64 * (1 + place // 10)}]\nmax_params = 100_000_000\n\n"
                for place in range(200)
            )
        )
        check = [*ATTN, "check", "--config", str(path)]
        ours, one = in_turns(runs, check, [*ATTN, "summary", *BLOCK])
    return [ratio("200 checks / one attn summary, CPU", ours.cpu, one.cpu, 1.5)]


SAVE = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
keras.applications.EfficientNetB0(weights=None).save(sys.argv[1])
"""
LOAD = SAVE.replace(
    "keras.applications.EfficientNetB0(weights=None).save(sys.argv[1])",
    "keras.saving.load_model(sys.argv[1]).count_params()",
)


def inspect(runs: int) -> list[Line]:
    """`attn inspect` beside loading the same file in Keras."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/EfficientNetB0.keras"
        run([*python(SAVE), path])
        ours, keras = in_turns(max(3, runs // 5), [*ATTN, "inspect", path], [*python(LOAD), path])
    times = keras.wall / ours.wall
    measured = f"{times:.0f}×  ({keras.wall:.2f} s, {ours.wall:.3f} s)"
    part = ours.memory / keras.memory
    memory = f"{part:.2f}  ({ours.memory:.0f} MiB, {keras.memory:.0f} MiB)"
    return [
        Line("load_model / attn inspect, wall", "15×", measured, times >= 15),
        Line("attn inspect / load_model, memory", "0.1", memory, part <= 0.1),
    ]


def in_network(runs: int) -> list[Line]:
    """What blocks cost in a network beside reading that network as a saved file."""
    compare = [*ATTN, "compare", "se:ratio=16", "eca", "cbam", "--in", "app:ResNet50"]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/ResNet50.keras"
        run([*python(SAVE.replace("EfficientNetB0", "ResNet50")), path])
        ours, theirs = in_turns(
            max(3, runs // 2), [*compare, "--at", "residual"], [*ATTN, "inspect", path]
        )
    memory = f"{ours.memory:.1f} MiB"
    return [
        ratio("compare --in / attn inspect, CPU", ours.cpu, theirs.cpu, 2),
        Line("compare --in, memory", "60 MB", memory, ours.memory <= 60e6 / 2**20),
    ]


def ratio(name: str, ours: float, theirs: float, target: float) -> Line:
    """Return the line of a time as a multiple of another one."""
    measured = f"{ours / theirs:.2f}×  ({1000 * ours:.0f} ms, {1000 * theirs:.0f} ms)"
    return Line(name, f"{target}×", measured, ours / theirs <= target)


# Each takes a number of runs and returns its lines.
ROWS: dict[str, Callable[[int], list[Line]]] = {
    "params": params,
    "summary": summary,
    "keras": against_keras,
    "verify": verify,
    "configurations": configurations,
    "inspect": inspect,
    "in": in_network,
    "check": budgets,
}


def main() -> None:
    """Print a table of targets and what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("-n", "--runs", type=int, default=25, help="runs of each (25)")
    asked = parser.parse_args()
    unknown = [name for name in asked.rows if name not in ROWS]
    if unknown:
        parser.error(f"no row is called {unknown[0]}; there are {', '.join(ROWS)}")
    width = 40
    print(f"{'':{width}}  {'target':>8}  measured")
    for name in asked.rows or ROWS:
        for line in ROWS[name](asked.runs):
            missed = "" if line.met else "   (missed)"
            print(f"{line.name:{width}}  {line.target:>8}  {line.measured}{missed}", flush=True)


main()
