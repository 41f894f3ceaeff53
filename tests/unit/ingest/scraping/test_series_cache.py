"""From expositions to write requests, with markers for what has ended."""

import pytest

from gnomon.ingest.exposition.errors import ExpositionError
from gnomon.ingest.exposition.protobuf_format import MetricFamily
from gnomon.ingest.scraping.errors import ScrapeError
from gnomon.ingest.scraping.jobs import Limits, ScrapeJob
from gnomon.ingest.scraping.relabel import RelabelRule
from gnomon.ingest.scraping.series_cache import Batch, MetadataLog, Report, SeriesCache
from gnomon.model.labels import Labels
from tests.scraped_samples import STALE, KeptSamples

T0 = 1_790_000_000_000
TARGET = Labels.of({"job": "shop", "instance": "a:1"})


class Scrapes:
    """One target's cache, scraped every second."""

    def __init__(self, job: ScrapeJob | None = None, metadata_log: MetadataLog | None = None) -> None:
        self.cache = SeriesCache(job or ScrapeJob("shop"), TARGET, metadata_log or MetadataLog())
        self.kept = KeptSamples()
        self.time_ms = T0

    def scrape(self, text: str, *, open_metrics: bool = False) -> Batch:
        self.time_ms += 1000
        batch = self.cache.read(text.encode(), "open_metrics" if open_metrics else "text", self.time_ms)
        self.kept.keep(batch.parts)
        return batch

    def fail(self) -> None:
        self.time_ms += 1000
        self.kept.keep(self.cache.read_nothing(self.time_ms).parts)


def metric_relabeling(*rules: dict[str, object], **limits: int) -> ScrapeJob:
    parsed = tuple(RelabelRule.model_validate(rule) for rule in rules)
    return ScrapeJob("shop", metric_relabel_rules=parsed, limits=Limits(**limits))


def test_samples_bear_the_targets_labels_and_the_scrapes_time() -> None:
    one = Scrapes()
    batch = one.scrape('a{x="1"} 5\nb 6\n')
    assert (batch.scraped, batch.kept, batch.added, batch.duplicates) == (2, 2, 2, 0)
    assert dict(one.kept.samples) == {
        Labels.of({"__name__": "a", "x": "1", "job": "shop", "instance": "a:1"}): [(T0 + 1000, 5.0)],
        Labels.of({"__name__": "b", "job": "shop", "instance": "a:1"}): [(T0 + 1000, 6.0)],
    }
    assert one.scrape('a{x="1"} 7\nb 8\n').added == 0
    assert one.kept.values("a") == [5.0, 7.0]


def test_many_series_keep_their_values_apart() -> None:
    """Writing in blocks mixes nothing up."""
    one = Scrapes()
    for _round in range(2):
        one.scrape("".join(f'n{{i="{number}"}} {number}.5\n' for number in range(4500)))
    assert {labels.get("i"): [value for _, value in samples] for labels, samples in one.kept.samples.items()} == {
        str(number): [number + 0.5, number + 0.5] for number in range(4500)
    }


def test_labels_of_the_target_move_those_of_the_sample_aside() -> None:
    one = Scrapes()
    one.scrape('a{job="own",exported_job="older",instance="x"} 1\n')
    (labels,) = one.kept.samples
    assert labels.to_dict() == {
        "__name__": "a",
        "job": "shop",
        "instance": "a:1",
        "exported_instance": "x",
        "exported_job": "older",
        "exported_exported_job": "own",
    }


def test_honoured_labels_stay() -> None:
    one = Scrapes(ScrapeJob("shop", honor_labels=True))
    one.scrape('a{job="own",instance=""} 1\n')
    (labels,) = one.kept.samples
    assert labels.to_dict() == {"__name__": "a", "job": "own", "instance": "a:1"}


