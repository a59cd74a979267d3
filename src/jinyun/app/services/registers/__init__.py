"""Registers: every declared record type, one mechanism. Lists, forms, steps, clocks, Excel, views, files."""

from jinyun.app.services.registers.gate import SYSTEM_ONLY, WRITERS
from jinyun.app.services.registers.service import BOOKKEEPING, MOST, Registers

__all__ = ["BOOKKEEPING", "MOST", "SYSTEM_ONLY", "WRITERS", "Registers"]
