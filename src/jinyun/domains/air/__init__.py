"""Ambient air 环境空气: GB 3095, HJ 633 and HJ 663, each in the edition of the data's date.

As a library: ``from jinyun.domains import air``, then `air.aqi`, `air.columns`, `air.means`, `air.reference`,
`air.city`, `air.concentration`, `air.period`, `air.composite`, `air.ranking`, `air.compare`, `air.planned`,
`air.health`.
"""

from importlib import import_module
from types import ModuleType

from jinyun.domains.air.judges import AQI_DAY, AQI_HOUR
from jinyun.kernel.declare import Domain

DOMAIN = Domain(id="air", zh="环境空气", en="Ambient air", judges=(AQI_HOUR, AQI_DAY), maturity="done")

LATER = frozenset(
    {"city", "columns", "compare", "composite", "concentration", "period", "planned", "ranking", "reference"}
)
"""Modules that are loaded when they are first asked for: a node that only judges hours needs none of them."""


def __getattr__(name: str) -> ModuleType:
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
