"""Who and what is watched: enterprises, sites, outlets, permit limits, devices (一企一档的底册)."""

from jinyun.domains.registry.records import RECORDS
from jinyun.kernel.declare import Domain

DOMAIN = Domain(
    id="registry", zh="污染源与点位档案", en="Registry of sources and sites", records=RECORDS, maturity="done"
)
