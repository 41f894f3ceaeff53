"""Check remote write 1.0 requests: what is well-formed passes as it came, with no Python loop over samples.

Nearly every series of a request has labels that were checked before, and one sample:

    0a 39 … 0a 0c …  │ 12 10 09 ········ 10 ······      labels │ value, time      18 bytes
    0a 39 … 0a 0c …  │ 12 07 10 ······                  labels │ time             9 bytes: a zero is left out

So the head of each series, up to where such a sample begins, is looked up by its XXH3 among those that were found
valid, and the tails are laid side by side and compared with the form as one array. A head is only remembered once it
was found to be a whole number of labels, so whatever stands behind it is the rest of the series. What does not pass
this way is parsed and checked one by one; that is the way of new series, too.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import attrgetter, itemgetter, not_
from typing import Any, NamedTuple

import numpy as np
import xxhash
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from gnomon.ingest.checked import Checked
from gnomon.ingest.errors import MalformedRequestError
from gnomon.ingest.histogram_messages import HISTOGRAM_FIELDS, SPAN_FIELDS, find_fault, make_usual
from gnomon.ingest.messages import define_message
from gnomon.ingest.request_shapes import RequestShape
from gnomon.ingest.series_labels import BytesPair, find_label_fault, is_text, show_labels
from gnomon.ingest.write_request import encode_labels_bytes, encode_part
from gnomon.lifecycle import Clock
from gnomon.model.series import Integers, Mask

MAX_AHEAD_MS = 600_000
EARLIEST_MS = -2_208_988_800_000  # 1900, where the engine's time begins

_LABEL_FIELDS = {"name": (1, "bytes"), "value": (2, "bytes")}
_SAMPLE_FIELDS = {"value": (1, "double"), "timestamp": (2, "int64"), "start_timestamp": (3, "int64")}
_EXEMPLAR_FIELDS = {"labels": (1, "Label*"), "value": (2, "double"), "timestamp": (3, "int64")}
_METADATA_FIELDS = {
    "type": (1, "int64"),
    "metric_family_name": (2, "bytes"),
    "help": (4, "bytes"),
    "unit": (5, "bytes"),
}
_SERIES_FIELDS = {
    "labels": (1, "Label*"),
    "samples": (2, "Sample*"),
    "exemplars": (3, "Exemplar*"),
    "histograms": (4, "Histogram*"),
}
_MESSAGES = {
    "TimeSeries": _SERIES_FIELDS,
    "Label": _LABEL_FIELDS,
    "Sample": _SAMPLE_FIELDS,
    "Exemplar": _EXEMPLAR_FIELDS,
    "Histogram": HISTOGRAM_FIELDS,
    "BucketSpan": SPAN_FIELDS,
    "MetricMetadata": _METADATA_FIELDS,
}
_REQUEST_FIELDS = {"timeseries": (1, "TimeSeries*"), "metadata": (3, "MetricMetadata*")}
_SHAPE = RequestShape(define_message("WriteRequest", {"WriteRequest": _REQUEST_FIELDS, **_MESSAGES}))
_Parts = define_message(
    "WriteRequestParts", {"WriteRequestParts": {"timeseries": (1, "bytes*"), "metadata": (3, "bytes*")}}
)
_Series = define_message("TimeSeries", _MESSAGES | {"TimeSeries": _SERIES_FIELDS | {"labels": (1, "bytes*")}})
_LabelMessage = define_message("Label", {"Label": _LABEL_FIELDS})
_Metadata = define_message("MetricMetadata", {"MetricMetadata": _METADATA_FIELDS})

_FORM = b"\x12\x10\x09"
_FORM_BYTES, _ZERO_FORM_BYTES = 18, 9
_HEAD, _ZERO_HEAD = itemgetter(slice(None, -_FORM_BYTES)), itemgetter(slice(None, -_ZERO_FORM_BYTES))
_SAMPLE_TAG, _VALUE_TAG = 0x12, 0x09
# The last eight bytes of either form, read as one number: the time's tag, and a varint of six bytes.
_TIME_MASK, _TIME_FORM = np.uint64(0x8080_8080_8080_FF00), np.uint64(0x0080_8080_8080_1000)
_NAME = b"__name__"
_MAX_KNOWN = 1_000_000
_MAX_LABELS, _LONG_LABEL_BYTES = 50_000, 1000
_MAX_SHOWN = 5
_MAX_EXEMPLAR_CHARACTERS = 128
_LAST_METADATA_TYPE = 7

_is_valid, _framed = attrgetter("valid"), attrgetter("framed")
_hash: Callable[[bytes], int] = xxhash.xxh3_64_intdigest


@dataclass(slots=True)
class Tally:
    """What a request holds, and what of it is refused, by reason; `faults` are the first few in words."""

    counts: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def keep(self, samples: int, histograms: int = 0, exemplars: int = 0) -> None:
        """Count a series of which so much is kept."""
        counts = self.counts
        counts["series"] += 1
        counts["samples"] += samples
        counts["histograms"] += histograms
        counts["exemplars"] += exemplars

    def refuse(self, reason: str, fault: str, items: int = 1) -> None:
        """Count `items` samples (or a series without any, as one) as refused."""
        self.rejected[reason] += max(1, items)
        if len(self.faults) < _MAX_SHOWN:
            self.faults.append(fault)

    @property
    def message(self) -> str:
        """Return what to tell the sender; empty when nothing was refused."""
        if not self.rejected:
            return ""
        refused, kept = self.rejected.total(), self.items
        return f"{refused} of {refused + kept} samples were refused; the others are stored:\n" + "\n".join(self.faults)

    @property
    def items(self) -> int:
        """Return how many samples are kept."""
        return self.counts["samples"] + self.counts["histograms"]

    def checked(self, body: bytes) -> Checked:
        """Return the outcome, with `body` as what is left to store."""
        return Checked(body, self.items, dict(self.rejected), self.message, dict(+self.counts))


class _Label(NamedTuple):
    """A label, whether it is valid by itself, and its usual form (empty when it has no value)."""

    name: bytes
    value: bytes
    valid: bool
    framed: bytes


class _LabelMemory:
    """Read labels; most of them occur in many series, and are remembered."""

    def __init__(self) -> None:
        self._read: dict[bytes, _Label] = {}

    def read(self, raw: bytes) -> _Label:
        """Return the label that `raw` encodes."""
        label = self._read.get(raw)
        if label is None:
            message = _LabelMessage.FromString(raw)
            name, value = message.name, message.value
            valid = bool(name) and is_text(name) and is_text(value) and (name != _NAME or bool(value))
            label = _Label(name, value, valid, encode_labels_bytes(((name, value),)) if value else b"")
            if len(self._read) >= _MAX_LABELS:
                self._read.clear()
            if len(raw) <= _LONG_LABEL_BYTES:
                self._read[raw] = label
        return label


class WriteRequestChecker:
    """Check requests of all senders, and remember the labels that were found valid (8 bytes each, bounded)."""

    def __init__(self, clock: Clock) -> None:
        """Refuse samples that are more than ten minutes ahead of `clock`, as Prometheus does."""
        self._clock = clock
        self._known: set[int] = set()
        self._labels = _LabelMemory()

    def check(self, body: bytes) -> Checked:
        """Check a WriteRequest; single series and samples that are not valid are left out.

        Raises MalformedRequestError when it is none.
        """
        try:
            request = _Parts.FromString(body)
        except DecodeError as error:
            message = f"The body is no prometheus.WriteRequest: {error}. Is it compressed with snappy's block format?"
            raise MalformedRequestError(message) from error
        series: list[bytes] = request.timeseries[:]
        latest_ms = self._clock.now_ns() // 1_000_000 + MAX_AHEAD_MS
        tally = Tally()
        rest = self._without_known(series, latest_ms)
        tally.counts.update(series=len(series) - len(rest), samples=len(series) - len(rest))
        if not rest and not request.metadata and not len(UnknownFieldSet(request)):
            return tally.checked(body)
        _SHAPE.check(body)
        kept, altered = self._check_each(rest, latest_ms, tally)
        metadata, metadata_altered = _check_metadata(request.metadata, tally)
        if not altered and not metadata_altered:
            return tally.checked(body)
        checked_before = set(map(id, series)) - set(map(id, rest))
        parts = [encode_part(1, raw) for raw in series if id(raw) in checked_before]
        parts += [encode_part(1, raw) for raw in kept]
        parts += [encode_part(3, raw) for raw in metadata]
        return tally.checked(b"".join(parts))

    def _without_known(self, series: Sequence[bytes], latest_ms: int) -> Sequence[bytes]:
        """Return the series that are not plainly valid: known labels and one sample."""
        sizes = np.fromiter(map(len, series), np.int64, len(series))
        if not len(sizes) or sizes.min() < _FORM_BYTES:
            return series
        plain, zero = _find_plain(b"".join(series), np.cumsum(sizes), latest_ms)
        if not zero.any():
            plain &= self._are_known(map(_HEAD, series))
        else:
            zeros = zero.tolist()
            plain[~zero] &= self._are_known(map(_HEAD, compress(series, map(not_, zeros))))
            plain[zero] &= self._are_known(map(_ZERO_HEAD, compress(series, zeros)))
        return () if plain.all() else list(compress(series, (~plain).tolist()))

    def _are_known(self, heads: Iterable[bytes]) -> Mask | bool:
        """Tell which heads are known; True where all are."""
        hashes = list(map(_hash, heads))
        if self._known.issuperset(hashes):
            return True
        return np.fromiter(map(self._known.__contains__, hashes), np.bool_, len(hashes))

    def _check_each(self, series: Iterable[bytes], latest_ms: int, tally: Tally) -> tuple[list[bytes], bool]:
        """Return what is left of the series, and whether that differs from what was given."""
        kept: list[bytes] = []
        altered = False
        for raw in series:
            cut = raw.find(_FORM)
            if cut > 0 and _hash(raw[:cut]) in self._known and _are_samples(raw[cut:], latest_ms):
                tally.keep((len(raw) - cut) // _FORM_BYTES)
                kept.append(raw)
                continue
            checked = self._check_one(raw, latest_ms, tally)
            altered = altered or not checked or checked is not raw
            if checked:
                kept.append(checked)
        return kept, altered

    def _check_one(self, raw: bytes, latest_ms: int, tally: Tally) -> bytes:
        """Return a series, in its usual form and without what is not valid in it; empty when nothing is left."""
        series = _Series.FromString(raw)
        labels = list(map(self._labels.read, series.labels))
        names = {label.name for label in labels}
        if len(names) < len(labels) or _NAME not in names or not all(map(_is_valid, labels)):
            fault = find_label_fault([(label.name, label.value) for label in labels])
            if fault:
                tally.refuse(*fault, len(series.samples) + len(series.histograms))
                return b""
        head = b"".join(map(_framed, labels))
        altered = not all(map(_framed, labels)) or not raw.startswith(head)
        samples, histograms, exemplars = series.samples, series.histograms, series.exemplars
        altered |= keep_valid(samples, find_sample_fault, labels, latest_ms, tally)
        altered |= drop_odd_starts(samples)
        if histograms:
            altered |= keep_valid(histograms, find_histogram_fault, labels, latest_ms, tally)
            altered |= drop_odd_starts(histograms)
            for histogram in histograms:
                altered |= make_usual(histogram)
        if exemplars:
            altered |= _keep_valid_exemplars(exemplars, latest_ms, tally)
        if not (samples or histograms or exemplars):
            return b""
        tally.keep(len(samples), len(histograms), len(exemplars))
        self._remember(head)
        usual = as_usual(series)
        if not altered and usual == raw:
            return raw
        series.ClearField("labels")
        return head + as_usual(series)

    def _remember(self, head: bytes) -> None:
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known.add(_hash(head))


def as_usual(message: Any) -> bytes:
    """Return a message without unknown fields, and every number in as many bits as are declared."""
    message.DiscardUnknownFields()
    return bytes(message.SerializeToString())


def _find_plain(data: bytes, ends: Integers, latest_ms: int) -> tuple[Mask, Mask]:
    """Tell which series end with a sample in a usual form, none too far ahead, and which of the forms is a zero's."""
    # Every place of the data as the start of a row that overlaps the next one; those before an end are copied.
    windows = np.ndarray((len(data) - _FORM_BYTES + 1,), f"V{_FORM_BYTES}", data, strides=(1,))
    rows = windows[ends - _FORM_BYTES].view(np.uint8).reshape(len(ends), _FORM_BYTES)
    zero: Mask = (rows[:, _ZERO_FORM_BYTES] == _SAMPLE_TAG) & (rows[:, _ZERO_FORM_BYTES + 1] == _ZERO_FORM_BYTES - 2)
    full = (rows[:, 0] == _SAMPLE_TAG) & (rows[:, 1] == _FORM_BYTES - 2) & (rows[:, 2] == _VALUE_TAG)
    tails = np.ascontiguousarray(rows[:, -8:]).view(np.uint64).ravel()
    varints = tails >> np.uint64(16)
    times = varints & np.uint64(0x7F)
    for group in range(1, 6):
        times |= (varints >> np.uint64(group)) & np.uint64(0x7F << (7 * group))
    plain: Mask = (zero | full) & ((tails & _TIME_MASK) == _TIME_FORM) & (times <= latest_ms)
    return plain, zero


