"""Which axes of a feature map the axes of a tensor run over, however it was turned and folded.

An axis is the atoms that it runs over, outermost first: "b" for the batch, "d", "h" and "w" for
space, "c" for channels, "m" for channels that a layer made, "k" for what was stacked, "+" for what
was put end to end, "?" for a part of one of these. No atom is one place; an atom without a label
says the same thing at all of its places. What is padded, cut or turned round starts elsewhere: two
tensors that meet have the same places beside each other only where both start at the same one.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Atom(NamedTuple):
    """What an axis, or a part of one, runs over."""

    label: str
    size: int | None
    start: int | None = 0  # which place stands first; None where they stand in another order
    ends: tuple[tuple[Atom, ...], ...] = ()  # the axes that were put end to end


SPACE = frozenset("dhw")
Axis = tuple[Atom, ...]
Layout = tuple[Axis, ...]


def labels_of(*axes: Axis) -> frozenset[str]:
    """Return what these axes run over."""
    return frozenset([atom.label for axis in axes for atom in axis if atom.label])


def size_of(axis: Axis) -> int | None:
    """Return how many places an axis has; None where unknown."""
    sizes = [atom.size for atom in axis]
    return None if None in sizes else prod(filter(None, sizes))


def spread(size: int | None) -> Axis:
    """Return an axis along which everything is the same."""
    return () if size == 1 else (Atom("", size),)


def resized(axis: Axis, size: int | None) -> Axis:
    """Return an axis with another number of places."""
    labels = labels_of(axis)
    if size == 1 and labels == {"k"}:
        return ()
    if size == size_of(axis):
        return axis
    if not labels:
        return spread(size)
    if len(labels) > 1:
        return (Atom("?", size),)
    return (Atom(next(iter(labels)), size, axis[0].start if len(axis) == 1 else None),)


def shifted(axis: Axis, by: int | None) -> Axis:
    """Return an axis that starts so many places later; None where nothing tells where."""
    if len(axis) == 1 and by is not None and axis[0].start is not None:
        return (axis[0]._replace(start=axis[0].start + by),)
    return axis if by == 0 else tuple([atom._replace(start=None) for atom in axis])


def part_of(axis: Axis, part: Axis) -> Axis:
    """Return a part of an axis: one of those that were put end to end, where it is just that."""
    if len(axis) != 1 or len(part) != 1 or part[0].start is None:
        return part
    before: int | None = 0
    for end in axis[0].ends:
        size = size_of(end)
        # Where it is not known how long they are, what starts behind the first is the second.
        if part[0].start == before and (None in (size, part[0].size) or size == part[0].size):
            return end
        if before is None:
            return end if len(axis[0].ends) == 2 else part
        before = None if size is None else before + size
    return part


def are_aligned(own: Axis, other: Axis) -> bool:
    """Tell whether each place of a feature map meets what was made of that place.

    Channels that a layer made are for those that they meet, in their order.
    """
    if labels_of(other) == {"m"}:
        return all(atom.start == 0 for atom in other)
    if not labels_of(other) <= SPACE | {"c"}:
        return True
    places = [
        [(atom.label, atom.start) for atom in axis if atom.label and atom.size != 1]
        for axis in (own, other)
    ]
    return not places[1] or places[0] == places[1]


def lined_up(layouts: Sequence[Layout]) -> list[Layout]:
    """Return layouts of the same rank: what is missing stands behind the batch."""
    rank = max(map(len, layouts))
    return [
        layout
        if len(layout) == rank
        else (*layout[:1], *[()] * (rank - len(layout)), *layout[1:])
        if layout and labels_of(layout[0]) >= {"b"}
        else (*[()] * (rank - len(layout)), *layout)
        for layout in layouts
    ]


def met(axes: Sequence[Axis]) -> Axis:
    """Return the axis that comes of several where tensors meet element by element."""
    named = [axis for axis in axes if labels_of(axis)]
    if not named:
        return max(axes, key=len)
    kinds = {labels_of(axis) for axis in named}
    if len(kinds) == 1:
        axis = next((axis for axis in named if size_of(axis) is not None), named[0])
        starts = {tuple([(atom.label, atom.start) for atom in axis]) for axis in named}
        return axis if len(starts) == 1 else shifted(axis, None)
    sizes = [size for axis in named if (size := size_of(axis)) is not None]
    made = frozenset().union(*kinds) <= {"c", "m"}
    return (Atom("m" if made else "?", max(sizes) if sizes else None),)


def across(layouts: Sequence[Layout]) -> Layout:
    """Return the layout where tensors meet element by element."""
    return tuple([met(axes) for axes in zip(*lined_up(layouts), strict=True)])


def relaid(layout: Layout, target: Sequence[int | None]) -> Layout | None:
    """Return the layout after a reshape; None where it cannot be told.

    `target` are the sizes that come out, with the batch; -1 or None is one that is not given.
    """
    atoms = [atom for axis in layout for atom in axis]
    sizes = [None if size == -1 else size for size in target]
    free = [place for place, size in enumerate(sizes) if size is None]
    guess = _one_for_one(atoms, sizes)
    if guess is not None:
        return guess
    before: list[Axis] = []
    if len(free) > 1 and free[0] == 0 and atoms and atoms[0].label == "b":
        before, atoms, sizes = [(atoms[0],)], atoms[1:], sizes[1:]
        free = [place - 1 for place in free[1:]]
    if len(free) > 1:
        # Several are not known: one for one, or not at all.
        if len(atoms) != sum(size != 1 for size in sizes):
            return None
        rest = iter(atoms)
        return (*before, *[() if size == 1 else (next(rest),) for size in sizes])
    split = free[0] if free else len(sizes)
    left = _matched(sizes[:split], atoms)
    if left is None:
        return None
    head, atoms = left
    if not free:
        # Places of size 1 can be left over.
        return None if any(atom.size != 1 for atom in atoms) else (*before, *head)
    right = _matched(sizes[:split:-1], atoms[::-1])
    if right is None:
        return None
    tail, atoms = right
    if any(atom.label == "b" for atom in atoms):
        # What has a single place does not go with the batch.
        atoms = [atom for atom in atoms if atom.label == "b" or atom.size != 1]
    return (*before, *head, tuple(atoms[::-1]), *[axis[::-1] for axis in tail[::-1]])


def _one_for_one(atoms: Sequence[Atom], sizes: Sequence[int | None]) -> Layout | None:
    """Return the layout where each size is that of one atom, or of all of space; None elsewhere.

    Where the sizes of a map are not known, their number has to tell.
    """
    if not atoms or atoms[0].label != "b" or sizes[0] == 1:
        return None
    if all(atom.size is not None for atom in atoms[1:]):
        return None
    places = [atom for atom in atoms if atom.label in SPACE]
    rest = [(atom,) for atom in atoms[1:]]
    merged: list[Axis] = []
    for atom in atoms[1:]:
        if atom not in places:
            merged.append((atom,))
        elif atom == places[0]:
            merged.append(tuple(places))
    wide = sum(size != 1 for size in sizes[1:])
    for axes in (rest, merged):
        if len(axes) == wide:
            left = iter(axes)
            found = [() if size == 1 else _sized(next(left), size) for size in sizes[1:]]
            return ((atoms[0],), *found)
    return None


def _sized(axis: Axis, size: int | None) -> Axis:
    """Return an axis of one atom with the size that a reshape tells."""
    if len(axis) == 1 and axis[0].size is None and size is not None:
        return (axis[0]._replace(size=size),)
    return axis


def _matched(
    sizes: Sequence[int | None], atoms: list[Atom]
) -> tuple[list[Axis], list[Atom]] | None:
    """Return the axes of these sizes that atoms make in their order, and what atoms are left."""
    atoms = list(atoms)
    axes: list[Axis] = []
    for size in sizes:
        taken: list[Atom] = []
        left = size or 1
        if left == 1 and atoms and atoms[0] == Atom("c", 1):
            taken.append(atoms.pop(0))
        while left != 1:
            if not atoms:
                return None
            atom = atoms.pop(0)
            if atom.size is None:
                # Which number an unknown size is, the reshape tells.
                atom = atom._replace(size=left)
            if left % atom.size if atom.size else True:
                if not atom.size or atom.size % left:
                    return None
                label = atom.label and "?"
                atoms.insert(0, Atom(label, atom.size // left))
                atom = Atom(label, left)
            taken.append(atom)
            left //= atom.size or 1
        axes.append(tuple(taken))
    return axes, atoms
