"""How objectives are followed."""

from dataclasses import dataclass
from pathlib import Path

SLA_JOURNAL = "sla-compliance.jsonl"


@dataclass(frozen=True, slots=True)
class SlaSettings:
    """Say how often objectives are judged, and where the journal is.

    `journal` gets a line for each objective whenever its state changes, and every `journal_interval_s`; None: none.
    """

    interval_s: float = 60.0
    journal: Path | None = None
    journal_interval_s: float = 3600.0
    journal_bytes: int = 50_000_000
    journal_keep: int = 10
