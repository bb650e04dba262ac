"""Whether a run fits in memory is told before it is tried."""

from __future__ import annotations

import pytest

from attn_cli.errors import BadShape
from attn_cli.spec import parse_spec
from attn_cli.tf import memory
from attn_cli.tf.memory import (
    amount,
    check_memory,
    check_weights,
    free_bytes,
    memory_errors,
    needed_bytes,
)


def test_counts_weights_and_tensors() -> None:
    """For ese on 2 × 3 × 4 by hand: 20 weights, four times, and what each call yields."""
    graph = parse_spec("ese").trace((2, 3, 4))
    pooled = sum(node.output_shapes[0][-1] or 0 for node in graph.nodes[1:-1])
    tensors = 24 + pooled + 24
    assert needed_bytes(graph) == 4 * (4 * 20 + tensors)
    assert needed_bytes(graph, batch=3, copies=2) == 4 * (4 * 20 + 3 * (tensors + 2 * 24))
    # The largest call is the last one: two inputs, one of them pooled, and the output.
    assert needed_bytes(graph, compiled=True) == 4 * (4 * 20 + 24 + 4 + 24)


def test_says_how_much_it_would_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte less than is needed is too little."""
    graph = parse_spec("se").trace((100, 100, 64))
    needed = needed_bytes(graph, 8)
    monkeypatch.setattr(memory, "free_bytes", lambda: needed)
    check_memory(graph, 8)
    monkeypatch.setattr(memory, "free_bytes", lambda: needed - 1)
    with pytest.raises(BadShape) as caught:
        check_memory(graph, 8)
    assert str(caught.value) == (
        "running this on 100,100,64 in batches of 8 needs about 39.1 MiB of memory, "
        "and 39.1 MiB is free"
    )
    monkeypatch.setattr(memory, "free_bytes", lambda: None)  # a system that does not say
    check_memory(graph, 8)


def test_weights_alone_can_be_too_many() -> None:
    """200,000 × 200,000 of them."""
    with pytest.raises(BadShape, match=r"^building this needs about 596\.0 GiB of memory for its"):
        check_weights(parse_spec("se:ratio=1").trace((1, 1, 200_000)))
    check_weights(parse_spec("se").trace((2**31 - 1, 2**31 - 1, 8)))


def test_this_machine_says_what_is_free() -> None:
    """Something, and not more than there can be."""
    free = free_bytes()
    assert free is None or 0 < free < 2**60


def test_a_limit_of_the_process_counts() -> None:
    """What `ulimit -v` leaves is less than what the machine has."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (2**46, before[1]))
    try:
        limited = memory._process()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert limited is not None
    assert 2**45 < limited < 2**46


def test_amounts_have_a_unit() -> None:
    """From bytes to what no machine has."""
    sizes = {0: "0 bytes", 1023: "1,023 bytes", 1024: "1.0 KiB", 5 * 2**30: "5.0 GiB"}
    assert {size: amount(size) for size in sizes} == sizes
    assert amount(2**90) == "1,024.0 YiB"


def test_running_out_of_memory_is_one_line() -> None:
    """Python's error and TensorFlow's become the user's; another one stays what it is."""

    class ResourceExhaustedError(Exception):
        """TensorFlow's, by name."""

    for error in (MemoryError(), ResourceExhaustedError("OOM when allocating tensor")):
        with pytest.raises(BadShape, match="needs more memory than there is"), memory_errors():
            raise error
    with pytest.raises(ZeroDivisionError), memory_errors():
        raise ZeroDivisionError
