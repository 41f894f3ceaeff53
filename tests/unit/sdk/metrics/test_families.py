import logging

import pytest
from prometheus_client import Counter

import gnomon
from gnomon.sdk import faults
from gnomon.sdk.metrics import families
from gnomon.testing import capture


def test_label_values_beyond_the_bound_become_other_and_are_counted() -> None:
    with capture(label_values=3) as told:
        orders = gnomon.counter("bounded_orders_total", "Orders.", ["shop", "kind"])
        for number in range(10):
            orders.labels(f"shop-{number}", "x").inc()
        orders.labels("shop-0", "x").inc()
        assert told.value("bounded_orders_total", shop="shop-0", kind="x") == 2
        assert told.value("bounded_orders_total", shop="__other__", kind="x") == 7
        assert told.value("gnomon_sdk_label_overflows_total", metric="bounded_orders_total", label="shop") == 7


def test_labels_may_be_given_by_name_by_place_or_both() -> None:
    with capture() as told:
        orders = gnomon.counter("named_orders_total", "Orders.", ["shop", "status"])
        orders.labels("a", 200).inc()
        orders.labels(shop="a", status=200).inc()
        orders.labels("a", status="200").inc()
        orders.labels("a", None).inc()
        assert told.value("named_orders_total", shop="a", status=200) == 3
        assert told.value("named_orders_total", shop="a", status="") == 1


@pytest.mark.parametrize(("values", "named"), [((), {}), (("a", "b"), {}), ((), {"shop": "a", "town": "b"})])
def test_wrong_labels_are_told_and_never_raised(
    values: tuple[str, ...], named: dict[str, str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "_told", set())
    with capture() as told, caplog.at_level(logging.WARNING, "gnomon.sdk"):
        gnomon.counter("wrong_orders_total", "Orders.", ["shop"]).labels(*values, **named).inc()
        assert told.value("gnomon_sdk_faults_total", doing="use the metric wrong_orders_total") == 1
    assert "wrong_orders_total has the labels ['shop']" in caplog.text


def test_a_metric_that_the_application_registered_itself_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    with capture():
        mine = Counter("clashing_total", "The application's own.", registry=families.registry())
        mine.inc(5)
        gnomon.counter("clashing_total", "Another.").inc()
        assert b"clashing_total 5.0" in gnomon.render_metrics()[0]
        families.registry().unregister(mine)


def test_asking_for_the_wrong_kind_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match=r"Ask for it with counter\('tasks_total'\)"):
        gnomon.gauge("tasks_total")
    with pytest.raises(ValueError, match="is declared with the labels"):
        gnomon.counter("tasks_total", labels=["status"])


def test_nothing_is_counted_while_the_sdk_is_off_or_metrics_are() -> None:
    orders = gnomon.counter("off_orders_total", "Orders.")
    orders.inc()
    with capture(metrics="none"):
        orders.inc()
        assert b"off_orders_total" not in gnomon.render_metrics()[0]
    with capture() as told:
        orders.inc()
        assert told.value("off_orders_total") == 1


def test_another_namespace_begins_other_metrics() -> None:
    orders = gnomon.counter("moved_orders_total", "Orders.")
    with capture(namespace="one") as told:
        orders.inc()
        assert told.value("one_moved_orders_total") == 1
    with capture(namespace="two_") as told:
        orders.inc()
        assert told.value("two_moved_orders_total") == 1
        assert told.value("one_moved_orders_total") == 0
