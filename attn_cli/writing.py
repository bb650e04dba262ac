"""Files that are written: beside and renamed, so that no reader and no full disk sees half of one.

What it is written to first stands in a folder of its own, which nobody else can have made or can
write to, and whatever ends the program, nothing but the file is left; only a SIGKILL leaves that
folder, which no later run takes away: it could be another's that is still written to. Nothing that
was read is written over.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attn_cli import stdout
from attn_cli.errors import BadFile
from attn_cli.files import kind_of, was_read
from attn_cli.signals import held_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Seconds that the reader of a named pipe has to come.
PATIENCE = 5.0
# The names of what a shell has opened: it is written into, where a file would be replaced.
OPENED = {"/dev/stdout": 1, "/dev/stderr": 2}
# What else Linux keeps of a file: who else may read it, and notes. The rest is the system's own.
KEPT = ("system.posix_acl_", "user.")
NUMBERED = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,9})")


def write_file(name: str, content: str | bytes) -> None:
    """Write to a file, or into a pipe or a device. Raises BadFile where that cannot be."""
    if not name:
        raise BadFile("the name of the output file is empty")
    if "\0" in name:
        raise BadFile(f"cannot write {name!r}: no file has a NUL character in its name")
    if name.endswith("/"):
        raise BadFile(f"cannot write {name!r}: this names a folder, not a file")
    refuse_what_was_read(name)
    try:
        data = content.encode() if isinstance(content, str) else content
        opened = _opened(name)
        if opened is not None:
            _pour(os.dup(opened), data)
        elif os.path.exists(name) and not os.path.isfile(name):
            _pour(_open_special(name), data)
        else:
            with held_back(), beside(Path(name)) as temporary, temporary.open("xb") as file:
                file.write(data)
    except OSError as error:
        raise BadFile(f"cannot write {name!r}: {error.strerror}") from None


def refuse_what_was_read(name: str | os.PathLike[str]) -> None:
    """Raise BadFile for a file that was read, by whatever name."""
    try:
        read = was_read(os.stat(name))
    except (OSError, ValueError):  # there is no such file
        return
    if read:
        raise BadFile(f"{os.fspath(name)!r} is a file that this reads: write to another one")


def files_in(path: Path) -> list[Path]:
    """Return a file, or all files in a folder."""
    return [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]


@contextmanager
def beside(path: Path, check: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Yield a path beside another one; what is there at the end is renamed to that.

    Whatever ends this, nothing else is left. What a link leads to is written, and a file keeps its
    owner, its permissions and what is noted of it. A folder that is to be replaced is checked
    first, and comes back where the check raises something.
    """
    target = Path(os.path.realpath(path))
    folder = None
    try:
        _ask_to_write(path)
        with held_back():
            # Exclusively, under a name that cannot be foretold, and open to nobody else.
            folder = target.with_name(f".attn-{os.urandom(8).hex()}")
            folder.mkdir(mode=0o700)
        (folder / "new").mkdir()
        temporary = folder / "new" / target.name
        yield temporary
        with held_back():
            _rename(temporary, target, folder / "old", check)
    except OSError as error:
        raise BadFile(f"cannot write {str(path)!r}: {error.strerror or error}") from error
    finally:
        with held_back():
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


def _ask_to_write(path: Path) -> None:
    """Raise PermissionError where the system would not let a file be written in place.

    It knows more than permissions: a link that somebody else has left in /tmp it does not follow.
    """
    flags = os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    with suppress(FileNotFoundError, IsADirectoryError):
        os.close(os.open(path, flags))


def _rename(
    temporary: Path, target: Path, aside: Path, check: Callable[[Path], None] | None
) -> None:
    for file in files_in(temporary):
        with _held(file) as descriptor:
            os.fsync(descriptor)
    with suppress(FileNotFoundError):
        _give(temporary, target)
    if not (temporary.is_dir() and target.is_dir()):
        temporary.replace(target)
        return
    # A folder cannot be renamed onto another one. Once it is aside, nothing more comes into it.
    target.rename(aside)
    try:
        if check is not None:
            check(aside)
        temporary.rename(target)
    except BaseException:
        aside.rename(target)
        raise


@contextmanager
def _held(path: Path) -> Iterator[int]:
    """Yield a descriptor of what we wrote, and of nothing that a link in its place leads to."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _give(path: Path, replaced: Path) -> None:
    """Give a file the owner and the permissions of the one that it replaces, as far as one may."""
    status = replaced.stat()
    if not hasattr(os, "fchown"):
        return
    with _held(path) as descriptor:
        with suppress(OSError):
            os.fchown(descriptor, status.st_uid, status.st_gid)
        with suppress(OSError):  # not every file system has them
            for name in os.listxattr(replaced) if hasattr(os, "listxattr") else ():
                if name.startswith(KEPT):
                    os.setxattr(descriptor, name, os.getxattr(replaced, name))
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & 0o777)


def _opened(name: str) -> int | None:
    """Return the descriptor that a name stands for; what it is open on may have a name as well."""
    numbered = NUMBERED.fullmatch(name)
    if numbered or name in OPENED:
        number = int(numbered[1]) if numbered else OPENED[name]
        return stdout.descriptor() if number == 1 else number
    for number in (stdout.descriptor(), 2):
        with suppress(OSError):
            if os.path.samestat(os.stat(name), os.fstat(number)):
                return number
    return None


def _open_special(name: str) -> int:
    """Open what is no file; a pipe without waiting for its reader longer than need be."""
    mode = os.stat(name).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
        raise BadFile(f"cannot write {name!r}: this is {kind_of(mode)}")
    flags = os.O_WRONLY | getattr(os, "O_NOCTTY", 0)
    if not stat.S_ISFIFO(mode):
        return os.open(name, flags)
    end = time.monotonic() + PATIENCE
    while True:
        try:
            descriptor = os.open(name, flags | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        else:
            os.set_blocking(descriptor, True)
            return descriptor
        if time.monotonic() > end:
            raise BadFile(
                f"cannot write {name!r}: this is {kind_of(mode)}, and nobody reads from it"
            )
        time.sleep(0.02)


def _pour(descriptor: int, data: bytes) -> None:
    """Write all into what is open, and close it. Who reads only the head has what they want."""
    with suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
