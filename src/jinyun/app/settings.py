"""Settings of a node: defaults, then `jinyun.toml` in its folder, then the command line."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from jinyun.kernel.errors import BadInput


@dataclass(frozen=True, slots=True)
class Settings:
    """One node."""

    folder: Path = field(default_factory=lambda: Path("var"))
    host: str = "127.0.0.1"
    http_port: int = 8212
    hj212_host: str = "127.0.0.1"
    hj212_port: int = 9212
    database: str = ""  # SQLAlchemy address of the records; empty: SQLite in the folder
    jurisdiction: str = "500109"  # GB/T 2260 code of the bureau
    jurisdiction_name: str = "示范区"
    bureau: str = ""  # who issues reports; empty: 生态环境局 of the jurisdiction
    demo: bool = False
    demo_scale: str = "small"
    demo_seed: int = 7
    demo_history: int = 0  # days of the past that the demo's stations send in the background
    clock: str = ""  # "" the system's; else SIM_ISO,REAL_ISO,SPEED
    seal_every_s: float = 1800.0
    hot_memory_mb: int = 320
    hour_lookback_h: int = 36  # how far back a device is asked for hours when first seen
    minute_lookback_h: int = 2
    journal_segment_mb: int = 256
    journal_days: int = 400  # raw messages are kept so long; never dropped before their rows are stored
    disk_floor_mb: int = 64  # with less free no new message is taken: the rest is for storing what was acknowledged
    attachment_mb: int = 50  # largest file of a record
    attachment_kinds: str = "image pdf office text video zip"  # kinds of files that are taken, see app/pictures.py
    notify: dict[str, Any] = field(default_factory=dict)  # mail server, hosts notices may go to: docs/notification.md
    retention: dict[str, Any] = field(default_factory=dict)  # days by class, see app/care/rules.py

    @property
    def issuer(self) -> str:
        """The bureau named on reports."""
        return self.bureau or f"{self.jurisdiction_name}生态环境局"

    @classmethod
    def load(cls, folder: Path | str = "var", **given: Any) -> Settings:
        """Settings of the node in `folder`; `given` (None = not given) wins over the file.

        Raises
        ------
        BadInput
            Naming the key of the file that is unknown or of the wrong kind.
        """
        base = cls(folder=Path(folder))
        known = {f.name: f for f in fields(cls)}
        path = base.folder / "jinyun.toml"
        written = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        for name, value in written.items():
            if name not in known or name == "folder":
                raise BadInput(f"{path}: unknown setting {name!r}", hint=f"known: {', '.join(sorted(known))}")
            kind = type(getattr(base, name))
            if kind is float and isinstance(value, int) and not isinstance(value, bool):
                written[name] = float(value)
            elif not isinstance(value, kind):
                raise BadInput(f"{path}: {name} must be {kind.__name__}, not {value!r}", field=name)
        return replace(base, **{**written, **{k: v for k, v in given.items() if v is not None}})
