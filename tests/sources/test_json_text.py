"""The strict JSON loader against json, and against texts made to harm it."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attn_cli.errors import BadFile
from attn_cli.sources.json_text import MAX_DEPTH, load_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["[[", "}", '"', "\\", '\\"', "{[", "😀"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats(-1e300, 1e300) | TEXTS,
    lambda values: st.lists(values, max_size=4) | st.dictionaries(TEXTS, values, max_size=4),
)


@given(VALUES, st.booleans())
def test_what_json_writes_is_read_as_json_reads_it(value: object, escaped: bool) -> None:
    """Any value, with characters as they are or escaped."""
    text = json.dumps(value, ensure_ascii=escaped)
    assert load_json(text.encode(), "config.json") == json.loads(text)


@given(st.text('[]{}",:\\1ux', max_size=60))
def test_any_text_is_read_as_json_reads_it_or_refused(text: str) -> None:
    """Whatever is made of JSON's own signs is a value or a BadFile."""
    try:
        value = load_json(text.encode(), "config.json")
    except BadFile:
        return
    assert value == json.loads(text)


@given(st.integers(1, 400), st.sampled_from(["[", '{"a":', '["]",', '["\\"]",', '[["}"],']))
def test_depth_is_counted_as_it_nests(levels: int, opening: str) -> None:
    """Brackets inside strings count for nothing; the innermost list is one more level."""
    closing = "}" if opening.startswith("{") else "]"
    text = opening * levels + "[]" + closing * levels
    if levels + 1 <= MAX_DEPTH:
        assert load_json(text.encode(), "config.json") == json.loads(text)
    else:
        with pytest.raises(BadFile, match="is nested more than 200 levels deep"):
            load_json(text.encode(), "config.json")


def test_what_json_has_no_word_for_is_read_as_python_reads_it() -> None:
    """Keras writes them: for a clip without a bound."""
    text = b'{"a": [Infinity, -Infinity], "b": NaN}'
    assert str(load_json(text, "config.json")) == str(json.loads(text))


BAD = {
    b"": "is not JSON: expecting value at line 1, column 1",
    b"{": "is not JSON: expecting property name enclosed in double quotes at line 1, column 2",
    b'{"a": 1,\n "b" 2}': "is not JSON: expecting ':' delimiter at line 2, column 6",
    b"[1] 2": "is not JSON: extra data at line 1, column 5",
    b"\xff\xfe": "is not UTF-8 text: byte 0",
    b'["\xc3"]': "is not UTF-8 text: byte 2",
    b"\xef\xbb\xbf[]": "is not JSON: unexpected utf-8 bom (decode using utf-8-sig) at line 1",
    b"[1e999]": "holds 1e999, which is too large for a float",
    b"[" + b"1" * 10**6 + b"]": "holds a number of 1,000,000 characters",
    b"[-" + b"1" * 10**6 + b".5]": "holds a number of 1,000,003 characters",
    b'{"a": 1, "b": 2, "a": 3}': "holds the key 'a' twice in one object",
    b'{"\\u001b[31m": 1, "\\u001b[31m": 3}': "holds the key '\\x1b[31m' twice in one object",
    b'["\\ud800"]': "holds half a character (a lone surrogate)",
    b"[" * 100_000: "is nested more than 200 levels deep",
    b"[" * 100_000 + b"]" * 100_000: "is nested more than 200 levels deep",
    b'{"a":' * 100_000: "is nested more than 200 levels deep",
    b'["' * 5: "is not JSON: expecting ',' delimiter at line 1",
    b" " * (49 << 20): "is 51,380,224 bytes long; at most 50,331,648 are read",
}


@pytest.mark.parametrize("text", BAD, ids=[line[:40] for line in BAD.values()])
def test_bad_texts_are_refused_with_their_line(text: bytes) -> None:
    """Each bad text is told in one line that says what is wrong with it."""
    with pytest.raises(BadFile) as refusal:
        load_json(text, "config.json")
    assert str(refusal.value).startswith(f"config.json {BAD[text]}")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", [b'"aa"' * (2 << 20), b'["a"],' * 200_000], ids=["texts", "lists"])
def test_looking_for_depth_takes_little_memory(text: bytes) -> None:
    """Counting is done before anything is parsed, and must not cost more than the parser."""
    tracemalloc.start()
    with pytest.raises(BadFile):
        load_json(text, "config.json")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 << 20
