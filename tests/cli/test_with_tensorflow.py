"""The commands that need TensorFlow, as processes: what reaches the user, and what is left."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from models import save_json
from process import COMMAND, attn, environment
from test_schema import validator

from attn_cli import namespace_of

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPE = ("-s", "8,8,32")


def test_build_says_what_it_wrote(tmp_path: Path) -> None:
    """The report is all there is on stdout, and there is nothing on stderr."""
    done = attn("build", "-b", "se", *SHAPE, "-o", "m.tflite", "--json", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    record = json.loads(done.out)
    validator("build").validate(record)
    assert record["params"] == {"total": 552, "trainable": 552, "non_trainable": 0}
    assert record["bytes"] == (tmp_path / "m.tflite").stat().st_size
    assert record["path"] == "m.tflite"
    assert os.listdir(tmp_path) == ["m.tflite"]


def test_verify_lays_its_checks_side_by_side() -> None:
    """Exit code 0, a row for each check, nothing on stderr."""
    done = attn("verify", "eca", "-s", "26,26,512")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[-2:] for line in done.out.splitlines() if "FLOPs" in line] == [
        ["697,856", "697,856"]
    ]
    assert done.out.splitlines()[-1] == "12 of 12 checks passed"


WRONG = """
from attn_cli import namespace_of


def wrong(inputs, *, name=None):
    keras = namespace_of(inputs)
    bias = type(inputs).__name__ == "SymbolicTensor"
    s = keras.layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    s = keras.layers.Dense(inputs.shape[-1], use_bias=bias)(s)
    return keras.layers.Multiply()([inputs, s])
"""


def test_verify_fails_with_exit_code_1(tmp_path: Path) -> None:
    """It shows the first difference of each check, and the checks that passed."""
    (tmp_path / "mine.py").write_text(WRONG)
    done = attn("verify", "mine.py:wrong", "se", *SHAPE, "--json", cwd=tmp_path)
    assert (done.code, done.err) == (1, "")
    record = json.loads(done.out)
    validator("verify").validate(record)
    assert not record["ok"]
    assert [block["ok"] for block in record["blocks"]] == [False, True]
    failed = [check for check in record["blocks"][0]["checks"] if not check["ok"]]
    assert [check["name"] for check in failed] == ["weights", "params", "trainable", "FLOPs"]
    assert (failed[1]["expected"], failed[1]["got"]) == (1056, 1024)


def test_bench_times_blocks_beside_a_baseline() -> None:
    """JSON has the machine, the versions and all samples."""
    done = attn("bench", "se", "eca", *SHAPE, "--batch", "2", "--runs", "5", "--json")
    assert (done.code, done.err) == (0, "")
    record = json.loads(done.out)
    validator("bench").validate(record)
    assert record["input_shape"] == [2, 8, 8, 32]
    assert [row["spec"] for row in record["rows"]] == ["se", "eca"]
    for row in (record["baseline"], *record["rows"]):
        assert len(row["samples_ns"]) == record["runs"] == 5
        assert row["p5_ns"] <= row["median_ns"] <= row["p95_ns"]
    assert record["rows"][1]["params"]["total"] == 3
    assert record["machine"]["cpus"] >= 1
    assert set(record["versions"]) == {"python", "tensorflow", "keras", "numpy"}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network, its weights drawn when it is loaded."""
    path = tmp_path_factory.mktemp("network") / "network.json"
    save_json(lambda inputs: namespace_of(inputs).layers.Conv2D(8, 3)(inputs), (8, 8, 4), path)
    return path


def test_a_network_is_built_verified_and_timed(network: Path, tmp_path: Path) -> None:
    """Each record is described, and says what the others do; the table and the CSV are drawn."""
    where = ("--in", str(network), "--at", "conv2d")
    lines = {
        "build-in": ("build", "eca", *where, "-o", "m.keras"),
        "verify-in": ("verify", "eca", "se", *where),
        "bench-in": ("bench", "se", "eca", *where, "--batch", "2", "--runs", "5"),
    }
    records = {}
    for definition, line in lines.items():
        done = attn(*line, "--json", cwd=tmp_path)
        assert (done.code, done.err) == (0, "")
        records[definition] = json.loads(done.out)
        validator(definition).validate(records[definition])
    built, verified, benched = records.values()
    assert (built["moved"], built["fresh"], built["places"]) == (0, [], ["conv2d"])
    assert verified["ok"]
    assert verified["places"] == benched["places"]
    assert [row["added"]["params"]["total"] for row in benched["rows"]] == [42, 3]
    for row in benched["rows"]:
        pairs = zip(row["samples_ns"], benched["baseline"]["samples_ns"], strict=True)
        slower = [ours - theirs for ours, theirs in pairs]
        assert row["slower_ns"] == sorted(slower)[2]
        assert row["slower_runs"] == sum(each > 0 for each in slower)
    assert os.listdir(tmp_path) == ["m.keras"]


