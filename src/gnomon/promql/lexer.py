"""Cut a query into tokens with one regular expression for each of the three states that PromQL's text can be in."""

import re
from dataclasses import dataclass

from gnomon.promql.errors import ParseError
from gnomon.promql.quoting import quote

IDENTIFIER = "identifier"
METRIC_IDENTIFIER = "metric identifier"
NUMBER = "number"
DURATION = "duration"
STRING = "string"
END = "end of input"
ERROR = "error"

AGGREGATORS = frozenset(
    "sum avg count min max group stddev stdvar topk bottomk count_values quantile limitk limit_ratio".split()
)
OPERATOR_WORDS = frozenset({"and", "or", "unless", "atan2"})
KEYWORDS = (
    AGGREGATORS
    | OPERATOR_WORDS
    | frozenset(
        "by without on ignoring group_left group_right bool offset start end step range anchored smoothed "
        "fill fill_left fill_right".split()
    )
)
OPERATORS = frozenset({*"+ - * / % ^ == != > < >= <= =~ !~ = @ </ >/".split(), *OPERATOR_WORDS})

# What may stand in the duration expressions of brackets, besides numbers.
_DURATION_WORDS = frozenset({"step", "range", "min", "max", "min_of", "max_of"})

_SKIP = r"(?:[ \t\r\n]+|\#[^\n]*)*"
_NUMBER = (
    r"(?P<number>0[xX]_?[0-9a-fA-F](?:_?[0-9a-fA-F])*(?![0-9A-Za-z_])"
    r"|(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?(?![0-9A-Za-z_]))"
    r"|(?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![0-9A-Za-z_]))"
    r"|(?P<bad>[0-9][0-9A-Za-z_.]*|\.[0-9][0-9A-Za-z_.]*)"
)
_STRING = r"""|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)"""
_STATEMENT = re.compile(
    rf"{_SKIP}(?:(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)|{_NUMBER}{_STRING}"
    r"|(?P<operator>==|=~|!=|!~|>=|<=|</|>/|[-+*/%^=<>(){}\[\],@]))"
)
_BRACES = re.compile(rf"{_SKIP}(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*){_STRING}|(?P<operator>=~|!~|!=|=|,|\}}))")
_BRACKETS = re.compile(rf"{_SKIP}(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|{_NUMBER}|(?P<operator>[-+*/%^():,\]]))")
_SPACE = re.compile(_SKIP)
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?")
_UNITS_MS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1)
_MAX_DURATION_MS = (1 << 63) // 1_000_000
_OCTAL = re.compile(r"0_?[0-7](?:_?[0-7])*")
_ESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}
_ESCAPE_DIGITS = {"x": (2, 16, 255), "u": (4, 16, 0x10FFFF), "U": (8, 16, 0x10FFFF)}
_SURROGATES = range(0xD800, 0xE000)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Hold tokens side by side; `kinds` are the constants above, or the text itself for operators and keywords.

    Ends with an END or ERROR token; that of an ERROR is Prometheus' message.
    """

    kinds: list[str]
    texts: list[str]
    starts: list[int]


def tokenize(text: str) -> Tokens:
    """Return the tokens of a query; an error ends them and is reported only by who gets that far."""
    kinds: list[str] = []
    texts: list[str] = []
    starts: list[int] = []
    state = _STATEMENT
    position = depth = 0
    end = len(text)
    while True:
        match = state.match(text, position)
        if match is None:
            start = _SPACE.match(text, position).end()  # type: ignore[union-attr]  # matches the empty text
            kind, message = _end_of(state, depth) if start >= end else (ERROR, _describe_error(text, start, state))
            kinds.append(kind)
            texts.append(message)
            starts.append(min(start, end))
            return Tokens(kinds, texts, starts)
        group = match.lastgroup
        token = match[group]  # type: ignore[index]  # every alternative is a group
        position = match.end()
        start = position - len(token)
        kind = token
        message = ""
        if group == "name":
            if state is _BRACES:
                kind = IDENTIFIER
            else:
                kind = _kind_of_name(token)
                if state is _BRACKETS and token.lower() not in _DURATION_WORDS:
                    message = f"unexpected character in duration expression: {_quote_character(token[0])}"
        elif group == "operator":
            if token == "(":
                depth += 1
            elif token == ")":
                depth -= 1
                if depth < 0:
                    message = "unexpected right parenthesis ')'"
            elif token == "{":
                state = _BRACES
            elif token == "}":
                if state is not _BRACES:
                    message = "unexpected right brace '}'"
                state = _STATEMENT
            elif token == "[":
                state = _BRACKETS
            elif token == "]":
                if state is not _BRACKETS:
                    message = "unexpected right bracket ']'"
                state = _STATEMENT
        elif group == "bad":
            message = f"bad number or duration syntax: {quote(token)}"
        else:
            kind = group  # type: ignore[assignment]  # number, duration or string
        if message:
            kind, token = ERROR, message
        kinds.append(kind)
        texts.append(token)
        starts.append(start)
        if kind is ERROR:
            return Tokens(kinds, texts, starts)


def _kind_of_name(token: str) -> str:
    if ":" in token:
        return METRIC_IDENTIFIER
    lower = token.lower()
    if lower in KEYWORDS:
        return lower
    if lower in {"inf", "nan"}:
        return NUMBER
    return IDENTIFIER


def _end_of(state: re.Pattern[str], depth: int) -> tuple[str, str]:
    if state is _BRACES:
        return ERROR, "unexpected end of input inside braces"
    if state is _BRACKETS:
        return ERROR, "unexpected end of input in duration expression"
    if depth:
        return ERROR, "unclosed left parenthesis"
    return END, ""


def _describe_error(text: str, start: int, state: re.Pattern[str]) -> str:
    character = text[start]
    following = text[start + 1 : start + 2]
    if character in "\"'" and state is not _BRACKETS:
        return "unterminated quoted string"
    if character == "`" and state is not _BRACKETS:
        return "unterminated raw string"
    quoted = _quote_character(character)
    if state is _BRACES:
        if character == "{":
            return "unexpected left brace '{'"
        if character == "!":
            after = _quote_character(following) if following else "end of input"
            return f"unexpected character after '!' inside braces: {after}"
        return f"unexpected character inside braces: {quoted}"
    if state is _BRACKETS:
        if character == "[":
            return "unexpected left bracket '['"
        return f"unexpected character in duration expression: {quoted}"
    if character == "!":
        after = _quote_character(following) if following else "end of input"
        return f"unexpected character after '!': {after}"
    return f"unexpected character: {quoted}"


def _quote_character(character: str) -> str:
    return "'\\''" if character == "'" else f"'{quote(character)[1:-1]}'" if character != '"' else "'\"'"


def parse_number(token: str) -> float:
    """Return the value of a NUMBER token: hexadecimal, octal with a leading zero, decimal, Inf or NaN."""
    plain = token.replace("_", "")
    if plain[:2] in {"0x", "0X"}:
        return float(int(plain, 16))
    if _OCTAL.fullmatch(token):
        return float(int(plain, 8))
    return float(plain)


def parse_duration_ms(token: str) -> int | None:
    """Return a duration such as `1h30m` in milliseconds; None when its units are out of order or it is too long."""
    match = _DURATION.fullmatch(token)
    if match is None:
        return None
    total = sum(int(count) * unit for count, unit in zip(match.groups(), _UNITS_MS, strict=True) if count)
    return total if total <= _MAX_DURATION_MS else None


def unquote(token: str, text: str, start: int) -> str:
    """Return what a STRING token means; bytes that are no UTF-8 become lone surrogates (surrogateescape).

    Raises ParseError for an escape sequence that Go does not know.
    """
    inner = token[1:-1]
    if token[0] == "`" or "\\" not in inner:
        return inner
    out = bytearray()
    position = 0
    while position < len(inner):
        character = inner[position]
        if character != "\\":
            next_escape = inner.find("\\", position)
            stop = len(inner) if next_escape < 0 else next_escape
            out += inner[position:stop].encode("utf-8", "surrogateescape")
            position = stop
            continue
        position = _unescape(inner, position + 1, out, token[0], text, start)
    return out.decode("utf-8", "surrogateescape")


def _unescape(inner: str, position: int, out: bytearray, delimiter: str, text: str, start: int) -> int:
    letter = inner[position : position + 1]
    if letter in "'\"" and letter != delimiter:
        raise ParseError(f"unknown escape sequence U+{ord(letter):04X} {_quote_character(letter)}", text, start)
    if letter in _ESCAPES:
        out.append(_ESCAPES[letter])
        return position + 1
    if letter in "01234567":
        count, base, maximum, digits_at = 3, 8, 255, position
    elif letter in _ESCAPE_DIGITS:
        count, base, maximum = _ESCAPE_DIGITS[letter]
        digits_at = position + 1
    else:
        raise ParseError(f"unknown escape sequence U+{ord(letter):04X} {_quote_character(letter)}", text, start)
    digits = inner[digits_at : digits_at + count]
    allowed = "01234567" if base == 8 else "0123456789abcdefABCDEF"  # noqa: PLR2004
    for digit in digits:
        if digit not in allowed:
            message = f"unexpected character U+{ord(digit):04X} {_quote_character(digit)} in escape sequence"
            raise ParseError(message, text, start)
    if len(digits) < count:
        raise ParseError("escape sequence not terminated", text, start)
    code = int(digits, base)
    if code > maximum or (letter in "uU" and code in _SURROGATES):
        raise ParseError("escape sequence is an invalid Unicode code point", text, start)
    out += chr(code).encode() if letter in "uU" else bytes((code,))
    return digits_at + count
