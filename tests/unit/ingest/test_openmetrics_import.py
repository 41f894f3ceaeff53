"""Reading OpenMetrics text into requests, and sending them."""

import gzip
import math
import re
from collections.abc import Iterator
from pathlib import Path

import cramjam
import httpx
import pytest

from gnomon.ingest import openmetrics_import
from gnomon.ingest.openmetrics_import import (
    Importer,
    OpenMetricsImportError,
    OpenMetricsReader,
    Progress,
    ServerRefusedError,
)
from gnomon.model.errors import InvalidInputError
from tests.write_requests import WriteRequest

TEXT = b"""# TYPE requests counter
# HELP requests How many.
requests_total{path="/a b",code="200"} 1 1700000000.123
requests_total{path="/a b",code="200"} 2 1700000015.123
requests_total{path="/b",code="200"} 3.5 1700000000
# TYPE latency histogram
latency_bucket{le="1"} 5 1700000000.5 # {trace_id="ab"} 0.4 1700000000.25
latency_bucket{le="1"} 6 1700000015.5
{"queue.depth","unit"="x"} NaN 1700000000
up -Inf 1700000000
# EOF
"""


def read(text: bytes) -> list[tuple[dict[str, str], list[tuple[int, float]]]]:
    """Return the series of a text with their samples."""
    series = []
    for batch in OpenMetricsReader().read(iter(text.splitlines(keepends=True))):
        for one in WriteRequest.FromString(batch.body).timeseries:
            labels = {label.name.decode(): label.value.decode() for label in one.labels}
            series.append((labels, [(sample.timestamp, sample.value) for sample in one.samples]))
    return series


def test_samples_are_read_with_their_times() -> None:
    """To the millisecond; samples of a series that stand together are sent together."""
    series = read(TEXT)
    assert series[:3] == [
        (
            {"__name__": "requests_total", "code": "200", "path": "/a b"},
            [(1_700_000_000_123, 1.0), (1_700_000_015_123, 2.0)],
        ),
        ({"__name__": "requests_total", "code": "200", "path": "/b"}, [(1_700_000_000_000, 3.5)]),
        ({"__name__": "latency_bucket", "le": "1.0"}, [(1_700_000_000_500, 5.0), (1_700_000_015_500, 6.0)]),
    ]
    assert series[3][0] == {"__name__": "queue.depth", "unit": "x"}
    assert math.isnan(series[3][1][0][1])
    assert series[4] == ({"__name__": "up"}, [(1_700_000_000_000, -math.inf)])


def test_every_millisecond_is_read_as_it_is_written() -> None:
    """Seconds as floats times a thousand are often a little less."""
    lines = [b"x 1 %d.%03d\n" % (1_700_000_000 + number, number % 1000) for number in range(5000)]
    ((_, samples),) = read(b"".join(lines) + b"# EOF\n")
    assert [time_ms for time_ms, _ in samples] == [(1_700_000_000 + n) * 1000 + n % 1000 for n in range(5000)]


def test_exemplars_and_metadata_are_read() -> None:
    """Beside the samples."""
    (batch,) = OpenMetricsReader().read(iter(TEXT.splitlines(keepends=True)))
    request = WriteRequest.FromString(batch.body)
    exemplars = [exemplar for series in request.timeseries for exemplar in series.exemplars]
    assert [(one.labels[0].value, one.value, one.timestamp) for one in exemplars] == [(b"ab", 0.4, 1_700_000_000_250)]
    told = [(entry.metric_family_name, entry.type, entry.help) for entry in request.metadata]
    assert told == [(b"requests", 1, b"How many."), (b"latency", 3, b"")]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"requests_total 1\n", "Line 12: the sample has no time"),
        (b"requests_total x 1700000000\n", "Line 12: b'x' is no number"),
        (b"requests_total 1 soon\n", "Line 12: b'soon' is no number"),
        (b"requests_total{path=} 1 1\n", "Line 12:"),
        (b"\n", "Line 12: the line is empty"),
        (b"", "Line 11: the text does not end with # EOF"),
        (b"# EOF\nmore 1 1\n", "Line 13: there is more after # EOF"),
    ],
)
def test_errors_name_the_line(line: bytes, fault: str) -> None:
    """What stood before it has been handed out by then."""
    text = TEXT.replace(b"# EOF\n", b"a 1 1\n") + line
    taken = 0
    reading = OpenMetricsReader().read(iter(text.splitlines(keepends=True)))
    with pytest.raises(OpenMetricsImportError, match="^" + re.escape(fault)):  # noqa: PT012 - what came before counts
        for batch in reading:
            taken += batch.samples
    assert taken == 8


def test_memory_does_not_grow_with_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are bounded, and so is what is remembered."""
    monkeypatch.setattr(openmetrics_import, "_MAX_KNOWN", 100)
    lines = (b'x{n="%d"} 1 1700000000\n' % number for number in range(25_000))
    reader = OpenMetricsReader()
    sizes = [batch.samples for batch in reader.read(_ended(lines))]
    assert sizes == [10_000, 10_000, 5_000]
    assert reader._known_count <= 100


async def test_requests_are_tried_again_until_the_server_takes_them(tmp_path: Path) -> None:
    """503 passes; what is told at the end is what was taken."""
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(TEXT))
    answers = iter([503, 503, 204])
    bodies = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(bytes(cramjam.snappy.decompress_raw(request.content)))
        return httpx.Response(next(answers), text="later")

    told: list[Progress] = []
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://gnomon.test") as client:
        assert await Importer(client, told.append).run(path) == 7
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    assert told[-1].samples == 7


async def test_what_the_server_refuses_is_told_with_its_lines(tmp_path: Path) -> None:
    """400 is not tried again."""
    path = tmp_path / "text"
    path.write_bytes(TEXT)
    transport = httpx.MockTransport(lambda _: httpx.Response(400, text="too far in the future"))
    async with httpx.AsyncClient(transport=transport, base_url="http://gnomon.test") as client:
        with pytest.raises(ServerRefusedError, match="Lines 1 to 11: the server answers 400: too far in the future"):
            await Importer(client, lambda _: None).run(path)


@pytest.mark.parametrize("content", [None, gzip.compress(TEXT)[:-20], b"no gzip"])
async def test_files_that_cannot_be_read_are_told(tmp_path: Path, content: bytes | None) -> None:
    """Missing, cut off, or something else."""
    path = tmp_path / "text.gz"
    if content is not None:
        path.write_bytes(content)
    transport = httpx.MockTransport(lambda _: httpx.Response(204))
    async with httpx.AsyncClient(transport=transport, base_url="http://gnomon.test") as client:
        with pytest.raises(InvalidInputError, match=r"text\.gz"):
            await Importer(client, lambda _: None).run(path)


def _ended(lines: Iterator[bytes]) -> Iterator[bytes]:
    yield from lines
    yield b"# EOF\n"
