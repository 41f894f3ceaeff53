"""What can go wrong in storage.

GnomonError
├── StorageError                the engine failed in a way that nobody expected
│   ├── SegmentRejectedError    the engine cannot read a segment: it is malformed, trying again will not help
│   └── DataDirectoryError      the directory is owned by another process, damaged, or of a later version
├── QueryLimitError             a limit stopped a query (LimitExceededError)
└── StorageUnavailableError     the engine or the disk cannot take anything now (UnavailableError)
"""

from gnomon.model.errors import GnomonError, LimitExceededError, UnavailableError


class StorageError(GnomonError):
    """Tell that the engine refused a statement; the message is the engine's own."""

    def __init__(self, message: str, *, code: int = 0) -> None:
        """Keep the engine's error code, 0 when it gave none."""
        super().__init__(message)
        self.code = code


class SegmentRejectedError(StorageError):
    """Tell that the engine cannot read a segment, however often it tries."""


class DataDirectoryError(StorageError):
    """Tell that the data directory cannot be opened."""


class QueryLimitError(LimitExceededError):
    """Tell that a query ran into a limit."""


class StorageUnavailableError(UnavailableError):
    """Tell that storage takes nothing now."""
