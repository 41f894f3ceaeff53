"""What makes the labels of a series valid, by Prometheus' data model with UTF-8 names."""

from collections.abc import Sequence

BytesPair = tuple[bytes, bytes]

_NAME = b"__name__"
_MAX_SHOWN = 300


def find_label_fault(pairs: Sequence[BytesPair]) -> tuple[str, str] | None:
    """Return a reason for the metrics and one for people why a series cannot be stored, or None.

    A label with an empty value is the same as none; it is the caller's to leave it out.
    """
    names = [name for name, _ in pairs]
    metric = next((value for name, value in pairs if name == _NAME), b"")
    if not metric or not all(names) or not _are_texts(pairs):
        return "labels", f"invalid metric name or labels, got {show_labels(pairs)}"
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        shown = show_labels(pairs)
        return "labels", f"invalid labels for series, labels {shown}, duplicated label {twice.decode()}"
    return None


def show_labels(pairs: Sequence[BytesPair]) -> str:
    """Return labels in Prometheus' notation, shortened."""
    shown = ", ".join(f'{_show(name)}="{_show(value)}"' for name, value in sorted(pairs))
    return f"{{{shown[:_MAX_SHOWN]}{'…' if len(shown) > _MAX_SHOWN else ''}}}"


def _show(text: bytes) -> str:
    return text.decode(errors="replace").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def is_text(text: bytes) -> bool:
    """Tell whether bytes are UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _are_texts(pairs: Sequence[BytesPair]) -> bool:
    # A blank between two texts makes neither of them valid that is not valid alone.
    return is_text(b" ".join(text for pair in pairs for text in pair))
