"""Targets, from discovery to URL and labels."""

from gnomon.ingest.scraping.discovery_config import TargetGroup
from gnomon.ingest.scraping.jobs import ScrapeJob
from gnomon.ingest.scraping.relabel import RelabelRule
from gnomon.ingest.scraping.targets import Resolved, resolve_targets


def resolve(job: ScrapeJob, *addresses: str, **labels: str) -> Resolved:
    return resolve_targets(job, [TargetGroup(targets=addresses, labels=labels)])


def rule(**fields: object) -> RelabelRule:
    return RelabelRule.model_validate(fields)


def test_a_target_bears_job_and_instance_and_its_groups_labels() -> None:
    (target,) = resolve(ScrapeJob("shop"), "host:80", env="prod", __meta_x="y").active
    assert target.labels.to_dict() == {"env": "prod", "instance": "host:80", "job": "shop"}
    assert target.url == "http://host:80/metrics"
    assert target.discovered.to_dict() == {
        "__address__": "host:80",
        "__meta_x": "y",
        "__metrics_path__": "/metrics",
        "__scheme__": "http",
        "__scrape_interval__": "1m",
        "__scrape_timeout__": "10s",
        "env": "prod",
        "job": "shop",
    }


def test_parameters_and_labels_make_the_url() -> None:
    """`__param_x` replaces the first value of x, as the blackbox exporter wants it."""
    job = ScrapeJob(
        "probe",
        metrics_path="/pro be",
        scheme="https",
        params=(("module", ("icmp", "tcp")), ("target", ("none",))),
        relabel_rules=(
            rule(source_labels=["__address__"], target_label="__param_target"),
            rule(source_labels=["__param_target"], target_label="instance"),
            rule(target_label="__address__", replacement="exporter:9115"),
            rule(target_label="__scrape_interval__", replacement="30s"),
        ),
    )
    (target,) = resolve(job, "example.com").active
    assert target.url == "https://exporter:9115/pro%20be?module=icmp&module=tcp&target=example.com"
    assert target.labels.to_dict() == {"instance": "example.com", "job": "probe"}
    assert (target.interval_ms, target.timeout_ms) == (30_000, 10_000)


def test_the_same_target_found_twice_is_one() -> None:
    assert len(resolve(ScrapeJob("a"), "x:1", "x:1").active) == 1


def test_dropped_targets_are_kept_for_whoever_wonders() -> None:
    job = ScrapeJob("a", relabel_rules=(rule(action="drop", source_labels=["__address__"], regex="x.*"),))
    resolved = resolve(job, "x:1", "y:1")
    assert [labels.get("__address__") for labels in resolved.dropped] == ["x:1"]
    assert [target.url for target in resolved.active] == ["http://y:1/metrics"]


def test_what_can_never_be_scraped_is_told() -> None:
    def faults(**fields: object) -> str:
        return " ".join(resolve(ScrapeJob("a", relabel_rules=(rule(**fields),)), "x:1").faults)

    assert "no address" in faults(target_label="__address__", replacement="")
    assert '"x/y" is not a valid hostname' in faults(target_label="__address__", replacement="x/y")
    assert "error parsing scrape interval" in faults(target_label="__scrape_interval__", replacement="often")
    assert "timeout cannot be greater" in faults(target_label="__scrape_timeout__", replacement="2m")


def test_targets_are_spread_over_their_interval() -> None:
    """No two servers come at the same time, and a restart changes nothing."""
    targets = resolve(ScrapeJob("a", interval_ms=15_000), *(f"host{number}:1" for number in range(200))).active
    offsets = [target.offset_ms("server-1") for target in targets]
    assert offsets == [target.offset_ms("server-1") for target in targets]
    assert offsets != [target.offset_ms("server-2") for target in targets]
    per_second = [sum(second * 1000 <= offset < (second + 1) * 1000 for offset in offsets) for second in range(15)]
    assert max(per_second) < 30
    assert min(per_second) > 2
