"""Registers as Excel files: a template to fill in, an export that can be read back, refused rows with their reasons."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jinyun.app.services.words import MASK
from jinyun.kernel.records import Field, RecordType

DATA, HELP = "数据", "填写说明"
ID_HEADING = "编号"
REASON = "拒收原因"
CLEAR = "(清空)"
"""In a cell: the field is cleared. An empty cell leaves it as it is."""
LEFT = "(单元格放不下，原值不变)"
"""In a cell: what the field has no cell can hold; like a mask it leaves the value as it is."""
LONGEST = 32_767
"""UTF-16 units that a cell of Excel holds."""
PARTED = re.compile(r"[、,;；\n]")
"""What parts the values of a list in one cell."""
LAST_ROW = 1_048_575
DIGITS = 15
"""Digits that a number of Excel keeps; longer ones go as text."""
KIND_WORDS: Mapping[str, str] = {
    "text": "文本", "long_text": "长文本", "number": "数字", "integer": "整数", "money": "金额",
    "date": "日期 2026-03-01", "datetime": "时间 2026-03-01 08:00", "code": "代码", "place": "经度,纬度",
    "reference": "引用", "person": "账号", "bool": "是/否", "json": "JSON",
}  # fmt: skip


def columns_of(kind: RecordType) -> list[Field]:
    """Fields that a sheet has: no secrets, no files."""
    return [one for one in kind.fields if not one.secret and one.kind != "file"]


def heading(spec: Field) -> str:
    """What stands over a field's column."""
    return spec.zh + (f"({spec.unit})" if spec.unit else "") + ("*" if spec.required else "")


def plain_heading(text: str) -> str:
    """A heading without what people change in it: width, spaces, the star, the unit."""
    bare = "".join(unicodedata.normalize("NFKC", str(text)).split()).casefold().rstrip("*")
    return re.sub(r"\(.*\)$", "", bare) or bare


def template(kind: RecordType) -> bytes:
    """An empty sheet with headings, and a second one that says what each column takes."""
    return _book(kind, columns_of(kind), (), ids=True)


def exported(kind: RecordType, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = ()) -> bytes:
    """Records (as pages see them) as a sheet that the import reads back."""
    fields = columns_of(kind)
    if columns:
        fields = [one for name in columns for one in fields if one.name == name]
    return _book(kind, fields, rows, ids=True)


