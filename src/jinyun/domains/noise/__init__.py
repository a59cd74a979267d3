"""Noise 声环境: levels, function zones, boundaries and cities by GB 3096, GB 12348, GB 22337, GB 12523 and HJ 640."""

from jinyun.domains.noise.judges import BOUNDARY_HOUR, ZONE_DAY, ZONE_NIGHT
from jinyun.kernel.declare import Domain

DOMAIN = Domain(
    id="noise", zh="声环境", en="Noise", judges=(ZONE_DAY, ZONE_NIGHT, BOUNDARY_HOUR), maturity="done"
)  # fmt: skip
