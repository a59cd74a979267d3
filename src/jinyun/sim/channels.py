"""What each kind of site measures, and with how many decimals its instrument speaks (HJ 212-2017 Annex B formats)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from jinyun.kernel.factors import Factor, factor
from jinyun.sim.district import Place

DECIMALS = {
    "wastewater_flow": 2, "ph": 2, "do": 1, "water_temp": 1, "conductivity": 1, "turbidity": 1, "cod_mn": 1,
    "cod_cr": 1, "nh3_n": 2, "tn": 2, "tp": 2,
    "gas_flow": 1, "flue_velocity": 2, "flue_temp": 1, "flue_moisture": 1, "flue_pressure": 3, "o2": 1,
    "stack_so2": 2, "stack_nox": 1, "stack_pm": 1,  # Annex B prints N4 for dust: loggers at clean stacks send N4.1
    "so2": 1, "no2": 1, "co": 2, "o3": 1, "pm10": 1, "pm2_5": 1,
    "air_temp": 1, "humidity": 1, "pressure": 2, "wind_speed": 1, "wind_direction": 0,
    "leq": 1, "lmx": 1, "l10": 1, "l50": 1, "l90": 1,
}  # fmt: skip

MEASURED = {
    "water_section": ("water_temp", "ph", "do", "conductivity", "turbidity", "cod_mn", "nh3_n", "tp", "tn"),
    "water_micro": ("water_temp", "ph", "do", "conductivity", "turbidity", "cod_mn", "nh3_n", "tp"),
    "river_outlet": ("wastewater_flow", "ph", "cod_mn", "nh3_n", "tp"),
    "air_station": (
        "so2", "no2", "co", "o3", "pm10", "pm2_5", "air_temp", "humidity", "pressure", "wind_speed", "wind_direction",
    ),
    "air_micro": ("so2", "no2", "co", "o3", "pm10", "pm2_5", "air_temp", "humidity"),
    "stack_outlet": (
        "gas_flow", "flue_velocity", "flue_temp", "flue_moisture", "flue_pressure", "o2",
        "stack_so2", "stack_nox", "stack_pm",
    ),
    "noise_station": ("leq", "lmx", "l10", "l50", "l90"),
}  # fmt: skip

FLOWS = ("wastewater_flow", "gas_flow")
EXCEEDED = {"l10": 10, "l50": 50, "l90": 90}  # levels exceeded so many per cent of the time
AMOUNT_DECIMALS = 4  # of -Cou in kg
VOLUME_DECIMALS = 2  # of -Cou in m³


@dataclass(frozen=True, slots=True)
class Channel:
    """One factor of one site. All its figures are whole numbers of 10^-decimals of the canonical unit."""

    factor: Factor
    decimals: int
    amount: bool  # sends -Cou
    converted: bool  # sends -Zs…


def factors_of(place: Place) -> tuple[str, ...]:
    """Ids of what a site measures, in the order it sends them."""
    if place.kind == "water_outlet":
        return ("wastewater_flow", "ph", *(one.factor for one in place.limits))
    return MEASURED[place.kind]


def channels(place: Place) -> tuple[Channel, ...]:
    """The site's channels. Outlets count amounts; stacks with a reference oxygen convert their pollutants."""
    return _channels(factors_of(place), place.kind, place.reference_o2 is not None)


@cache
def _channels(names: tuple[str, ...], kind: str, converts: bool) -> tuple[Channel, ...]:
    outlet = kind in ("water_outlet", "river_outlet", "stack_outlet")
    gas = ("stack_so2", "stack_nox", "stack_pm")
    loads = ("cod_cr", "cod_mn", "nh3_n", "tp", "tn", *gas, *FLOWS)
    return tuple(
        Channel(factor(name), DECIMALS[name], outlet and name in loads, converts and name in gas) for name in names
    )
