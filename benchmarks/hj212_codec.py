"""Speed of the HJ 212 codec alone, with all its checks: framing, CRC, header, content to exact values.

Method of rules §15.1: loop over the packets of the shared file that have the right length and the standard CRC (CR LF
added where a transcript lost it) for a while of CPU time of this process, median of the rounds; and the subset of data
uploads. Every packet goes through `Framer.feed`, `packet.parse` and `content.decode`; nothing is skipped.

Run: ``python benchmarks/hj212_codec.py [--seconds 1.5] [--rounds 7] [--fresh]``. With ``--fresh`` every packet of a
round has figures never seen before (same shapes), to show that no value is remembered.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import re
import statistics
import time
from pathlib import Path

from jinyun.sense.hj212 import content, packet
from jinyun.sense.hj212.compose import frame as framed
from jinyun.sense.hj212.framing import Framer, examine

PACKETS = Path(__file__).parents[1] / "tests" / "data" / "hj212" / "packets.jsonl"
FLOORS = {"mixed": 30_000, "data uploads": 12_000}


def load() -> tuple[list[bytes], list[bytes]]:
    """(all ASCII packets with right length and standard CRC, the data uploads among them)."""
    mixed, data = [], []
    for line in PACKETS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        raw = row["raw"].encode() if row["raw"] is not None else base64.b64decode(row["raw_b64"])
        if not (raw.isascii() and row["length_ok"] and row["crc_dialect"] == "hj212" and raw.startswith(b"##")):
            continue
        one = raw.rstrip(b"\r\n") + b"\r\n"
        mixed.append(one)
        decoded = content.decode(packet.parse(examine(one)))
        if decoded.kind in ("data", "state"):
            data.append(one)
    return mixed, data


def one_by_one(packets: list[bytes]) -> int:
    """Packets as they come from sockets, one read each; returns values decoded."""
    framer, values = Framer(), 0
    for raw in packets:
        for frame in framer.feed(raw):
            values += len(content.decode(packet.parse(frame)).values)
    return values


def rate(packets: list[bytes], seconds: float, rounds: int, fresh: bool) -> float:
    """Packets per second of CPU time, median of rounds."""
    figures = []
    dice = random.Random(1)
    for _ in range(rounds):
        done, spent = 0, 0.0
        while spent < seconds:
            batch = [renumbered(raw, dice) for raw in packets] if fresh else packets
            start = time.process_time()
            one_by_one(batch)
            spent += time.process_time() - start
            done += len(packets)
        figures.append(done / spent)
    return statistics.median(figures)


def renumbered(raw: bytes, dice: random.Random) -> bytes:
    """The same packet with other decimals in its figures."""
    segment = raw[6:-6]
    new = re.sub(rb"(?<=\.)\d+(?=[;,&])", lambda m: b"%0*d" % (len(m[0]), dice.randrange(10 ** len(m[0]))), segment)
    return framed(new)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=1.5, help="CPU time of a round")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--fresh", action="store_true")
    given = arguments.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    mixed, data = load()
    for name, packets in (("mixed", mixed), ("data uploads", data)):
        mean = sum(map(len, packets)) / len(packets)
        figure = rate(packets, given.seconds, given.rounds, given.fresh)
        shown = f"{figure:,.0f} packets/s (floor {FLOORS[name]:,})"
        print(f"{name}: {len(packets)} packets, mean {mean:.0f} bytes: {shown}")


if __name__ == "__main__":
    main()
