"""Both text formats, checked against prometheus_client's own parsers."""

import math
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Summary
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_open_metrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open_metrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from gnomon.ingest.exposition.errors import ExpositionError
from gnomon.ingest.exposition.floats import normalize_float
from gnomon.ingest.exposition.samples import NORMAL_NAN_BITS, Exemplar, Exposition, Metadata
from gnomon.ingest.exposition.text_format import TextParser
from gnomon.model.labels import Labels


def parser(*, open_metrics: bool = False) -> TextParser[Labels]:
    return TextParser(lambda labels: labels, open_metrics=open_metrics)


def read(text: str, *, open_metrics: bool = False) -> Exposition[Labels]:
    return parser(open_metrics=open_metrics).parse(text.encode())


def series(name: str, **labels: str) -> Labels:
    return Labels({"__name__": name, **labels}.items())


def same(number: float, other: float) -> bool:
    return number == other or (math.isnan(number) and math.isnan(other))


def test_samples_comments_and_times_of_the_text_format() -> None:
    """Blanks, tabs, empty lines, comments for people and times are read as the format allows."""
    exposition = read(
        "# HELP http_requests_total All requests,\\nby \\\\ code.\n# TYPE http_requests_total counter\n"
        'http_requests_total{method="post",code="200",} 1027 1395066363000\n\n# just a remark\n'
        '\thttp_requests_total { method = "post" , code="400" }\t 3 \n'
        'escapes{path="C:\\\\DIR",error="said \\"no\\"\\n",odd="\\x"} 1.5e-2\n'
        'weird{brace="}{",hash=" # {"} +Inf\nnan NaN\n'
    )
    assert list(exposition.series) == [
        series("http_requests_total", code="200", method="post"),
        series("http_requests_total", code="400", method="post"),
        series("escapes", path="C:\\DIR", error='said "no"\n', odd="\\x"),
        series("weird", brace="}{", hash=" # {"),
        series("nan"),
    ]
    assert exposition.values.tolist()[:4] == [1027, 3, 0.015, math.inf]
    assert exposition.times_ms == {0: 1395066363000}
    assert exposition.metadata == {"http_requests_total": Metadata("counter", "All requests,\nby \\ code.")}


def test_every_nan_is_the_one_that_prometheus_stores() -> None:
    """No NaN that a target exposes can be taken for a staleness marker."""
    assert struct.unpack("<Q", struct.pack("<d", read("a NaN\n").values[0])) == (NORMAL_NAN_BITS,)


def test_open_metrics_exemplars_times_and_units() -> None:
    """Times are seconds, exemplars carry labels, value and time."""
    exposition = read(
        '# TYPE rpc_seconds histogram\n# UNIT rpc_seconds seconds\n# HELP rpc_seconds Said \\"so\\".\n'
        'rpc_seconds_bucket{le="0.5"} 8 # {trace_id="KOO5S4vxi0o"} 0.67\n'
        'rpc_seconds_bucket{le="+Inf"} 11 # {trace_id="oHg5SJ#YRHA0"} 9.8 1520879607.789\n'
        "rpc_seconds_count 11 1520879607.5\nrpc_seconds_created 1520872607.123\n# EOF\n",
        open_metrics=True,
    )
    assert exposition.values.tolist() == [8, 11, 11, 1520872607.123]
    assert exposition.times_ms == {2: 1520879607500}
    assert exposition.exemplars == {
        0: [Exemplar(Labels([("trace_id", "KOO5S4vxi0o")]), 0.67)],
        1: [Exemplar(Labels([("trace_id", "oHg5SJ#YRHA0")]), 9.8, 1520879607789)],
    }
    assert exposition.metadata == {"rpc_seconds": Metadata("histogram", 'Said "so".', "seconds")}


@pytest.mark.parametrize("open_metrics", [False, True])
def test_names_beyond_ascii_stand_in_quotes(open_metrics: bool) -> None:
    """`{"name", "label"="value"}` names a series with any UTF-8."""
    text = '# TYPE "my.größe" gauge\n{"my.größe","http.status"="200",plain="x"} 7\n' + "# EOF\n" * open_metrics
    exposition = read(text, open_metrics=open_metrics)
    assert list(exposition.series) == [Labels({"__name__": "my.größe", "http.status": "200", "plain": "x"}.items())]
    assert exposition.metadata == {"my.größe": Metadata("gauge")}


