"""Serve one tool over standard input and output: a JSON object per line in, one per line out."""

import json
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, Protocol

from examples.agent_platform.tools.calculator import CalculatorTool
from examples.agent_platform.tools.files import FilesTool
from examples.agent_platform.tools.ledger import LedgerTool
from examples.agent_platform.tools.pattern import PatternTool
from examples.agent_platform.tools.search import SearchTool
from examples.agent_platform.tools.steps import Steps

LAST_RESORT_S = 10
"""After so long in one call the process ends itself, should nobody be left to stop it."""


class Tool(Protocol):
    """What a tool has to offer: one call, whose errors are the caller's to see."""

    def __init__(self, state_dir: Path) -> None: ...

    def call(self, arguments: dict[str, Any], steps: Steps) -> object:
        """Do the work and return what can be written as JSON."""


TOOLS: dict[str, type[Tool]] = {
    "calculator": CalculatorTool,
    "files": FilesTool,
    "ledger": LedgerTool,
    "pattern": PatternTool,
    "search": SearchTool,
}


def _measure(before: resource.struct_rusage) -> dict[str, float]:
    """Return the CPU seconds of one call, and this process's memory at its peak."""
    now = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu_s": now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime,
        "memory_bytes": now.ru_maxrss * 1024,
    }


def main() -> None:
    """Answer calls until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    name, state_dir = sys.argv[1:]
    tool = TOOLS[name](Path(state_dir))
    for line in sys.stdin:
        signal.alarm(LAST_RESORT_S)
        before = resource.getrusage(resource.RUSAGE_SELF)
        steps = Steps()
        answer: dict[str, object] = {"steps": steps.recorded}
        try:
            answer["result"] = tool.call(json.loads(line), steps)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in a tool belongs to its caller
            answer["error"] = {
                "type": type(error).__name__,
                "message": str(error),
                "stacktrace": traceback.format_exc(),
            }
        signal.alarm(0)
        answer["usage"] = _measure(before)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