def refused(kind: RecordType, headings: Sequence[str], rows: Iterable[tuple[Sequence[Any], str]]) -> bytes:
    """Rows as they were sent, each with why it was refused: mend it and send it again."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet, bold = book.add_worksheet(DATA), book.add_format({"bold": True})
    red = book.add_format({"font_color": "#c00000", "text_wrap": True})
    dates = book.add_format({"num_format": "yyyy-mm-dd"})
    wide = list(headings)
    for column, text in enumerate([*wide, REASON]):
        sheet.write_string(0, column, str(text), bold)
    sheet.set_column(0, len(wide) - 1, 16)
    sheet.set_column(len(wide), len(wide), 60)
    for number, (cells, why) in enumerate(rows, 1):
        for column, cell in enumerate(cells[: len(wide)]):
            if isinstance(cell, datetime | date):
                sheet.write_datetime(number, column, cell, dates)
            elif cell not in (None, ""):
                sheet.write(number, column, fitting(cell) if isinstance(cell, str) else cell)
        sheet.write_string(number, len(wide), fitting(why), red)
    _help(book, kind, columns_of(kind))
    book.close()
    return out.getvalue()


def _book(kind: RecordType, fields: Sequence[Field], rows: Iterable[Mapping[str, Any]], *, ids: bool) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(DATA)
    bold, text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
    formats: dict[str, Any] = {"": None, "date": book.add_format({"num_format": "yyyy-mm-dd"})}
    sheet.freeze_panes(1, 1)
    lead = 1 if ids else 0
    if ids:
        sheet.write_string(0, 0, ID_HEADING, bold)
        sheet.set_column(0, 0, 18, text)
    for column, spec in enumerate(fields, lead):
        sheet.write_string(0, column, heading(spec), bold)
        numeric = spec.kind in ("number", "integer", "money", "date") and not spec.many
        sheet.set_column(column, column, 28 if spec.kind == "long_text" else 16, None if numeric else text)
        words = [zh for zh, _ in spec.codes.values()]
        if words and not spec.many and len(",".join(words)) < 255:  # Excel's bound of a list
            sheet.data_validation(1, column, LAST_ROW, column, {"validate": "list", "source": words})
    for number, row in enumerate(rows, 1):
        if ids:
            sheet.write_string(number, 0, str(row.get("id") or ""), text)
        for column, spec in enumerate(fields, lead):
            _write(sheet, (number, column), spec, row.get(spec.name), (book, formats))
    _help(book, kind, fields)
    book.close()
    return out.getvalue()


def _write(sheet: Any, at: tuple[int, int], spec: Field, value: Any, styles: tuple[Any, dict[str, Any]]) -> None:
    if value in (None, "", []):
        return
    book, formats = styles
    if value == MASK:
        sheet.write_string(*at, MASK)
    elif spec.many:
        sheet.write_string(*at, fitting(_listed(spec, value)))
    elif spec.kind in ("number", "integer", "money"):
        text = str(value)
        if not re.fullmatch(r"-?\d+(\.\d+)?", text) or len(text.strip("-").replace(".", "")) > DIGITS:
            sheet.write_string(*at, text)
            return
        places = len(text.partition(".")[2])
        form = "0." + "0" * places if places else "0"
        if form not in formats:
            formats[form] = book.add_format({"num_format": form})
        sheet.write_number(*at, float(Decimal(text)), formats[form])
    elif spec.kind == "date" and re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)) and str(value) >= "1900-03-01":
        sheet.write_datetime(*at, date.fromisoformat(value), formats["date"])
    else:
        text = shown(spec, value)
        sheet.write_string(*at, LEFT if text == CLEAR else fitting(text))


def fitting(text: str) -> str:
    """A text as a cell can hold it: what Excel or the writer would cut or change is not written at all."""
    long = len(text.encode("utf-16-le", "replace")) // 2 > LONGEST
    markup = (
        "\0" in text
        or "_x005F_" in text
        or "\ufffe" in text
        or "\uffff" in text
        or (text[:3] == "<r>" and text[-4:] == "</r>")
    )
    return LEFT if long or markup else text


def _listed(spec: Field, values: Sequence[Any]) -> str:
    """A list in one cell: its values with 、 between; as JSON where that would not be read back as the same."""
    texts = [shown(spec, one) for one in values]
    joined = "、".join(texts)
    odd = spec.kind in ("json", "place") or joined.startswith("[") or joined in (CLEAR, LEFT, MASK)
    if odd or any(one != one.strip() or not one or PARTED.search(one) for one in texts):
        return json.dumps(values, ensure_ascii=False)
    return joined


def shown(spec: Field, value: Any) -> str:
    """A value as a cell has it: words for codes, yes and no, a place as two numbers."""
    if spec.kind == "code":
        word = spec.codes.get(value, (str(value),))[0]
        return word if code_of(spec, word) == value else str(value)
    if spec.kind == "bool" and isinstance(value, bool):
        return "是" if value else "否"
    if spec.kind == "place" and isinstance(value, Mapping):
        return f"{value['lon']},{value['lat']}"
    return value if isinstance(value, str) and spec.kind != "json" else json.dumps(value, ensure_ascii=False)


def code_of(spec: Field, text: str) -> str:
    """The code that a cell means by itself or by its words; else the text."""
    if text in spec.codes:
        return text
    return next((code for code, words in spec.codes.items() if text in words), text)


def _help(book: Any, kind: RecordType, fields: Sequence[Field]) -> None:
    sheet, bold = book.add_worksheet(HELP), book.add_format({"bold": True})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    for column, (text, width) in enumerate(
        (("列", 20), ("字段", 18), ("填写", 18), ("必填", 6), ("可填代码", 40), ("说明", 60))
    ):
        sheet.write_string(0, column, text, bold)
        sheet.set_column(column, column, width)
    sheet.write_string(1, 0, ID_HEADING, wrap)
    sheet.write_string(1, 1, "id", wrap)
    sheet.write_string(
        1, 5, "可空：有标识字段时按标识字段找到原记录，否则按内容生成；填写则新建或修改该编号的记录", wrap
    )
    for number, spec in enumerate(fields, 2):
        codes = "\n".join(f"{code} = {zh}" for code, (zh, _) in spec.codes.items())
        notes = [spec.help_zh, spec.help_en]
        notes += [f"形式 {spec.pattern}"] if spec.pattern else []
        notes += [f"{spec.minimum or '−∞'} … {spec.maximum or '+∞'}"] if spec.minimum or spec.maximum else []
        notes += ["标识字段，不能与其他记录相同"] if spec.identifies else []
        notes += [f"填 {spec.to} 的编号、标识字段或名称"] if spec.kind == "reference" else []
        notes += ["多个值用顿号分开；值中含分隔符时整格写成 JSON 列表"] if spec.many else []
        words = (heading(spec), spec.name, KIND_WORDS.get(spec.kind, spec.kind), "是" if spec.required else "", codes,
                 "\n".join(filter(None, notes)))  # fmt: skip
        for column, text in enumerate(words):
            sheet.write_string(number, column, text, wrap)
    sheet.write_string(len(fields) + 3, 0, f"空单元格不改动原值；填“{CLEAR}”则清空该字段。“{LEFT}”处不改动原值。", wrap)
    sheet.write_string(len(fields) + 4, 0, f"{kind.zh} {kind.en} ({kind.id})", wrap)
