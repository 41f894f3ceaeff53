"""Run the agent platform from any folder: `python examples/agent_platform/run.py --help`."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    runpy.run_module("examples.agent_platform", run_name="__main__")
