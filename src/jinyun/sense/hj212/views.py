"""Links as pages show them: rows of the list, and one link with its frames read again from the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jinyun.kernel.errors import JinyunError, NotFound
from jinyun.kernel.factors import factors
from jinyun.kernel.ports import MICRO, NO_VALUE, DeviceProfile
from jinyun.kernel.terms import Flag, JournalRef, Reject
from jinyun.sense.hj212 import codes, content, framing, packet
from jinyun.sense.hj212.links import Link, advice

if TYPE_CHECKING:
    from jinyun.sense.hj212.centre import Centre

SECRET_PARAMS = ("NewPW", "NewSK")
ITEMS_SHOWN = 120
HEX_SHOWN = 512


def row(centre: Centre, mn: str, now: int) -> dict[str, Any]:
    """One line of the list of links."""
    link, profile = centre.book.links.get(mn), centre.devices.get(mn)
    registered = profile if profile is not None and profile.site else None
    base = {
        "mn": mn, "name": profile.name if profile else "", "site": registered.site if registered else None,
        "site_kind": registered.site_kind if registered else None,
    }  # fmt: skip
    if link is None:
        return base | {
            "state": "gone" if registered else "quarantine", "last_at": None, "rate_per_min": 0.0, "rejects": 0,
            "crc_guess": "",
            "clock_offset_s": None, "gaps": 0, "peer": "", "connected": False, "frames": 0,
        }  # fmt: skip
    return base | {
        "state": link.state(registered, now), "last_at": link.last_at or None, "rate_per_min": link.rate(now),
        "rejects": sum(link.counts[r.reason] for r in _one_each(link.rejects)), "crc_guess": link.crc_guess,
        "clock_offset_s": link.clock_offset, "gaps": link.gaps, "peer": link.peer, "connected": link.connected,
        "frames": link.total,
    }  # fmt: skip


def _one_each(rejects: Any) -> list[Reject]:
    return list({reject.reason: reject for reject in list(rejects)}.values())


def rows(centre: Centre) -> list[dict[str, Any]]:
    """All links: registered devices, heard or not, and strangers."""
    now = centre.clock.now()
    mns = dict.fromkeys([profile.mn for profile in centre.devices.all()])
    mns.update(dict.fromkeys(list(centre.book.links)))
    mns.update(dict.fromkeys(list(centre.held.held)))
    return [row(centre, mn, now) for mn in mns]


def page(centre: Centre, mn: str) -> dict[str, Any]:
    """Everything of one link. Raises `NotFound` for an MN that is neither registered nor was ever heard."""
    now = centre.clock.now()
    profile, link = centre.devices.get(mn), centre.book.links.get(mn)
    if profile is None and link is None and mn not in centre.held.held:
        raise NotFound("link", mn, known=list(centre.book.links)[:2000])
    link = link or centre.book.of(mn)
    seconds = now // 1_000_000
    gaps = centre.gaps.gaps(mn, seconds)
    missing = centre.gaps.count(mn, seconds)
    registered = profile if profile is not None and profile.site else None
    return row(centre, mn, now) | {
        "gaps_open": missing, "profile": _profile(profile), "first_at": link.first_at or None, "system": link.system,
        "versions": {str(version): count for version, count in link.versions.items()}, "counts": dict(link.counts),
        "dialects": dict(link.dialects), "unknown_codes": dict(link.unknown_codes),
        "frames": _frames(centre, mn, profile), "rejects": _rejects(centre, link),
        "frames_total": link.total,
        "gaps": gaps, "commands": commands(centre, mn),
        "advice": advice(link, registered, clock_limit=centre.settings.clock_limit, gaps=missing),
        "quarantine": next((held.as_dict() for held in (centre.held.held.get(mn),) if held), None),
    }  # fmt: skip


def commands(centre: Centre, mn: str) -> list[dict[str, Any]]:
    """Newest first, with the command's words; new passwords and keys hidden."""
    shown = []
    for command in centre.desk.of(mn):
        one = command.as_dict()
        one["params"] = {k: ("******" if k in SECRET_PARAMS else v) for k, v in one["params"].items()}
        known = codes.COMMANDS.get(command.cn)
        shown.append(one | {"zh": known.zh if known else "", "en": known.en if known else ""})
    return shown


def _profile(profile: DeviceProfile | None) -> dict[str, Any] | None:
    if profile is None:
        return None
    shown = {f.name: getattr(profile, f.name) for f in fields(profile)}
    shown["periods"] = [period.name for period in profile.periods]
    shown["sm4_key"] = profile.sm4_key.hex()
    return shown


