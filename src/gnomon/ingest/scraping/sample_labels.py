"""The labels of a sample: those that it was exposed with, its target's, and what relabeling makes of them."""

from gnomon.ingest.scraping.errors import ScrapeError
from gnomon.ingest.scraping.jobs import ScrapeJob
from gnomon.ingest.scraping.relabel import is_label_name, relabel
from gnomon.model.labels import Labels

_EXPORTED = "exported_"


def label_sample(exposed: Labels, target: Labels, job: ScrapeJob) -> Labels | None:
    """Return the labels to store a sample under, or None where a rule drops it."""
    labels = exposed.to_dict()
    moved: list[tuple[str, str]] = []
    for name, value in target:
        held = labels.get(name)
        if held is None:
            labels[name] = value
        elif not job.honor_labels:
            moved.append((name, held))
            labels[name] = value
    for name, value in sorted(moved, key=lambda pair: len(pair[0])):
        free = _EXPORTED + name
        while free in labels:
            free = _EXPORTED + free
        labels[free] = value
    if not relabel(job.metric_relabel_rules, labels, utf8_names=job.utf8_names):
        return None
    return Labels.of(labels) if labels else None


def check_labels(labels: Labels, job: ScrapeJob) -> None:
    """Raise ScrapeError for labels that end a scrape: without a name, or beyond a limit."""
    name = labels.metric_name
    if not name:
        raise ScrapeError("missing metric name (__name__ label)")
    if not job.utf8_names:
        plain = name.replace(":", "_")
        if not all(is_label_name(one, utf8_names=False) for one in (plain, *(label for label, _ in labels))):
            raise ScrapeError(f"invalid metric name or label names: {labels!r}")
    limits = job.limits
    if limits.labels and len(labels) > limits.labels:
        raise ScrapeError(
            f"label_limit exceeded (metric: {name[:50]!r}, number of labels: {len(labels)}, limit: {limits.labels})"
        )
    if not (limits.label_name_length or limits.label_value_length):
        return
    for label, value in labels:
        _check_length("label_name_length_limit", name, label, label, limits.label_name_length)
        _check_length("label_value_length_limit", name, label, value, limits.label_value_length)


def _check_length(setting: str, name: str, label: str, text: str, limit: int) -> None:
    if limit and len(text.encode()) > limit:
        raise ScrapeError(
            f"{setting} exceeded (metric: {name[:50]!r}, label name: {label[:50]!r}, "
            f"length: {len(text.encode())}, limit: {limit})"
        )
