"""`jinyun simulate`: a district in a box, on real sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jinyun.cli.common import new_app

app = new_app("Run a simulated district against a node: deterministic, with faults by script.")
app.info.no_args_is_help = False


@app.command()
def simulate(
    *,
    scale: Annotated[str, typer.Option(help="small (40 enterprises) or district (1,300, 3,000 connections)")] = "small",
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 7,
    faults: Annotated[str, typer.Option(help="fault script: demo, wire, cut, or a TOML file")] = "",
    origin: Annotated[
        str, typer.Option(help="what the script's times count from: seconds or ISO 8601 [default: the start]")
    ] = "",
    speed: Annotated[float, typer.Option(help="times real time; give the node the same clock by --clock")] = 1.0,
    clock: Annotated[str, typer.Option(help="SIM_ISO,REAL_ISO,SPEED: share a scaled clock with the node")] = "",
    host: Annotated[str, typer.Option(help="the node's address for devices")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="the node's port for devices")] = 9212,
    realtime: Annotated[int, typer.Option(help="real-time data every so many seconds")] = 30,
    minute: Annotated[int, typer.Option(help="minute data every so many minutes")] = 10,
    seconds: Annotated[float | None, typer.Option(help="end after so long; of a recording: simulated seconds")] = None,
    history: Annotated[
        int, typer.Option(min=0, help="days of the past that stations send beside the live data, the newest first")
    ] = 0,
    history_rate: Annotated[float, typer.Option(help="frames of the past per second at most")] = 80.0,
    history_state: Annotated[
        Path | None, typer.Option(help="file that keeps how far the past is: a later run goes on there")
    ] = None,
    truth: Annotated[Path | None, typer.Option(help="at the end write the true figures to this folder")] = None,
    record: Annotated[Path | None, typer.Option(help="no sockets: write the bytes that would be sent")] = None,
) -> None:
    """Run until Ctrl-C."""
    from jinyun.app.simulate import Simulation, record_to
    from jinyun.app.simulate import simulate as run

    asked = Simulation(
        scale=scale, seed=seed, faults=faults, origin=origin, clock=clock, speed=speed, host=host, port=port,
        realtime_s=realtime, minute=minute, seconds=seconds, history=history, history_rate=history_rate,
        history_state=history_state,
    )  # fmt: skip
    if record is not None:
        messages, size = record_to(asked, record)
        print(f"{messages} messages, {size} bytes written to {record}")
        return
    run(asked, lambda line: print(line, flush=True), truth)
