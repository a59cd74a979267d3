"""Surface water 地表水: class of sections by GB 3838-2002 and 环办[2011]22号."""

from jinyun.domains.water.judges import SECTION_CLASS, SECTION_CLASS_DAY
from jinyun.kernel.declare import Domain

DOMAIN = Domain(id="water", zh="地表水", en="Surface water", judges=(SECTION_CLASS, SECTION_CLASS_DAY), maturity="done")
