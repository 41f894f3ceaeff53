"""`/api/dashboards`: who may change what, and what happens when two do."""

from typing import Any

from gnomon.model.api_keys import Scope
from gnomon.web.access_control import required_scope
from tests.unit.web.conftest import OpenApp

PANEL = {"id": 1, "kind": "stat", "title": "Up", "queries": [{"expression": "up"}]}


def _dashboard(title: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "panels": [PANEL], **more}


async def test_what_is_created_is_listed_changed_and_deleted(open_app: OpenApp) -> None:
    async with open_app() as app:
        created = await app.client.post("/api/dashboards", json=_dashboard("Mine", tags=["team"]))
        assert created.status_code == 201
        made = created.json()["summary"]
        listed = (await app.client.get("/api/dashboards")).json()["dashboards"]
        path = f"/api/dashboards/{made['id']}"
        changed = await app.client.put(path, json={"version": 1, "dashboard": _dashboard("Ours")})
        opened = (await app.client.get(path)).json()
        deleted = await app.client.delete(path, params={"version": 2})
        gone = await app.client.get(path)

    assert made in listed
    assert changed.json()["summary"]["version"] == 2
    assert opened["dashboard"]["title"] == "Ours"
    assert opened["dashboard"]["panels"][0]["queries"][0]["expression"] == "up"
    assert (deleted.status_code, gone.status_code) == (204, 404)


async def test_a_lost_update_is_refused(open_app: OpenApp) -> None:
    async with open_app() as app:
        made = (await app.client.post("/api/dashboards", json=_dashboard("Mine"))).json()["summary"]
        path = f"/api/dashboards/{made['id']}"
        await app.client.put(path, json={"version": 1, "dashboard": _dashboard("First")})
        second = await app.client.put(path, json={"version": 1, "dashboard": _dashboard("Second")})

    assert second.status_code == 409
    assert second.json()["error"]["code"] == "conflict"


async def test_a_shipped_dashboard_cannot_be_changed(open_app: OpenApp) -> None:
    async with open_app() as app:
        shipped = (await app.client.get("/api/dashboards/gnomon")).json()
        refused = await app.client.put("/api/dashboards/gnomon", json={"version": 1, "dashboard": _dashboard("x")})

    assert shipped["summary"]["shipped"]
    assert shipped["path"].endswith("gnomon.yaml")
    assert refused.status_code == 400
    assert "Duplicate it" in refused.json()["error"]["message"]


async def test_it_exports_to_both_formats_and_reads_them_back(open_app: OpenApp) -> None:
    async with open_app() as app:
        made = (await app.client.post("/api/dashboards", json=_dashboard("Mine"))).json()
        path = f"/api/dashboards/{made['summary']['id']}/export"
        read = {}
        for form in ("gnomon", "grafana"):
            exported = (await app.client.get(path, params={"format": form})).json()
            read[form] = (await app.client.post("/api/dashboards/import", json=exported)).json()

    assert {form: found["source"] for form, found in read.items()} == {"gnomon": "gnomon", "grafana": "grafana"}
    for found in read.values():
        assert found["findings"] == []
        assert found["dashboard"]["panels"][0]["queries"][0]["expression"] == "up"


async def test_a_wrong_document_says_where(open_app: OpenApp) -> None:
    async with open_app() as app:
        answer = await app.client.post("/api/dashboards", json={"title": "x", "panels": [{"id": 1, "kind": "pie"}]})

    assert answer.status_code == 400
    assert "panels.0.kind" in answer.json()["error"]["message"]


def test_reading_needs_a_key_that_reads_and_changing_one_of_an_admin() -> None:
    assert required_scope("/api/dashboards/x") is Scope.READ
    for method in ("POST", "PUT", "DELETE"):
        assert required_scope("/api/dashboards/x", method) is Scope.ADMIN
