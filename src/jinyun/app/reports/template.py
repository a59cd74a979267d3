"""A bureau's own Word template: ``{{期间}}`` becomes text; ``{{表:rivers}}`` or ``{{图:months}}`` a table or chart.

Fields stand anywhere in body, tables, text boxes, heads and feet; a field that Word has cut into several runs is read
whole and takes the look of the run it begins in.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jinyun.app.reports.model import Chart, Report, Table
from jinyun.app.reports.packing import xml_text
from jinyun.app.reports.word import WordWriter, ensure_styles, saved, text_width_mm
from jinyun.kernel.errors import BadInput

FIELD = re.compile(r"\{\{([^{}]*)\}\}")
BLOCK = re.compile(r"^(表|图|table|chart)[:：]\s*(.+)$")
IN_CHINESE = {"table": "表", "chart": "图"}
MOST_BYTES = 60_000_000  # a template, unpacked
PARTS = re.compile(r"^/word/(document|header\d*|footer\d*)\.xml$")


def filled(template: bytes, report: Report) -> bytes:
    """The template with all its fields replaced.

    Raises
    ------
    BadInput
        When it is no Word file, or naming every field that does not exist, with the nearest that does.
    """
    document = _opened(template)
    unknown: dict[str, str] = {}
    blocks: dict[str, Table | Chart] = {}
    for one in report.blocks:
        if isinstance(one, Table | Chart):
            blocks[f"{'表' if isinstance(one, Table) else '图'}:{one.key}"] = one
    places: list[tuple[Any, str]] = []
    for root in _roots(document):
        for paragraph in root.iter(_w("p")):
            texts = _texts(paragraph)
            whole = "".join(one.text or "" for one in texts)
            if "{{" not in whole:
                continue
            if (block := _block_name(whole)) is not None:
                if block not in blocks:
                    unknown[whole.strip()] = _near(block, blocks)
                elif paragraph.getparent().tag != _w("body"):
                    raise BadInput(
                        f"{whole.strip()} stands inside a table or head", field="template",
                        hint="a table or chart needs a paragraph of its own in the body",
                    )  # fmt: skip
                else:
                    places.append((paragraph, block))
                continue
            for name in FIELD.findall(whole):
                if name.strip() not in report.fields:
                    unknown["{{" + name + "}}"] = _near(name.strip(), report.fields)
            if whole.count("{{") != len(FIELD.findall(whole)):
                unknown[whole.strip()[:40]] = "has {{ without }}"
            if not unknown:
                _replace(texts, report.fields)
    if unknown:
        listed = "; ".join(f"{name} {hint}".strip() for name, hint in unknown.items())
        raise BadInput(
            f"the template has {len(unknown)} unknown field(s): {listed}", field="template",
            hint="jinyun report … --fields lists all there are",
        )  # fmt: skip
    if places:
        ensure_styles(document, report.lang)
        writer = WordWriter(document, report.lang, width_mm=text_width_mm(document))
        for paragraph, key in places:
            writer.add(blocks[key], after=paragraph)
            paragraph.getparent().remove(paragraph)
    return saved(document)


def _opened(template: bytes) -> Any:
    import docx

    try:
        with zipfile.ZipFile(io.BytesIO(template)) as packed:
            size = sum(one.file_size for one in packed.infolist())
        if size > MOST_BYTES:
            raise BadInput(f"the template unpacks to {size} bytes", field="template", hint=f"at most {MOST_BYTES}")
        return docx.Document(io.BytesIO(template))
    except BadInput:
        raise
    except Exception as wrong:
        raise BadInput(f"the template is no Word file: {wrong}", field="template", hint="save it as .docx") from None


def _w(name: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(f"w:{name}"))


def _roots(document: Any) -> Iterator[Any]:
    """The document's XML, and that of its heads and feet."""
    for part in document.part.package.iter_parts():
        if PARTS.match(str(part.partname)) and hasattr(part, "element"):
            yield part.element


def _texts(paragraph: Any) -> list[Any]:
    """Text elements of a paragraph, without those of text boxes in it: they have paragraphs of their own."""
    mine = []
    for one in paragraph.iter(_w("t")):
        above = one.getparent()
        while above.tag != _w("p"):
            above = above.getparent()
        if above is paragraph:
            mine.append(one)
    return mine


def _block_name(whole: str) -> str | None:
    found = FIELD.fullmatch(whole.strip())
    inner = BLOCK.match(found[1].strip()) if found else None
    return f"{IN_CHINESE.get(inner[1], inner[1])}:{inner[2].strip()}" if inner else None


def _near(name: str, known: Mapping[str, Any]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"(did you mean {near[0]}?)" if near else ""


def _replace(texts: list[Any], fields: Mapping[str, str]) -> None:
    """Replaces from the last field to the first, so that places before it stay true."""
    whole = "".join(one.text or "" for one in texts)
    for found in reversed(list(FIELD.finditer(whole))):
        value, at, done = xml_text(fields[found[1].strip()]), 0, False
        for one in texts:
            text = one.text or ""
            start, end = max(found.start() - at, 0), min(found.end() - at, len(text))
            at += len(text)
            if start >= end:
                continue
            one.text = text[:start] + ("" if done else value) + text[end:]
            one.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
            done = True