def test_a_terminal_is_told_that_tensorflow_loads(tmp_path: Path) -> None:
    """One line on stderr, and a bar that is gone in the end; nothing else."""
    master, slave = pty.openpty()
    said: list[bytes] = []
    with subprocess.Popen(
        [*COMMAND, "bench", "se", *SHAPE, "--runs", "3"],
        stdout=subprocess.PIPE,
        stderr=slave,
        env=environment(),
        cwd=tmp_path,
    ) as process:
        os.close(slave)
        reader = threading.Thread(target=read_all, args=(master, said))
        reader.start()
        process.communicate(timeout=60)
        reader.join()
    first, *rest = b"".join(said).decode().split("\r\n")
    assert process.returncode == 0
    assert first == "loading TensorFlow…"
    (bar,) = rest
    assert " of 13 " in bar
    assert bar.endswith("\r\x1b[K")


def read_all(master: int, said: list[bytes]) -> None:
    """Read a terminal to its end."""
    while True:
        try:
            read = os.read(master, 4096)
        except OSError:
            return
        if not read:
            return
        said.append(read)


COMMANDS = {
    "build": ("build", "-b", "cbam", "-s", "26,26,512", "-o", "m.tflite"),
    "verify": ("verify", "cbam", "-s", "26,26,512"),
    "bench": ("bench", "cbam", "-s", "26,26,512", "--runs", "100000"),
}


@pytest.mark.parametrize(
    ("name", "when", "number"),
    [
        ("build", "loading", signal.SIGINT),
        ("build", "working", signal.SIGINT),
        ("build", "working", signal.SIGTERM),
        ("verify", "working", signal.SIGINT),
        ("bench", "working", signal.SIGINT),
    ],
)
def test_a_signal_leaves_nothing(name: str, when: str, number: int, tmp_path: Path) -> None:
    """Exit code 130 for Ctrl-C, no message, and no temporary file anywhere."""
    for attempt in range(5):
        work, temporary = tmp_path / f"work{attempt}", tmp_path / f"tmp{attempt}"
        work.mkdir()
        temporary.mkdir()
        with subprocess.Popen(
            [*COMMAND, *COMMANDS[name]],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment({"TMPDIR": str(temporary)}),
            cwd=work,
            # What starts the tests may have it ignored, as a shell does for what runs beside it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as process:
            if when == "loading":
                wait_until(process, 60, lambda: is_loading(process))
            else:
                wait_until(
                    process,
                    4 if name == "bench" else 60,
                    lambda used=(work, temporary): any(map(is_used, used)),
                )
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        if not os.listdir(work) and not out:
            break  # it had not finished before the signal came, as it may on a busy machine
    assert (process.returncode, out, err) == (128 + number, b"", b"")
    assert os.listdir(work) == os.listdir(temporary) == []


def is_loading(process: subprocess.Popen[bytes]) -> bool:
    """Tell whether TensorFlow's libraries are being loaded."""
    try:
        return "tensorflow" in Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8")
    except OSError:  # no such file on this system
        return False


def is_used(folder: Path) -> bool:
    """Tell whether something of ours is in a folder.

    Python tries whether it may write there, with a file of its own, while TensorFlow is loaded.
    """
    return any(name.startswith((".attn-", "attn-")) for name in os.listdir(folder))


def wait_until(
    process: subprocess.Popen[bytes], seconds: float, reached: Callable[[], bool]
) -> None:
    """Return as soon as a process is where it should be, or has ended, or after so many seconds."""
    started = time.monotonic()
    while process.poll() is None and not reached() and time.monotonic() - started < seconds:
        time.sleep(0.001)


@pytest.mark.parametrize(
    "args",
    [*COMMANDS.values(), ("summary", "-b", "se", *SHAPE, "--build")],
    ids=lambda args: args[0],
)
def test_without_tensorflow_one_line_says_so(args: tuple[str, ...], tmp_path: Path) -> None:
    """Exit code 2, and nothing is written."""
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from attn_cli.cli.app import main; sys.argv = ['attn', *sys.argv[1:]]; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=tmp_path,
    )
    line = "attn: this needs TensorFlow, which is not installed: pip install 'tensorflow>=2.16'\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)
    assert os.listdir(tmp_path) == []


