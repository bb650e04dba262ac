"""What names a model on the command line: a saved file, or `app:NAME`."""

from attn_cli.sources.applications import PREFIX, application_names


def complete_model(incomplete: str) -> list[str]:
    """Complete the name of an application; files are the shell's own business."""
    if not incomplete.startswith(PREFIX):
        return []
    return [name for each in application_names() if (name := PREFIX + each).startswith(incomplete)]
