"""Frames to send, in the dress of an edition. Both sides use it: centre, device, simulator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from jinyun.kernel.errors import BadInput
from jinyun.sense.hj212 import crc as crcs
from jinyun.sense.hj212 import sm4
from jinyun.sense.hj212.codes import COMMANDS
from jinyun.sense.hj212.content import china_text
from jinyun.sense.hj212.packet import Packet

MAX_SEGMENT = 1024  # HJ 212-2017 6.1: longer records are split
_VERSION_BITS = {2005: 0, 2017: 1, 2025: 2}
_LONGEST = 9999  # what four digits can say


def frame(segment: bytes | str, *, crc: str = "hj212", lower: bool = False, sm4_key: bytes = b"") -> bytes:
    """``##`` length segment CRC CRLF. With a key the data area is encrypted; the CRC stays that of the plaintext.

    Raises
    ------
    BadInput
        When the segment is too long for a four-digit length, or the key is none.
    """
    plain = segment.encode("utf-8") if isinstance(segment, str) else segment
    if len(plain) > _LONGEST:
        raise BadInput(f"a segment of {len(plain)} bytes does not fit a four-digit length", hint="split it")
    digits = crcs.text(plain, crc)
    if lower:
        digits = digits.lower()
    if sm4_key:
        begin = plain.find(b"CP=&&") + 5
        if begin >= 5 and plain.endswith(b"&&") and len(plain) - 2 >= begin:
            plain = plain[:begin] + sm4.encrypt(plain[begin:-2], sm4_key) + b"&&"
    return b"##%04d%b%b\r\n" % (len(plain), plain, digits.encode())


def segment(
    cn: str, *, st: str, pw: str = "", mn: str | None = "", qn: str = "", flag: int | None = None,
    pnum: int | None = None, pno: int | None = None, rf: bool = False, cp: str = "", edition: int = 2017,
) -> str:  # fmt: skip
    """A data segment. Fields that are None (mn, flag) or "" (qn, pw) are left out; 2005 puts PNO before PNUM."""
    head = [f"QN={qn}"] if qn else []
    head += [f"ST={st}", f"CN={cn}"]
    if pw:
        head.append(f"PW={pw}")
    if mn is not None:
        head.append(f"MN={mn}")
    if flag is not None:
        head.append(f"Flag={flag}")
    if pnum is not None and pno is not None:
        head += [f"PNO={pno}", f"PNUM={pnum}"] if edition == 2005 else [f"PNUM={pnum}", f"PNO={pno}"]
    if rf:
        head.append("RF=1")
    return f"{';'.join(head)};CP=&&{cp}&&"


def flag_of(edition: int, *, answer: bool, split: bool = False) -> int:
    """Flag: version bits, D, A (rules §4).

    Raises
    ------
    BadInput
        For an edition there is none of.
    """
    if edition not in _VERSION_BITS:
        raise BadInput(f"no HJ 212 edition {edition}", field="edition", hint="2005, 2017 or 2025")
    return _VERSION_BITS[edition] << 2 | split << 1 | answer


def item(code: str, flag: str = "", **stats: str) -> str:
    """One factor as text: ``item("w01018", "N", Rtd="40.1")`` → ``w01018-Rtd=40.1,w01018-Flag=N``."""
    parts = [f"{code}-{stat}={value}" for stat, value in stats.items()]
    if flag:
        parts.append(f"{code}-Flag={flag}")
    return ",".join(parts)


def upload(
    cn: str, *, mn: str, st: str, items: Sequence[str], time: int | None = None, qn: str = "", pw: str = "123456",
    edition: int = 2017, answer: bool = True, rf: bool = False, crc: str = "hj212", sm4_key: bytes = b"",
    max_segment: int = MAX_SEGMENT,
) -> list[bytes]:  # fmt: skip
    """Frames of one upload; more than one when it does not fit `max_segment`. `time` is DataTime [s UTC].

    2005 leaves out QN when `qn` is "", and Flag when no answer is wanted.
    """
    return [
        frame(one, crc=crc, sm4_key=sm4_key)
        for one in split(
            cn, mn=mn, st=st, items=items, time=time, qn=qn, pw=pw, edition=edition, answer=answer, rf=rf,
            max_segment=max_segment,
        )
    ]  # fmt: skip


def split(
    cn: str, *, mn: str, st: str, items: Sequence[str], time: int | None, qn: str, pw: str = "123456",
    edition: int = 2017, answer: bool = True, rf: bool = False, max_segment: int = MAX_SEGMENT,
) -> list[str]:  # fmt: skip
    """Data segments of a record: one, or shared out by factor when it does not fit (HJ 212-2017 C.47–C.50).

    Each part has its own QN (1 ms later), the same DataTime, and PNUM and PNO; a factor is never cut.

    Raises
    ------
    BadInput
        When one factor alone does not fit.
    """

    def build(chosen: Iterable[str], pnum: int | None = None, pno: int | None = None) -> str:
        flag: int | None = flag_of(edition, answer=answer, split=pnum is not None)
        if edition == 2005 and not flag:
            flag = None
        begin = (f"DataTime={china_text(time)}",) if time is not None else ()
        number = next_qn(qn, (pno or 1) - 1)
        return segment(
            cn, st=st, pw=pw, mn=mn, qn=number, flag=flag, pnum=pnum, pno=pno, rf=rf, cp=";".join((*begin, *chosen)),
            edition=edition,
        )  # fmt: skip

    whole = build(items)
    if len(whole.encode()) <= max_segment:
        return [whole]
    parts: list[list[str]] = [[]]
    empty = size = len(build((), 9999, 9999).encode())
    for one in items:
        length = len(one.encode()) + 1
        if size + length > max_segment and parts[-1]:
            parts.append([])
            size = empty
        if size + length > max_segment:
            raise BadInput(f"one factor of {length} bytes does not fit a packet of {max_segment}: {one[:40]}…")
        parts[-1].append(one)
        size += length
    return [build(part, len(parts), number) for number, part in enumerate(parts, start=1)]


def command(
    cn: str, *, mn: str, st: str, pw: str, qn: str, edition: int = 2017,
    params: Mapping[str, str] | Sequence[tuple[str, str]] = (), crc: str = "hj212", sm4_key: bytes = b"",
    answer: bool = True,
) -> bytes:  # fmt: skip
    """A request or notification from the centre. Parameter names as in `codes.COMMANDS[cn].params`.

    The editions' own spellings are used: 2005 writes PW for NewPW and PolID for PolId; `Info` goes out as
    ``<InfoId>-Info``, `LowValue` and `UpValue` as ``<PolId>-LowValue``, `MN` of 1002 as ``i23005-Info``.

    Raises
    ------
    BadInput
        When the edition has no such command, or a parameter it needs is missing.
    """
    known = COMMANDS.get(cn)
    if known is None or known.down not in ("R", "N"):
        raise BadInput(f"{cn} is no command a centre sends", field="cn", hint="see codes.COMMANDS")
    if edition not in known.editions:
        editions = ", ".join(map(str, known.editions))
        raise BadInput(f"{cn} ({known.en}) does not exist in HJ 212-{edition}", field="cn", hint=f"it is in {editions}")
    pairs = list(params.items()) if isinstance(params, Mapping) else list(params)
    pairs = [(name, str(value)) for name, value in pairs if value not in ("", None)]
    given = dict(pairs)
    missing = [one.name for one in known.params if one.required and one.name not in given and not _empty_request(cn)]
    if missing:
        raise BadInput(f"{cn} needs {', '.join(missing)}", field=missing[0])
    for name, value in pairs:
        if any(mark in value for mark in ";,=&\r\n") or "##" in value:
            raise BadInput(f"{name}={value!r} holds a character that ends a field", field=name)
    cp = ";".join(f"{_spelling(name, given, cn, edition)}={value}" for name, value in _sendable(pairs, cn))
    return frame(
        segment(cn, st=st, pw=pw, mn=mn, qn=qn, flag=flag_of(edition, answer=answer), cp=cp, edition=edition),
        crc=crc, sm4_key=sm4_key,
    )  # fmt: skip


def _empty_request(cn: str) -> bool:
    """1001 of 2005 reads with an empty CP and sets with WarnTime; 1014 asks for a key or sets one."""
    return cn in ("1001", "1014")


def _sendable(pairs: list[tuple[str, str]], cn: str) -> list[tuple[str, str]]:
    if cn == "1022":  # 101-LowValue=1.1,101-UpValue=9.9: the code is part of the names
        return [(name, value) for name, value in pairs if name != "PolId"]
    return pairs


def _spelling(name: str, given: Mapping[str, str], cn: str, edition: int) -> str:
    if name == "Info":
        return f"{given.get('InfoId', '')}-Info"
    if name in ("LowValue", "UpValue"):
        return f"{given.get('PolId', '')}-{name}"
    if name == "MN" and cn == "1002":
        return "i23005-Info"
    if edition == 2005:
        return {"NewPW": "PW", "PolId": "PolID"}.get(name, name) if cn in ("1072", "3011", "3014") else name
    return name


def answer(
    packet: Packet, cn: str, *, code: int | None = None, crc: str = "hj212", edition: int | None = None
) -> bytes:
    """9011 (`code` = QnRtn), 9012 (`code` = ExeRtn), 9013 or 9014 to `packet`, in the asker's dialect.

    2017 and 2025 echo QN, PW and MN in the header and keep the version bits with A=0. 2005 has the QN inside CP; its
    9014 names the CN it answers and has neither PW nor MN (annex: ``ST=91;CN=9014;CP=&&QN=…;CN=2051&&``). A split
    packet's PNUM and PNO are echoed by 2005. `edition` overrides what the packet's Flag says.
    """
    edition = edition or packet.version
    name = {"9011": "QnRtn", "9012": "ExeRtn"}.get(cn)
    result = f"{name}={1 if code is None else code}" if name else ""
    if edition != 2005:
        text = segment(
            cn, st="91", pw=packet.pw, mn=packet.mn, qn=packet.qn, flag=flag_of(edition, answer=False), cp=result
        )
        return frame(text, crc=crc)
    echo = [f"QN={packet.qn}"] if packet.qn else []
    if cn == "9014":
        echo.append(f"CN={packet.cn}")
    elif result:
        echo.append(result)
    pnum, pno = packet.split or (None, None)
    short = cn == "9014"
    text = segment(
        cn, st="91", pw="" if short else packet.pw, mn=None if short else packet.mn,
        flag=None if packet.flag is None or short else 0, pnum=pnum, pno=pno, cp=";".join(echo), edition=2005,
    )  # fmt: skip
    return frame(text, crc=crc)


def qn_of(micros: int) -> str:
    """Request number of an instant [µs]: ``YYYYMMDDhhmmsszzz`` in China time."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{china_text(seconds)}{rest // 1000:03}"


def next_qn(qn: str, steps: int) -> str:
    """`qn` some milliseconds later (only its last three digits count on); one that is no QN stays as it is."""
    if not steps or len(qn) != 17 or not qn.isdecimal():
        return qn
    return f"{qn[:14]}{(int(qn[14:]) + steps) % 1000:03}"
