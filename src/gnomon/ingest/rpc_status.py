"""Errors as google.rpc.Status, which OTLP answers failures with over HTTP and gRPC alike."""

from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from gnomon.ingest.errors import AccessDeniedError, BodyTooLargeError, UnsupportedEncodingError
from gnomon.model.errors import GnomonError, InvalidInputError, UnavailableError

OK, INVALID_ARGUMENT, PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = (
    0,
    3,
    7,
    8,
    12,
    13,
    14,
    16,
)


def to_status(error: GnomonError) -> Status:
    """Return the status of an error; one that passes by itself carries RetryInfo."""
    status = Status(code=_code(error), message=str(error))
    if isinstance(error, UnavailableError):
        delay = Duration()
        delay.FromNanoseconds(int(error.retry_after_s * 1e9))
        status.details.add().Pack(RetryInfo(retry_delay=delay))
    return status


def _code(error: GnomonError) -> int:
    match error:
        case UnavailableError():
            return UNAVAILABLE
        case BodyTooLargeError():
            return RESOURCE_EXHAUSTED
        case UnsupportedEncodingError():
            return UNIMPLEMENTED
        case AccessDeniedError():
            return PERMISSION_DENIED if error.known else UNAUTHENTICATED
        case InvalidInputError():
            return INVALID_ARGUMENT
        case _:
            return INTERNAL
