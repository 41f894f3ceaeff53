"""The reference lists every setting, route, command and metric, as the code has them now."""

import re

import pytest

from gnomon.config import list_settings, load_config
from tools.reference import DIRECTORY, render

PAGES = render()


@pytest.mark.parametrize("name", list(PAGES))
def test_a_page_says_what_the_code_says(name: str) -> None:
    written = (DIRECTORY / name).read_text(encoding="utf-8")
    missing = [line for line in PAGES[name].splitlines() if line not in written.splitlines()]
    stale = [line for line in written.splitlines() if line not in PAGES[name].splitlines()]

    assert (missing, stale) == ([], []), "Run `python -m tools.reference` and commit docs/reference."


@pytest.mark.parametrize("name", list(PAGES))
def test_everything_is_described(name: str) -> None:
    empty = [line for line in PAGES[name].splitlines() if re.fullmatch(r"\| `.*\|\s*\|", line)]

    assert empty == []


def test_each_setting_can_be_set_by_its_variable() -> None:
    for setting in list_settings():
        if setting.default and setting.key != "data_dir":
            [value] = [
                effective
                for effective in load_config(None, {}, {setting.variable: setting.default}).effective()
                if effective.info.key == setting.key
            ]
            assert value.source == f"environment {setting.variable}"
