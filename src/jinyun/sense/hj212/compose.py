"""Frames to send, in the dress of an edition. Both sides use it: centre, device, simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jinyun.sense.hj212.packet import Packet


def frame(segment: bytes | str, *, crc: str = "hj212", lower: bool = False, sm4_key: bytes = b"") -> bytes:
    """``##`` length segment CRC CRLF. With a key the data area is encrypted; the CRC stays that of the plaintext."""
    raise NotImplementedError


def segment(
    cn: str, *, st: str, pw: str = "", mn: str | None = "", qn: str = "", flag: int | None = None,
    pnum: int | None = None, pno: int | None = None, rf: bool = False, cp: str = "", edition: int = 2017,
) -> str:  # fmt: skip
    """A data segment. Fields that are None (mn, flag) or "" (qn, pw) are left out."""
    raise NotImplementedError


def flag_of(edition: int, *, answer: bool, split: bool = False) -> int:
    """Flag: version bits, D, A (rules §4)."""
    raise NotImplementedError


def item(code: str, flag: str = "", **stats: str) -> str:
    """One factor as text: ``item("w01018", "N", Rtd="40.1")`` → ``w01018-Rtd=40.1,w01018-Flag=N``."""
    raise NotImplementedError


def upload(
    cn: str, *, mn: str, st: str, items: Sequence[str], time: int | None = None, qn: str = "", pw: str = "123456",
    edition: int = 2017, answer: bool = True, rf: bool = False, crc: str = "hj212", sm4_key: bytes = b"",
    max_segment: int = 1024,
) -> list[bytes]:  # fmt: skip
    """Frames of one upload; more than one when it does not fit `max_segment`. `time` is DataTime [s UTC].

    2005 leaves QN out of the header when `qn` is "", and Flag when no answer is wanted.
    """
    raise NotImplementedError


def split(
    cn: str, *, mn: str, st: str, items: Sequence[str], time: int, qn: str, pw: str = "123456",
    edition: int = 2017, answer: bool = True, rf: bool = False, max_segment: int = 1024,
) -> list[str]:  # fmt: skip
    """Data segments of a record shared out by factor; each part its own QN (+1 ms), PNUM and PNO (HJ 212-2017 C.47–C.50)."""
    raise NotImplementedError


def command(
    cn: str, *, mn: str, st: str, pw: str, qn: str, edition: int = 2017, params: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    crc: str = "hj212", sm4_key: bytes = b"", answer: bool = True,
) -> bytes:  # fmt: skip
    """A request or notification from the centre. Parameter names as in `codes.COMMANDS[cn].params`."""
    raise NotImplementedError


def answer(packet: Packet, cn: str, *, code: int | None = None, crc: str = "hj212", edition: int | None = None) -> bytes:
    """9011 (`code` = QnRtn), 9012 (`code` = ExeRtn), 9013 or 9014 to `packet`, in the asker's dialect."""
    raise NotImplementedError


def qn_of(micros: int) -> str:
    """Request number of an instant [µs]: ``YYYYMMDDhhmmsszzz`` in China time."""
    raise NotImplementedError
