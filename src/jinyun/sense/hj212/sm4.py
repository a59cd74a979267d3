"""SM4 on the data area, HJ 212-2025: ECB, no padding, groups of 16 bytes; a shorter tail stays plain.

The standard chose ECB: equal groups encrypt equally, so it hides figures but proves nothing. Key management is by 1014.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from jinyun.kernel.errors import BadInput

GROUP = 16


def _cipher(key: bytes) -> Cipher[modes.ECB]:
    if len(key) != GROUP:
        raise BadInput(f"an SM4 key has 16 bytes, this one has {len(key)}", field="sm4_key")
    return Cipher(algorithms.SM4(key), modes.ECB())  # ECB is the standard's choice


def encrypt(area: bytes, key: bytes) -> bytes:
    """Encrypt the bytes between ``CP=&&`` and ``&&``; the length stays the same."""
    whole = len(area) // GROUP * GROUP
    try:
        worker = _cipher(key).encryptor()
    except UnsupportedAlgorithm as wrong:  # an OpenSSL built without SM4
        raise BadInput("this OpenSSL has no SM4", hint="install cryptography from its wheel") from wrong
    return worker.update(area[:whole]) + worker.finalize() + area[whole:]


def decrypt(area: bytes, key: bytes) -> bytes:
    """Undo `encrypt`."""
    whole = len(area) // GROUP * GROUP
    try:
        worker = _cipher(key).decryptor()
    except UnsupportedAlgorithm as wrong:
        raise BadInput("this OpenSSL has no SM4", hint="install cryptography from its wheel") from wrong
    return worker.update(area[:whole]) + worker.finalize() + area[whole:]
