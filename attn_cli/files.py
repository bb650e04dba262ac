"""Opening a file that somebody else wrote: regular files only, read-only, by byte range.

What a run reads it remembers, so that nothing is written over it.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, ParamSpec, TypeVar

from attn_cli.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_P = ParamSpec("_P")
_T = TypeVar("_T")

_WHY_NOT = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "there is no such file: a part of its path is not a folder",
    errno.ELOOP: "its symbolic links form a loop",
    errno.EACCES: "permission to read it is denied",
    errno.EPERM: "permission to read it is denied",
    errno.ENAMETOOLONG: "its name is too long",
}
_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

# What is read while that is to be remembered, by device and inode: a file has many names.
_read: set[tuple[int, int]] | None = None


class ByteRange:
    """`size` bytes of a seekable stream from `start` on; reads never leave the range."""

    __slots__ = ("size", "start", "stream")

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self.stream = stream
        self.start = start
        self.size = size

    def read(self, at: int, length: int) -> bytes:
        """Exactly `length` bytes at `at`, counted from the start of the range."""
        if at < 0 or length < 0 or at + length > self.size:
            raise BadFile(f"{length:,} bytes at {at:,} are outside the {self.size:,} there are")
        self.stream.seek(self.start + at)
        data = self.stream.read(length)
        if len(data) != length:
            raise BadFile("the file became shorter while it was read")
        return data

    def part(self, at: int, length: int) -> ByteRange:
        """The range of `length` bytes at `at` within this one."""
        if at < 0 or length < 0 or at + length > self.size:
            raise BadFile(f"{length:,} bytes at {at:,} are outside the {self.size:,} there are")
        return ByteRange(self.stream, self.start + at, length)


@contextmanager
def open_file(path: str | bytes | os.PathLike[str], empty: bool = False) -> Iterator[ByteRange]:
    """The bytes of the regular file at `path`; anything else is a BadFile, without its name.

    So is a file with nothing in it, unless it may be `empty`.

    It is looked at before it is opened, because opening can itself act (rewind a tape) or wait
    (for a pipe's writer), and looked at again when open, because it may have been exchanged.
    """
    _require_regular(_ask(os.stat, path), empty)
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):  # not all on every system
        flags |= getattr(os, name, 0)
    descriptor = _ask(os.open, path, flags)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        _require_regular(status, empty)
        note_read(status)
        yield ByteRange(stream, 0, status.st_size)


@contextmanager
def remembering() -> Iterator[None]:
    """Remember what is read meanwhile."""
    global _read
    before, _read = _read, set()
    try:
        yield
    finally:
        _read = before


def note_read(status: os.stat_result) -> None:
    """Note that a file is read; what is no file has nothing to lose."""
    if _read is not None and stat.S_ISREG(status.st_mode):
        _read.add((status.st_dev, status.st_ino))


def was_read(status: os.stat_result) -> bool:
    """Tell whether a file is one that was read, by whatever name."""
    return (status.st_dev, status.st_ino) in (_read or ())


def _ask(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call the system, which answers in a BadFile if it will not."""
    try:
        return call(*args, **kwargs)
    except OSError as error:
        reason = _WHY_NOT.get(error.errno or 0, error.strerror or "it cannot be opened")
        raise BadFile(reason) from None
    except ValueError:  # a NUL character, or one that the file system cannot spell
        raise BadFile("its name is not one that a file can have") from None


def _require_regular(status: os.stat_result, empty: bool) -> None:
    mode = status.st_mode
    if stat.S_ISREG(mode):
        if not status.st_size and not empty:
            raise BadFile("the file is empty")
        return
    if stat.S_ISDIR(mode):
        raise BadFile("this is a folder, not a file")
    raise BadFile(f"this is {kind_of(mode)}, not a regular file")


def kind_of(mode: int) -> str:
    """Return what something is that is no file, as its mode tells."""
    return next((words for is_kind, words in _KINDS if is_kind(mode)), "something else")