def test_bounds_of_classic_histograms_and_summaries_get_one_spelling() -> None:
    """`le="1"` and `le="1.0"` are one series, as in Prometheus 3; labels of other types stay as they are."""
    exposition = read(
        '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="1000000"} 1\n# TYPE s summary\ns{quantile="1"} 1\n'
        '# TYPE g gauge\ng{le="1",quantile="1"} 1\n'
    )
    assert [one.get("le") + one.get("quantile") for one in exposition.series] == ["1.0", "1e+06", "1.0", "11"]


@pytest.mark.parametrize(
    ("written", "stored"),
    [("1", "1.0"), ("0.00001", "1e-05"), ("123456789", "1.23456789e+08"), ("+Inf", "+Inf"), ("x", "x"), ("0", "0.0")],
)
def test_numbers_in_labels_are_written_as_go_writes_them(written: str, stored: str) -> None:
    assert normalize_float(written) == stored


class TestRepeatedScrapes:
    """A parser that has seen a target before reads values only."""

    def test_the_same_series_are_the_same_object_and_resolved_once(self) -> None:
        """Whoever prepared the series of one scrape can see that nothing changed."""
        asked: list[Labels] = []

        def resolve(labels: Labels) -> int:
            asked.append(labels)
            return len(asked)

        one = TextParser(resolve, open_metrics=False)
        first = one.parse(b"# TYPE a counter\na 1\nb 2\n")
        second = one.parse(b"# TYPE a counter\na 3\nb 4\n")
        assert second.series is first.series
        assert second.values.tolist() == [3, 4]
        assert second.metadata == first.metadata
        assert len(asked) == 2

    def test_changes_of_series_order_help_and_times_are_seen(self) -> None:
        one = parser()
        one.parse(b"# HELP a old\na 1\nb 2\n")
        changed = one.parse(b"# HELP a new\na 1\nb 2\n")
        assert changed.metadata["a"].help == "new"
        reordered = one.parse(b"# HELP a new\nb 2\na 1\n")
        assert [labels.metric_name for labels in reordered.series] == ["b", "a"]
        timed = one.parse(b"# HELP a new\nb 2 5000\na 1\n")
        assert timed.times_ms == {0: 5000}
        assert timed.values.tolist() == [2, 1]
        assert one.parse(b"# HELP a new\nb 2 6000\na 1\n").times_ms == {0: 6000}
        assert [labels.metric_name for labels in one.parse(b"a 1\n").series] == ["a"]

    @pytest.mark.parametrize("line", ['a{b="1"}%d', "a\t%d", " a %d", "a %d ", "a  %d", 'a {b="1"}\t %d\t'])
    def test_lines_that_are_not_cut_at_one_blank(self, line: str) -> None:
        """However a line stands there, the second scrape reads what the first one read."""
        one = parser()
        for number in (1, 2, 3):
            assert one.parse((line % number + "\nz 7\n").encode()).values.tolist() == [number, 7]

    def test_a_series_that_was_away_is_new_again(self) -> None:
        """So `scrape_series_added` counts it, as Prometheus does."""
        asked: list[Labels] = []

        def resolve(labels: Labels) -> Labels:
            asked.append(labels)
            return labels

        one = TextParser(resolve, open_metrics=False)
        for body in (b"a 1\nb 1\n", b"a 1\n", b"a 1\nb 1\n"):
            one.parse(body)
        assert [labels.metric_name for labels in asked] == ["a", "b", "b"]

    def test_a_faulty_scrape_changes_nothing(self) -> None:
        one = parser()
        first = one.parse(b"a 1\n")
        with pytest.raises(ExpositionError):
            one.parse(b"a 1\nb\n")
        assert one.parse(b"a 2\n").series is first.series


@pytest.mark.parametrize(
    "text",
    [
        "a\n",
        "a{b=1} 3\n",
        'a{b="1" 3\n',
        "a 1_0\n",
        "a 0x\n",
        "1a 3\n",
        'a{b="1",b="2"} 1\n',
        'a{b="1", b="2"} 1\n',
        'a{__name__="b"} 1\n',
        '{__name__="b"} 1\n',
        "a{,} 1\n",
        "a 1 -5\n",
        "a 1e400\n",
        "a 1\r\n",
        "# TYPE a counter \na 1\n",
        "a 1 2 3\n",
        "a 1 1.5\n",
        "{} 1\n",
        '{"a","b"} 1\n',
        "a1.5\n",
        "a +nan\n",
        "# TYPE a sort\na 1\n",
        'a{b="c"}\n',
    ],
)
def test_what_is_no_text_format_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ExpositionError, match=r"^Line \d: .*\."):
        read(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a 1\n", "# EOF"),
        ("a 1\n# EOF\nb 1\n", "more after # EOF"),
        ("a 1\n\n# EOF\n", "empty"),
        ("# remark\n# EOF\n", "no comment"),
        ("# TYPE a untyped\n# EOF\n", "no type"),
        ("# UNIT a seconds\n# EOF\n", "no suffix"),
        ("a 1 # {x=} 1\n# EOF\n", "has no value"),
        ("a 1 nan\n# EOF\n", "no time"),
        ("a  1\n# EOF\n", "no sample"),
        ('a{ b="1"} 1\n# EOF\n', "no label"),
        ("a 1\n# EOF\n\n", "more after # EOF"),
        ("# HELP a\na 1\n# EOF\n", "no comment"),
    ],
)
def test_what_is_no_open_metrics_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ExpositionError, match=reason):
        read(text, open_metrics=True)


