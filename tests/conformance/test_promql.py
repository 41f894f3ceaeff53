"""Prometheus' own test scripts, against the query engine over series in memory."""

import os
import re
from pathlib import Path

import pytest

from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource
from gnomon.promql.parser import EVERYTHING
from gnomon.promql.settings import EngineSettings
from tests.conformance.promql_script import run_script

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(os.environ.get("GNOMON_PROMQL_TESTS", ROOT.parent / "shared" / "data" / "promqltest"))
DOCUMENT = ROOT / "docs" / "reference" / "promql_conformance.md"
_SCRIPT_ROW = re.compile(r"^\| (\S+\.test) \| (\d+) \| (\d+) \|", re.MULTILINE)
_DIFFERENCE_ROW = re.compile(r"^\| (\S+\.test) \| (\d+) \| [^|]+ \|$", re.MULTILINE)

DOCUMENTED = {name: (int(count), int(passing)) for name, count, passing in _SCRIPT_ROW.findall(DOCUMENT.read_text())}
DIFFERENCES = {
    (name, int(line)) for name, line in _DIFFERENCE_ROW.findall(DOCUMENT.read_text().partition("that differ")[2])
}


def make_engine(source: MemorySource, script: str) -> QueryEngine:
    """Return an engine with every feature that the scripts use, as Prometheus' framework runs them."""
    settings = EngineSettings(features=EVERYTHING, delayed_names=True, start_timestamps="start_timestamps" in script)
    return QueryEngine(source, settings)


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
async def test_script(name: str) -> None:
    """Every evaluation gives what the script says, but for those that the documentation lists; that list is exact."""
    path = SCRIPTS / name
    if not path.exists():
        pytest.skip(f"Prometheus' test scripts are not at {SCRIPTS}: set GNOMON_PROMQL_TESTS.")
    source = MemorySource()
    found = [answer async for answer in run_script(path, source, make_engine(source, name))]
    unexpected = [
        problem for evaluation, problem in found if problem is not None and (name, evaluation.line) not in DIFFERENCES
    ]
    assert not unexpected
    mended = {
        evaluation.line for evaluation, problem in found if problem is None and (name, evaluation.line) in DIFFERENCES
    }
    assert not mended, "these agree with Prometheus now: take them off the list"
    assert (len(found), sum(problem is None for _, problem in found)) == DOCUMENTED[name]


def test_every_script_is_documented() -> None:
    """A script that appears beside the others has to be run, too."""
    if not SCRIPTS.exists():
        pytest.skip(f"Prometheus' test scripts are not at {SCRIPTS}: set GNOMON_PROMQL_TESTS.")
    assert {path.name for path in SCRIPTS.glob("*.test")} == set(DOCUMENTED)


def test_enough_evaluations_agree() -> None:
    """Scripts that need no experimental feature agree whole, and 97 % of all evaluations do."""
    evaluations, agreeing = (sum(counts) for counts in zip(*DOCUMENTED.values(), strict=True))
    assert agreeing >= 0.97 * evaluations
