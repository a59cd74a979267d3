"""axe-core in a page: what it calls serious or critical."""

from __future__ import annotations

from typing import Any

import pytest
from frontend import FRONTEND, tool

AXE = FRONTEND / "node_modules" / "axe-core" / "axe.min.js"
BAD = {"serious", "critical"}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
FINDINGS = """async (tags) => {
  const found = await axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })
  const told = (n) => `${n.target.join(' ')}: ${n.failureSummary.replace(/\\s+/g, ' ')}`
  return found.violations.map((v) => ({ id: v.id, impact: v.impact, where: v.nodes.slice(0, 5).map(told) }))
}"""


def axe_source() -> str:
    """The source of axe-core, of the version that the page's lock file names; installed here when it is not."""
    if not AXE.is_file():  # a page that was built elsewhere needs no node_modules
        module = tool("build")
        try:
            module.install()
        except module.BuildError as wrong:
            pytest.skip(f"axe-core cannot be installed here: {wrong}")
    return AXE.read_text(encoding="utf-8")


def serious(page: Any, source: str) -> list[Any]:
    """Findings that count. The content policy forbids script tags, not the inspector."""
    page.evaluate(source + "; void 0")
    return [one for one in page.evaluate(FINDINGS, RULES) if one["impact"] in BAD]
