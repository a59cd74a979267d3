"""A sealed bundle of a year: published figures, the verdicts they rest on with their readings, digests of the raw
messages that carried those, and a signature over all of it. The same stores give the same bytes.

A plain zip without compression of its own, so that it can be built again byte for byte from what is inside; its parts
are gzip of JSON lines. docs/verify_bundle.py verifies one without any of our code.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from jinyun import __version__
from jinyun.app.services.figures.evidence import gather
from jinyun.domains.warehouse.figures import BUNDLE_FORMAT, canonical
from jinyun.kernel.errors import BadInput, JinyunError
from jinyun.kernel.terms import Frame

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.store.passports import SqlPassports

KEY_FILE = "figures.key"
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "signature.bin", "public_key.txt"
AT_ONCE = 3000
"""Verdicts, or frames, held in memory at once."""
STATES = ("published", "superseded", "withdrawn")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The file, and what it says of itself."""

    data: bytes
    manifest: dict[str, Any]

    @property
    def public_key(self) -> str:
        return str(self.manifest["public_key"])


def node_key(folder: Path) -> Ed25519PrivateKey:
    """The node's key, made on first use, readable by its user only."""
    path = folder / KEY_FILE
    if not path.is_file():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(pem)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(path)
    return read_key(path)


def read_key(path: Path) -> Ed25519PrivateKey:
    """A private key from a PEM file.

    Raises
    ------
    BadInput
        When the file is not there or holds no Ed25519 key.
    """
    hint = "an Ed25519 key in PEM, as `openssl genpkey -algorithm ed25519` writes it"
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as wrong:
        raise BadInput(f"{path} cannot be read as a key: {wrong}", field="key", hint=hint) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput(f"{path} holds another kind of key", field="key", hint=hint)
    return key


def public_text(key: Ed25519PrivateKey) -> str:
    """The public key, 64 hex digits."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def make(house: House, passports: SqlPassports, year: int, key: Ed25519PrivateKey) -> Bundle:
    """The bundle of all figures whose period lies in `year`.

    Raises
    ------
    BadInput
        When nothing was published for that year.
    NotFound
        When a verdict or a reading version is not stored any more.
    """
    records = house.records.find("figure", {"year": year}, states=list(STATES), limit=10_000_000, order="id")
    if not records:
        raise BadInput(f"no figure of {year} was published", field="year", hint="publish figures first")
    publications = sorted({one.data["publication"] for one in records})
    ids: set[int] = set()
    frames: set[int] = set()

    def publication_lines() -> Iterator[dict[str, Any]]:
        for id in publications:
            content = passports.content(id)
            ids.update(verdict for verdict, _ in content["verdicts"])
            yield content

    def verdict_lines() -> Iterator[dict[str, Any]]:
        wanted = sorted(ids)
        for first in range(0, len(wanted), AT_ONCE):
            for id, one in sorted(gather(house, wanted[first : first + AT_ONCE]).items()):
                frames.update(line.seq for line in one.readings)
                texts = sorted({line.text for line in one.readings})
                yield {"id": id, "digest": one.digest, "text": one.text, "readings": texts}

    def figure_lines() -> Iterator[dict[str, Any]]:
        for one in records:
            data = {name: value for name, value in one.data.items() if value is not None}
            yield {"id": one.id, "state": one.state, **data}

    parts = {
        "figures.jsonl.gz": _packed(figure_lines()),
        "publications.jsonl.gz": _packed(publication_lines()),
        "verdicts.jsonl.gz": _packed(verdict_lines()),
        "raw.jsonl.gz": _packed(_raw_lines(house, frames)),
    }
    head = {
        "format": BUNDLE_FORMAT, "year": year, "issuer": house.settings.issuer,
        "jurisdiction": house.settings.jurisdiction, "code_version": __version__,
    }  # fmt: skip
    lines = {name: count for name, (_, count) in parts.items()}
    return seal({name: data for name, (data, _) in parts.items()}, lines, head, key)


def seal(
    parts: Mapping[str, bytes], lines: Mapping[str, int], head: Mapping[str, Any], key: Ed25519PrivateKey
) -> Bundle:
    """Parts with their manifest and its signature as one zip."""
    manifest = {
        **head, "public_key": public_text(key),
        "parts": [
            {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "lines": lines[name]}
            for name, data in sorted(parts.items())
        ],
    }  # fmt: skip
    text = (canonical(manifest) + "\n").encode()
    files = dict(parts) | {
        MANIFEST: text, SIGNATURE: key.sign(text),
        PUBLIC_KEY: (manifest["public_key"] + "\n").encode(),
    }  # fmt: skip
    return Bundle(zipped(files), manifest)


def sealed_again(data: bytes, key: Ed25519PrivateKey) -> Bundle:
    """The same bundle under another key."""
    import json

    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        manifest = json.loads(packed.read(MANIFEST))
        parts = {one["name"]: packed.read(one["name"]) for one in manifest["parts"]}
    lines = {one["name"]: one["lines"] for one in manifest["parts"]}
    head = {name: value for name, value in manifest.items() if name not in ("parts", "public_key")}
    return seal(parts, lines, head, key)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip whose bytes depend on names and contents only."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for name, data in sorted(files.items()):
            packed.writestr(zipfile.ZipInfo(name), data)  # dated 1980-01-01, no attributes
    return out.getvalue()


def _packed(rows: Iterable[Mapping[str, Any]]) -> tuple[bytes, int]:
    """Rows as gzip of JSON lines, and how many."""
    out, count = io.BytesIO(), 0
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=out, mtime=0) as packed:
        for row in rows:
            packed.write((canonical(row) + "\n").encode())
            count += 1
    return out.getvalue(), count


def _raw_lines(house: House, ids: set[int]) -> Iterator[dict[str, Any]]:
    """Frames that carried the readings, each with the sha256 and the CRC of its raw message."""
    from jinyun.sense.hj212.crc import text as crc_text
    from jinyun.sense.hj212.framing import examine

    wanted = sorted(ids)
    for first in range(0, len(wanted), AT_ONCE):
        part: Sequence[int] = wanted[first : first + AT_ONCE]
        frames: Mapping[int, Frame] = house.readings.frames(part)
        for id in part:
            yield _raw_line(house, frames[id], examine, crc_text)


def _raw_line(house: House, frame: Frame, examine: Callable[..., Any], crc_text: Callable[..., str]) -> dict[str, Any]:
    line: dict[str, Any] = {
        "frame": frame.id, "received_at": frame.received_at, "origin": frame.origin.name, "mn": frame.mn,
        "author": frame.author, "reason": frame.reason, "session": frame.session,
    }  # fmt: skip
    if frame.ref is None:
        return line
    line |= {"segment": frame.ref.segment, "offset": frame.ref.offset}
    try:
        message = house.journal.read(frame.ref)
    except (JinyunError, OSError) as gone:  # retention took it: that is said, and signed
        return line | {"gone": str(gone)}
    looked = examine(message.data)
    return line | {
        "bytes": len(message.data), "sha256": hashlib.sha256(message.data).hexdigest(),
        "crc_in_frame": looked.crc_text, "crc_dialect": looked.crc_dialect,
        "crc_computed": crc_text(looked.segment, "hj212") if looked.crc_dialect in ("none", "mismatch")
        else crc_text(looked.segment, looked.crc_dialect),
    }  # fmt: skip
