"""Which tensor of a call reaches which input of a model, and the line where none can."""

from __future__ import annotations

from typing import Any

import pytest

from attn_cli.operations.base import Unknown
from attn_cli.operations.inputs import reached

LIST, DICT, UNSORTED, DEEP = ["b", "a"], {"a": "a", "b": "b"}, {"b": "b", "a": "a"}, [["b"], "a"]


@pytest.mark.parametrize(
    ("inputs", "given", "old", "new"),
    [
        (LIST, ["p", "q"], "pq", "pq"),
        (LIST, [["p"], "q"], "pq", "pq"),
        (LIST, {"a": "p", "b": "q"}, "qp", "qp"),
        (LIST, {"a": "p", "aa": "r", "b": "q"}, "qp", "qp"),
        ("b", {"a": "p", "b": "q"}, "q", "q"),
        (DICT, {"b": "q", "a": "p"}, "pq", "pq"),
        (DICT, {"a": "p", "aa": "r", "b": "q"}, "pq", "pr"),  # Keras 3 cuts the flat list
        (DICT, ["p", "q"], "pq", "pq"),
        (UNSORTED, ["p", "q"], "pq", None),
        (DEEP, {"a": "p", "b": "q"}, "pq", None),
        (DEEP, ["p", "q"], "pq", "pq"),
        (LIST, {"b": "p"}, None, None),
        (LIST, ["p", "q", "r"], None, None),
        ("b", ["p", "q"], None, None),
        (LIST, ["p", None], None, None),
    ],
)
def test_each_input_gets_its_own(inputs: Any, given: Any, old: str | None, new: str | None) -> None:
    """By order or by name, as each Keras calculates: its numbers are in the differential tests."""
    for keras_2, expected in ((True, old), (False, new)):
        if expected is None:
            with pytest.raises(Unknown):
                reached(inputs, [given], {}, keras_2=keras_2)
        else:
            assert reached(inputs, [given], {}, keras_2=keras_2).given == list(expected)


@pytest.mark.parametrize(
    ("args", "kwargs", "line"),
    [
        (["p", "q"], {}, "takes one argument for its inputs and is called with more"),
        (["p", None, None, None], {}, "takes one argument for its inputs and is called with 4"),
        (["p"], {"junk": None}, "is called with an argument 'junk', which it does not take"),
        (["p"], {"inputs": "p"}, "is called with an argument 'inputs', which it does not take"),
        ([], {"mask": "p"}, "is called with nothing for its inputs"),
        ([["p", "q"]], {}, "takes one input and is called with 2"),
        ([{"a": "p"}], {}, "is called with a dict that has no 'b', which it takes"),
    ],
)
def test_what_keras_does_not_call_gets_its_line(
    args: list[Any], kwargs: dict[str, Any], line: str
) -> None:
    """One line that says what the model takes and what it is called with."""
    with pytest.raises(Unknown) as refusal:
        reached("b", args, kwargs)
    assert str(refusal.value) == line
