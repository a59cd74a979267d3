"""Noise 声环境: levels, function zones, boundaries and cities by GB 3096, GB 12348, GB 22337, GB 12523 and HJ 640.

As a library: ``from jinyun.domains import noise``, then `noise.levels`, `noise.zone`, `noise.boundary`, `noise.city`.
"""

from importlib import import_module
from types import ModuleType

from jinyun.domains.noise.judges import BOUNDARY_HOUR, ZONE_DAY, ZONE_NIGHT
from jinyun.kernel.declare import Domain

DOMAIN = Domain(
    id="noise", zh="声环境", en="Noise", judges=(ZONE_DAY, ZONE_NIGHT, BOUNDARY_HOUR), maturity="done"
)  # fmt: skip


def __getattr__(name: str) -> ModuleType:
    """A module of this domain, loaded when it is first asked for."""
    if not name.startswith("_"):
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as missing:
            if missing.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
