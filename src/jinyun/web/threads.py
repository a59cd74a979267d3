"""Worker threads with a purpose of their own, beside those that answer requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

_LOG_INS = ThreadPoolExecutor(2, thread_name_prefix="log-in")


async def in_log_in_thread(call: Callable[..., T], *given: Any) -> T:
    """`call` in one of two threads that are kept for log-ins: hashing a password takes long on purpose, and a crowd of
    people who log in at once waits here, not in the threads that everybody else's requests need."""
    work = partial(copy_context().run, call, *given)
    return await asyncio.get_running_loop().run_in_executor(_LOG_INS, work)
