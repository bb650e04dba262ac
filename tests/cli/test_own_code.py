"""Code that is not ours: what it prints is no data, and whatever it does is told in a line."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from process import attn, run_here
from test_bad_input import shell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOUD = {
    "print": "print('loud')",
    "the first stdout": "import sys\nprint('loud', file=sys.__stdout__, flush=True)",
    "left in a buffer": "import sys\nsys.__stdout__.write('loud\\n')",
    "the descriptor": "import os\nos.write(1, b'loud\\n')",
    "a process": "import subprocess\nsubprocess.run(['echo', 'loud'])",
    "a process that stays": "import subprocess\nsubprocess.Popen('sleep 0.3; echo loud', shell=True)",
    "at the end": "import atexit\natexit.register(print, 'loud')",
    "at the end, the descriptor": "import atexit, os\natexit.register(os.write, 1, b'loud\\n')",
    "a logger": (
        "import logging, sys\nlogging.basicConfig(stream=sys.stdout, level=0)\nlogging.info('loud')"
    ),
    "a thread": (
        "import os, threading, time\n"
        "def say():\n    time.sleep(0.1)\n    os.write(1, b'loud\\n')\n"
        "threading.Thread(target=say).start()"
    ),
}


@pytest.mark.parametrize("where", ["in the file", "in the block"])
@pytest.mark.parametrize("way", LOUD)
def test_what_it_prints_is_no_data(way: str, where: str, tmp_path: Path) -> None:
    """By whatever way it prints, and whenever: JSON stays JSON, and the words are on stderr."""
    code = LOUD[way].replace("\n", "\n    ")
    text = f"def f(x):\n    {code}\n    return x\n"
    (tmp_path / "own.py").write_text(text if where == "in the block" else f"{LOUD[way]}\n{QUIET}")
    result = attn("summary", "own.py:f", "-s", "7,7,8", "--json", cwd=tmp_path)
    assert result.code == 0
    assert json.loads(result.out)["params"]["total"] == 0
    assert "loud" in result.err


@pytest.mark.parametrize(
    "code",
    [
        *("sys.stdout.close()", "sys.stderr.close()", "sys.stdout = None", "sys.stderr = None"),
        *("os.close(1)", "os.close(2)", "sys.stdout = sys.stderr = open(os.devnull, 'w')"),
    ],
)
@pytest.mark.parametrize("shape", ["7,7,8", "7,7"])
def test_streams_are_not_its_to_take(code: str, shape: str, tmp_path: Path) -> None:
    """What we have to say is said where that can be, and the exit code is right in any case."""
    (tmp_path / "own.py").write_text(f"import os, sys\n{code}\n{QUIET}")
    result = attn("summary", "own.py:f", "-s", shape, "--json", cwd=tmp_path)
    if shape == "7,7":
        assert (result.code, result.out) == (2, "")
    else:
        assert result.code == 0
        assert json.loads(result.out)["params"]["total"] == 0
    assert "Traceback" not in result.err


QUIET = "def f(x):\n    return x\n"


def test_what_it_prints_is_no_data_without_stderr(tmp_path: Path) -> None:
    """Then it goes nowhere."""
    (tmp_path / "own.py").write_text(f"import os\nos.write(1, b'loud')\n{QUIET}")
    command = "summary own.py:f -s 7,7,8 --json"
    done = shell(f'"$ATTN" -m attn_cli {command} 2>&-', tmp_path)
    assert json.loads(done.stdout)["params"]["total"] == 0


def test_a_terminal_is_one_with_own_code_as_well(tmp_path: Path) -> None:
    """As wide as it is, and in colour, though stderr is none."""
    (tmp_path / "own.py").write_text(QUIET)
    own = attn("summary", "own.py:f", "-s", "7,7,8", cwd=tmp_path, columns=40)
    assert "\x1b[1m" in own.out
    assert "no room for" in own.out
    piped = attn("summary", "own.py:f", "-s", "7,7,8", cwd=tmp_path)
    assert "\x1b" not in piped.out


def test_stdout_by_its_name_is_stdout(tmp_path: Path) -> None:
    """`-o /dev/stdout` means the real one."""
    (tmp_path / "own.py").write_text(QUIET)
    args = ("summary", "own.py:f", "-s", "7,7,8", "-f", "csv")
    expected = attn(*args, cwd=tmp_path)
    assert expected.code == 0
    assert attn(*args, "-o", "/dev/stdout", cwd=tmp_path) == expected


# ruff: noqa: E501 # a line of the table is as long as the code that it tries
RAISING = "class Odd(BaseException):\n    {}\n\ndef f(x):\n    raise Odd({})\n"
ODD = [
    # What it returns.
    ("class T:\n    shape = 'odd'\n\ndef f(x):\n    return T()\n", "own.py:4: f returns a T; a block"),
    ("class T:\n    shape = (None, 7, 7, 8)\n\ndef f(x):\n    return T()\n", "4: f returns a T; a block"),
    ("class T:\n    @property\n    def shape(self):\n        raise KeyError\n\ndef f(x):\n    return T()\n", "f returns a T;"),
    ("class T:\n    @property\n    def __class__(self):\n        1 / 0\n\ndef f(x):\n    return T()\n", "f returns a T;"),
    ("def f(x):\n    return 3\n", "own.py:1: f returns an int; a block returns"),
    ("def f(x):\n    return f\n", "own.py:1: f returns a function; a block returns"),
    ("def f(x):\n    yield x\n", "own.py:1: f returns a generator; a block returns"),
    ("kept = []\n\ndef f(x):\n    kept.append(x)\n    return kept[0]\n", "own.py:3: f returns a tensor of another call"),
    # What it raises.
    (RAISING.format("pass", "1"), "own.py:5: Odd: 1"),
    (RAISING.format("def __str__(self): 1 / 0", ""), "own.py:5: an error that cannot be shown"),
    (RAISING.format("def __str__(self): raise SystemExit(1)", ""), "own.py:5: an error that cannot"),
    ("class M(type):\n    @property\n    def __name__(self): 1 / 0\n\nclass Odd(Exception, metaclass=M): pass\n\ndef f(x):\n    raise Odd\n", "own.py:8: an error that cannot"),
    (RAISING.format("def __str__(self): return 7", ""), "own.py:5: an error that cannot be shown"),
    ("from attn_cli.symbolic import SymbolicTensor as T\n\ndef f(x):\n    return T.__new__(T)\n", "own.py: AttributeError"),
    ("class Odd(KeyboardInterrupt): pass\n\ndef f(x):\n    raise Odd\n", "own.py:4: Odd"),
    ("def f(x):\n    raise GeneratorExit\n", "own.py:2: GeneratorExit"),
    ("def f(x):\n    raise StopIteration(3)\n", "own.py:2: StopIteration: 3"),
    ("def f(x):\n    raise MemoryError\n", "own.py:2: MemoryError"),
    ("def f(x):\n    raise SystemExit(0)\n", "own.py:2: SystemExit: 0"),
    ("def f(x):\n    raise SyntaxError\n", "own.py:2: SyntaxError"),
    ("def f(x):\n    raise SyntaxError('a', ('own.py', None, 0, ''))\n", "own.py:2: SyntaxError: a"),
    ("def f(x):\n    f(x)\n", "own.py:2: RecursionError: maximum recursion depth exceeded"),
    ("from attn_cli.errors import AttnError\n\nclass Odd(AttnError):\n    def __init__(self): pass\n\ndef f(x):\n    raise Odd\n", "own.py:7"),
    # What it takes.
    ("def f(x, *, n=float('nan')): return x\n", "own.py:1: f: the default of n is nan; an option is"),
    ("def f(x, *, n: float = float('inf')): return x\n", "1: f: the default of n is inf; an option"),
    ("def f(x, *, n=b'x'): return x\n", "own.py:1: f: the option n is annotated bytes; an option is"),
    ("def f(x, *, n: int = b'x'): return x\n", "1: f: the default of n is b'x', and it is annotated int"),
    ("def f(x, *, n: int = None): return x\n", "1: f: the default of n is None, and it is annotated int"),
    ("def f(x, *, n: int = 10**101): return x\n", "own.py:1: f: the default of n is of 336 bits; an"),
    ("def f(x, *, n: int = 10**9999): return x\n", "own.py:1: f: the default of n is of 33216 bits; an option"),
    ("class T(int):\n    def __repr__(self): 1 / 0\n\ndef f(x, *, n: int = T()): return x\n", "own.py:2: ZeroDivisionError"),
    ("def f(*, n: int = 4): return n\n", "own.py:1: f takes no feature map; a block is"),
    ("def f(*x): return x\n", "own.py:1: f takes no feature map; a block is"),
    ("def f(x, y, /): return x\n", "own.py:1: f takes y where options stand after a *"),
    ("def f(x): return x\nf.__signature__ = 5\n", "own.py: TypeError: "),
    ("def f(x): return x\nf.__wrapped__ = f\n", "own.py: ValueError: wrapper loop when unwrapping"),
    ("def f(x, *, n: 'in\\nt' = 4): return x\n", "own.py:1: f: the option n is annotated in\\nt; an"),
    # What it is.
    ("def __getattr__(name): 1 / 0\n", "own.py has no function 'f'; it has none"),
    ("class T:\n    @property\n    def __class__(self): 1 / 0\n\nf = T()\n", "own.py has no function 'f'; it has none"),
    ("globals()[3] = 4\n", "own.py has no function 'f'; it has none"),
    ("f = 3\n\0", "own.py"),
    ("(" * 100_000, "own.py"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "said"), ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("args", [("summary", "own.py:f", "-s", "7,7,8"), ("compare", "own.py:f", "-s", "7,7,8", "-s", "7,7,8"), ("blocks", "own.py:f")])  # fmt: skip
def test_whatever_it_does_is_told_in_a_line(
    source: str, said: str, args: Sequence[str], tmp_path: Path
) -> None:
    """With exit code 2: 1 says that a check has failed."""
    (tmp_path / "own.py").write_text(source)
    # What is kept from call to call shows from the second on.
    if "kept" in source and args[0] == "summary":
        return
    result = run_here(args, cwd=tmp_path)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert result.err.startswith("attn: own.py")
    assert said in result.err


@pytest.mark.parametrize("name", ["inputs", "block", "shape", "self", "options", "name_"])
def test_an_option_can_have_any_name(name: str, tmp_path: Path) -> None:
    """Also one that something on the way to it has."""
    (tmp_path / "own.py").write_text(f"def f(x, /, *, {name}: int = 4): return x\n")
    args = ("summary", f"own.py:f:{name}=3", "-s", "7,7,8", "--json")
    result = run_here(args, cwd=tmp_path)
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["spec"] == f"own.py:f:{name}=3"


@pytest.mark.parametrize("stdin", [b"own\0.py:f\n", b"\0.py:f\n"])
def test_a_name_that_no_file_can_have(stdin: bytes, tmp_path: Path) -> None:
    """On stdin, and in a configuration."""
    result = run_here(["compare", "-", "-s", "7,7,8"], stdin, cwd=tmp_path)
    assert (result.code, result.out) == (2, "")
    assert "its name is not one that a file can have\n" in result.err
    (tmp_path / "attn.toml").write_text(
        '[[check]]\nname = "a"\nblock = "own\\u0000.py:f"\nshape = [7, 7, 8]\nmax_params = 1\n'
    )
    result = run_here(["check"], cwd=tmp_path)
    assert result.code == 2
    assert "its name is not one that a file can have\n" in result.out


def test_a_pipe_is_no_code(tmp_path: Path) -> None:
    """It is not waited for."""
    os.mkfifo(tmp_path / "own.py")
    result = run_here(["summary", "own.py:f", "-s", "7,7,8"], cwd=tmp_path)
    assert result == (2, "", "attn: own.py: this is a named pipe, not a regular file\n")


def test_an_interrupt_is_one(tmp_path: Path) -> None:
    """What Ctrl-C raises goes through."""
    (tmp_path / "own.py").write_text("def f(x):\n    raise KeyboardInterrupt\n")
    assert run_here(["summary", "own.py:f", "-s", "7,7,8"], cwd=tmp_path) == (130, "", "")
