"""The everyday words: install, test, lint, docs, applications, bench. `nox` alone lints and tests.

Sessions run in the environment that nox itself runs in: TensorFlow is 2 GB, and one is enough.
"""

import sys

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "test"]
nox.options.error_on_missing_interpreters = False


@nox.session
def install(session: nox.Session) -> None:
    """Install the checkout, editable, with all that its development needs."""
    run(session, "pip", "install", "--editable", ".[dev]")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and types."""
    run(session, "ruff", "check", ".")
    run(session, "ruff", "format", "--check", ".")
    run(session, "mypy")


@nox.session
def test(session: nox.Session) -> None:
    """Run every test; `nox -s test -- -m "not slow"` runs the quick ones, without TensorFlow."""
    # Two at a time, each with a TensorFlow of its own: half the time, and 3 GB of memory in all.
    run(session, "pytest", "--numprocesses=2", "--dist=worksteal", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Write the output in README.md and docs/ anew, and the picture."""
    run(session, "docs.picture")
    run(session, "pytest", "tests/test_docs.py", "--overwrite-goldens")


@nox.session
def applications(session: nox.Session) -> None:
    """Write the architectures of keras.applications anew, as the Keras in use builds them."""
    run(session, "tests.applications")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure whole processes against their targets, in pairs."""
    run(session, "tests.bench", *session.posargs)


def run(session: nox.Session, module: str, *arguments: str) -> None:
    """Run a module with the Python that runs nox."""
    session.run(sys.executable, "-m", module, *arguments)
