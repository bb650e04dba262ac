"""`attn check --init`: a first attn.toml."""

import os
from collections.abc import Sequence

from attn_cli.analysis.check import MODEL, Check
from attn_cli.cli.measure import measure
from attn_cli.cli.output import write
from attn_cli.config.find import NAME, PYPROJECT
from attn_cli.config.write import Entry, written
from attn_cli.errors import AttnError
from attn_cli.showing import several
from attn_cli.sources.applications import is_application
from attn_cli.views.report import percent_text
from attn_cli.writing import write_file


def init(checks: Sequence[Check], output: str | None, force: bool) -> None:
    """Write a configuration that these checks pass, with today's figures as bounds."""
    path = NAME if output is None else output
    if os.path.basename(path) == PYPROJECT:
        raise AttnError(f"--init writes a file of its own; copy from it into {PYPROJECT}")
    if path != "-" and not force and os.path.lexists(path):
        raise AttnError(f"{path!r} is there already; --force replaces it")
    folder = "" if path == "-" else os.path.dirname(path)
    entries = {check.of: _entry(check, folder) for check in checks}
    text = written(list(entries.values()), percent_text)
    if path == "-":
        write(text)
        return
    write_file(path, text)
    write(f"{path}: {several(len(entries), 'check')}, with today's figures as bounds\n")


def _entry(check: Check, folder: str) -> Entry:
    """Return what is to be written of a check; paths in it are relative to the file."""
    figures, why = measure(check)
    of = check.of
    if check.kind == MODEL or ".py:" in of:
        of = _from(folder, of)
    within = check.within and check.within._replace(model=_from(folder, check.within.model))
    if all(value is None for value in (figures["params"], figures["bytes"])):
        raise AttnError(f"{check.of}: nothing of it can be bounded: {why}")
    return Entry(check.kind, of, check.places, figures, why, within, check.asked)


def _from(folder: str, path: str) -> str:
    """Return a path as it is from a folder; an application has none."""
    if is_application(path):
        return path
    if folder and not os.path.isabs(path):
        path = os.path.relpath(path, folder)
    return path.replace(os.sep, "/")
