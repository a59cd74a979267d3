"""`jinyun hj212`: decode captures, check vectors, listen like a centre, send like a logger, command a device."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from jinyun.cli.common import DEFAULT_FOLDER, Folder, new_app

app = new_app("HJ 212 tools for the field, and commands to the devices of a running node.")

Crc = Annotated[str, typer.Option(help="CRC dialect: hj212, modbus, modbus_swapped, arc")]
Key = Annotated[str, typer.Option("--sm4-key", help="SM4 key of HJ 212-2025, 32 hex digits")]


def _line(row: dict[str, Any]) -> None:
    print(json.dumps(row, ensure_ascii=False), flush=True)


@app.command()
def decode(
    file: Annotated[str, typer.Argument(help="packets.jsonl or a raw capture; - for standard input")],
    sm4_key: Key = "",
) -> None:
    """Decode packets to JSON lines: header, readings in canonical units, what was refused and why."""
    from jinyun.app import field

    for row in field.decode_file(file, sm4_key=sm4_key):
        _line(row)


@app.command()
def conformance(
    packets: Annotated[str, typer.Argument(help="packets.jsonl")],
    streams: Annotated[str, typer.Argument(help="streams.jsonl")],
) -> None:
    """Check the codec against test vectors: a line per case, then `N passed, N failed`."""
    from jinyun.app import field

    cases = field.conformance(packets, streams)
    for case in cases:
        print(f"{case.id} {'passed' if case.passed else 'FAILED: ' + case.detail}")
    failed = sum(not case.passed for case in cases)
    print(f"{len(cases) - failed} passed, {failed} failed")
    if failed:
        raise typer.Exit(1)


@app.command()
def listen(
    host: Annotated[str, typer.Option(help="address to listen on")] = "0.0.0.0",
    port: Annotated[int, typer.Option(min=0, max=65535, help="port; 0: any free one")] = 9212,
    answer: Annotated[bool, typer.Option("--answer/--silent", help="acknowledge what asks for it")] = True,
    crc: Crc = "hj212",
    sm4_key: Key = "",
) -> None:
    """Stand in for a centre: show what loggers send, as JSON lines, until Ctrl-C. Nothing is kept."""
    import asyncio

    from jinyun.app import field

    def ready(bound: int) -> None:
        _line({"event": "listening", "host": host, "port": bound})

    asyncio.run(field.listen(_line, host=host, port=port, answer=answer, crc=crc, sm4_key=sm4_key, ready=ready))


@app.command()
def send(
    target: Annotated[str, typer.Argument(help="HOST:PORT of the centre")],
    *,
    mn: Annotated[str, typer.Option(help="device number")],
    cn: Annotated[str, typer.Option(help="command code")] = "2011",
    cp: Annotated[str, typer.Option(help="data area, e.g. DataTime=20260301080000;w01018-Rtd=40.1,w01018-Flag=N")] = "",
    st: Annotated[str, typer.Option(help="system code")] = "32",
    pw: Annotated[str, typer.Option(help="access password")] = "123456",
    edition: Annotated[int, typer.Option(help="2005, 2017 or 2025")] = 2017,
    answer: Annotated[bool, typer.Option("--answer/--no-answer", help="ask for an answer")] = True,
    wait: Annotated[float, typer.Option(min=0.1, help="seconds to wait for it")] = 10.0,
    crc: Crc = "hj212",
    sm4_key: Key = "",
) -> None:
    """Send one packet like a data logger and show the answer."""
    import asyncio

    from jinyun.app import field
    from jinyun.kernel.errors import BadInput

    host, _, port = target.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadInput(f"{target!r} is no HOST:PORT", field="target", hint="for example 127.0.0.1:9212")
    frames = field.built(cn, mn=mn, st=st, pw=pw, edition=edition, cp=cp, crc=crc, sm4_key=sm4_key, answer=answer)
    rows = asyncio.run(field.send(frames, host=host.strip("[]"), port=int(port), wait=wait, sm4_key=sm4_key, crc=crc))
    for row in rows:
        _line(row)
    if answer and any(row["answer"] is None for row in rows):
        raise typer.Exit(1)


@app.command()
def command(
    mn: Annotated[str, typer.Argument(help="the device")],
    cn: Annotated[str, typer.Argument(help="command code, e.g. 1012 set clock, 2061 fetch hours, 3012 sample now")],
    params: Annotated[list[str] | None, typer.Argument(help="name=value, e.g. BeginTime=20260301000000")] = None,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    """Queue a command to a device of the running node, and print it; the link page shows how it goes."""
    from urllib.parse import quote

    from jinyun.app.local import running_node
    from jinyun.kernel.errors import BadInput, Unavailable

    given = [text.partition("=") for text in params or []]
    if wrong := [name for name, sign, _ in given if not sign]:
        raise BadInput(f"{wrong[0]!r} is no parameter", hint="write name=value")
    node = running_node(folder)
    if node is None:
        raise Unavailable(f"no node runs on {folder}; commands go out from a running node")
    body = {"cn": cn, "params": {name: value for name, _, value in given}}
    _line(node.ask("POST", f"/api/links/{quote(mn, safe='')}/commands", body))
