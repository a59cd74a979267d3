"""Emission of outlets 污染源排放: readings against permits and emission standards, by the rules of HJ 75 and HJ 356.

As a library: `standards.limits_of` (which limits hold), `outlet.judge_outlet` (figures against them), `rate` (limits by
the height of a stack), `validity`, `substitution`, `marking`, `rates`, and `workday.work_day`, which walks a whole day.
"""

from importlib import import_module
from types import ModuleType

from jinyun.domains.emission.judges import OUTLET_DAY, OUTLET_HOUR, OUTLET_NOW
from jinyun.kernel.declare import Domain

DOMAIN = Domain(
    id="emission",
    zh="污染源排放",
    en="Emission of outlets",
    judges=(OUTLET_NOW, OUTLET_HOUR, OUTLET_DAY),
    maturity="done",
)


def __getattr__(name: str) -> ModuleType:
    """A module of this domain, loaded when it is first asked for."""
    if not name.startswith("_"):
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as missing:
            if missing.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
