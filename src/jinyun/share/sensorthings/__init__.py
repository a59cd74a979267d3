"""OGC SensorThings API 1.1, sensing profile (OGC 18-088): parsing, model and answers. No socket, no store.

`Reader` answers GET, `Writer` POST, both over a `Source` that the app wires.
"""

from jinyun.share.sensorthings.creation import Refused, Writer
from jinyun.share.sensorthings.errors import BadQuery, NoSuchEntity, NotAllowed, NotImplementedHere, StaError
from jinyun.share.sensorthings.expressions import Interval
from jinyun.share.sensorthings.model import KINDS, Entity, stretch
from jinyun.share.sensorthings.options import parse_options
from jinyun.share.sensorthings.reading import Answer, Reader
from jinyun.share.sensorthings.source import Ask, New, Row, Source, period_end

__all__ = [
    "KINDS", "Answer", "Ask", "BadQuery", "Entity", "Interval", "New", "NoSuchEntity", "NotAllowed",
    "NotImplementedHere", "Reader", "Refused", "Row", "Source", "StaError", "Writer", "parse_options", "period_end",
    "stretch",
]  # fmt: skip
