"""The page's own tools (frontend/*.py), as modules."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"


def tool(name: str) -> Any:
    """frontend/`name`.py"""
    spec = importlib.util.spec_from_file_location(f"jinyun_frontend_{name}", FRONTEND / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
