"""Tell in Go's words why a regular expression is none: RE2's library for Python has words of its own."""

from gnomon.model.errors import InvalidInputError

# RE2's reason, Go's, and whether the offending part follows.
_WORDS = (
    ("missing ): ", "missing closing )"),
    ("missing ]: ", "missing closing ]"),
    ("unexpected ): ", "unexpected )"),
    ("no argument for repetition operator: ", "missing argument to repetition operator"),
    ("invalid repetition size: ", "invalid repeat count"),
    ("bad repetition operator: ", "invalid nested repetition operator"),
    ("invalid escape sequence: ", "invalid escape sequence"),
    ("invalid character class range: ", "invalid character class range"),
    ("invalid character class: ", "invalid character class"),
    ("invalid perl operator: ", "invalid or unsupported Perl syntax"),
    ("invalid named capture group: ", "invalid named capture"),
    ("invalid UTF-8", "invalid UTF-8"),
)


def describe_pattern_error(error: InvalidInputError) -> str:
    """Return Prometheus' message for an expression that RE2 does not take."""
    cause = error.__cause__
    reason = cause.args[0] if cause is not None and cause.args else str(error)
    if isinstance(reason, bytes):
        reason = reason.decode(errors="replace")
    if reason.startswith("trailing \\"):
        return "error parsing regexp: trailing backslash at end of expression: ``"
    for ours, theirs in _WORDS:
        if reason.startswith(ours):
            return f"error parsing regexp: {theirs}: `{reason[len(ours) :]}`"
    return f"error parsing regexp: {reason}"
