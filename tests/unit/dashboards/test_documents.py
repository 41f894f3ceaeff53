"""A dashboard's document is checked where it comes in, and says what is wrong with it."""

import orjson
import pytest

from gnomon.dashboards.documents import Dashboard, Panel, Variable, check_dashboard, read_dashboard, write_dashboard
from gnomon.dashboards.shipped_dashboards import load_shipped_dashboards
from gnomon.model.errors import InvalidInputError


def test_what_is_written_reads_back_the_same() -> None:
    for dashboard in load_shipped_dashboards().values():
        assert read_dashboard(orjson.loads(orjson.dumps(write_dashboard(dashboard)))) == dashboard


def test_an_error_names_the_place_and_the_value() -> None:
    with pytest.raises(InvalidInputError, match=r"panels\.0\.kind: .*'piechart'"):
        read_dashboard({"title": "x", "panels": [{"id": 1, "kind": "piechart"}]})


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="colour"):
        read_dashboard({"title": "x", "colour": "blue"})


def test_a_dashboard_has_a_title() -> None:
    with pytest.raises(InvalidInputError, match="title"):
        read_dashboard({"title": ""})


@pytest.mark.parametrize(
    ("dashboard", "named"),
    [
        (Dashboard(title="x", panels=(Panel(id=3, kind="text"), Panel(id=3, kind="text"))), "panel id '3'"),
        (Dashboard(title="x", variables=(Variable(name="job"), Variable(name="job"))), "variable 'job'"),
    ],
)
def test_ids_and_names_are_unique(dashboard: Dashboard, named: str) -> None:
    with pytest.raises(InvalidInputError, match=named):
        check_dashboard(dashboard)