def _frames(centre: Centre, mn: str, profile: DeviceProfile | None) -> list[dict[str, Any]]:
    """Last frames, newest first, with what they say."""
    link = centre.book.links.get(mn)
    seen: list[tuple[int, str, JournalRef | None, bytes, str]] = [
        (one.at, one.direction, one.ref, one.data, one.answer) for one in reversed(list(link.frames if link else ()))
    ]
    if not seen and (find := getattr(centre.journal, "find", None)) is not None:  # after a restart
        seen = [(raw.received_at, "in", ref, raw.data, "") for ref, raw in find(mn, limit=20)]
    shown = []
    for at, direction, ref, data, answer in seen:
        if not data and ref is not None:
            try:
                data = centre.journal.read(ref).data
            except JinyunError as error:
                shown.append({"at": at, "received_at": at, "direction": direction, "ref": str(ref), "text": "",
                              "decoded": {"problem": str(error)}, "answer": answer, "verdict": "gone"})  # fmt: skip
                continue
        decoded = explain(data, profile)
        shown.append({
            "at": at, "received_at": at, "direction": direction, "ref": str(ref) if ref else None,
            "text": data.decode("utf-8", "replace"), "decoded": decoded, "answer": answer,
            "verdict": "accepted" if "problem" not in decoded else "refused",
        })  # fmt: skip
    return shown


def _rejects(centre: Centre, link: Link) -> list[dict[str, Any]]:
    """Newest first; after a restart from the reject table."""
    held = list(reversed(list(link.rejects)))
    if not held and link.mn:
        wanted = [f.name for f in fields(Reject)]
        held = [Reject(**{name: found[name] for name in wanted}) for found in centre.rejects.find(mn=link.mn, limit=30)]
    return [_reject(one) for one in held]


def _reject(reject: Reject) -> dict[str, Any]:
    return {
        "at": reject.at, "reason": reject.reason, "sentence": reject.sentence, "hex": reject.data[:HEX_SHOWN].hex(" "),
        "text": reject.data[:HEX_SHOWN].decode("utf-8", "replace"), "ref": str(reject.ref) if reject.ref else None,
    }  # fmt: skip


def explain(data: bytes, profile: DeviceProfile | None) -> dict[str, Any]:
    """One frame in words and figures: header, readings in canonical units, what is no reading, what was odd."""
    frame = framing.examine(data.rstrip(b"\r\n"), sm4_key=profile.sm4_key if profile else b"")
    told: dict[str, Any] = {
        "crc": {"in_frame": frame.crc_text, "dialect": frame.crc_dialect, "ok": frame.valid_crc},
        "length": {"declared": frame.declared_len, "counted": len(frame.segment), "ok": frame.length_ok},
    }
    try:
        one = packet.parse(frame, sm4_key=profile.sm4_key if profile else b"")
    except packet.BadPacket as bad:
        return told | {"problem": bad.sentence}
    said = content.decode(one, profile=profile, site_kind=profile.site_kind if profile else "")
    known, split = codes.COMMANDS.get(one.cn), one.split
    known_factors = factors()
    items = []
    for (factor, stat), value, flag in list(zip(said.keys, said.values, said.flags, strict=True))[:ITEMS_SHOWN]:
        entry = known_factors.get(factor)
        items.append({
            "factor": factor, "zh": entry.zh if entry else factor, "en": entry.en if entry else factor,
            "unit": entry.unit if entry else "", "stat": stat.name,
            "value": None if value == NO_VALUE else f"{(Decimal(value) / MICRO).normalize():f}",
            "flag": Flag(flag).name,
        })  # fmt: skip
    return told | {
        "qn": one.qn, "st": one.st, "cn": one.cn, "cn_zh": known.zh if known else "",
        "cn_en": known.en if known else "",
        "mn": one.mn, "flag": one.flag, "edition": one.version, "split": list(split) if split else None,
        "kind": said.kind, "time": said.time, "period": said.period.name if said.period is not None else None,
        "items": items,
        "extras": [list(pair) for pair in said.extras[:ITEMS_SHOWN]], "odd": [*one.odd, *said.notes],
        "refused": [bad._asdict() for bad in said.refused], "doubts": [bad._asdict() for bad in said.doubts],
    }  # fmt: skip


def check_params(cn: str, params: Mapping[str, Any]) -> dict[str, str]:
    """Parameters of a command as text. Raises `BadInput` naming the field and what would work."""
    from jinyun.kernel.errors import BadInput

    known = codes.COMMANDS.get(cn)
    if known is None or known.down not in ("R", "N"):
        offered = ", ".join(sorted(c for c, one in codes.COMMANDS.items() if one.down in ("R", "N")))
        raise BadInput(f"the centre cannot send CN={cn!r}", field="cn", hint=f"one of {offered}")
    fields_known = {param.name: param for param in known.params}
    texts = {name: str(value).strip() for name, value in params.items() if value not in (None, "")}
    for name, text in texts.items():
        if name not in fields_known:
            raise BadInput(
                f"CN={cn} has no field {name!r}", field=name, hint=f"it has {', '.join(fields_known) or 'none'}"
            )
        if any(mark in text for mark in ";&#=\r\n"):
            raise BadInput(f"{name} may not hold ; & # = or line ends", field=name)
    for name, param in fields_known.items():
        if param.required and name not in texts:
            if param.default:
                texts[name] = param.default
            else:
                raise BadInput(f"CN={cn} needs {name} ({param.zh})", field=name, hint=f"form {param.form}")
    return texts
