"""`jinyun system`: how a node fares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinyun.app.local import system_state
from jinyun.cli.common import DEFAULT_FOLDER, AsJson, Folder, new_app, print_json

app = new_app("State of a node: asked of the running node, or read from the files of a stopped one.")
app.info.no_args_is_help = False


@app.command()
def system(folder: Folder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """Rates, journal, store, seal state, jobs, process."""
    state = system_state(folder)
    if as_json:
        print_json(state)
        return
    for part, value in state.items():
        _show(part, value, 0)


def _show(name: str, value: Any, depth: int) -> None:
    lead = "  " * depth
    if isinstance(value, Mapping):
        print(f"{lead}{name}:")
        for key, one in value.items():
            _show(str(key), one, depth + 1)
    elif isinstance(value, list):
        print(f"{lead}{name}:")
        for one in value:
            if isinstance(one, Mapping):
                print(f"{lead}  - " + ", ".join(f"{k}={v}" for k, v in one.items() if v not in ("", None)))
            else:
                print(f"{lead}  - {one}")
    else:
        print(f"{lead}{name}: {value}")
