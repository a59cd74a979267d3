"""The body of a stored verdict: what is not asked by, as compressed JSON arrays. Fields are only added at the end."""

from __future__ import annotations

from typing import Any

import msgspec
import zstandard


class BriefItem(msgspec.Struct, array_like=True):
    """An `Item` up to its reason: what comes after is not even looked at."""

    factor: str
    figure: str | None
    unit: str
    status: int
    limit: str | None
    grade: str | None
    multiple: str | None
    clause: str
    reason: str


class Item(BriefItem, array_like=True):
    readings: list[tuple[int, int, int]]


class Head(msgspec.Struct, array_like=True):
    """A `Body` up to its items."""

    figure: str | None
    unit: str
    limit: str | None
    clause: str
    edition: str
    label_zh: str
    label_en: str
    deciding: list[str]


class Body(Head, array_like=True):
    items: list[Item]
    sentence_zh: str
    sentence_en: str
    code_version: str
    extra: dict[str, Any]


class BriefBody(Head, array_like=True):
    """A `Body` with its items, and no more."""

    items: list[BriefItem]


class LightBody(BriefBody, array_like=True):
    """A `Body` without the readings it rests on: nine tenths of the work of reading a long line."""

    sentence_zh: str
    sentence_en: str
    code_version: str
    extra: dict[str, Any]


DECODER = msgspec.json.Decoder(Body)
LIGHT_DECODER = msgspec.json.Decoder(LightBody)
BRIEF_DECODER = msgspec.json.Decoder(BriefBody)


def evidence_of(body: bytes) -> list[tuple[int, int, int]]:
    """(series, time [s], seq) of all reading versions that a stored verdict rests on, from its ``body``."""
    return [
        ref for item in DECODER.decode(zstandard.ZstdDecompressor().decompress(body)).items for ref in item.readings
    ]
