"""Completion: what a shell loads, and what it is answered.

Typer's own scripts know nothing of words with a colon, which bash takes for three, put a blank
behind `ratio=`, and in zsh answer the second Tab only. PowerShell has Typer's.
"""

import os
from contextlib import suppress
from typing import Any

from typer._completion_classes import BashComplete
from typer._completion_shared import (
    Shells,
    _completion_scripts,
    _get_shell_name,
    get_completion_script,
    install,
)

from attn_cli.cli.output import write
from attn_cli.errors import AttnError, did_you_mean

VARIABLE = "_ATTN_COMPLETE"

BASH = r"""
_attn_completion() {
    mapfile -t COMPREPLY < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORD="$2" \
        _ATTN_COMPLETE=complete_bash "$1")
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
}
complete -o default -F _attn_completion attn
"""
ZSH = r"""
#compdef attn
_attn_completion() {
    local value help
    local -a closed shown open
    local -i width
    while IFS=$'\t' read -r value help; do
        if [[ $value == *= ]]; then
            open+=("$value")
        else
            closed+=("$value")
            width=$(( $#value > 18 ? $#value : 18 ))
            [[ -n $help ]] && value="${(r:width:)value}  $help"
            shown+=("$value")
        fi
    done < <(COMP_LINE="${words[1,CURRENT]}" _ATTN_COMPLETE=complete_zsh "$words[1]")
    if (( $#closed + $#open == 0 )); then
        _files
        return
    fi
    compadd -S '' -a open
    compadd -l -d shown -a closed
}
if [[ $funcstack[1] == _attn ]]; then
    _attn_completion
else
    compdef _attn_completion attn
fi
"""
FISH = r"""
function _attn_completion
    set -l words (commandline -op)
    set -l replies (env COMP_LINE=(commandline -cp) _ATTN_COMPLETE=complete_fish $words[1])
    if test (count $replies) -gt 0
        string join \n -- $replies
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command attn --no-files --arguments '(_attn_completion)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
_completion_scripts.update(SCRIPTS)


def answer(command: Any, shell: str) -> str:
    """Return what completes COMP_LINE: a line each, for zsh and fish with help behind a tab."""
    words = BashComplete(command, {}, "attn", VARIABLE)
    line = os.environ.get("COMP_LINE", "")
    args = split(line)
    # What is set for this call alone stands in front of it.
    while args and "=" in args[0]:
        del args[0]
    incomplete = "" if line[-1:].isspace() or len(args) < 2 else args.pop()
    replies = words.get_completions(args[1:], incomplete)
    # Of --format=csv it is the value that is completed, and the whole that a shell replaces.
    option, equals, _ = incomplete.partition("=")
    before = f"{option}=" if equals and option.startswith("--") else ""
    if shell != "bash":
        return "".join(
            f"{before}{each.value}\t{each.help or ''}".rstrip("\t") + "\n" for each in replies
        )
    # A word that bash breaks at colons and equals signs is completed from the last of them on.
    word = os.environ.get("COMP_WORD", "")
    known = len(incomplete) - len(word) if incomplete.endswith(word) else 0
    return "".join(f"{before}{each.value}"[known:] + "\n" for each in replies)


def split(line: str) -> list[str]:
    """Split a line that may end within quotes."""
    import shlex

    for end in ("", '"', "'"):
        with suppress(ValueError):
            return shlex.split(line + end)
    return line.split()


def set_up(option: str, words: list[str]) -> None:
    """Install completion for a shell, or show what would be; the one that this runs in, if any."""
    if len(words) > 1:
        raise AttnError(f"{option} takes one shell, and {words[1]!r} is one more")
    shell = words[0] if words else _get_shell_name()
    known = [each.value for each in Shells]
    if shell is None:
        raise AttnError(f"cannot tell which shell this is: {option} {'|'.join(known)}")
    if shell not in known:
        hint = did_you_mean(shell, known)
        raise AttnError(
            f"there is no completion for the shell {shell!r}{hint} ({', '.join(known)})"
        )
    if option == "--show-completion":
        script = get_completion_script(prog_name="attn", complete_var=VARIABLE, shell=shell)
        write(f"{script}\n")
        return
    _, path = install(shell=shell, prog_name="attn", complete_var=VARIABLE)
    write(f"{shell} completion is in {path}; a shell that is started from now on has it\n")