def _are_samples(tail: bytes, latest_ms: int) -> bool:
    """Tell whether `tail` holds nothing but samples in the usual form, none of them too far ahead."""
    count, odd = divmod(len(tail), _FORM_BYTES)
    if odd:
        return False
    ends = np.arange(1, count + 1) * _FORM_BYTES
    plain, zero = _find_plain(tail, ends, latest_ms)
    return bool(plain.all()) and not zero.any()


def keep_valid(
    items: Any,
    find: Callable[[Any, int], tuple[str, str] | None],
    labels: Sequence[tuple[Any, ...]],
    latest_ms: int,
    tally: Tally,
) -> bool:
    """Take out of a repeated field what is not valid; returns whether there was any."""
    faults = [find(item, latest_ms) for item in items]
    if not any(faults):
        return False
    shown = show_labels([(label[0], label[1]) for label in labels])
    for place in reversed(range(len(faults))):
        if fault := faults[place]:
            tally.refuse(fault[0], f"{fault[1]} for series {shown}")
            del items[place]
    return True


def drop_odd_starts(items: Any) -> bool:
    """Take away start timestamps that cannot be: later than the sample itself; returns whether there were any."""
    odd = [item for item in items if not EARLIEST_MS <= item.start_timestamp <= item.timestamp and item.start_timestamp]
    for item in odd:
        item.ClearField("start_timestamp")
    return bool(odd)


