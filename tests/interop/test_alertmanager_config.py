"""Alertmanager's configuration files: Gnomon takes and refuses the same ones as amtool."""

import re
from pathlib import Path

import pytest
import yaml

from gnomon.alerting.alertmanager_config import (
    AlertmanagerConfigError,
    hide_secrets,
    load_alertmanager_config,
    parse_alertmanager_config,
)
from tests.peers.alertmanager import amtool

CONFIGS = yaml.safe_load((Path(__file__).parent / "alertmanager" / "configs.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def verdicts(amtool_program: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    """What amtool says to each configuration, empty where it is content, with the file that it looked at."""
    folder = tmp_path_factory.mktemp("configs")
    files = {name: folder / f"{number}.yml" for number, name in enumerate(CONFIGS)}
    for name, file in files.items():
        file.write_text(CONFIGS[name], encoding="utf-8")
    answer = amtool("check-config", *files.values())
    said = {}
    for report in answer.output.split("Checking '")[1:]:
        path, _, verdict = report.partition("'")
        said[path] = verdict.partition("FAILED:")[2].strip()
    return {name: (file, said[str(file)]) for name, file in files.items()}


@pytest.mark.parametrize("name", CONFIGS)
def test_gnomon_and_amtool_agree(verdicts: dict[str, tuple[Path, str]], name: str) -> None:
    file, fault = verdicts[name]
    if fault:
        with pytest.raises(AlertmanagerConfigError, match=re.escape(str(file))):
            load_alertmanager_config(file)
    else:
        load_alertmanager_config(file)


def test_both_kinds_are_there(verdicts: dict[str, tuple[Path, str]]) -> None:
    refused = sum(bool(fault) for _file, fault in verdicts.values())
    assert 30 < refused < len(verdicts) - 15


def test_what_is_shown_holds_no_secret_and_is_a_configuration(amtool_program: Path, tmp_path: Path) -> None:
    text = CONFIGS["webhook"] + "templates: []\n"
    text = text.replace("client_secret: s", "client_secret: TOP").replace("http://127.0.0.1:1/", "http://TOP:1/")
    shown = hide_secrets(text)
    assert "TOP" not in shown
    file = tmp_path / "shown.yml"
    file.write_text(shown, encoding="utf-8")
    assert amtool("check-config", file).status == 0
    parse_alertmanager_config(shown, file)
