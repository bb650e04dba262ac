"""What in a file would run or be read if Keras loaded it. Here it is only listed.

The list names what is known to act, so that a reader knows where to look. Its being empty does not
say that a file is safe.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from attn_cli.sources.json_text import nested
from attn_cli.text import MAX_LENGTH, quote, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LISTED = 20

# Types of objects that act when they are loaded or called, and how.
ACTING = {
    "Lambda": "would run Python code when loaded",
    "__lambda__": "would run Python code when loaded",
    "TFSMLayer": "would load and run a SavedModel",
    "TorchModuleWrapper": "would unpickle a PyTorch module when loaded",
    "FlaxLayer": "would call a Python object by its name when loaded",
    "JaxLayer": "would call a Python object by its name when loaded",
}
# Where the classes and functions of Keras' own configs come from.
KNOWN_MODULES = frozenset(("keras", "tf_keras", "builtins"))


def dangers(config: Any, names: Iterable[str] = ()) -> list[str]:
    """Return what would run or be read when loaded: of a config, and of an archive's members."""
    found = _Lines()
    stack = nested([config])
    while stack:
        value = stack.pop()
        if "class_name" in value and type(value) is dict:
            for kind, line in _of_object(value):
                found.add(kind, line)
        stack += reversed(nested(value))
    for name in names:
        if _leaves_folder(name):
            outside = "would be written outside the folder it is unpacked in"
            found.add(outside, f"member {_quoted(name)} {outside}")
    return found.all()


class _Lines:
    """Lines, each once: the first few, some of each kind, and how many more.

    Of these only the hashes are kept.
    """

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.first: dict[str, list[tuple[int, str]]] = {}

    def add(self, kind: str, line: str) -> None:
        key = hash(line)
        of_kind = self.first.setdefault(kind, [])
        if key not in self.seen and len(of_kind) < MAX_LISTED:
            of_kind.append((len(self.seen), line))
        self.seen.add(key)

    def all(self) -> list[str]:
        in_turn = [each for row in zip_longest(*self.first.values()) for each in row if each]
        listed = [line for _, line in sorted(in_turn[:MAX_LISTED])]
        more = len(self.seen) - len(listed)
        return [*listed, f"and {more:,} more"] if more else listed


def _of_object(value: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the dangers of one object of a config, each behind what kind it is of."""
    class_name, module, config = value["class_name"], value.get("module"), value.get("config")
    config = config if isinstance(config, dict) else {}
    dangers = []
    if isinstance(class_name, str) and class_name in ACTING:
        dangers.append((class_name, ACTING[class_name]))
    if isinstance(module, str) and module.partition(".")[0] not in KNOWN_MODULES:
        dangers.append(("module", f"would be imported from {_quoted(module)} when loaded"))
    vocabulary = config.get("vocabulary")
    if isinstance(vocabulary, str):
        dangers.append(("vocabulary", f"would read the file {_quoted(vocabulary)}"))
    path = config.get("filepath")
    if isinstance(path, str):
        dangers.append(("filepath", f"would read {_quoted(path)}"))
    if not dangers:
        return []
    name = config.get("name")
    what = shown(class_name) if isinstance(class_name, str) else "something"
    if isinstance(name, str):
        what += f" {_quoted(name)}"
    return [(kind, f"{what} {danger}") for kind, danger in dangers]


def _leaves_folder(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or not parts[0] or parts[0].endswith(":")


def _quoted(name: str) -> str:
    return quote(name, MAX_LENGTH)
