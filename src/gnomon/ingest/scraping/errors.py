"""What can go wrong with a scrape.

GnomonError
└── ScrapeError   a target did not answer as it should; the message is what `lastError` shows
"""

from gnomon.model.errors import GnomonError


class ScrapeError(GnomonError):
    """Tell why a scrape failed, and how many samples had been counted by then, before relabeling and after."""

    def __init__(self, message: str, *, scraped: int = 0, kept: int = 0) -> None:
        """Keep the counts."""
        super().__init__(message)
        self.scraped = scraped
        self.kept = kept
