"""What kind of file something is, by its content; pictures encoded anew, so that nothing rides along in them.

The time and place in a photo are taken out and kept apart: the picture that others see says neither.
"""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jinyun.kernel.errors import BadInput
from jinyun.kernel.terms import CHINA

KINDS = ("image", "pdf", "office", "text", "video", "zip")
FORMATS: Mapping[str, tuple[str, str]] = {
    "JPEG": ("JPEG", "image/jpeg"), "MPO": ("JPEG", "image/jpeg"), "PNG": ("PNG", "image/png"),
    "WEBP": ("WEBP", "image/webp"), "GIF": ("PNG", "image/png"), "BMP": ("PNG", "image/png"),
    "TIFF": ("PNG", "image/png"),
}  # fmt: skip
"""What Pillow calls a picture -> what it is encoded as."""
OFFICE: Mapping[str, str] = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
QUALITY = 90
MOST_PIXELS = 80_000_000
HEAD = 64
_EXIF, _GPS = 0x8769, 0x8825
_TAKEN, _OFFSET, _DATE, _MAKE, _MODEL = 0x9003, 0x9011, 0x0132, 0x010F, 0x0110


@dataclass(frozen=True, slots=True)
class Looked:
    """What a file is. `kind` is one of `KINDS`."""

    kind: str
    media: str
    meta: dict[str, Any] = field(default_factory=dict)


def look(path: Path) -> Looked:
    """The kind of a file, never by its name.

    Raises
    ------
    BadInput
        For one of no kind that is taken, saying which are.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise BadInput("the file is empty", field="file", hint="choose another")
    if head.startswith(b"%PDF-"):
        return Looked("pdf", "application/pdf")
    if head[4:8] == b"ftyp":
        if head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif"):
            raise BadInput("HEIC and AVIF pictures are not taken", field="file", hint="save it as JPEG first")
        return Looked("video", "video/quicktime" if head[8:12] == b"qt  " else "video/mp4")
    if head.startswith(b"PK\x03\x04"):
        return _zipped(path)
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"II*\0", b"MM\0*")) or (
        head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    ):
        return Looked("image", "image/*")
    if _is_text(path):
        return Looked("text", "text/plain; charset=utf-8")
    raise BadInput(
        "this kind of file is not taken", field="file",
        hint="pictures (JPEG, PNG, WebP, GIF, BMP, TIFF), PDF, docx, xlsx, pptx, text, MP4 and ZIP are",
    )  # fmt: skip


def encoded_anew(path: Path, out: Path) -> Looked:
    """Write the picture in `path` to `out` with nothing but its pixels; gives what was taken out of it.

    Raises
    ------
    BadInput
        For a picture that cannot be read, or with more pixels than one is allowed.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path, formats=[one for one in FORMATS if one != "MPO"]) as picture:
            form, media = FORMATS[picture.format or "PNG"]
            if picture.width * picture.height > MOST_PIXELS:
                raise BadInput(
                    f"the picture has {picture.width} × {picture.height} pixels", field="file",
                    hint=f"at most {MOST_PIXELS // 1_000_000} million; make it smaller",
                )  # fmt: skip
            meta = _meta(picture)
            upright = ImageOps.exif_transpose(picture)
            mode = "RGB" if form == "JPEG" or not upright.has_transparency_data else "RGBA"
            bare = Image.new(mode, upright.size)
            bare.paste(upright.convert(mode))
            bare.save(out, form, quality=QUALITY) if form != "PNG" else bare.save(out, form)
    except BadInput:
        raise
    except Exception as wrong:  # a decoder meets anything: broken data of many kinds
        raise BadInput(f"the picture cannot be read: {wrong}", field="file", hint="save it again as JPEG") from wrong
    return Looked("image", media, meta | {"width": bare.width, "height": bare.height})


def _meta(picture: Any) -> dict[str, Any]:
    """Time, place and camera of a photo, where it says them."""
    found: dict[str, Any] = {}
    with contextlib.suppress(Exception):  # broken EXIF takes nothing from the picture
        exif = picture.getexif()
        inner = exif.get_ifd(_EXIF)
        camera = " ".join(_text(exif.get(tag)) for tag in (_MAKE, _MODEL)).strip()
        if camera:
            found["camera"] = camera[:120]
        with contextlib.suppress(ValueError):
            at = datetime.strptime(_text(inner.get(_TAKEN) or exif.get(_DATE)), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
            offset = _text(inner.get(_OFFSET))
            zone = datetime.fromisoformat(f"2000-01-01T00:00:00{offset}").tzinfo if offset else None
            found["taken_at"] = at.replace(tzinfo=zone or CHINA).isoformat()
        gps = exif.get_ifd(_GPS)
        if 2 in gps and 4 in gps:
            lat, lon = _degrees(gps[2], gps.get(1), "S"), _degrees(gps[4], gps.get(3), "W")
            if -90 <= lat <= 90 and -180 <= lon <= 180:
                found["place"] = {"lon": round(lon, 6), "lat": round(lat, 6)}
    return found


def _degrees(parts: Any, side: Any, below: str) -> float:
    degrees: float = sum(float(part) / 60.0**n for n, part in enumerate(parts))
    return -degrees if _text(side).upper() == below else degrees


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return "" if value is None else str(value).strip("\0 ")


def _zipped(path: Path) -> Looked:
    try:
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
    except (zipfile.BadZipFile, OSError, ValueError) as wrong:
        raise BadInput(f"the ZIP file cannot be read: {wrong}", field="file") from wrong
    if "[Content_Types].xml" in names:
        for lead, media in OFFICE.items():
            if any(name.startswith(lead) for name in names):
                if any(name.endswith("vbaProject.bin") for name in names):
                    raise BadInput("the document holds macros", field="file", hint="save it without them")
                return Looked("office", media)
    return Looked("zip", "application/zip")


def _is_text(path: Path) -> bool:
    """UTF-8 or GB18030 without control characters."""
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            return not any(ord(one) < 32 and one not in "\t\r\n\f" for one in text)
    return False