class TestStaleness:
    """A series that is over gets a marker, once."""

    def test_a_series_that_disappears(self) -> None:
        one = Scrapes()
        for text in ("a 1\nb 1\n", "a 2\n", "a 3\n", "a 4\nb 4\n"):
            one.scrape(text)
        assert one.kept.values("b") == [1.0, STALE, 4.0]
        assert one.kept.values("a") == [1.0, 2.0, 3.0, 4.0]

    def test_all_series_of_a_failed_scrape(self) -> None:
        one = Scrapes()
        one.scrape("a 1\nb 1\n")
        one.fail()
        one.fail()
        one.scrape("a 2\nb 2\n")
        assert one.kept.values("a") == one.kept.values("b") == [1.0, STALE, 2.0]

    def test_an_empty_exposition_is_the_end_of_all(self) -> None:
        one = Scrapes()
        one.scrape("a 1\n")
        one.scrape("")
        assert one.kept.values("a") == [1.0, STALE]

    def test_samples_with_times_of_their_own_have_no_end(self) -> None:
        one = Scrapes()
        one.scrape(f"a 1 {T0}\nb 1\n")
        one.scrape("b 2\n")
        assert one.kept.values("a") == [1.0]
        (labels,) = [labels for labels in one.kept.samples if labels.metric_name == "a"]
        assert one.kept.samples[labels] == [(T0, 1.0)]

    def test_samples_with_times_of_their_own_end_where_that_is_asked_for(self) -> None:
        one = Scrapes(ScrapeJob("shop", track_timestamps_staleness=True))
        one.scrape(f"a 1 {T0}\nb 1\n")
        one.scrape("b 2\n")
        assert one.kept.values("a") == [1.0, STALE]

    def test_times_that_are_not_honoured_are_those_of_the_scrape(self) -> None:
        one = Scrapes(ScrapeJob("shop", honor_timestamps=False))
        one.scrape("a 1 5\n")
        one.scrape("b 1\n")
        assert list(one.kept.samples.values())[0] == [(T0 + 1000, 1.0), (T0 + 2000, STALE)]  # noqa: RUF015

    def test_a_series_that_is_written_differently_has_not_ended(self) -> None:
        one = Scrapes()
        one.scrape('a{x="1",y="2"} 1\n')
        one.scrape('a{y="2",x="1"} 2\n')
        assert one.kept.values("a") == [1.0, 2.0]

    def test_another_configuration_ends_only_what_it_drops(self) -> None:
        one = Scrapes()
        one.scrape("a 1\nb 1\n")
        one.cache.adopt(metric_relabeling({"action": "drop", "source_labels": ["__name__"], "regex": "b"}))
        one.scrape("a 2\nb 2\n")
        assert one.kept.values("a") == [1.0, 2.0]
        assert one.kept.values("b") == [1.0, STALE]


def test_rules_drop_and_rename_samples() -> None:
    one = Scrapes(
        metric_relabeling(
            {"action": "drop", "source_labels": ["__name__"], "regex": "go_.*"},
            {"action": "labeldrop", "regex": "pod"},
        )
    )
    batch = one.scrape('a{pod="1"} 1\ngo_x 1\nb{pod="2"} 2\n')
    assert (batch.scraped, batch.kept, batch.added) == (3, 2, 2)
    assert [labels.to_dict() for labels in one.kept.samples] == [
        {"__name__": name, "job": "shop", "instance": "a:1"} for name in ("a", "b")
    ]
    one.scrape('a{pod="1"} 3\ngo_x 1\nb{pod="2"} 4\n')
    assert one.kept.values("a") == [1.0, 3.0]
    assert one.kept.values("b") == [2.0, 4.0]


def test_of_samples_for_one_series_the_first_counts() -> None:
    """Whether a target exposes it twice, or relabeling makes two into one."""
    one = Scrapes(metric_relabeling({"action": "labeldrop", "regex": "pod"}))
    batch = one.scrape('a{pod="1"} 1\na{pod="2"} 2\nb 5\nb 6\n')
    assert (batch.scraped, batch.kept, batch.duplicates) == (4, 4, 2)
    assert one.kept.values("a") == [1.0]
    assert one.kept.values("b") == [5.0]


@pytest.mark.parametrize(
    ("limits", "text", "reason"),
    [
        ({"samples": 1}, "a 1\nb 1\n", "sample limit exceeded"),
        ({"labels": 3}, 'a{x="1"} 1\n', "label_limit exceeded .*number of labels: 4, limit: 3"),
        ({"label_name_length": 10}, 'a{very_long_name="1"} 1\n', "label_name_length_limit exceeded .*length: 14"),
        ({"label_value_length": 5}, 'a{x="123456"} 1\n', "label_value_length_limit exceeded .*length: 6, limit: 5"),
    ],
)
def test_a_scrape_beyond_a_limit_fails_whole(limits: dict[str, int], text: str, reason: str) -> None:
    one = Scrapes(metric_relabeling(**limits))
    for _again in range(2):
        with pytest.raises(ScrapeError, match=reason):
            one.scrape(text)
    assert not one.kept.samples


def test_a_sample_that_loses_its_name_fails_the_scrape() -> None:
    one = Scrapes(metric_relabeling({"action": "labeldrop", "regex": "__name__"}))
    with pytest.raises(ScrapeError, match="missing metric name"):
        one.scrape("a 1\n")


def test_after_a_faulty_exposition_the_series_are_known_still() -> None:
    one = Scrapes()
    one.scrape("a 1\n")
    with pytest.raises(ExpositionError):
        one.scrape("a 1\n}")
    one.fail()
    assert one.scrape("a 2\n").added == 0
    assert one.kept.values("a") == [1.0, STALE, 2.0]


