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
    """Tell that a text is no valid PromQL, in Prometheus' words; `position` is the offset of the wrong part.

    The message begins with line and column, in bytes as Prometheus counts them: `1:15: parse error: unexpected …`.
    """

    def __init__(self, reason: str, text: str, position: int) -> None:
        """Keep the reason without its place; `position` counts characters."""
        line_start = text.rfind("\n", 0, position) + 1
        line = text.count("\n", 0, position) + 1
        column = len(text[line_start:position].encode("utf-8", "surrogateescape")) + 1
        place = f"{line}:{column}" if text else "unknown position"
        super().__init__(f"{place}: parse error: {reason}", position=position)
        self.reason = reason


class ExecutionError(GnomonError):
    """Tell that a valid query cannot be computed from the data at hand, in Prometheus' words."""


class QueryCancelledError(GnomonError):
    """Tell that a query was given up before it was done."""


class QueryTimeoutError(LimitExceededError):
    """Tell that a query took longer than it may."""
