"""The architectures of keras.applications, as `to_json()` writes them: a model named `app:NAME`.

They are data of this folder, a compressed text each, which `python -m tests.applications` writes;
each says of which Keras it is. Weights are worked out from it, as from any such text.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from zlib import decompress

from attn_cli.errors import BadFile

PREFIX = "app:"
SUFFIX = ".json.gz"
GZIP = 31  # how zlib is told that the stream is gzip's
FOLDER = Path(__file__).parent


def is_application(model: str) -> bool:
    """Tell whether a model's name is that of an application, and not of a file."""
    return model.startswith(PREFIX)


@cache
def application_names() -> tuple[str, ...]:
    """Return the names of all architectures, each as keras.applications has it."""
    return tuple(
        sorted(name.removesuffix(SUFFIX) for name in os.listdir(FOLDER) if name.endswith(SUFFIX))
    )


def application_text(name: str) -> bytes:
    """Return the config of an architecture. Raises BadFile, with the nearest name, if none has it.

    >>> application_text("ResNet50")[:1]
    b'{'
    """
    names = application_names()
    if name not in names:
        raise BadFile(f"no application is called {name[:60]!r}{_nearest(name, names)}")
    return decompress((FOLDER / f"{name}{SUFFIX}").read_bytes(), GZIP)


def _nearest(name: str, names: tuple[str, ...]) -> str:
    from difflib import get_close_matches

    # However the letters are written: resnet50 is an easy guess.
    folded = {known.lower(): known for known in names}
    near = get_close_matches(name.lower(), list(folded), n=2, cutoff=0.6)
    if near:
        return f"; did you mean {', or '.join(f'{PREFIX}{folded[each]}' for each in near)}?"
    return f"; there are {len(names)}, from {names[0]} to {names[-1]}"
