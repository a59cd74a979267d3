"""Framing must not depend on how the network cuts the bytes, nor on what lies between frames."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jinyun.sense.hj212 import content, packet
from jinyun.sense.hj212.framing import Framer, examine

DATA = Path(__file__).parents[1] / "data" / "hj212"
KEY = b"0" * 16
GOOD = [
    base64.b64decode(frame)
    for line in (DATA / "streams.jsonl").read_text(encoding="utf-8").splitlines()
    for frame in json.loads(line)["frames_b64"]
]
WHOLE = [frame for frame in dict.fromkeys(GOOD) if examine(frame, sm4_key=KEY).length_ok]
STREAMS = [
    b"".join(map(base64.b64decode, json.loads(line)["chunks_b64"]))
    for line in (DATA / "streams.jsonl").read_text(encoding="utf-8").splitlines()
]
TAILS = st.sampled_from([b"\r\n", b"\n", b"\r", b"", b"**\r\n", b"\r\n\r\n  "])
# Noise in which no frame can begin: anything without "##".
NOISE = st.binary(max_size=60).map(lambda one: one.replace(b"#", b"+")) | st.sampled_from(
    [
        b"AT+CSQ\r\nOK\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"#",
        b"# #",
        b"##x",
        b"####",
        b"##12ab\r\n",
    ]
)


def fed(chunks: list[bytes], **given_: object) -> list[bytes]:
    framer = Framer(sm4_key=KEY, **given_)  # type: ignore[arg-type]
    got = [frame.data for chunk in chunks for frame in framer.feed(chunk)]
    return got + [frame.data for frame in framer.close()]


def cut(whole: bytes, cuts: list[int]) -> list[bytes]:
    marks = sorted({one % (len(whole) + 1) for one in cuts} | {0, len(whole)})
    return [whole[a:b] for a, b in pairwise(marks)]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_frames_come_out_whatever_lies_between_and_however_it_is_cut(data: st.DataObject) -> None:
    frames = data.draw(st.lists(st.sampled_from(WHOLE), max_size=5))
    stream = data.draw(NOISE)
    for frame in frames:
        # "#" before "##" is a frame still: "###" hides a header
        stream += frame + data.draw(TAILS) + data.draw(NOISE)
    assert fed(cut(stream, data.draw(st.lists(st.integers(0, 5000), max_size=12)))) == frames


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(STREAMS), st.data())
def test_damaged_streams_give_the_same_frames_in_any_cut(stream: bytes, data: st.DataObject) -> None:
    damaged = bytearray(stream + data.draw(st.sampled_from(WHOLE)) + b"\r\n" + data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        what = data.draw(st.sampled_from(["flip", "drop", "add", "cut"]))
        if what == "flip":
            damaged[at] ^= data.draw(st.integers(1, 255))
        elif what == "drop":
            del damaged[at : at + data.draw(st.integers(1, 40))]
        elif what == "add":
            damaged[at:at] = data.draw(st.binary(max_size=20) | st.sampled_from([b"##", b"##0100QN=", b"&&1C80\r\n"]))
        else:
            del damaged[at:]
        damaged += b" "
    whole = bytes(damaged)
    in_one = fed([whole])
    assert fed(cut(whole, data.draw(st.lists(st.integers(0, 5000), max_size=12)))) == in_one
    assert fed([whole[at : at + 1] for at in range(len(whole))]) == in_one


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5), st.sampled_from(["hj212", "modbus", "arc"]))
def test_no_bytes_upset_the_framer_and_memory_stays_bounded(chunks: list[bytes], dialect: str) -> None:
    framer = Framer(crc=dialect, max_size=256)
    for chunk in [b"##0300QN=", *chunks, b"##9999ST=", *chunks]:
        framer.feed(chunk)
        assert framer.waiting <= 2 * 256 + 64 + len(chunk)
    framer.close()
    framer.rejects()
    assert framer.waiting == 0


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(WHOLE), st.data())
def test_no_bytes_upset_the_reader(noise: bytes, frame: bytes, data: st.DataObject) -> None:
    spoiled = bytearray(frame)
    for _ in range(data.draw(st.integers(0, 6))):
        spoiled[data.draw(st.integers(6, len(spoiled) - 1))] = data.draw(st.integers(0, 255))
    for raw in (
        noise,
        b"##0050ST=32;CN=2011;" + noise,
        bytes(spoiled),
        b"ST=22;CN=2051;CP=&&DataTime=1;" + noise + b"&&",
    ):
        one = examine(raw, sm4_key=KEY)
        try:
            parsed = packet.parse(one, sm4_key=KEY)
        except packet.BadPacket:
            continue
        read = content.decode(parsed)
        assert len(read.values) == len(read.flags) == len(read.keys)
        assert all(isinstance(value, int) for value in read.values)
        parsed.pairs()


@pytest.mark.parametrize("frame", WHOLE[:20], ids=range(20))
def test_a_frame_cut_at_every_byte(frame: bytes) -> None:
    for at in range(1, len(frame)):
        framer = Framer(sm4_key=KEY)
        assert framer.feed(frame[:at]) == []
        assert [one.data for one in framer.feed(frame[at:] + b"\r\n")] == [frame]
        assert framer.rejects() == []
