"""A writer that keeps what is scraped in memory, read back from its wire form."""

import struct
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gnomon.model.labels import Labels
from gnomon.model.series import STALE_BITS
from tests.write_requests import WriteRequest

STALE = "stale"


@dataclass
class KeptSamples:
    """Samples by labels in the order they were written; a staleness marker is the word STALE."""

    samples: dict[Labels, list[tuple[int, float | str]]] = field(default_factory=lambda: defaultdict(list))
    exemplars: dict[Labels, list[Any]] = field(default_factory=lambda: defaultdict(list))
    histograms: dict[Labels, list[Any]] = field(default_factory=lambda: defaultdict(list))
    metadata: list[tuple[str, int, str, str]] = field(default_factory=list)
    failure: Exception | None = None

    async def write(self, parts: Sequence[bytes], *, protocol: str) -> None:
        assert protocol == "scrape"
        if self.failure is not None:
            raise self.failure
        self.keep(parts)

    def keep(self, parts: Sequence[bytes]) -> None:
        request = WriteRequest.FromString(b"".join(parts))
        for series in request.timeseries:
            pairs = [(label.name.decode(), label.value.decode()) for label in series.labels]
            assert pairs == sorted(pairs)
            labels = Labels(pairs)
            for sample in series.samples:
                stale = struct.pack("<d", sample.value) == struct.pack("<Q", STALE_BITS)
                self.samples[labels].append((sample.timestamp, STALE if stale else sample.value))
            self.exemplars[labels] += series.exemplars
            self.histograms[labels] += series.histograms
        for about in request.metadata:
            texts = (about.metric_family_name.decode(), about.help.decode(), about.unit.decode())
            self.metadata.append((texts[0], about.type, *texts[1:]))

    def values(self, name: str, **labels: str) -> list[float | str]:
        """Return the values of the one series of a name that bears these labels, in order; none where there is none."""
        wanted = {"__name__": name, **labels}.items()
        found = [samples for labels, samples in self.samples.items() if wanted <= labels.to_dict().items()]
        assert len(found) <= 1
        return [value for samples in found for _, value in samples]

    def names(self) -> set[str]:
        """Return the names of all metrics."""
        return {labels.metric_name for labels in self.samples}
