"""Surface water 地表水: class of sections by GB 3838-2002 and 环办[2011]22号.

As a library: ``from jinyun.domains import water``, then `water.section`, `water.quality`, `water.river`, `water.lake`,
`water.change`, `water.stable`, `water.trend`, `water.tli`, `water.cwqi`, `water.source`, `water.groundwater`,
`water.sewage`, `water.columns`.
"""

from importlib import import_module
from types import ModuleType

from jinyun.domains.water.judges import SECTION_CLASS, SECTION_CLASS_DAY
from jinyun.kernel.declare import Domain

DOMAIN = Domain(id="water", zh="地表水", en="Surface water", judges=(SECTION_CLASS, SECTION_CLASS_DAY), maturity="done")


def __getattr__(name: str) -> ModuleType:
    """A module of this domain, loaded when it is first asked for."""
    if not name.startswith("_"):
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as missing:
            if missing.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
