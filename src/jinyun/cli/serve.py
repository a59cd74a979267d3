"""`jinyun serve`: run a node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jinyun.cli.common import DEFAULT_FOLDER, Folder, new_app

app = new_app("Run a node on a folder: HJ 212 centre, store, judging, alarms, cases and the page.")
app.info.no_args_is_help = False


@app.command()
def serve(
    *,
    folder: Folder = DEFAULT_FOLDER,
    host: Annotated[str | None, typer.Option(help="address of the page [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="port of the page [default: 8212]")] = None,
    hj212_host: Annotated[str | None, typer.Option(help="address for devices [default: 127.0.0.1]")] = None,
    hj212_port: Annotated[
        int | None, typer.Option("--hj212-port", min=0, max=65535, help="port for devices [default: 9212]")
    ] = None,
    demo: Annotated[
        bool | None, typer.Option("--demo/--empty", help="with a simulated district beside it, or without")
    ] = None,
    scale: Annotated[str | None, typer.Option(help="of the demo: small or district")] = None,
    seed: Annotated[int | None, typer.Option(help="of the demo")] = None,
    history: Annotated[
        int | None, typer.Option(min=0, help="of the demo: days of the past its stations send in the background")
    ] = None,
    clock: Annotated[str | None, typer.Option(help="SIM_ISO,REAL_ISO,SPEED: a scaled clock, for tests")] = None,
) -> None:
    """Run a node until Ctrl-C. Settings not given come from jinyun.toml in the folder."""
    from jinyun.app.serve import run
    from jinyun.app.settings import Settings
    from jinyun.web import create_app

    settings = Settings.load(
        Path(folder),
        host=host,
        http_port=port,
        hj212_host=hj212_host,
        hj212_port=hj212_port,
        demo=demo,
        demo_scale=scale,
        demo_seed=seed,
        demo_history=history,
        clock=clock,
    )
    run(settings, create_app)
