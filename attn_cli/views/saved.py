"""A block that was saved as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.views.records import params_record
from attn_cli.views.report import Column, Report, Table, counted, size_text, with_batch
from attn_cli.views.summary import params_words

if TYPE_CHECKING:
    from attn_cli.graph import Shape
    from attn_cli.spec import Spec
    from attn_cli.tf.save import Saved

COLUMNS = (
    Column("path", "path"),
    Column("format", "format"),
    Column("bytes", "bytes", "int"),
    Column("params", "params", "int"),
    Column("trainable", "trainable", "int"),
    Column("non_trainable", "non-trainable", "int"),
    Column("seed", "seed", "int"),
    Column("difference", "difference", "number"),
    Column("spec", "spec"),
    Column("as_given", "block"),
    Column("input_shape", "input", "shape"),
)


def report(saved: Saved, spec: Spec, shape: Shape) -> Report:
    """Return the report of a file that was written."""
    params = saved.params
    off = f"outputs off by {saved.difference:.1g}" if saved.difference else "the same outputs"
    row = (
        *(str(saved.path), saved.format, saved.bytes),
        *(params.total, params.trainable, params.non_trainable, saved.seed, saved.difference),
        *(spec.text, spec.as_given, with_batch(shape)),
    )
    return Report(
        record=lambda: _record(saved, spec, shape),
        rows=Table(COLUMNS, [row]),
        tables=[],
        heading=[f"{saved.path}  {saved.format}, {counted(saved.bytes, 'bytes')}"],
        closing=[
            f"{spec.as_given} on {size_text(shape)}, weights from seed {saved.seed}",
            params_words(params),
            f"loaded again: {off}",
        ],
    )


def _record(saved: Saved, spec: Spec, shape: Shape) -> dict[str, Any]:
    return {
        "path": str(saved.path),
        "format": saved.format,
        "bytes": saved.bytes,
        "spec": spec.text,
        "as_given": spec.as_given,
        "input_shape": with_batch(shape),
        "params": params_record(saved.params),
        "seed": saved.seed,
        "difference": saved.difference,
    }
