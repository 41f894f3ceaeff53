"""Results of queries as the JSON of Prometheus' HTTP API.

The samples of a big answer outnumber everything else, so their text is made for whole rows at once: orjson writes all
values, and what Prometheus writes differently (large, tiny, not finite) is put in its place afterwards.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import orjson

from gnomon.model.float_text import format_api, format_plain
from gnomon.model.histogram_forms import to_json
from gnomon.model.labels import Labels
from gnomon.model.series import Floats, Integers, Objects
from gnomon.promql.results import QueryResult, ResultKind

# orjson writes an exponent outside of these, or writes it with fewer digits than Go.
_SMALLEST_ALIKE, _LARGEST_ALIKE = 1e-5, 1e16
# Few enough that the pieces stay in the processor's cache.
_VALUES_AT_ONCE = 4_096

# What stands between the seconds and the value, by milliseconds.
_AFTER_SECONDS = np.array([b',"', *(b'.%03d,"' % rest for rest in range(1, 1000))], dtype=object)


def encode_result(result: QueryResult, *, limit: int = 0) -> bytes:
    """Return `"resultType":…,"result":…` without the braces around; at most `limit` series when it is not 0."""
    return b'"resultType":"%b","result":%b' % (result.kind.value.encode(), _encode_data(result, limit or None))


def count_series(result: QueryResult) -> int:
    """Return how many series an answer has; scalars and strings have none that could be left out."""
    return len(result) if result.kind in {ResultKind.VECTOR, ResultKind.MATRIX} else 0


def encode_labels(labels: Labels) -> bytes:
    """Return labels as a JSON object; bytes that are no UTF-8 become replacement characters, as in Go."""
    return _encode_labels_cached(labels)


def encode_text(text: str) -> bytes:
    """Return a text as JSON."""
    try:
        return orjson.dumps(text)
    except TypeError:
        return orjson.dumps(_replace_surrogates(text))


def encode_time(time_ms: int) -> bytes:
    """Return a time in seconds as Prometheus writes it: with three decimals or none."""
    sign = b"-" if time_ms < 0 else b""
    seconds, rest = divmod(abs(time_ms), 1000)
    return b"%b%d.%03d" % (sign, seconds, rest) if rest else b"%b%d" % (sign, seconds)


def encode_values(values: Floats) -> list[bytes]:
    """Return the text of each value."""
    if not len(values):
        return []
    text = orjson.dumps(np.ascontiguousarray(values, np.float64), option=orjson.OPT_SERIALIZE_NUMPY)
    parts = (text[1:-1] + b",").replace(b".0,", b",").split(b",")
    parts.pop()
    sizes = np.abs(values)
    odd = ~((sizes >= _SMALLEST_ALIKE) & (sizes < _LARGEST_ALIKE)) & (values != 0)
    for place in np.flatnonzero(odd).tolist():
        parts[place] = format_api(values[place]).encode()
    return parts


def _encode_data(result: QueryResult, limit: int | None) -> bytes:
    match result.kind:
        case ResultKind.SCALAR:
            value = format_plain(float(result.values[0, 0])).encode()
            return b'[%b,"%b"]' % (encode_time(int(result.times_ms[0])), value)
        case ResultKind.STRING:
            return b"[%b,%b]" % (encode_time(int(result.times_ms[0])), encode_text(result.text))
        case ResultKind.VECTOR:
            return _encode_vector(result, limit)
        case ResultKind.MATRIX:
            rows = _encode_samples(result, limit) if result.samples is not None else _encode_matrix(result, limit)
            return b"[%b]" % b",".join(rows)


def _encode_vector(result: QueryResult, limit: int | None) -> bytes:
    labels = result.labels[:limit]
    if not labels:
        return b"[]"
    time = encode_time(int(result.times_ms[0]))
    values = encode_values(result.values[:limit, 0])
    rows = [
        b'{"metric":%b,"value":[%b,"%b"]}' % (_encode_labels_cached(own), time, value)
        for own, value in zip(labels, values, strict=True)
    ]
    if result.histograms is not None:
        for row, own in enumerate(labels):
            histogram = result.histograms[row, 0]
            if histogram is not None:
                form = orjson.dumps(to_json(histogram))
                rows[row] = b'{"metric":%b,"histogram":[%b,%b]}' % (_encode_labels_cached(own), time, form)
    return b"[%b]" % b",".join(rows)


def _encode_matrix(result: QueryResult, limit: int | None) -> Iterable[bytes]:
    times = [encode_time(time_ms) for time_ms in result.times_ms.tolist()]
    prefixes = np.array([b'[%b,"' % time for time in times], dtype=object)
    rows = len(result.labels) if limit is None else min(limit, len(result.labels))
    at_once = max(1, _VALUES_AT_ONCE // max(1, len(times)))
    for start in range(0, rows, at_once):
        stop = min(start + at_once, rows)
        present = result.present[start:stop]
        cells = None if result.histograms is None else result.histograms[start:stop]
        floats = present if cells is None else present & _is_float(cells)
        values = encode_values(result.values[start:stop][floats])
        heads = np.broadcast_to(prefixes, floats.shape)[floats].tolist()
        place = 0
        for row, count in enumerate(floats.sum(axis=1).tolist()):
            text = _join_samples(heads[place : place + count], values[place : place + count])
            place += count
            histograms: list[bytes] = []
            if cells is not None:
                steps = np.flatnonzero(present[row] & ~floats[row]).tolist()
                histograms = [_encode_histogram(times[step], cells[row, step]) for step in steps]
            yield _encode_row(result.labels[start + row], text, histograms)


def _encode_samples(result: QueryResult, limit: int | None) -> Iterable[bytes]:
    samples = result.samples
    assert samples is not None  # noqa: S101  # asked by the caller
    for row, own in enumerate(result.labels[:limit]):
        begin, end = int(samples.offsets[row]), int(samples.offsets[row + 1])
        histograms = None if samples.histograms is None else samples.histograms[begin:end]
        yield encode_series(own, samples.times_ms[begin:end], samples.values[begin:end], histograms)


def encode_series(labels: Labels, times_ms: Integers, values: Floats, histograms: Objects | None) -> bytes:
    """Return one series with its samples as an element of a matrix."""
    encoded: list[bytes] = []
    if histograms is not None:
        floats = _is_float(histograms)
        held = zip(times_ms[~floats].tolist(), histograms[~floats], strict=True)
        encoded = [_encode_histogram(encode_time(time_ms), histogram) for time_ms, histogram in held]
        times_ms, values = times_ms[floats], values[floats]
    return _encode_row(labels, _encode_timed(times_ms, encode_values(values)), encoded)


def _join_samples(heads: Sequence[bytes], values: Sequence[bytes]) -> bytes:
    if not heads:
        return b""
    pieces: list[bytes] = [b'"],'] * (3 * len(heads))
    pieces[0::3] = heads
    pieces[1::3] = values
    pieces[-1] = b'"]'
    return b"".join(pieces)


def _encode_timed(times_ms: Integers, values: Sequence[bytes]) -> bytes:
    if not len(times_ms):
        return b""
    if times_ms[0] < 0:
        return _join_samples([b'[%b,"' % encode_time(time_ms) for time_ms in times_ms.tolist()], values)
    seconds = orjson.dumps(times_ms // 1000, option=orjson.OPT_SERIALIZE_NUMPY)
    pieces: list[bytes] = [b'"],['] * (4 * len(times_ms))
    pieces[0::4] = seconds[1:-1].split(b",")
    pieces[1::4] = _AFTER_SECONDS[times_ms % 1000].tolist()
    pieces[2::4] = values
    pieces[-1] = b'"]'
    return b"[" + b"".join(pieces)


def _encode_row(labels: Labels, values: bytes, histograms: Sequence[bytes]) -> bytes:
    parts = [b'{"metric":%b' % _encode_labels_cached(labels)]
    if values or not histograms:
        parts.append(b'"values":[%b]' % values)
    if histograms:
        parts.append(b'"histograms":[%b]' % b",".join(histograms))
    return b",".join(parts) + b"}"


def _encode_histogram(time: bytes, histogram: object) -> bytes:
    return b"[%b,%b]" % (time, orjson.dumps(to_json(histogram)))  # type: ignore[arg-type]  # an object array


_is_none = np.frompyfunc(lambda cell: cell is None, 1, 1)


def _is_float(cells: Objects) -> "np.typing.NDArray[np.bool_]":
    return np.asarray(_is_none(cells), dtype=np.bool_)


@lru_cache(maxsize=50_000)
def _encode_labels_cached(labels: Labels) -> bytes:
    try:
        return orjson.dumps(dict(labels.pairs))
    except TypeError:
        return orjson.dumps({_replace_surrogates(name): _replace_surrogates(value) for name, value in labels.pairs})


def _replace_surrogates(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
