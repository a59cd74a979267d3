"""A report before it is a file: title page, sections of paragraphs, tables and charts, and the fields of templates.

Everything a reader sees is text or an exact decimal here; the writers of Word and Excel add nothing but form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

Align = Literal["left", "center", "right"]
ChartKind = Literal["line", "column", "stacked", "pie"]


@dataclass(frozen=True, slots=True)
class Column:
    """Head of a table's column; `width` is relative to its neighbours."""

    head: str
    width: float = 1.0
    align: Align = "center"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. `number` is what a spreadsheet stores, `text` what a person reads; `fill` a colour RRGGBB."""

    text: str
    number: Decimal | None = None
    fill: str = ""

    @property
    def places(self) -> int:
        """Decimals as printed."""
        return len(self.text.partition(".")[2]) if self.number is not None else 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equal length under their columns' heads. `key` names it in templates."""

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """One line, one colour of bars, or the slices of a pie. None is a gap, never zero."""

    name: str
    values: Sequence[Decimal | None]
    colour: str = ""
    colours: Sequence[str] = ()  # one per point: slices of a pie, bars coloured by class
    kind: ChartKind | None = None  # a line over columns
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A native chart. `key` names it in templates; `unit` stands at the value axis."""

    key: str
    title: str
    kind: ChartKind
    categories: Sequence[str]
    series: Sequence[ChartSeries]
    unit: str = ""
    note: str = ""
    step: int | None = None  # between marks of the value axis

    @property
    def places(self) -> int:
        """Decimals of its labels: those of the values as printed."""
        found = [value.as_tuple().exponent for one in self.series for value in one.values if value is not None]
        return max([-n for n in found if isinstance(n, int)] or [0])

    @property
    def from_zero(self) -> bool:
        """Columns stand on zero: their lengths are what is compared."""
        standing = any((one.kind or self.kind) in ("column", "stacked") for one in self.series)
        return standing and all(value >= 0 for one in self.series for value in one.values if value is not None)

    def __post_init__(self) -> None:
        for one in self.series:
            if len(one.values) != len(self.categories):
                raise ValueError(f"chart {self.key}: {one.name} has {len(one.values)} of {len(self.categories)} values")


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    note: bool = False  # small print


Block = Paragraph | Table | Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered part of the report; in a workbook a sheet named `sheet`."""

    heading: str
    sheet: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report in one language."""

    title: str  # 环境空气质量月报
    period: str  # 2026年10月
    bureau: str
    compiled: date
    lang: str
    sections: Sequence[Section]
    fields: Mapping[str, str] = field(default_factory=dict)  # {{名}} of templates
    title_lines: Sequence[str] = ()  # the title as the title page breaks it, when it is too long for a line

    @property
    def blocks(self) -> list[Block]:
        return [block for section in self.sections for block in section.blocks]

    @property
    def compiled_text(self) -> str:
        d = self.compiled
        return f"{d.year}年{d.month}月{d.day}日" if self.lang == "zh" else d.isoformat()