def test_names_beyond_ascii_are_refused_where_the_job_says_so() -> None:
    with pytest.raises(ScrapeError, match="invalid metric name"):
        Scrapes(ScrapeJob("shop", utf8_names=False)).scrape('{"ä"} 1\n')
    one = Scrapes()
    one.scrape('{"ä","b.c"="1"} 1\n')
    assert one.kept.values("ä", **{"b.c": "1"}) == [1.0]


def test_an_exemplar_is_written_once_however_long_it_is_shown() -> None:
    one = Scrapes()
    text = 'a_total 1 # {trace_id="x"} 0.5\nb_total 1 # {trace_id="y"} 0.5 17.25\n# EOF\n'
    for _again in range(2):
        one.scrape(text, open_metrics=True)
    one.scrape(text.replace('"x"', '"z"'), open_metrics=True)
    a, b = (
        [(one.value, one.timestamp, one.labels[0].value.decode()) for one in exemplars]
        for _, exemplars in sorted(one.kept.exemplars.items())
    )
    assert a == [(0.5, T0 + 1000, "x"), (0.5, T0 + 3000, "z")]
    assert b == [(0.5, 17250, "y")]
    assert one.kept.values("a_total") == [1.0, 1.0, 1.0]


def test_metadata_is_written_when_it_changes() -> None:
    """Two targets that say the same say it once."""
    log = MetadataLog()
    one, other = Scrapes(metadata_log=log), Scrapes(metadata_log=log)
    for scrapes in (one, one, other):
        scrapes.scrape("# TYPE a counter\n# HELP a A.\na 1\n# TYPE b gauge\nb 1\n")
    assert one.kept.metadata == [("a", 1, "A.", ""), ("b", 2, "", "")]
    assert other.kept.metadata == []
    other.scrape("# TYPE a counter\n# HELP a Other.\na 1\n# TYPE b gauge\nb 1\n")
    assert other.kept.metadata == [("a", 1, "Other.", "")]


def test_a_report_bears_the_targets_labels() -> None:
    kept = KeptSamples()
    kept.keep(Report(TARGET, extra=False).write((1, 0.25, 3, 2, 1, 10, 0, 99), T0))
    assert {labels.metric_name: samples for labels, samples in kept.samples.items()} == {
        "up": [(T0, 1.0)],
        "scrape_duration_seconds": [(T0, 0.25)],
        "scrape_samples_scraped": [(T0, 3.0)],
        "scrape_samples_post_metric_relabeling": [(T0, 2.0)],
        "scrape_series_added": [(T0, 1.0)],
    }
    kept.keep(Report(TARGET, extra=True).write((1, 0.25, 3, 2, 1, 10, 0, 99), T0))
    assert kept.values("scrape_body_size_bytes") == [99.0]
    assert kept.values("scrape_timeout_seconds") == [10.0]


def exposed_histogram(*, spans: tuple[tuple[int, int], ...], deltas: tuple[int, ...], count: int) -> bytes:
    family = MetricFamily(name="h", type=4)
    histogram = family.metric.add().histogram
    histogram.sample_count, histogram.sample_sum, histogram.schema, histogram.zero_threshold = count, 2.5, 3, 1e-9
    for offset, length in spans:
        histogram.positive_span.add(offset=offset, length=length)
    histogram.positive_delta.extend(deltas)
    body = family.SerializeToString()
    return bytes([len(body)]) + bytes(body)


def test_native_histograms_are_written_whole_and_end_like_other_series() -> None:
    one = Scrapes(ScrapeJob("shop", native_histograms=True))
    body = exposed_histogram(spans=((0, 1), (2, 1)), deltas=(2, 1), count=5)
    one.kept.keep(one.cache.read(body, "protobuf", T0).parts)
    ((labels, (histogram,)),) = one.kept.histograms.items()
    assert labels.to_dict() == {"__name__": "h", "job": "shop", "instance": "a:1"}
    assert (histogram.timestamp, histogram.count_int, histogram.sum, histogram.schema) == (T0, 5, 2.5, 3)
    assert list(histogram.positive_deltas) == [2, 1]
    one.fail()
    assert one.kept.values("h") == [STALE]


def test_a_histogram_that_contradicts_itself_fails_the_scrape() -> None:
    one = Scrapes(ScrapeJob("shop", native_histograms=True))
    with pytest.raises(ScrapeError, match="spans need 2 buckets, have 1"):
        one.cache.read(exposed_histogram(spans=((0, 2),), deltas=(2,), count=2), "protobuf", T0)
