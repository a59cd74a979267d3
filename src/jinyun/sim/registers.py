"""The district as the node's registers: what a bureau would have on file before the first frame comes in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jinyun.kernel.tables import toml_table

if TYPE_CHECKING:
    from jinyun.sim.district import District, Place

JURISDICTION = "500109"
"""GB/T 2260 code of the district whose map the invented river is drawn on."""

Row = tuple[str, str, dict[str, Any]]


def registers(district: District, *, realtime: int, minute: int) -> Iterator[Row]:
    for firm in district.firms:
        yield (
            "enterprise",
            firm.id,
            {
                "name": firm.name, "uscc": firm.uscc, "industry": firm.industry, "address": firm.address,
                "place": _place(firm.point), "jurisdiction": JURISDICTION, "contact": firm.contact,
                "phone": firm.phone,
            },
        )  # fmt: skip
    # a site may name another as upstream: along the river from the head down, each points back only
    ordered = sorted(district.places.values(), key=lambda p: (p.km is None, p.km or 0.0, p.id))
    for place in ordered:
        yield "site", place.id, _site(district, place)
    for place in ordered:
        if place.kind in ("water_outlet", "stack_outlet", "river_outlet"):
            yield "outlet", place.id, _outlet(district, place)
            for limit in place.limits:
                data = {
                    "outlet": place.id, "factor": limit.factor, "period": limit.period, "limit": str(limit.limit),
                    "unit": limit.unit, "converted": limit.converted, "valid_from": "2024-01-01",
                    "valid_to": "2028-12-31", "basis": f"模拟排污许可证 {place.enterprise}；{limit.basis}",
                }  # fmt: skip
                yield "permit_limit", f"{place.id}.{limit.factor}.{limit.period}", data
    for logger in district.loggers:
        if not logger.registered:
            continue
        kind = district.places[logger.site].kind
        periods = ["realtime", "minute", "hour"] + ([] if kind.endswith("micro") else ["day"])
        data = {
            "mn": logger.mn, "name": logger.name, "site": logger.site, "system": logger.system,
            "edition": str(logger.edition), "password": logger.password, "crc": "hj212", "pm_unit": "ug/m3",
            "encoding": "auto", "realtime_interval": realtime, "minute_interval": minute,
            "always_answer": logger.always_answer, "label_end": False, "set_up": False, "set_clock": True,
            "sm4_key": logger.sm4_key.hex(), "periods": periods, "vendor": logger.vendor,
        }  # fmt: skip
        yield "device", logger.mn, data


def _place(point: tuple[float, float]) -> dict[str, float]:
    return {"lon": point[0], "lat": point[1]}


def _site(district: District, place: Place) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": place.name, "kind": place.kind, "place": _place(place.point), "jurisdiction": JURISDICTION,
        "note": place.town,
    }  # fmt: skip
    if place.enterprise:
        data["enterprise"] = place.enterprise
    if place.km is not None:
        data |= {"river": district.river, "order_km": str(place.km)}
    if place.kind in ("water_section", "water_micro"):
        data |= {"upstream": list(place.upstream), "target_class": place.target_class, "body": "river"}
    if place.zone:
        data["zone"] = place.zone
    return data


def _outlet(district: District, place: Place) -> dict[str, Any]:
    from jinyun.sim.district import section_below

    kind = {"water_outlet": "water", "stack_outlet": "stack", "river_outlet": "river"}[place.kind]
    number = sum(1 for p in place.id.partition("-")[2] if p.isdigit())
    data: dict[str, Any] = {"name": place.name, "kind": kind, "site": place.id, "process": place.process}
    data["code"] = f"{'DW' if kind != 'stack' else 'DA'}{place.id[-1 - (number > 1) :].lstrip('WS').zfill(3)}"
    if place.enterprise:
        data["enterprise"] = place.enterprise
    if place.km is not None:
        data["receiving_water"] = section_below(district.places, place.km)
    if place.reference_o2 is not None:
        data["reference_o2"] = str(place.reference_o2)
    return data


def jurisdiction_name() -> str:
    return str(toml_table("jinyun.sim", "geography.toml")["jurisdiction"])
