"""HJ 212 tools for people in the field: decode a capture, check vectors, listen like a centre, send like a logger.

No node is needed and nothing is stored: what was received is shown and, on request, answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jinyun.kernel.errors import BadInput, Unavailable
from jinyun.sense.hj212 import compose, vectors
from jinyun.sense.hj212.codes import COMMANDS
from jinyun.sense.hj212.content import china_seconds
from jinyun.sense.hj212.crc import DIALECTS
from jinyun.sense.hj212.framing import Framer
from jinyun.sense.hj212.packet import BadPacket, Packet, parse

Show = Callable[[dict[str, Any]], None]


def key_of(text: str) -> bytes:
    """An SM4 key from 32 hex digits; "" is no key.

    Raises
    ------
    BadInput
        When it is something else.
    """
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b"?"
    if len(key) not in (0, 16):
        raise BadInput("an SM4 key is 32 hex digits", field="sm4-key")
    return key


def _dialect_of(crc: str) -> str:
    if crc not in DIALECTS:
        raise BadInput(f"no CRC dialect {crc!r}", field="crc", hint=f"there are {', '.join(DIALECTS)}")
    return crc


def decode_file(path: str, *, sm4_key: str = "") -> Iterator[dict[str, Any]]:
    """Decode packets.jsonl or a raw capture, ``-`` for standard input: one dict per frame or refusal.

    Raises
    ------
    BadInput
        When the file cannot be read.
    """
    key = key_of(sm4_key)
    if path == "-":
        yield from vectors.decode_lines(sys.stdin.buffer, sm4_key=key)
        return
    try:
        with Path(path).open("rb") as stream:
            yield from vectors.decode_lines(stream, sm4_key=key)
    except OSError as wrong:
        raise BadInput(f"cannot read {path}: {wrong.strerror}", field="path") from wrong


def conformance(packets: str, streams: str) -> list[vectors.Case]:
    """Check both vector files, packets first."""
    return [*vectors.check_packets(Path(packets)), *vectors.check_streams(Path(streams))]


# ------------------------------------------------------------------------------------------------- listen


async def listen(
    show: Show, *, host: str = "0.0.0.0", port: int = 9212, answer: bool = True, crc: str = "hj212",
    sm4_key: str = "", ready: Callable[[int], None] | None = None,
) -> None:  # fmt: skip
    """Stand in for a centre: show what loggers send and, when `answer`, acknowledge it as they ask. Until cancelled.

    Nothing is kept, so an acknowledged packet is gone: a tool for a workshop, not for a site in operation.

    Raises
    ------
    Unavailable
        When the port is taken.
    """
    dialect, key = _dialect_of(crc), key_of(sm4_key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = "{}:{}".format(*writer.get_extra_info("peername")[:2])
        framer = Framer(crc=dialect, sm4_key=key)
        show({"event": "connected", "peer": peer})
        try:
            while data := await reader.read(65536):
                for frame in framer.feed(data):
                    show({"event": "frame", "peer": peer, **vectors.shown(frame, sm4_key=key)})
                    reply = _reply(frame, key) if answer else b""
                    if reply:
                        writer.write(reply)
                for refusal in framer.rejects():
                    show({"event": "refused", "peer": peer, **vectors.refused(refusal)})
                await writer.drain()
        except ConnectionError as wrong:
            show({"event": "broken", "peer": peer, "sentence": str(wrong)})
        finally:
            framer.close()
            for refusal in framer.rejects():
                show({"event": "refused", "peer": peer, **vectors.refused(refusal)})
            show({"event": "closed", "peer": peer})
            writer.close()

    try:
        server = await asyncio.start_server(serve, host, port)
    except OSError as wrong:
        raise Unavailable(f"cannot listen on {host}:{port}: {wrong.strerror}") from wrong
    async with server:
        bound = server.sockets[0].getsockname()[1]
        if ready is not None:
            ready(bound)
        await server.serve_forever()


def _reply(frame: Any, key: bytes) -> bytes:
    """9014 to an upload, 9013 to a notification, nothing to an answer or when none is wanted."""
    try:
        packet = parse(frame, sm4_key=key)
    except BadPacket:
        return b""
    command = COMMANDS.get(packet.cn)
    if not packet.answer_wanted or packet.cn in ("9011", "9012", "9013", "9014"):
        return b""
    notified = command is not None and command.up == "N"
    return compose.answer(packet, "9013" if notified else "9014", crc=_spoken(frame.crc_dialect))


def _spoken(dialect: str) -> str:
    return dialect if dialect in DIALECTS else "hj212"


# ------------------------------------------------------------------------------------------------- send


def built(
    cn: str, *, mn: str, st: str = "32", pw: str = "123456", edition: int = 2017, cp: str = "", crc: str = "hj212",
    sm4_key: str = "", answer: bool = True, now: int | None = None,
) -> list[bytes]:  # fmt: skip
    """Frames of a packet typed by hand: `cp` is the text between the ``&&`` marks.

    An upload without DataTime gets the present minute. Too long a `cp` is split by factor when it begins with DataTime.

    Raises
    ------
    BadInput
        When something in it cannot be sent.
    """
    dialect, key = _dialect_of(crc), key_of(sm4_key)
    micros = time.time_ns() // 1000 if now is None else now
    qn = compose.qn_of(micros)
    first, _, rest = cp.partition(";")
    name, _, text = first.partition("=")
    if name == "DataTime" and (moment := china_seconds(text)) is not None and cn[:1] == "2":
        items = [one for one in rest.split(";") if one]
        return compose.upload(
            cn, mn=mn, st=st, items=items, time=moment, qn=qn, pw=pw, edition=edition, answer=answer, crc=dialect,
            sm4_key=key,
        )  # fmt: skip
    flag = compose.flag_of(edition, answer=answer)
    segment = compose.segment(cn, st=st, pw=pw, mn=mn, qn=qn, flag=flag, cp=cp, edition=edition)
    if len(segment.encode()) > compose.MAX_SEGMENT:
        raise BadInput(f"the segment has {len(segment.encode())} bytes, more than {compose.MAX_SEGMENT}", field="cp")
    return [compose.frame(segment, crc=dialect, sm4_key=key)]


async def send(
    frames: Sequence[bytes], *, host: str, port: int, wait: float = 10.0, sm4_key: str = "", crc: str = "hj212"
) -> list[dict[str, Any]]:
    """Send frames to a centre one after another and wait for the answer of each: what was sent and what came back.

    Each row has ``sent`` (text), ``answer`` (decoded, or None when none came in `wait` s) and ``seconds``.

    Raises
    ------
    Unavailable
        When the centre cannot be reached.
    """
    key = key_of(sm4_key)
    framer = Framer(crc=_dialect_of(crc), sm4_key=key)
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), wait)
    except (OSError, TimeoutError) as wrong:
        raise Unavailable(f"no centre at {host}:{port}: {wrong or 'timed out'}") from wrong
    rows: list[dict[str, Any]] = []
    try:
        for frame in frames:
            began = time.monotonic()
            writer.write(frame)
            await writer.drain()
            wanted = _packet_of(frame, key, crc)
            answer = None
            if wanted is None or wanted.answer_wanted:
                with contextlib.suppress(TimeoutError, ConnectionError):
                    answer = await asyncio.wait_for(_next(reader, framer, key), wait)
            rows.append({
                "sent": frame.decode("utf-8", "backslashreplace").rstrip("\r\n"), "answer": answer,
                "seconds": round(time.monotonic() - began, 4),
            })  # fmt: skip
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return rows


def _packet_of(frame: bytes, key: bytes, crc: str) -> Packet | None:
    for one in Framer(crc=crc, sm4_key=key).feed(frame):
        with contextlib.suppress(BadPacket):
            return parse(one, sm4_key=key)
    return None


async def _next(reader: asyncio.StreamReader, framer: Framer, key: bytes) -> dict[str, Any] | None:
    while data := await reader.read(65536):
        for one in framer.feed(data):
            return vectors.shown(one, sm4_key=key)
    return None
