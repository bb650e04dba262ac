"""Files that are written: whole or not at all, over nothing that was read, and nothing left."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from models import save_json
from process import COMMAND, attn, environment, run_here

from attn_cli import namespace_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SUMMARY = ("summary", "-b", "eca", "-s", "26,26,512", "--json")
CHECK = '[[check]]\nname = "a"\nblock = "eca"\nshape = [7, 7, 64]\nmax_params = 10\n'


def net(inputs: Any) -> Any:
    return namespace_of(inputs).layers.Conv2D(8, 3)(inputs)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_json(net, (32, 32, 3), tmp_path / "net.json")
    return tmp_path / "net.json"


def inputs_of(command: str, model: Path) -> tuple[list[str], Path]:
    """Return a command line that reads a file, and the file."""
    folder = model.parent
    if command == "check --config":
        (folder / "budget.toml").write_text(CHECK)
        return ["check", "--config", "budget.toml", "--json"], folder / "budget.toml"
    if command == "check":
        (folder / "attn.toml").write_text(CHECK)
        return ["check", "--json"], folder / "attn.toml"
    if command == "check --init":
        return ["check", "--init", "net.json", "--force"], model
    if command == "summary of an own block":
        (folder / "own.py").write_text("def f(x):\n    return x\n")
        return ["summary", "own.py:f", "-s", "7,7,8", "--json"], folder / "own.py"
    lines = {
        "inspect": ["inspect", "net.json", "--json"],
        "diff": ["diff", "app:VGG16", "net.json", "--json"],
        "places": ["places", "net.json", "--json"],
        "compare --in": ["compare", "eca", "--in", "net.json", "--at", "*", "--json"],
        "check MODEL": ["check", "net.json", "--max-params", "1000", "--json"],
    }
    return lines[command], model


COMMANDS = (
    *("inspect", "diff", "places", "compare --in", "check MODEL", "check --config", "check"),
    *("check --init", "summary of an own block"),
)


@pytest.mark.parametrize("name", ["itself", "symbolic link", "hard link"])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_was_read_is_not_written_over(command: str, name: str, model: Path) -> None:
    """By whatever name: the report of a model in its place is a model lost."""
    args, read = inputs_of(command, model)
    before = read.read_bytes()
    assert run_here([*args, "-o", "elsewhere"], cwd=model.parent).code == 0
    other = model.parent / "other"
    if name == "symbolic link":
        other.symlink_to(read)
    elif name == "hard link":
        other.hardlink_to(read)
    output = read.name if name == "itself" else "other"
    result = run_here([*args, "-o", output], cwd=model.parent)
    said = f"attn: {output!r} is a file that this reads: write to another one\n"
    assert result == (2, "", said)
    assert read.read_bytes() == before


def test_a_list_on_stdin_is_not_written_over(tmp_path: Path) -> None:
    """What a shell has opened is read too."""
    (tmp_path / "specs").write_text("se\neca\n")
    with (tmp_path / "specs").open() as stdin:
        done = subprocess.run(
            [*COMMAND, "compare", "-", "-s", "7,7,64", "-o", "specs"],
            cwd=tmp_path,
            env=environment(),
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "attn: 'specs' is a file that this reads: write to another one\n"
    assert (tmp_path / "specs").read_text() == "se\neca\n"


def test_no_name_that_can_be_guessed_is_written(tmp_path: Path) -> None:
    """A link laid where the temporary file will be led to another file."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    line = [*COMMAND, *SUMMARY, "-o", "out.json"]
    # The process keeps its number through exec, so that the name can be laid before it starts.
    lay = "import os, sys; os.symlink('victim', f'.out.json.{os.getpid()}.tmp')"
    start = f"{lay}; os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", start, *line], cwd=tmp_path, env=environment(), check=False
    )
    assert done.returncode == 0
    assert victim.read_text() == "mine"
    assert json.loads((tmp_path / "out.json").read_text())["block"] == "eca"


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    """What stands beside a file has no longer name than the file."""
    name = "n" * (os.pathconf(tmp_path, "PC_NAME_MAX") - len(".json")) + ".json"
    assert run_here([*SUMMARY, "-o", str(tmp_path / name)]) == (0, "", "")
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_permissions_that_are_asked_for(umask: int, tmp_path: Path) -> None:
    """Those that any program's new file has."""
    before = os.umask(umask)
    try:
        assert run_here([*SUMMARY, "-o", str(tmp_path / "out.json")]).code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.json").stat().st_mode) == 0o666 & ~umask


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_keeps_its_owner(tmp_path: Path) -> None:
    """Written by root, it stays readable to whose it was."""
    target = tmp_path / "out.json"
    target.write_text("old")
    os.chown(target, 1234, 1235)
    target.chmod(0o600)
    assert run_here([*SUMMARY, "-o", str(target)]).code == 0
    status = target.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 1235, 0o600)