def find_time_fault(time_ms: int, latest_ms: int) -> tuple[str, str] | None:
    """Return why a time cannot be stored, in a word and in words, or None."""
    if time_ms > latest_ms:
        return "future", f"out of bounds: timestamp {time_ms} is too far in the future"
    if time_ms < EARLIEST_MS:
        return "past", f"out of bounds: timestamp {time_ms} is before the year 1900"
    return None


def find_sample_fault(sample: Any, latest_ms: int) -> tuple[str, str] | None:
    """Return why a sample cannot be stored, in a word and in words, or None."""
    return find_time_fault(sample.timestamp, latest_ms)


def find_histogram_fault(histogram: Any, latest_ms: int) -> tuple[str, str] | None:
    """Return why a histogram cannot be stored, in a word and in words, or None."""
    if fault := find_time_fault(histogram.timestamp, latest_ms):
        return fault
    fault_text = find_fault(histogram)
    return ("histogram", fault_text) if fault_text else None


def _keep_valid_exemplars(exemplars: Any, latest_ms: int, tally: Tally) -> bool:
    """Take out exemplars that no store keeps; like Prometheus, without telling the sender."""
    wrong = [
        place
        for place, exemplar in enumerate(exemplars)
        if not is_valid_exemplar(
            [(label.name, label.value) for label in exemplar.labels], exemplar.timestamp, latest_ms
        )
    ]
    for place in reversed(wrong):
        del exemplars[place]
    tally.counts["exemplars_dropped"] += len(wrong)
    return bool(wrong)