# What is typed, and the line that answers it, in well under the time that TensorFlow takes to load.
# ruff: noqa: E501 # a line of the table is as long as the line that it expects
BAD = [
    (
        "summary -b se:ratio=9 -s 4,4,8 --build",
        "ratio 9 squeezes 8 channels to a width of 0; the largest ratio here is 8",
    ),
    ("build -b se -s 4,4,8", "missing --output FILE (attn build -h shows how)"),
    ("build -b se -o m.keras", "no input is given: --shape H,W,C, or --channels C"),
    (
        "build -b se -s 4,4,8 -o m.h5",
        "'m.h5' is not written: Keras 3 loads no .h5 again with ops in it; it is one of .keras, .tflite, or there is none for a SavedModel folder",
    ),
    (
        "build -b se -s 4,4,8 -o -",
        "a model is written to a file or a folder with a name, not to '-'",
    ),
    (
        "build -b se -s 4,4,8 -o .",
        "a model is written to a file or a folder with a name, not to '.'",
    ),
    (
        "build -b se -s 4,4,8 -o ''",
        "a model is written to a file or a folder with a name, not to '.'",
    ),
    ("build -b se -s 4,4,8 -o m.keras --seed -1", "a seed is from 0 to 4294967295, not -1"),
    (
        "build -b se -s 4,4,8 -o m.keras --name a/b",
        "a model's name is letters, digits, '_', '.' and '-', not 'a/b'",
    ),
    (
        "build -b coord -c 32 -o m.keras",
        "this block takes rows and columns apart, so it needs a fixed H and W: (B, H, W, C) is (None, None, None, 32)",
    ),
    (
        "build -b se:ratio=9 -s 4,4,8 -o m.keras",
        "ratio 9 squeezes 8 channels to a width of 0; the largest ratio here is 8",
    ),
    (
        "build -b se -s 4,4,8 -o m.keras --format yaml",
        "no format is called 'yaml' (table, json, csv, markdown, plain)",
    ),
    ("verify", "no block is given: name some, or --all"),
    ("verify se --all", "--all is every block: leave 'se' out, or --all"),
    (
        "verify see",
        "no block is called 'see'; did you mean se, or ese? (attn blocks lists them all)",
    ),
    ("verify se -c 8", "None,None,8 leaves a size open, and TensorFlow needs each to run a block"),
    (
        "bench se -s None,4,8",
        "None,4,8 leaves a size open, and TensorFlow needs each to run a block",
    ),
    ("verify se --at post", "--at is about places in a network: name that with --in MODEL"),
    (
        "verify se -s 4,4,8 --skip x",
        "--skip is about places in a network: name that with --in MODEL",
    ),
    ("bench se -s 4,4,8 --at post", "--at is about places in a network: name that with --in MODEL"),
    (
        "build se -s 4,4,8 --at post -o m.keras",
        "--at is about places in a network: name that with --in MODEL",
    ),
    (
        "verify --all --in app:VGG16",
        "--all is for blocks on their own, and --in puts them in a network",
    ),
    (
        "verify se -s 4,4,8 --in app:VGG16",
        "--shape is for blocks on their own, and --in puts them in a network; "
        "--input is the size that the network is asked at",
    ),
    (
        "bench se -c 8 --in app:VGG16",
        "--channels is for blocks on their own, and --in puts them in a network",
    ),
    (
        "build se -s 4,4,8 --in app:VGG16 -o m.keras",
        "--shape is for blocks on their own, and --in puts them in a network; "
        "--input is the size that the network is asked at",
    ),
    ("verify --in app:VGG16", "no block is given: name some, or --all"),
    (
        "verify se --in app:VGG16 --at residual",
        "no place is residual: no branch is added to a shortcut",
    ),
    (
        "bench se --in app:VGG16 --at blok1",
        "no layer is called 'blok1', and no word; did you mean block1_pool? (words: residual, depthwise, post, stage, attention, or a block's name)",
    ),
    (
        "bench none --in app:VGG16 --at stage",
        "none takes attention out, and there is none at these places",
    ),
    (
        "bench se --in app:MobileNetV3Small",
        "None,None,3 leaves a size open, and TensorFlow needs each to run a block: --input H,W,C gives one to a network",
    ),
    ("bench -s 4,4,8", "missing SPEC (attn bench -h shows how)"),
    ("bench se -s 4,4,8 --runs 0", "runs is from 1 to 1,000,000, not 0"),
    ("bench se -s 4,4,8 --batch -3", "batch is from 1 to 1,000,000, not -3"),
]


@pytest.mark.parametrize(("line", "answer"), BAD, ids=[line for line, _ in BAD])
def test_bad_input_is_one_line(line: str, answer: str, tmp_path: Path) -> None:
    """Exit code 2, nothing on stdout, nothing written, and TensorFlow is not loaded for it."""
    import shlex

    done = attn(*shlex.split(line), cwd=tmp_path)
    assert (done.code, done.out, done.err) == (2, "", f"attn: {answer}\n")
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A folder that is not there."""
    done = attn("build", "-b", "se", *SHAPE, "-o", "nowhere/m.keras", cwd=tmp_path)
    folder = tmp_path.resolve() / "nowhere"
    line = f"attn: cannot write 'nowhere/m.keras': there is no folder {str(folder)!r}\n"
    assert (done.code, done.out, done.err) == (2, "", line)
