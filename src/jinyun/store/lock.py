"""One node per folder: the hot file and the journal have one owner."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from jinyun.kernel.errors import Busy, Unavailable


class FolderLock:
    """Holds `path` for this process until `release()` or the process ends (the kernel drops a flock with its owner).

    Raises
    ------
    Busy
        When another process holds it; the sentence names that process.
    """

    def __init__(self, path: str | Path) -> None:
        self.folder = Path(path)
        file = self.folder / "node.lock"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as wrong:
            raise Unavailable(f"cannot use the folder {self.folder}: {wrong.strerror}") from wrong
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(self._fd, 32, 0).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise Busy(
                f"the folder {self.folder} is in use by another node (process {owner or 'unknown'}); "
                "stop that one first or choose another folder"
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
