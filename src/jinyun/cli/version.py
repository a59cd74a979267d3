"""`jinyun version`."""

from __future__ import annotations

from jinyun.cli.common import new_app

app = new_app("Versions of Jinyun and of what it stands on.")
app.info.no_args_is_help = False


@app.command()
def version() -> None:
    """Print versions."""
    from jinyun.app.versions import versions

    for name, number in versions().items():
        print(f"{name} {number}")
