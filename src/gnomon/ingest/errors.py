"""What can be wrong with a request that brings telemetry.

GnomonError
├── MalformedRequestError       its bytes are not what they claim to be (InvalidInputError)
├── UnsupportedEncodingError    its content type or compression is unknown (InvalidInputError)
├── BodyTooLargeError           it is larger than ingest takes (LimitExceededError)
└── AccessDeniedError           it may not send
"""

from gnomon.model.errors import GnomonError, InvalidInputError, LimitExceededError


class MalformedRequestError(InvalidInputError):
    """Tell that a request cannot be read; sending it again will not help."""


class UnsupportedEncodingError(InvalidInputError):
    """Tell that a request's content type or compression is not one of those that are taken."""


class BodyTooLargeError(LimitExceededError):
    """Tell that a request's body is too large, as sent or once decompressed."""

    def __init__(self, limit: int) -> None:
        """Name the limit in bytes."""
        message = f"The body has more than max_body_bytes = {limit} bytes after decompression. Send smaller batches."
        super().__init__(message, setting="max_body_bytes", value=limit)


class AccessDeniedError(GnomonError):
    """Tell that a sender is not known (`known` is false), or known and not permitted to send."""

    def __init__(self, message: str, *, known: bool) -> None:
        """Keep whether the sender was recognised."""
        super().__init__(message)
        self.known = known
