"""`jinyun replay`: real tables through the same sockets as live devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jinyun.cli.common import new_app
from jinyun.kernel.errors import BadInput

app = new_app("Send real tables (Parquet, CSV) to a node as HJ 212 uploads.")


@app.command()
def replay(
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="tables with a site, a time and factors")],
    host: Annotated[str, typer.Option(help="the node's address for devices")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="the node's port for devices")] = 9212,
    speed: Annotated[float, typer.Option(help="seconds of data sent in a second")] = 3600.0,
    mapping: Annotated[
        str, typer.Option(help="water_auto, air_stations, plain, or a TOML file [default: the first that fits]")
    ] = "",
    only: Annotated[list[str] | None, typer.Option(help="column=value, e.g. city=重庆; may be repeated")] = None,
    files: Annotated[str, typer.Option(help="file names to read, e.g. 'national_4h_*'")] = "",
    now: Annotated[bool, typer.Option("--now", help="shift by whole days to end within the last day")] = False,
    limit: Annotated[int, typer.Option(min=0, help="records to send; 0: all")] = 0,
    clock: Annotated[str, typer.Option(help="SIM_ISO,REAL_ISO,SPEED, as the node has it")] = "",
    registry: Annotated[
        Path | None, typer.Option(help="send nothing: write site.json and device.json for `jinyun records load`")
    ] = None,
) -> None:
    """Register first: --registry OUT writes the files and prints the commands that load them. Then send."""
    from jinyun.app.simulate import Replay, load, write_registry
    from jinyun.app.simulate import replay as run

    if speed <= 0:
        raise BadInput(f"speed {speed:g} must be above 0", field="speed")
    wanted = {}
    for one in only or ():
        name, equals, value = one.partition("=")
        if not equals:
            raise BadInput(f"--only {one!r} has no '='", hint="write column=value")
        wanted[name] = value
    asked = Replay(
        folder=folder, mapping=mapping, only=wanted, glob=files, host=host, port=port, speed=speed, to_now=now,
        clock=clock, limit=limit,
    )  # fmt: skip
    if registry is not None:
        for path in write_registry(load(asked), registry):
            print(f"jinyun records load {path.stem} {path}")
        return
    run(asked, lambda line: print(line, flush=True))
