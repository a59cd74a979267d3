"""Verify a sealed bundle of published figures: python verify_bundle.py FILE.zip [PUBLIC_KEY]

Independent of the program that made it: Python's own library and `cryptography`. Give the public key (64 hex digits) as
its owner publishes it; without it only the bundle's own key is checked. Exit code 0: all is well.
"""

import gzip
import io
import json
import sys
import zipfile
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def text(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(*lines):
    return sha256("\n".join(lines).encode()).hexdigest()


def percent(part, whole):
    tenths = round(Fraction(part * 1000, whole))  # half to even
    return f"{tenths // 10}.{tenths % 10}"


def added_up(pub, verdicts):
    """Simple figures worked out again: shares of classes from sections, good days from day verdicts."""
    start, end, subject = pub["period"]["start"], pub["period"]["end"], pub["question"]["subject"]
    if subject == "water" and pub["scope"]["kind"] != "site":
        levels = [level for _, level, _, _ in pub["rows"] if level is not None]
        if levels:
            yield "good_ratio", percent(sum(n <= 3 for n in levels), len(levels))
            yield "worse_ratio", percent(sum(n == 6 for n in levels), len(levels))
        yield "sections", str(len(levels))
    days = [v for v in (verdicts[id] for id, _ in pub["verdicts"]) if start <= v[4] < end]
    sure = all(v[6] != "cannot_judge" for v in days) and len({v[12] for v in days}) == 1  # one edition
    if sure and subject == "air" and pub["scope"]["kind"] == "site":
        yield "good_days", str(sum(v[10] <= 2 for v in days))
        yield "good_ratio", percent(sum(v[10] <= 2 for v in days), len(days))


def problems(data, key=""):
    packed = zipfile.ZipFile(io.BytesIO(data))
    files = {name: packed.read(name) for name in packed.namelist()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as again:
        for name in sorted(files):
            again.writestr(zipfile.ZipInfo(name), files[name])
    if out.getvalue() != data:
        yield "the zip is not as it was sealed"
    manifest = json.loads(files["manifest.json"])
    own = files["public_key.txt"].decode()
    if own != manifest["public_key"] + "\n" or (key and key.lower() != manifest["public_key"]):
        yield "the public key is another one"
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(own)).verify(files["signature.bin"], files["manifest.json"])
    names = [one["name"] for one in manifest["parts"]]
    if sorted(files) != sorted([*names, "manifest.json", "signature.bin", "public_key.txt"]):
        yield "parts are missing or too many"
    wrong = [one["name"] for one in manifest["parts"] if sha256(files[one["name"]]).hexdigest() != one["sha256"]]
    if wrong:
        return (yield f"not as sealed: {', '.join(wrong)}")
    rows = {name: [json.loads(line) for line in gzip.decompress(files[name]).splitlines()] for name in names}
    frames = {one["frame"] for one in rows["raw.jsonl.gz"]}
    verdicts, digests = {}, {}
    for one in rows["verdicts.jsonl.gz"]:
        verdicts[one["id"]], digests[one["id"]] = json.loads(one["text"]), one["digest"]
        if digest(one["text"], *one["readings"], "") != one["digest"] or verdicts[one["id"]][0] != one["id"]:
            yield f"verdict {one['id']}: digest"
        if not {int(line.rsplit("|", 1)[1]) for line in one["readings"]} <= frames:
            yield f"verdict {one['id']}: a reading without its raw message"
    for id, one in ((one["id"], one) for one in rows["publications.jsonl.gz"]):
        lines = ["site " + text(site) for site in one["sites"]]
        lines += [f"verdict {number} {digests.get(number)}" for number, _ in sorted(one["verdicts"])]
        inputs = digest(text(one["question"]), *lines, "")
        short = digest(text(one["question"]), inputs, str(one["as_of"]))[:12].upper()
        if (inputs, "P" + short) != (one["inputs_digest"], id):
            yield f"publication {id}: digest of its inputs"
        told = {figure["indicator"]: figure["figure"]["figure"] for figure in one["figures"]}
        yield from (f"{id}: {n} is {told[n]}, added up {v}" for n, v in added_up(one, verdicts) if told[n] != v)
    for one in rows["figures.jsonl.gz"]:
        value = f"数值：{one.get('figure') or '—'} {one.get('unit') or ''}".rstrip() + "\n"
        short = digest(one["publication"], one["indicator"], one["printed"])[:12].upper()
        if one["id"] != "F" + short or value not in one["printed"]:
            yield f"figure {one['id']}: not what was printed"


if __name__ == "__main__":
    try:
        found = list(problems(Path(sys.argv[1]).read_bytes(), *sys.argv[2:3]))
    except Exception as broken:
        found = [f"not valid: {type(broken).__name__}: {broken}"]
    print("\n".join(found) or "all is well")
    sys.exit(1 if found else 0)
