"""Data resource warehouse 数据资源仓: corrections in sessions, published figures, the catalogue of what is kept."""

from jinyun.domains.warehouse.catalogue import RECORDS as CATALOGUE
from jinyun.domains.warehouse.corrections import RECORDS as CORRECTIONS
from jinyun.domains.warehouse.figures import RECORDS as FIGURES
from jinyun.kernel.declare import Domain

DOMAIN = Domain(
    id="warehouse", zh="数据资源仓", en="Data resource warehouse", records=(*CORRECTIONS, *FIGURES, *CATALOGUE)
)
