"""Checking the codec against files of test vectors, and decoding captures. Files only, no clock, no socket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple


class Case(NamedTuple):
    id: str
    passed: bool
    detail: str  # what differs


def check_packets(path: Path) -> list[Case]: ...  # type: ignore[empty-body]
def check_streams(path: Path) -> list[Case]: ...  # type: ignore[empty-body]
def decode_lines(stream: BinaryIO | Iterable[bytes]) -> Iterator[dict[str, Any]]: ...  # type: ignore[empty-body]
