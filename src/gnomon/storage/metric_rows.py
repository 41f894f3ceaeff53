"""Arrow tables of series and samples as the dense arrays that the index and the query engine compute with."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gnomon.model.histogram_forms import from_fields
from gnomon.model.series import Floats, GridValues, Integers, Mask, Objects
from gnomon.storage.engine import ArrowTable
from gnomon.storage.series_index import SeriesRows


def column(table: ArrowTable, name: str) -> NDArray[Any]:
    """Return a column of numbers, without a copy where the table has it in one piece."""
    found = table.column(name)
    array: NDArray[Any] = (
        found.chunk(0).to_numpy(zero_copy_only=False) if found.num_chunks == 1 else found.to_numpy(zero_copy_only=False)
    )
    return array


def read_series_rows(table: ArrowTable) -> SeriesRows:
    """Return rows of the table `series`: `id`, `first_day`, `last_day`, `fingerprint`, `pairs` (a map)."""
    labels = table.column("pairs").combine_chunks()
    offsets = labels.offsets.to_numpy().astype(np.int64)
    names, name_codes = _encode(labels.keys)
    values, value_codes = _encode(labels.items)
    return SeriesRows(
        ids=column(table, "id"),
        first_days=column(table, "first_day").astype(np.int32),
        last_days=column(table, "last_day").astype(np.int32),
        fingerprints=column(table, "fingerprint"),
        offsets=offsets,
        names=names,
        name_codes=name_codes,
        values=values,
        value_codes=value_codes,
    )


def read_grid(lists: Any, rows: Integers, series: int, steps: int) -> GridValues:
    """Return a column of arrays of `steps` nullable numbers as a matrix of `series` rows; `rows` says whose each is."""
    values, present = np.zeros((series, steps)), np.zeros((series, steps), np.bool_)
    done = 0
    for chunk in lists.chunks:
        flat = chunk.flatten()
        here = rows[done : done + len(chunk)]
        done += len(chunk)
        wanted = here >= 0
        found: Floats = np.frombuffer(flat.buffers()[1], np.float64, len(flat), flat.offset * 8).reshape(-1, steps)
        valid: Mask = (
            np.ones(found.shape, np.bool_)
            if flat.null_count == 0
            else flat.is_valid().to_numpy(zero_copy_only=False).reshape(-1, steps)
        )
        values[here[wanted]] = found[wanted]
        present[here[wanted]] = valid[wanted]
    return GridValues(values, present)


def read_histograms(table: ArrowTable) -> Objects:
    """Return rows of the table `native_histograms` as an object array."""
    histograms = np.empty(table.num_rows, object)
    for place, row in enumerate(table.to_pylist()):
        histograms[place] = from_fields(
            schema=row["schema"],
            count=row["count"],
            total=row["sum"],
            zero_threshold=row["zero_threshold"],
            zero_count=row["zero_count"],
            positive_spans=list(zip(row["positive_offsets"], row["positive_lengths"], strict=True)),
            positive_counts=row["positive_counts"],
            negative_spans=list(zip(row["negative_offsets"], row["negative_lengths"], strict=True)),
            negative_counts=row["negative_counts"],
            custom_values=row["custom_values"],
            reset_hint=row["reset_hint"],
        )
    return histograms


def _encode(texts: Any) -> tuple[Sequence[str], Integers]:
    """Return the different texts, and which of them each is."""
    encoded = texts.dictionary_encode()
    codes: Integers = encoded.indices.to_numpy().astype(np.int64)
    return encoded.dictionary.to_pylist(), codes
