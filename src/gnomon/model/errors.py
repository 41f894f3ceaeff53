"""The root of Gnomon's tree of errors, and the kinds that every edge can translate.

    GnomonError
    ├── InvalidInputError   the caller must change something: 400 / INVALID_ARGUMENT
    ├── NotFoundError       there is no such thing: 404 / NOT_FOUND
    ├── ConflictError       somebody else changed it meanwhile: 409 / ABORTED
    ├── LimitExceededError  a limit, named with its value, stops the work: 422 / RESOURCE_EXHAUSTED
    └── UnavailableError    not now, try again: 503 / UNAVAILABLE

Only the edges (`web`, `ingest`) turn them into status codes.
"""


class GnomonError(Exception):
    """Stand at the root of all errors that Gnomon raises itself; the message is fit for users."""


class InvalidInputError(GnomonError):
    """Tell that the input cannot be accepted as it stands."""

    def __init__(self, message: str, *, position: int | None = None) -> None:
        """Keep the offset of the first wrong character, counted from 0, where there is one."""
        super().__init__(message)
        self.position = position


class NotFoundError(GnomonError):
    """Tell that what was asked for does not exist, or no longer."""


class ConflictError(GnomonError):
    """Tell that what was to be changed is not any more what the caller has seen."""


class LimitExceededError(GnomonError):
    """Tell that a limit stopped the work; names the setting and its value."""

    def __init__(self, message: str, *, setting: str, value: float) -> None:
        """Keep which setting stopped the work, and its value."""
        super().__init__(message)
        self.setting = setting
        self.value = value


class UnavailableError(GnomonError):
    """Tell that the work can be done later; `retry_after_s` says when to try again."""

    def __init__(self, message: str, *, reason: str, retry_after_s: float = 1.0) -> None:
        """Keep a short machine-readable reason, used as a metric label, and the delay in seconds."""
        super().__init__(message)
        self.reason = reason
        self.retry_after_s = retry_after_s
