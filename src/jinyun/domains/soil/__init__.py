"""Soil 土壤: construction land by GB 36600-2018, farmland by GB 15618-2018, and the risk states of plots.

As a library: ``from jinyun.domains import soil``, then `soil.construction`, `soil.farmland`, `soil.states`.
"""

from importlib import import_module
from types import ModuleType

from jinyun.kernel.declare import Domain

DOMAIN = Domain(id="soil", zh="土壤", en="Soil", maturity="done")


def __getattr__(name: str) -> ModuleType:
    """A module of this domain, loaded when it is first asked for."""
    if not name.startswith("_"):
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as missing:
            if missing.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
