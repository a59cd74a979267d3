"""Hatch build hook: the wheel carries the built page, so that users never need Node."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Builds the page for wheels; an editable install serves whatever ``frontend/build.py`` has made."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 -- hatch's signature
        if self.target_name != "wheel" or version == "editable":
            return
        path = Path(self.root) / "frontend" / "build.py"
        spec = importlib.util.spec_from_file_location("jinyun_frontend_build", path)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"cannot load {path}")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.app.display_info("building the page")
        module.build()
