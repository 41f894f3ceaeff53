"""Each variable that logs, journals and profiling read is described where people look for it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("module", "page"),
    [
        ("logs/settings.py", "logs.md"),
        ("journals.py", "resource-accounting.md"),
        ("profiling/settings.py", "profiling.md"),
    ],
)
def test_variables_are_described(module: str, page: str) -> None:
    code = (ROOT / "src/gnomon/sdk" / module).read_text(encoding="utf-8")
    text = (ROOT / "docs/how-to" / page).read_text(encoding="utf-8")
    variables = set(re.findall(r"\bGNOMON_[A-Z_]*[A-Z]\b", code))

    assert variables
    assert {name for name in variables if f"`{name}" not in text} == set()
