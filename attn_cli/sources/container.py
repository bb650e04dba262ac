"""Which format a file is in: one, whoever reads it.

Keras 3 goes by the name: `.keras` is a zip archive, `.h5` and `.hdf5` are HDF5. Keras 2 takes a
`.keras` that is no zip archive, and any other name, for HDF5 if it is. Python finds a zip archive
by its end, wherever it begins; HDF5 may begin at byte 0, 512, 1024, 2048, … So a file can be both,
with a model in each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.errors import BadFile
from attn_cli.sources.archive import END, END_SIGNATURE, MAX_COMMENT
from attn_cli.sources.archive import SIGNATURE as ZIP
from attn_cli.sources.hdf5 import SIGNATURE as HDF5

if TYPE_CHECKING:
    from attn_cli.files import ByteRange

_JSON = (b"{", b"\xef\xbb\xbf{")
_BEGINNING = 4096  # of the file: JSON may begin with blanks


def format_of(source: ByteRange, name: str) -> str:
    """Return "zip", "hdf5" or "json". Raises BadFile where it is none, or could be two."""
    start = source.read(0, min(_BEGINNING, source.size))
    if start.startswith(ZIP):
        if name.endswith((".h5", ".hdf5")):
            raise BadFile(
                "this is a zip archive, and Keras would read it as HDF5, as its name says;"
                " name it .keras"
            )
        if not name.endswith(".keras") and _has_hdf5(source):
            raise BadFile(f"this is a zip archive and an HDF5 file at once; {_TWO}")
        return "zip"
    if start.startswith(HDF5):
        if name.endswith(".keras") and _has_zip(source):
            raise BadFile(f"this is an HDF5 file and a zip archive at once; {_TWO}")
        return "hdf5"
    if start.lstrip().startswith(_JSON) and b"\0" not in start[:8]:  # which UTF-16 has
        return "json"
    from attn_cli.sources.foreign import what_it_is

    raise BadFile(what_it_is(source, name))


_TWO = "Keras may find another model in it than others do"


def _has_hdf5(source: ByteRange) -> bool:
    """Tell whether HDF5 begins further on, as h5py looks for it."""
    at = 512
    while at + len(HDF5) <= source.size:
        if source.read(at, len(HDF5)) == HDF5:
            return True
        at *= 2
    return False


def _has_zip(source: ByteRange) -> bool:
    """Tell whether a zip archive may end with the file, as Python's `zipfile` looks for it."""
    length = min(source.size, MAX_COMMENT + END.size)
    return END_SIGNATURE in source.read(source.size - length, length)
