"""Ambient air 环境空气: AQI and valid means by GB 3095, HJ 633 and HJ 663, each in the edition of the data's date."""

from jinyun.domains.air.judges import AQI_DAY, AQI_HOUR
from jinyun.kernel.declare import Domain

DOMAIN = Domain(id="air", zh="环境空气", en="Ambient air", judges=(AQI_HOUR, AQI_DAY), maturity="done")
