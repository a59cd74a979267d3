"""`jinyun VERB …`: finds the verb's file, runs it, and turns every error of ours into one sentence and exit code 2.

Nothing heavy is imported before a verb is chosen: `jinyun --help` must cost under 0.3 s of CPU.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec

from jinyun.kernel.errors import JinyunError

VERBS: dict[str, tuple[str, str]] = {
    "serve": ("jinyun.cli.serve", "run a node: HJ 212 centre, judging, alarms, page"),
    "simulate": ("jinyun.cli.simulate", "run a simulated district against a node"),
    "replay": ("jinyun.cli.replay", "send real tables through the same sockets"),
    "hj212": ("jinyun.cli.hj212", "HJ 212 tools: decode, conformance, listen, send"),
    "records": ("jinyun.cli.records", "registers: list, show, load, export"),
    "case": ("jinyun.cli.case", "cases: sealed hand-over and its check, evaluation of units"),
    "periods": ("jinyun.cli.periods", "figures of a month, quarter or year beside those of the year before"),
    "windows": ("jinyun.cli.windows", "windows of a factor: ten minutes to years, 8 h means, day and night"),
    "figure": ("jinyun.cli.figure", "published figures: publish, print again as of their day, what changed, seal"),
    "rejudge": ("jinyun.cli.rejudge", "judge again under another edition: which verdicts flip"),
    "correct": ("jinyun.cli.correct", "correct readings and limits in sessions: preview, accept; all follows"),
    "report": ("jinyun.cli.report", "monthly and yearly reports in Word and Excel: air, water, noise"),
    "cluster": ("jinyun.cli.cluster", "figures over several nodes, on DuckDB or a Spark cluster"),
    "import": ("jinyun.cli.import_", "import readings from CSV, Excel or Parquet: preview, accept, row errors"),
    "catalogue": ("jinyun.cli.catalogue", "what is kept: series and data sets, how fresh and complete, gaps and whose"),
    "account": ("jinyun.cli.account", "accounts: list, reset a password"),
    "audit": ("jinyun.cli.audit", "audit log: show, verify that nothing was changed or removed"),
    "backup": ("jinyun.cli.backup", "back a node up while it runs"),
    "restore": ("jinyun.cli.restore", "restore a backup into a new folder"),
    "verify": ("jinyun.cli.verify", "check a node's stores, or a backup"),
    "doctor": ("jinyun.cli.doctor", "one page: what is well, what is not, what to do"),
    "notify": ("jinyun.cli.notify", "notices: how far they are, failed ones tried again"),
    "system": ("jinyun.cli.system", "how a node fares"),
    "judge": ("jinyun.cli.judge", "judge tables (CSV, Excel, Parquet) by the standards of the data's day"),
    "standards": ("jinyun.cli.standards", "standards we hold: list, show, check and add your own"),
    "conformance": ("jinyun.cli.conformance", "check the standards' examples"),
    "version": ("jinyun.cli.version", "versions of Jinyun and of what it stands on"),
}
"""Verb -> (module with a typer app named `app`, what it does)."""

FAILED = 2


def usage() -> str:
    width = max(map(len, VERBS)) + 2
    lines = [
        "Jinyun 缙云: an open, self-hosted digital eco-environment brain",
        "",
        "Usage: jinyun VERB [OPTIONS]",
        "",
        "Verbs:",
        *(f"  {name:<{width}}{what}" for name, (module, what) in VERBS.items() if find_spec(module)),
        "",
        "jinyun VERB --help says more.",
    ]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> None:
    """Run one verb; never returns."""
    sys.exit(run(list(sys.argv[1:] if words is None else words)))


def run(words: list[str]) -> int:
    """Exit code of one verb."""
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    verb, rest = words[0], words[1:]
    if verb == "--version":
        verb = "version"
    if verb not in VERBS:
        near = get_close_matches(verb, VERBS, n=1)
        return complain(
            f"no verb {verb!r}" + (f"; did you mean {near[0]!r}?" if near else "; jinyun --help lists them")
        )
    try:
        app = import_module(VERBS[verb][0]).app
        app(rest, prog_name=f"jinyun {verb}")
    except JinyunError as wrong:
        return complain(str(wrong))
    except SystemExit as ended:
        return _code(ended)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output went: nothing to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as wrong:
        if os.environ.get("JINYUN_TRACE"):
            raise
        kind = type(wrong).__name__
        return complain(f"unforeseen {kind}: {wrong} (JINYUN_TRACE=1 shows where)")
    return 0


def complain(sentence: str) -> int:
    print(f"jinyun: {sentence}", file=sys.stderr)
    return FAILED


def _code(ended: SystemExit) -> int:
    if isinstance(ended.code, int):
        return ended.code
    if ended.code is None:
        return 0
    return complain(str(ended.code))
