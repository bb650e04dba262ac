"""What an attn.toml names is run where it is the project's own, or where the file is asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from process import run_here

if TYPE_CHECKING:
    from pathlib import Path

OWN = "open('ran', 'w').close()\n\ndef f(x):\n    return x\n"
CHECK = '[[check]]\nname = "own"\nblock = "own.py:f"\nshape = [7, 7, 8]\nmax_params = 0\n'
RELATIVE = CHECK.replace('"own.py:f"', '"se"').replace(
    "max_params = 0", 'max_params_of = { block = "own.py:f" }'
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder within another one, in which the program runs, and a configuration above it."""
    here = tmp_path / "project" / "here"
    here.mkdir(parents=True)
    (tmp_path / "project" / "own.py").write_text(OWN)
    (tmp_path / "project" / "attn.toml").write_text(CHECK)
    monkeypatch.chdir(here)
    return here


def anothers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a file, or a folder, another user's; so is all, where it cannot be given away."""
    if os.geteuid() == 0:
        os.chown(path, 1234, 1234, follow_symlinks=False)
    else:
        before = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: before + 1)


def refused(why: str, config: str = "../attn.toml") -> None:
    """Hold a check to not being made, for this reason, and the code to not being run."""
    result = run_here(["check"])
    assert result.code == 2
    said = f"own.py:f is code, and is not run: {why} (attn check --config {config} runs it)"
    assert said in " ".join(result.out.split())
    assert not os.path.exists("ran")
    # Who names the file asks for it.
    assert run_here(["check", "--config", config]).code == 0
    assert os.path.exists("ran")


@pytest.mark.parametrize("text", [CHECK, RELATIVE, CHECK.replace('"own', '"  ./own')])
@pytest.mark.parametrize("top", [".git", "pyproject.toml"])
def test_code_outside_of_the_project_is_not_run(text: str, top: str, folder: Path) -> None:
    """What lies above it may be anybody's."""
    (folder.parent / "attn.toml").write_text(text)
    (folder / top).touch()
    result = run_here(["check"])
    assert result.code == 2
    assert "is code, and is not run: ../attn.toml is outside of this project" in result.out
    assert not os.path.exists("ran")
    assert run_here(["check", "--config", "../attn.toml"]).code in (0, 1)
    assert os.path.exists("ran")


def test_without_a_project_only_this_folder_is_its_own(folder: Path) -> None:
    """There is no top that could be meant."""
    refused("../attn.toml is outside of this project")


@pytest.mark.parametrize("top", [".git", "pyproject.toml"])
def test_code_of_the_project_is_run(top: str, folder: Path) -> None:
    """From any folder of it; a part of a repository may have a pyproject.toml of its own."""
    (folder.parent / top).touch()
    assert run_here(["check"]).code == 0
    assert os.path.exists("ran")


def test_a_part_of_a_repository_is_of_it(folder: Path) -> None:
    """The repository goes before the package."""
    (folder.parent / ".git").mkdir()
    (folder / "pyproject.toml").touch()
    assert run_here(["check"]).code == 0


@pytest.mark.parametrize("name", ["attn.toml", "own.py", "."])
def test_code_that_another_user_can_write_is_not_run(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what names it, nor itself, nor where they lie."""
    (folder.parent / ".git").mkdir()
    anothers(folder.parent / name, monkeypatch)
    whose = {"attn.toml": "../attn.toml", "own.py": "../own.py", ".": ".."}[name]
    refused(f"{whose if os.geteuid() == 0 else '../attn.toml'} is another user's")


def test_a_link_of_another_user_is_not_followed_to_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may lead to a file of ours that is meant for something else."""
    (folder.parent / ".git").mkdir()
    (folder.parent / "own.py").rename(folder.parent / "real.py")
    (folder.parent / "own.py").symlink_to("real.py")
    assert run_here(["check"]).code == 0
    os.unlink("ran")
    anothers(folder.parent / "own.py", monkeypatch)
    refused(f"../{'own.py' if os.geteuid() == 0 else 'attn.toml'} is another user's")


def test_figures_are_checked_whoever_asks(folder: Path) -> None:
    """Reading a bound runs nothing; what is code is said to be, and the rest is checked."""
    plain = CHECK.replace("own.py:f", "se").replace("max_params = 0", "max_params = 100")
    (folder.parent / "attn.toml").write_text(plain)
    assert run_here(["check"]).code == 0
    (folder.parent / "attn.toml").write_text(CHECK + plain.replace('"own"', '"plain"'))
    result = run_here(["check", "-f", "csv"])
    assert result.code == 2
    assert "plain,6,se,se" in result.out
    assert not os.path.exists("ran")


def test_a_root_of_the_system_is_trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can write as root needs no attn.toml."""
    if os.geteuid() != 0:
        pytest.skip("what is root's can only root make")
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    (folder.parent / ".git").mkdir()
    assert run_here(["check"]).code == 0
