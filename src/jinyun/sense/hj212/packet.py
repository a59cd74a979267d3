"""Header of a data segment: who, what, which edition. Tolerant as the field needs (rules §3, §16); nothing is judged."""

from __future__ import annotations

from collections.abc import Mapping

from jinyun.kernel.errors import JinyunError
from jinyun.sense.hj212.framing import RawFrame


class BadPacket(JinyunError):
    """A frame whose CRC fits but which cannot be read. `code` is the reason, `sentence` says what would work."""

    status_hint = 422

    def __init__(self, code: str, sentence: str, *, mn: str = "") -> None:
        self.code, self.sentence, self.mn = code, sentence, mn
        super().__init__(sentence)


class Packet:
    """A parsed header, and the data area as text. Fields absent in the segment are None (flag, mn, pnum…) or ""."""

    __slots__ = ("__weakref__", "area", "cn", "cp", "encrypted", "flag", "frame", "mn", "odd", "pw", "qn", "rf", "st", "version")
    frame: RawFrame
    qn: str  # as sent; of 2005 answers and uploads the QN inside CP; "" when there is none
    st: str
    cn: str
    pw: str
    mn: str  # trimmed; "" when absent or empty
    flag: int | None
    version: int  # 2005, 2017, 2025 by the Flag's version bits; 2005 when there is no Flag
    rf: bool  # 2025: re-sent
    area: bytes  # data area, decrypted
    cp: str  # data area as text
    encrypted: bool
    odd: tuple[str, ...]  # oddities tolerated

    @property
    def answer_wanted(self) -> bool:
        """Bit A of Flag."""
        raise NotImplementedError

    @property
    def split(self) -> tuple[int, int] | None:
        """(PNUM, PNO), or None when the record is in one piece."""
        raise NotImplementedError

    @property
    def header(self) -> Mapping[str, str]:
        """All header fields as sent, by upper-case name."""
        raise NotImplementedError

    @property
    def qn_in_cp(self) -> bool:
        """True for the 2005 habit: QN inside CP."""
        raise NotImplementedError

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values of CP in order, duplicates kept, log text cut out first."""
        raise NotImplementedError

    def get(self, name: str, default: str = "") -> str:
        """First value of a field of CP, e.g. ``"QnRtn"``; case does not matter."""
        raise NotImplementedError


def parse(frame: RawFrame, *, sm4_key: bytes = b"", encoding: str = "auto") -> Packet:
    """Read a frame.

    Parameters
    ----------
    encoding : str
        "auto" (UTF-8, then GB18030, noted in `odd`), or a codec's name.

    Raises
    ------
    BadPacket
        no-command, no-header, sm4-no-key, sm4-wrong-key.
    """
    raise NotImplementedError
