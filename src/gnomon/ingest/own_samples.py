"""Samples that parts of Gnomon derive themselves, on the same way as everybody's."""

from collections.abc import Sequence

from gnomon.ingest.write_request import (
    SampleWriter,
    encode_exemplar,
    encode_labels,
    encode_metadata,
    encode_sample,
    encode_series,
)
from gnomon.model.labels import Labels
from gnomon.model.samples import MetricFamily, Sample

_MOST_LABELS = 200_000


class OwnSamples:
    """Write samples through a SampleWriter; labels that come again are encoded once."""

    def __init__(self, writer: SampleWriter, protocol: str) -> None:
        """Write through `writer`; `protocol` tells the producer in the metrics of ingest."""
        self._writer = writer
        self._protocol = protocol
        self._encoded: dict[Labels, bytes] = {}

    async def write_samples(self, samples: Sequence[Sample], families: Sequence[MetricFamily] = ()) -> None:
        """Return once they are kept; raises UnavailableError when that cannot be now."""
        parts = [encode_metadata(family.name, family.type, family.help, family.unit) for family in families]
        parts += [self._encode(sample) for sample in samples]
        await self._writer.write(parts, protocol=self._protocol)

    def _encode(self, sample: Sample) -> bytes:
        labels = self._encoded.get(sample.labels)
        if labels is None:
            if len(self._encoded) >= _MOST_LABELS:
                self._encoded.clear()
            labels = self._encoded[sample.labels] = encode_labels(sample.labels)
        if sample.exemplar is None:
            return encode_sample(labels, sample.time_ms, sample.value)
        example = sample.exemplar
        exemplar = encode_exemplar(example.labels, example.time_ms, example.value)
        return encode_series(labels, [(sample.time_ms, sample.value)], exemplars=[exemplar])
