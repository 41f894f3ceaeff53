"""Dashboards kept as files."""

import json
from pathlib import Path

import pytest

from gnomon.dashboards.dashboard_files import DashboardFileError, load_dashboard_files

OWN = {"format": "gnomon-dashboard-1", "title": "Ours", "panels": []}
GRAFANA = {"title": "Theirs", "panels": [{"type": "nodeGraph", "title": "Strange", "gridPos": {"w": 24, "h": 4}}]}


def write(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_pattern_finds_own_dashboards_and_grafanas_with_what_is_different(tmp_path: Path) -> None:
    write(tmp_path / "My shop.json", OWN)
    (tmp_path / "theirs.yaml").write_text("title: Yaml\npanels: []\n", encoding="utf-8")
    write(tmp_path / "theirs.json", GRAFANA)
    found = load_dashboard_files([str(tmp_path / "*.json")])
    assert {key: file.dashboard.title for key, file in found.items()} == {
        "file-my-shop": "Ours",
        "file-theirs": "Theirs",
    }
    assert found["file-theirs"].findings
    assert found["file-theirs"].path == str(tmp_path / "theirs.json")
    (of_yaml,) = load_dashboard_files([str(tmp_path / "theirs.yaml")]).values()
    assert of_yaml.dashboard.title == "Yaml"


def test_files_of_one_name_stay_apart_and_keep_their_addresses(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write(tmp_path / folder / "overview.json", OWN)
    found = load_dashboard_files([str(tmp_path / "**/*.json")])
    assert len(found) == 2
    assert found == load_dashboard_files([str(tmp_path / "b/*.json"), str(tmp_path / "a/*.json")])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "No such file"), ("{", "is wrong: "), ("[]", "A dashboard is a JSON object"), ('{"title": 1}', "neither")],
)
def test_what_is_no_dashboard_is_told_with_its_file(tmp_path: Path, content: str | None, complaint: str) -> None:
    path = tmp_path / "broken.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(DashboardFileError, match=complaint) as raised:
        load_dashboard_files([str(path)])
    assert str(path) in str(raised.value)
