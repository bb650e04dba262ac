"""Whether code that a configuration names may be run.

Naming a configuration is asking for it. One that was found may have code run where it is the
project's own, in the working directory or above it within the project, and where it and the code
are the user's own, or root's: what lies in the folders above may be anybody's.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from attn_cli.errors import BadSpec

# What stands at the top of a project; the second where there is no first.
TOPS = (".git", "pyproject.toml")


class Home(NamedTuple):
    """Where a configuration stands: the folder that its paths start from, and how it was found.

    `asked` says that it was named, and not found.
    """

    path: str = ""
    asked: bool = True

    @property
    def folder(self) -> str:
        """The folder that paths in it are relative to."""
        return os.path.dirname(self.path)

    def check_code(self, spec: str, file: str) -> None:
        """Raise BadSpec where code that a spec names is not to be run."""
        if self.asked:
            return
        why = outside(self.path) or strange(self.path) or strange(file)
        if why:
            raise BadSpec(
                f"{spec} is code, and is not run: {why} (attn check --config {self.path} runs it)"
            )


# What stands on the command line is asked for, and its paths start here.
HERE = Home()


def outside(path: str) -> str | None:
    """Return that a configuration stands above the project that we are in, if it does."""
    here, folder = Path.cwd(), Path(os.path.abspath(path)).parent
    tops = (each for top in TOPS for each in (here, *here.parents) if os.path.lexists(each / top))
    if folder == here or next(tops, here) in (folder, *folder.parents):
        return None
    return f"{path} is outside of this project"


def strange(path: str) -> str | None:
    """Return what of a file, its links and its folder is another user's, if anything is."""
    if not hasattr(os, "geteuid"):
        return None
    ours = (os.geteuid(), 0)
    try:
        real = os.path.realpath(path)
        for each in (path, os.path.dirname(path) or os.curdir, real, os.path.dirname(real)):
            if os.lstat(each).st_uid not in ours:
                return f"{each} is another user's"
    except (OSError, ValueError):
        pass  # then it cannot be read either
    return None
