"""Opening a file that somebody else wrote: regular files only, read-only, by byte range."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, ParamSpec, TypeVar

from attn_cli.errors import BadFile
from attn_cli.sources.text import shown

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
def open_file(path: str | bytes | os.PathLike[str]) -> Iterator[ByteRange]:
    """The bytes of the regular file at `path`; anything else is a BadFile, without its name.

    It is looked at before it is opened, because opening can itself act (rewind a tape) or wait
    (for a pipe's writer), and looked at again when open, because it may have been exchanged.
    """
    _require_regular(_ask(os.stat, path), path)
    flags = os.O_RDONLY
    for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"):  # not all on every system
        flags |= getattr(os, name, 0)
    descriptor = _ask(os.open, path, flags)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        _require_regular(status, path)
        yield ByteRange(stream, 0, status.st_size)


def _ask(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Call the system, which answers in a BadFile if it will not."""
    try:
        return call(*args, **kwargs)
    except OSError as error:
        reason = _WHY_NOT.get(error.errno or 0, error.strerror or "it cannot be opened")
        raise BadFile(reason) from None
    except ValueError:  # a NUL character, or one that the file system cannot spell
        raise BadFile("its name is not one that a file can have") from None


def _models_in(folder: str) -> str:
    """Return how to name the models in a folder, where there are any."""
    suffixes: dict[str, None] = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in islice(entries, 1000):
            suffixes[os.path.splitext(entry.name)[1]] = None
    for suffix in (".keras", ".h5"):
        if suffix in suffixes:
            return f"; its models are {shown(os.path.join(folder, f'*{suffix}'))}"
    return ""


def _require_regular(status: os.stat_result, path: str | bytes | os.PathLike[str]) -> None:
    mode = status.st_mode
    if stat.S_ISREG(mode):
        if not status.st_size:
            raise BadFile("the file is empty")
        return
    if stat.S_ISDIR(mode):
        folder = os.fsdecode(path)
        if os.path.exists(os.path.join(folder, "saved_model.pb")):
            raise BadFile("this is a SavedModel folder; save the model as a .keras file instead")
        raise BadFile(f"this is a folder, not a model file{_models_in(folder)}")
    kind = next((words for is_kind, words in _KINDS if is_kind(mode)), "something else")
    raise BadFile(f"this is {kind}, not a regular file")
