"""What can go wrong between an app and its broker."""


class MessagingError(Exception):
    """Root of this package's errors."""


class BrokerAddressError(MessagingError):
    """The URL names no broker that Gnomon knows, or the client library for it is missing."""


class BrokerUnavailableError(MessagingError):
    """The broker cannot be reached, or refused; try again later."""


class RejectedError(MessagingError):
    """Raise it in a handler: the message is poison, so it goes to the dead letter queue without another attempt."""


class DeliveryLimitError(MessagingError):
    """A message was delivered too often without an answer: whoever took it died every time."""
