"""The file store: a folder of documents, filled with what every Python brings along about itself."""

from pathlib import Path
from pydoc_data.topics import topics


def fill_file_store(folder: Path) -> int:
    """Write the topics of Python's built-in help into a folder, one document each; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in topics.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return len(topics)
