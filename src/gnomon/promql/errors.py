"""What can go wrong with a query.

GnomonError
├── InvalidInputError
│   └── ParseError              the text is no valid PromQL: "bad_data" in Prometheus' API
├── ExecutionError              the query cannot be computed from this data: "execution"
├── QueryCancelledError         whoever asked has gone: "canceled"
└── LimitExceededError
    └── QueryTimeoutError       it took too long: "timeout"
"""

from gnomon.model.errors import GnomonError, InvalidInputError, LimitExceededError


class ParseError(InvalidInputError):
    """Tell that a text is no valid PromQL, in Prometheus' words; `position` is the offset of the wrong part."""


class ExecutionError(GnomonError):
    """Tell that a valid query cannot be computed from the data at hand, in Prometheus' words."""


class QueryCancelledError(GnomonError):
    """Tell that a query was given up before it was done."""


class QueryTimeoutError(LimitExceededError):
    """Tell that a query took longer than it may."""
