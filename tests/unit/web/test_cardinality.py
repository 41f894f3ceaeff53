"""`/api/cardinality` tells what makes the series many, and which were refused."""

from tests.unit.web.conftest import OpenApp


async def test_it_tells_the_largest_and_the_refused_with_the_label_to_blame(open_app: OpenApp) -> None:
    async with open_app() as app:
        answer = (await app.client.get("/api/cardinality", params={"limit": 1})).json()

    assert answer["series_by_metric"] == [{"name": "x", "count": 2}]
    [refused] = answer["refused"]
    assert (refused["metric"], refused["label"], refused["label_values"], refused["last_ms"]) == ("x", "id", 3, 1)
    assert refused["example"] == {"__name__": "x", "id": "9"}


async def test_a_metric_may_have_any_name(open_app: OpenApp) -> None:
    async with open_app() as app:
        answer = (await app.client.get("/api/cardinality/http.server/duration")).json()

    assert answer["metric"] == "http.server/duration"
    assert answer["values_by_label"] == [{"name": "id", "count": 2}]