def test_a_label_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(ExpositionError, match="not UTF-8"):
        parser().parse(b'a{b="\xff"} 1\n')


LABEL_VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x85\u2028\u2029"), max_size=12)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


def make_registry(values: list[str], numbers: list[float]) -> CollectorRegistry:
    registry = CollectorRegistry()
    gauge = Gauge("temperature_celsius", "How warm \\ it\nis.", ["room"], registry=registry)
    counter = Counter("requests", "Requests.", ["path", "code"], registry=registry)
    histogram = Histogram("latency_seconds", "Time.", ["path"], registry=registry, buckets=(0.005, 1, 2.5, 1e6))
    summary = Summary("size_bytes", "Size.", registry=registry)
    Info("build", "Build.", registry=registry).info({"version": values[0]})
    for value, number in zip(values, numbers, strict=False):
        gauge.labels(value).set(number)
        counter.labels(value, "200").inc(abs(number) if math.isfinite(number) else 1)
        histogram.labels(value).observe(abs(number) if math.isfinite(number) else 3, {"trace_id": "a b # {c"})
        summary.observe(abs(number) if math.isfinite(number) else 1)
    return registry


@settings(max_examples=60, deadline=None)
@given(st.lists(LABEL_VALUES, min_size=3, max_size=3, unique=True), st.lists(NUMBERS, min_size=3, max_size=3))
@pytest.mark.parametrize("open_metrics", [False, True])
def test_reads_what_prometheus_client_reads(open_metrics: bool, values: list[str], numbers: list[float]) -> None:
    """Names, labels, values and exemplars agree with another parser's, whatever the labels hold."""
    registry = make_registry(values, numbers)
    text = (generate_open_metrics if open_metrics else generate_latest)(registry).decode()
    families = list((parse_open_metrics if open_metrics else parse_text)(text))
    expected = [sample for family in families for sample in family.samples]
    one = parser(open_metrics=open_metrics)
    for _again in range(2):
        exposition = one.parse(text.encode())
        assert len(exposition.series) == len(expected)
        found = {
            labels: (number, position)
            for position, (labels, number) in enumerate(zip(exposition.series, exposition.values, strict=True))
        }
        for sample in expected:
            labels = {"__name__": sample.name, **sample.labels}
            if "le" in labels:
                labels["le"] = normalize_float(labels["le"])
            number, position = found[Labels.of(labels)]
            assert same(number, sample.value)
            if sample.exemplar:
                (exemplar,) = exposition.exemplars[position]
                assert exemplar.labels == Labels.of(sample.exemplar.labels)
                assert exemplar.value == sample.exemplar.value


@pytest.mark.parametrize("open_metrics", [False, True])
def test_damaged_text_is_read_or_refused_and_never_anything_else(open_metrics: bool) -> None:
    """Cut, doubled, changed and swapped bytes raise nothing but ExpositionError, and end soon."""
    registry = make_registry(['a"b\\c', "é}", "x y"], [1.5, math.nan, -3e7])
    text = (generate_open_metrics if open_metrics else generate_latest)(registry)
    rolls = random.Random(4)
    refused = 0
    for _ in range(3000):
        damaged = bytearray(text)
        for _change in range(rolls.randint(1, 4)):
            start = rolls.randrange(len(damaged))
            match rolls.randrange(4):
                case 0:
                    del damaged[start : start + rolls.randint(1, 20)]
                case 1:
                    damaged[start:start] = damaged[start : start + rolls.randint(1, 20)]
                case 2:
                    damaged[start] = rolls.choice(b'{}"\\,= \n#\x00\xff0eE+-')
                case _:
                    damaged[start] = rolls.randrange(256)
        try:
            parser(open_metrics=open_metrics).parse(bytes(damaged))
        except ExpositionError:
            refused += 1
    assert 300 < refused < 3000