# Who else may read a file, as Linux keeps it: its owner, user 1234, its group, their mask, others.
WHO_ELSE = [
    (1, 6, 2**32 - 1),
    (2, 4, 1234),
    (4, 0, 2**32 - 1),
    (16, 4, 2**32 - 1),
    (32, 0, 2**32 - 1),
]


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="only Linux has them so")
def test_a_file_keeps_who_else_may_read_it(tmp_path: Path) -> None:
    """And what somebody noted of it."""
    target = tmp_path / "out.json"
    target.write_text("old")
    entries = [struct.pack("<HHI", *entry) for entry in WHO_ELSE]
    notes = {
        "system.posix_acl_access": b"".join([struct.pack("<I", 2), *entries]),
        "user.note": b"mine",
    }
    try:
        for name, value in notes.items():
            os.setxattr(target, name, value)
    except OSError:
        pytest.skip("this file system keeps none")
    mode = target.stat().st_mode
    assert run_here([*SUMMARY, "-o", str(target)]).code == 0
    assert {name: os.getxattr(target, name) for name in os.listxattr(target)} == notes
    assert target.stat().st_mode == mode


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """And is not moved out of the way."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    result = run_here([*SUMMARY, "-o", "out"], cwd=tmp_path)
    assert result == (2, "", "attn: cannot write 'out': Is a directory\n")
    assert (tmp_path / "out" / "mine").read_text() == "mine"


def test_a_name_of_a_folder_makes_no_file(tmp_path: Path) -> None:
    """Whether there is one or not."""
    result = run_here([*SUMMARY, "-o", "new/"], cwd=tmp_path)
    assert result == (2, "", "attn: cannot write 'new/': this names a folder, not a file\n")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_nothing_but_what_was_written_is_given_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of somebody else's a link may come in its place while it is written."""
    target, victim = tmp_path / "out.json", tmp_path / "victim"
    target.write_text("old")
    os.chown(target, 1234, 1235)
    victim.write_text("root's")
    victim.chmod(0o600)
    fsync = os.fsync

    def exchanged(descriptor: int) -> None:
        fsync(descriptor)
        (written,) = tmp_path.glob(".attn-*/new/out.json")
        written.unlink()
        written.symlink_to(victim)

    monkeypatch.setattr(os, "fsync", exchanged)
    assert run_here([*SUMMARY, "-o", str(target)]).code == 2
    status = victim.stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o600)
    assert target.read_text() == "old"


