"""Hand-over of a case 刑责治污移送: one sealed file for police, prosecutor or court.

A plain zip, its parts listed with their SHA-256 in ``manifest.json``, which the node signs (Ed25519), as bundles of
figures are. In it: the case and its history, alarms, verdicts with the reading versions they cite, the why-tree down
to the raw frames, digests of the raw messages, and the files attached to the case. Passwords of devices are masked in
the tree; the digest is of the message as it came.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from jinyun import __version__
from jinyun.app.rights.raw import without_passwords
from jinyun.app.rights.reach import Reach
from jinyun.app.services.figures.bundle import MANIFEST, PUBLIC_KEY, SIGNATURE, _packed, _raw_lines, node_key, seal
from jinyun.app.services.figures.evidence import gather
from jinyun.app.services.words import history_dict, record_dict
from jinyun.domains.supervision.case_v2 import RECEIVERS
from jinyun.kernel.errors import BadInput, NotPermitted
from jinyun.kernel.ports import Actor, Record
from jinyun.kernel.terms import china_time

if TYPE_CHECKING:
    from jinyun.app.assemble import House
    from jinyun.app.services.registers import Registers

FORMAT = "jinyun case hand-over 1"
HANDERS = frozenset({"officer", "admin"})


@dataclass(frozen=True, slots=True)
class Sealed:
    """The file, its name and its digest."""

    data: bytes
    name: str
    digest: str
    manifest: Mapping[str, Any]


class HandOver:
    """Makes the sealed file and notes in the case who got it."""

    def __init__(self, house: House, registers: Registers) -> None:
        self._house, self._registers = house, registers

    def make(self, case_id: str, to: str, actor: Actor, *, note: str = "") -> Sealed:
        """The sealed file of a case; its digest is kept in the case's history.

        Raises
        ------
        NotPermitted, BadInput, NotFound
        """
        if not HANDERS & set(actor.roles):
            raise NotPermitted(f"{actor.name}: handing over needs one of the roles {', '.join(sorted(HANDERS))}")
        if to not in RECEIVERS:
            raise BadInput(f"nobody is called {to!r}", field="to", hint=f"one of {', '.join(RECEIVERS)}")
        house = self._house
        case = house.records.get("case", case_id)
        parts, lines = self._parts(case, actor)
        head = {
            "format": FORMAT, "case": case_id, "title": case.data.get("title"), "to": to, "to_zh": RECEIVERS[to][0],
            "made_at": china_time(house.clock.now() // 1_000_000).isoformat(), "made_by": actor.name, "note": note,
            "issuer": house.settings.issuer, "code_version": __version__,
        }  # fmt: skip
        bundle = seal(parts, lines, head, node_key(house.settings.folder))
        digest = hashlib.sha256(bundle.data).hexdigest()
        house.records.step(
            "case", case_id, "hand_over", {"to": to, "digest": digest, **({"note": note} if note else {})}, actor,
            context={**house.act.case_context(case_id), "desk": True},
        )  # fmt: skip
        return Sealed(bundle.data, f"case-{case_id}-{to}.zip", digest, bundle.manifest)

    def _parts(self, case: Record, actor: Actor) -> tuple[dict[str, bytes], dict[str, int]]:
        from jinyun.app.why import Why

        house = self._house
        alarms = [house.records.get("alarm", str(one)) for one in case.data.get("alarms") or ()]
        ids = {int(one) for one in case.data.get("verdicts") or ()}
        ids |= {int(v) for v in _named(case, ("verdict_open", "verdict_close", "contest_verdict",
                                              "contest_verdict_after"))}  # fmt: skip
        ids |= {int(v) for one in alarms for v in _named(one, ("verdict_open", "verdict_peak", "verdict_end"))}
        ids |= {one.id for one in house.act.recovery(case).have}
        evidence = gather(house, ids)
        frames = {line.seq for one in evidence.values() for line in one.readings}
        verdicts = (
            {"id": id, "digest": one.digest, "text": one.text, "readings": sorted({r.text for r in one.readings})}
            for id, one in sorted(evidence.items())
        )
        tasks = house.records.find("task", {"case": case.id}, limit=1000, order="id")
        rows: dict[str, Iterable[Mapping[str, Any]]] = {
            "case.jsonl.gz": [self._record(case, actor)],
            "history.jsonl.gz": self._history(case, actor),
            "alarms.jsonl.gz": [self._record(one, actor) for one in alarms],
            "tasks.jsonl.gz": [self._record(one, actor) for one in tasks],
            "verdicts.jsonl.gz": verdicts,
            "why.jsonl.gz": [without_passwords(json.loads(_text(Why(house).case(case.id))), Reach())],
            "raw.jsonl.gz": _raw_lines(house, frames),
        }
        parts, lines = {}, {}
        for name, some in rows.items():
            parts[name], lines[name] = _packed(some)
        for id in sorted(_files(case, house)):
            path, told = self._registers.attachments.file(id, actor)
            name = f"files/{id}-{told['name']}"
            parts[name], lines[name] = path.read_bytes(), 0
        return parts, lines

    def _record(self, record: Record, actor: Actor) -> dict[str, Any]:
        return json.loads(_text(record_dict(record, self._house.types[record.type], actor.roles)))  # type: ignore[no-any-return]

    def _history(self, case: Record, actor: Actor) -> list[dict[str, Any]]:
        kind = self._house.types["case"]
        entries = self._house.records.history("case", case.id)
        return [json.loads(_text(history_dict(one, kind, actor.roles))) for one in entries]


def verify(data: bytes, *, public_key: str = "") -> dict[str, Any]:
    """What a sealed file says of itself, when all of it holds.

    Parameters
    ----------
    public_key : str
        Of the node it must come from, 64 hex digits; empty: the key in the file, which proves only that nothing was
        changed since it was made.

    Raises
    ------
    BadInput
        Naming what does not hold.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            files = {one: packed.read(one) for one in packed.namelist()}
        text, signature = files.pop(MANIFEST), files.pop(SIGNATURE)
        manifest = json.loads(text)
        key = public_key or str(manifest["public_key"])
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, text)
        files.pop(PUBLIC_KEY, None)
        named = {one["name"]: one for one in manifest["parts"]}
    except InvalidSignature:
        raise BadInput("the signature does not fit: the manifest was changed, or another node made it") from None
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile) as wrong:
        raise BadInput(f"this is no sealed hand-over: {wrong}") from None
    if set(named) != set(files):
        odd = sorted(set(named) ^ set(files))
        raise BadInput(f"the parts are not those of the manifest: {', '.join(odd)}")
    for name, one in named.items():
        if hashlib.sha256(files[name]).hexdigest() != one["sha256"]:
            raise BadInput(f"{name} was changed")
    if manifest.get("format") != FORMAT:
        raise BadInput(f"this is {manifest.get('format')!r}, not {FORMAT!r}")
    return dict(manifest)


def _named(record: Record, names: Iterable[str]) -> list[Any]:
    return [record.data[one] for one in names if record.data.get(one)]


def _files(case: Record, house: Any) -> set[str]:
    """Files of the case's evidence and of its steps, and of its tasks."""
    found = {id for one in case.data.get("evidence") or () for id in one.get("text") or ()}
    for entry in house.records.history("case", case.id):
        found |= set(entry.given.get("files") or ())
    for task in house.records.find("task", {"case": case.id}, limit=1000):
        found |= set(task.data.get("photos") or ())
    return found


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


__all__ = ["FORMAT", "HandOver", "Sealed", "verify"]
