"""Text that XML can hold, and zip files that are byte for byte the same from the same parts."""

from __future__ import annotations

import io
import re
import zipfile

FIRST_DAY_OF_ZIP = (1980, 1, 1, 0, 0, 0)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def xml_text(text: str) -> str:
    """Without the characters that XML cannot hold; a device or a register may have sent one."""
    return _NOT_XML.sub("", text)


def repacked(data: bytes) -> bytes:
    """The same parts with fixed times; ``[Content_Types].xml`` first, the rest in the order they stood."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        names = [info.filename for info in old.infolist()]
        for name in sorted(names, key=lambda one: (one != "[Content_Types].xml", names.index(one))):
            entry = zipfile.ZipInfo(name, FIRST_DAY_OF_ZIP)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o600 << 16
            new.writestr(entry, old.read(name))
    return out.getvalue()