def is_valid_exemplar(pairs: Sequence[BytesPair], time_ms: int, latest_ms: int) -> bool:
    """Tell whether an exemplar can be stored: its labels are texts, and together no longer than 128 characters."""
    try:
        characters = sum(len(name.decode()) + len(value.decode()) for name, value in pairs)
    except UnicodeDecodeError:
        return False
    names = {name for name, _ in pairs}
    return (
        characters <= _MAX_EXEMPLAR_CHARACTERS
        and len(names) == len(pairs)
        and b"" not in names
        and find_time_fault(time_ms, latest_ms) is None
    )


def _check_metadata(metadata: Iterable[bytes], tally: Tally) -> tuple[list[bytes], bool]:
    """Return the metadata that can be stored, and whether something was left out or changed."""
    kept: list[bytes] = []
    altered = False
    for raw in metadata:
        entry = _Metadata.FromString(raw)
        known_type = 0 <= entry.type <= _LAST_METADATA_TYPE
        try:
            texts = (entry.metric_family_name.decode(), entry.help.decode(), entry.unit.decode())
        except UnicodeDecodeError:
            texts = ("", "", "")
        if not texts[0]:
            altered = True
            tally.counts["metadata_dropped"] += 1
            continue
        if not known_type:
            entry.type = 0
        usual = as_usual(entry)
        altered = altered or usual != raw
        tally.counts["metadata"] += 1
        kept.append(usual)
    return kept, altered
