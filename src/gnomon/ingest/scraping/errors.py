"""What can go wrong with a scrape.

GnomonError
└── ScrapeError   a target did not answer as it should; the message is what `lastError` shows
"""

from gnomon.model.errors import GnomonError


class ScrapeError(GnomonError):
    """Tell why a scrape failed."""
