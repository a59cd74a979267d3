"""A sealed box for secrets that must be readable again (TOTP, OIDC client): AES by a key beside the database."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from jinyun.kernel.errors import BadInput, Unavailable

KEY_FILE = "accounts.key"


class Box:
    """Seals text with Fernet (AES-128-CBC and HMAC-SHA256) under the node's own key."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def seal(self, text: str) -> str:
        return self._fernet().encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        try:
            return self._fernet().decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Unavailable(
                f"a sealed secret cannot be opened: {KEY_FILE} is not the one it was sealed with"
            ) from None

    def _fernet(self) -> Fernet:
        if self._folder is None:
            raise Unavailable("secrets are kept only by a node with a folder")
        path = self._folder / KEY_FILE
        if not path.is_file():
            fresh = path.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(Fernet.generate_key())
                out.flush()
                os.fsync(out.fileno())
            fresh.replace(path)
        try:
            return Fernet(path.read_bytes().strip())
        except ValueError:
            raise BadInput(f"{path} holds no key", hint="restore it from a backup") from None
