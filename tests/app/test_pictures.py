"""A file is what its content says; a picture leaves with its pixels and nothing else."""

import io
import zipfile

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from jinyun.app.pictures import encoded_anew, look
from jinyun.kernel.errors import BadInput


def photo(path, **save):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Maker", "Model 1", 6  # turned by 90°
    inner = exif.get_ifd(0x8769)
    inner[0x9003] = "2026:03:01 08:30:00"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (IFDRational(29), IFDRational(48), IFDRational(36))
    gps[3], gps[4] = "E", (IFDRational(106), IFDRational(24), IFDRational(0))
    picture = Image.new("RGB", (40, 20), (200, 10, 10))
    picture.putpixel((0, 0), (0, 0, 255))
    picture.save(path, "JPEG", exif=exif, comment=b"secret words", **save)


def test_a_photo_gives_up_time_and_place_and_keeps_its_pixels(tmp_path):
    before, after = tmp_path / "a.png", tmp_path / "b"  # the name lies: content decides
    photo(before, quality=95)
    assert look(before).kind == "image"
    found = encoded_anew(before, after)
    assert found.media == "image/jpeg"
    assert found.meta == {
        "camera": "Maker Model 1", "taken_at": "2026-03-01T08:30:00+08:00", "place": {"lon": 106.4, "lat": 29.81},
        "width": 20, "height": 40,
    }  # fmt: skip
    with Image.open(after) as clean:
        assert clean.size == (20, 40)  # upright
        assert dict(clean.getexif()) == {}
        assert not {"exif", "comment", "icc_profile", "xmp"} & set(clean.info)
        red = clean.getpixel((10, 35))
        assert red[0] > 180
        assert red[1] < 40
    data = after.read_bytes()
    for hidden in (b"Maker", b"secret", b"Exif", b"2026:03"):
        assert hidden not in data


@pytest.mark.parametrize(("form", "media"), [("PNG", "image/png"), ("WEBP", "image/webp"), ("GIF", "image/png")])
def test_other_pictures_lose_what_trails_behind_them(tmp_path, form, media):
    path, out = tmp_path / "a", tmp_path / "b"
    Image.new("RGBA", (8, 8), (1, 2, 3, 0)).save(path, form)
    path.write_bytes(path.read_bytes() + b"<script>alert(1)</script>")
    found = encoded_anew(path, out)
    assert found.media == media
    assert b"script" not in out.read_bytes()


def packed(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, text in files.items():
            made.writestr(name.replace("__", "/"), text)
    return out.getvalue()


CONTENT = {"[Content_Types].xml": "<x/>"}


@pytest.mark.parametrize(
    ("data", "kind", "media"),
    [
        (b"%PDF-1.7\n", "pdf", "application/pdf"),
        (b"\0\0\0\x18ftypmp42....", "video", "video/mp4"),
        ("说明,1\n".encode(), "text", "text/plain; charset=utf-8"),
        ("说明".encode("gb18030"), "text", "text/plain; charset=utf-8"),
        (b"<html><script>alert(1)</script>", "text", "text/plain; charset=utf-8"),
        (packed(a="1"), "zip", "application/zip"),
        (packed(**CONTENT, xl__workbook="x"), "office",
         "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)  # fmt: skip
def test_the_kind_is_by_content(tmp_path, data, kind, media):
    path = tmp_path / "x.jpg"
    path.write_bytes(data)
    assert (look(path).kind, look(path).media) == (kind, media)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\x7fELF\x02\x01\x01\0\0\0", "not taken"),
        (b"MZ\x90\0\x03\0\0\0", "not taken"),
        (b"\0\0\0\x18ftypheic....", "save it as JPEG"),
        (b"PK\x03\x04 no zip", "ZIP file cannot be read"),
    ],
)
def test_what_is_not_taken_is_said(tmp_path, data, says):
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=says):
        look(path)


def test_macros_are_not_taken(tmp_path):
    path = tmp_path / "x.docx"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in ("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"):
            made.writestr(name, "x")
    path.write_bytes(out.getvalue())
    with pytest.raises(BadInput, match="macros"):
        look(path)


def test_a_broken_or_huge_picture_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "x"
    photo(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(BadInput, match="cannot be read"):
        encoded_anew(path, tmp_path / "y")
    photo(path)
    monkeypatch.setattr("jinyun.app.pictures.MOST_PIXELS", 100)
    with pytest.raises(BadInput, match="40 × 20 pixels"):
        encoded_anew(path, tmp_path / "y")