@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_that_the_system_does_not_follow_leads_nowhere(
    dangling: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that somebody else has left in /tmp: renaming is no way round that."""
    monkeypatch.chdir(tmp_path)
    victim = tmp_path / "victim"
    if not dangling:
        victim.write_text("mine")
    (tmp_path / "out.json").symlink_to(victim)
    opens = os.open

    def protected(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if os.path.basename(path) == "out.json" and os.path.islink(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return opens(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", protected)
    result = run_here([*SUMMARY, "-o", "out.json"])
    assert result == (2, "", "attn: cannot write 'out.json': Permission denied\n")
    assert victim.exists() != dangling
    assert dangling or victim.read_text() == "mine"


SLOW_DISK = """
import os, sys, time
from attn_cli import __main__
real = os.fsync
def fsync(number):
    print("writing", file=sys.stderr, flush=True)
    time.sleep(2)
    real(number)
os.fsync = fsync
sys.argv = sys.argv[1:]
__main__.main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("existing", [True, False])
def test_a_signal_leaves_nothing_behind(
    number: signal.Signals, existing: bool, tmp_path: Path
) -> None:
    """Neither half of the file nor what it was written to first; and the program ends by it."""
    if existing:
        (tmp_path / "out.json").write_text("old")
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_DISK, "attn", *SUMMARY, "-o", "out.json"],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"writing\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == (130 if number is signal.SIGINT else -number)
    assert err == b""
    assert os.listdir(tmp_path) == ["out.json"]
    # It is the old one or the new one, whole.
    text = (tmp_path / "out.json").read_text()
    assert text == "old" or json.loads(text)["block"] == "eca"


def test_a_pipe_with_a_reader_is_written_to(tmp_path: Path) -> None:
    """As a shell's `>(…)` is, also where the reader comes a moment later."""
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []

    def reader() -> None:
        time.sleep(0.3)
        read.append((tmp_path / "pipe").read_text())

    thread = threading.Thread(target=reader)
    thread.start()
    assert run_here([*SUMMARY, "-o", str(tmp_path / "pipe")]) == (0, "", "")
    thread.join()
    assert json.loads(read[0])["block"] == "eca"
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_pipe_that_nobody_reads_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of waiting for ever."""
    from attn_cli import writing

    monkeypatch.setattr(writing, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    result = run_here([*SUMMARY, "-o", "pipe"], cwd=tmp_path)
    said = "attn: cannot write 'pipe': this is a named pipe, and nobody reads from it\n"
    assert result == (2, "", said)


def test_a_socket_is_no_place_for_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no end that a file could have."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        result = run_here([*SUMMARY, "-o", "socket"])
    assert result == (2, "", "attn: cannot write 'socket': this is a socket\n")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path)])
@pytest.mark.parametrize(
    "asked", [("check", "--config", "it"), ("check", "it", "--max-params", "1")]
)
def test_what_is_no_file_is_not_read(
    make: Callable[[Path], None], asked: tuple[str, ...], tmp_path: Path
) -> None:
    """Neither waited for nor read to its end."""
    make(tmp_path / "it")
    result = run_here(asked, cwd=tmp_path)
    assert result.code == 2
    assert "not a regular file\n" in result.err


@pytest.mark.parametrize(
    "line",
    [
        "{attn} -o /dev/null",
        "{attn} -o >(cat > out)",
        "{attn} -o /dev/stdout > out",
        "{attn} -o /dev/fd/7 7> out",
        "ln -s /dev/stdout link; {attn} -o link > out; rm link",
        "{attn} > out",
        "{attn} -o /dev/stderr 2> out",
    ],
)
def test_what_a_shell_opened_is_written_into(line: str, tmp_path: Path) -> None:
    """A descriptor is no name to rename to: what stands in the file stays."""
    command = " ".join([*COMMAND, *SUMMARY])
    (tmp_path / "expected").write_text(attn(*SUMMARY).out)
    append = line.replace("> out", ">> out")
    for each, before in ((line, ""), (append, "kept\n")):
        (tmp_path / "out").write_text(before)
        done = subprocess.run(
            ["bash", "-c", f"{each.format(attn=command)}; wait"],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        time.sleep(0.2 if ">(" in line else 0)
        written = "" if "null" in line else (tmp_path / "expected").read_text()
        assert (tmp_path / "out").read_text() == before + written
    assert sorted(os.listdir(tmp_path)) == ["expected", "out"]
