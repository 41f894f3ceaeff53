"""The tools do real work and fail for real reasons."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from examples.agent_platform.tools.calculator import CalculatorTool
from examples.agent_platform.tools.files import FilesTool
from examples.agent_platform.tools.ledger import LedgerTool
from examples.agent_platform.tools.pattern import PatternTool
from examples.agent_platform.tools.search import SearchTool
from examples.agent_platform.tools.steps import Steps


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    files = tmp_path / "files"
    files.mkdir()
    (files / "suns.txt").write_text("A gnomon casts the shadow of a sundial. A sundial tells the time.")
    (files / "clocks.txt").write_text("A clock tells the time by night, too.")
    return tmp_path


@pytest.mark.parametrize(
    ("expression", "value"),
    [("1 + 2 * 3", 7), ("-(4 - 6)", 2), ("7 // 2 + 7 % 2", 4), ("2 ** 10", 1024), ("1 / 4", 0.25)],
)
def test_calculator_evaluates(tmp_path: Path, expression: str, value: float) -> None:
    assert CalculatorTool(tmp_path).call({"expression": expression}, Steps()) == value


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("1 / 0", ZeroDivisionError),
        ("9 ** 9 ** 9", OverflowError),
        ("1 +", SyntaxError),
        ("__import__('os')", ValueError),
        ("'a' * 9", ValueError),
        ("True + 1", ValueError),
    ],
)
def test_calculator_refuses(tmp_path: Path, expression: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        CalculatorTool(tmp_path).call({"expression": expression}, Steps())


def test_search_ranks_the_document_that_is_about_the_words_first(state_dir: Path) -> None:
    hits = SearchTool(state_dir).call({"query": "sundial time"}, Steps())
    assert [hit["document"] for hit in hits] == ["suns.txt", "clocks.txt"]
    assert "sundial" in hits[0]["snippet"]


def test_search_builds_its_index_again_only_when_a_document_changed(state_dir: Path) -> None:
    tool = SearchTool(state_dir)

    def names_of_steps() -> list[str]:
        steps = Steps()
        tool.call({"query": "time"}, steps)
        return [step["name"] for step in steps.recorded]

    assert names_of_steps() == ["build index", "score documents"]
    assert names_of_steps() == ["score documents"]
    changed = state_dir / "files" / "suns.txt"
    os.utime(changed, ns=(0, changed.stat().st_mtime_ns + 1_000_000_000))
    assert names_of_steps() == ["build index", "score documents"]


def test_files_are_written_and_read_back(state_dir: Path) -> None:
    tool = FilesTool(state_dir)
    tool.call({"action": "write", "document": "note.txt", "text": "noon"}, Steps())
    assert tool.call({"action": "read", "document": "note.txt"}, Steps()) == {"text": "noon", "characters": 4}


@pytest.mark.parametrize("document", ["../secret.txt", "/etc/hostname", "a/b.txt"])
def test_files_outside_the_store_are_refused(state_dir: Path, document: str) -> None:
    with pytest.raises(PermissionError):
        FilesTool(state_dir).call({"action": "read", "document": document}, Steps())


def test_a_missing_file_shows_as_the_error_of_its_step(state_dir: Path) -> None:
    steps = Steps()
    with pytest.raises(FileNotFoundError):
        FilesTool(state_dir).call({"action": "read", "document": "none.txt"}, steps)
    (step,) = steps.recorded
    assert (step["name"], step["error"]) == ("read file", "FileNotFoundError")
    assert step["end_ns"] >= step["start_ns"]


def test_ledger_adds_up(tmp_path: Path) -> None:
    tool = LedgerTool(tmp_path)
    tool.call({"account": "travel", "amount": "12.50"}, Steps())
    assert tool.call({"account": "travel", "amount": "0.25"}, Steps())["balance_cents"] == 1275


def test_ledger_refuses_amounts_that_are_no_numbers_or_exceed_the_limit(tmp_path: Path) -> None:
    tool = LedgerTool(tmp_path)
    for amount in ("12,50", "1000000"):
        with pytest.raises(ValueError, match=r"12,50|limit"):
            tool.call({"account": "travel", "amount": amount}, Steps())
    assert tool.call({"account": "travel", "amount": "1"}, Steps())["balance_cents"] == 100


def test_two_writers_collide_in_the_ledger(tmp_path: Path) -> None:
    """A writer whose snapshot is out of date is refused at once, and can write with its next call."""

    class Intruder(Steps):
        """Write from another connection between the balance and the entry."""

        def step(self, name: str, **attributes: str | float) -> Any:
            if name == "INSERT entry":
                LedgerTool(tmp_path).call({"account": "travel", "amount": "1"}, Steps())
            return super().step(name, **attributes)

    tool = LedgerTool(tmp_path)
    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
        tool.call({"account": "travel", "amount": "2"}, Intruder())
    assert tool.call({"account": "travel", "amount": "2"}, Steps())["balance_cents"] == 300


def test_pattern_counts_its_matches(state_dir: Path) -> None:
    found = PatternTool(state_dir).call({"pattern": r"\bs\w+", "document": "suns.txt"}, Steps())
    assert found == {"matches": 3, "first": ["shadow", "sundial", "sundial"]}
