"""What all tests share.

`pytest -m "not slow"` takes seconds and never imports TensorFlow. `--overwrite-goldens` rewrites
the drawn output in golden/ instead of comparing with it. Drawn examples are the same in every run;
`--hypothesis-profile=explore` draws new ones, and more of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"

shared = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("fixed", shared, max_examples=200, derandomize=True, database=None)
settings.register_profile("explore", shared, max_examples=2000)
settings.load_profile("fixed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--overwrite-goldens",
        action="store_true",
        help="write what is drawn now to tests/golden/ instead of comparing with it",
    )


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras on TensorFlow, loaded once for all tests that build something."""
    from attn_cli.tf.load import load_keras

    return load_keras()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a check that a text equals the file of this name in golden/."""
    overwrite = request.config.getoption("--overwrite-goldens")

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if overwrite:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"golden/{name} is missing: pytest --overwrite-goldens writes it"
        assert text == path.read_text(encoding="utf-8")

    return check
