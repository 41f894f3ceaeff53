"""promtool and Gnomon judge the same rule files and the same unit tests of rules."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from gnomon.alerting.rule_files import parse_rule_file
from gnomon.alerting.rule_tests import run_rule_tests
from tests.peers.prometheus import ToolError, promtool

RULES = Path(__file__).parent / "rules"
SHIPPED = Path(__file__).parents[2] / "deploy" / "prometheus"

TESTS = sorted(path.name for path in RULES.glob("*_test.yml"))
# promtool knows no place of a group, and names no line beside a duration.
_PLACES = re.compile(r"\d+:\d+: (?=groupname)|line \d+: (?=unknown unit)")
# Values are parsed in words of our own.
_OTHER_WORDS = frozenset({"values_test.yml"})


def ask_promtool(*arguments: str) -> list[str]:
    """Return the lines in which promtool tells what is wrong."""
    try:
        promtool(*arguments, cwd=RULES)
    except ToolError as error:
        _, _, output = str(error).partition("FAILED:\n")
        return normalize([output])
    return []


def normalize(faults: Sequence[str]) -> list[str]:
    """Return the lines of all faults; promtool tells some faults twice."""
    lines = (_PLACES.sub("", line) for fault in faults for line in fault.splitlines() if line.strip())
    return [line for line, _ in itertools.groupby(lines)]


@pytest.mark.parametrize("name", TESTS)
@pytest.mark.usefixtures("promtool_program")
async def test_unit_tests_get_the_same_verdict(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(RULES)
    verdict = await run_rule_tests(Path(name))
    expected = ask_promtool("test", "rules", name)
    if name in _OTHER_WORDS:
        assert bool(verdict.faults) == bool(expected)
    else:
        assert normalize(list(verdict.faults)) == expected


def test_there_are_passing_and_failing_tests() -> None:
    assert {"passing_test.yml", "failing_test.yml"} <= set(TESTS)


@pytest.mark.parametrize("name", ["rules.yml", "broken_rules.yml", "unknown_keys.yml", "duration_rules.yml"])
@pytest.mark.usefixtures("promtool_program")
def test_rule_files_have_the_same_faults(name: str) -> None:
    _, faults = parse_rule_file((RULES / name).read_text(), name)
    expected = ask_promtool("check", "rules", "--lint=none", name)
    assert normalize([f"{name}: {fault}" for fault in faults]) == expected


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*rules.yml")), ids=lambda path: path.name)
@pytest.mark.usefixtures("promtool_program")
def test_promtool_accepts_the_rules_that_we_ship(path: Path) -> None:
    assert "SUCCESS" in promtool("check", "rules", path)
