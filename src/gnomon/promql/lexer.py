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

_AGGREGATORS = "sum avg count min max group stddev stdvar topk bottomk count_values quantile limitk limit_ratio"
AGGREGATORS = frozenset(_AGGREGATORS.split())
OPERATOR_WORDS = frozenset({"and", "or", "unless", "atan2"})
_WORDS = (
    "by without on ignoring group_left group_right bool offset start end step range anchored smoothed "
    "fill fill_left fill_right"
)
KEYWORDS = AGGREGATORS | OPERATOR_WORDS | frozenset(_WORDS.split())
_OPERATORS = "+ - * / % ^ == != > < >= <= =~ !~ = @ </ >/"
OPERATORS = frozenset(_OPERATORS.split()) | OPERATOR_WORDS

# What may stand in the duration expressions of brackets, besides numbers.
_DURATION_WORDS = frozenset({"step", "range", "min", "max", "min_of", "max_of"})

_SKIP = r"(?:[ \t\r\n]++|\#[^\n]*+)*+"
_DIGITS = r"\d++(?:_\d++)*+"
_UNIT = "(?:ms|[smhdwy])"
_FLOAT = rf"(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})"
_NUMBER = (
    rf"(?P<number>(?>0[xX]_?(?:[0-9a-fA-F]++(?:_[0-9a-fA-F]++)*+)?|{_FLOAT}(?:[eE][+-]?\d++(?:\.\d*+)?)?)"
    r"(?![0-9A-Za-z_.]))"
    rf"|(?P<duration>(?>{_FLOAT}(?:[eE]\d++)?){_UNIT}(?:\d++{_UNIT})*+(?![0-9A-Za-z_]))"
    rf"|(?P<bad>(?:0[xX][0-9a-fA-F]*+|{_FLOAT}(?:[eE][+-]?\d*+)?)[._]{{0,2}}(?:{_UNIT}(?:\d++{_UNIT})*+(?:\d++|[A-Za-z_])?)?)"
)
_STRING = r"""|(?P<string>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'|`[^`]*+`)"""
_OPERATOR = r"(?P<operator>==|!=|>=|<=|</|>/|=(?!~)|[-+*/%^<>(){\[\],@"
_STATEMENT = re.compile(rf"{_SKIP}(?:(?P<name>[A-Za-z_:][A-Za-z0-9_:]*+)|{_NUMBER}{_STRING}|{_OPERATOR}]))")
_BRACES = re.compile(rf"{_SKIP}(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*+){_STRING}|(?P<operator>=~|!~|!=|=|,|\}}))")
_BRACKETS = re.compile(rf"{_SKIP}(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*+)|{_NUMBER}{_STRING}|{_OPERATOR}:]))")
_SPACE = re.compile(_SKIP)
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?")
UNITS = ("y", "w", "d", "h", "m", "s", "ms")
_UNITS_MS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1)
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
    structure = _Structure()
    position = 0
    while True:
        match = structure.state.match(text, position)
        if match is None:
            kind, token, start = structure.describe_end(text, position)
        else:
            group = match.lastgroup
            token = match[group]  # type: ignore[index]  # every alternative is a group
            position = match.end()
            start = position - len(token)
            kind = token
            if group == "name":
                kind = structure.kind_of_name(token)
            elif group != "operator":
                kind = group  # type: ignore[assignment]  # number, duration, string or bad
            elif token in _STRUCTURAL:
                problem = structure.enter(token)
                if problem is not None:
                    kind, token, start = ERROR, problem[0], start + problem[1]
            if structure.fresh or kind in _SELDOM:
                kind, token = structure.look_closer(kind, token)
        kinds.append(kind)
        texts.append(token)
        starts.append(start)
        if kind is END or kind is ERROR:
            return Tokens(kinds, texts, starts)


_SELDOM = frozenset({"bad", "[", "misplaced"})
_FIRST_IN_BRACKETS = frozenset("+-*/%^,()]:")
_STRUCTURAL = frozenset("(){}[]:")


class _Structure:
    """Know which brackets are open; `fresh` tells that one was opened just now."""

    __slots__ = ("colon", "depth", "fresh", "state")

    def __init__(self) -> None:
        self.state = _STATEMENT
        self.depth = 0
        self.colon = False
        self.fresh = False

    def enter(self, sign: str) -> tuple[str, int] | None:
        """Take a bracket or colon; what is wrong with it comes with how much later it is reported."""
        if sign == "(":
            self.depth += 1
        elif sign == ")":
            self.depth -= 1
            if self.depth < 0:
                return "unexpected right parenthesis ')'", 1
        elif sign == "{":
            self.state = _BRACES
        elif sign == "}":
            self.state = _STATEMENT
        elif sign == ":":
            return self._enter_colon()
        else:
            return self._enter_bracket(sign)
        return None

    def _enter_bracket(self, sign: str) -> tuple[str, int] | None:
        if sign == "]":
            if self.state is not _BRACKETS:
                return "unexpected right bracket ']'", 0
            self.state = _STATEMENT
            return None
        if self.state is _BRACKETS:
            return (_describe_first_in_brackets("[") if self.fresh else "unexpected left bracket '['"), 0
        self.state = _BRACKETS
        self.colon = False
        return None

    def _enter_colon(self) -> tuple[str, int] | None:
        if self.fresh:
            return "unexpected colon before duration in duration expression", 1
        if self.colon:
            return "unexpected colon ':'", 0
        self.colon = True
        return None

    def kind_of_name(self, token: str) -> str:
        if self.state is _BRACES:
            return IDENTIFIER
        if self.state is _BRACKETS:
            lower = token.lower()
            return lower if lower in _DURATION_WORDS else "misplaced"
        if ":" in token:
            return METRIC_IDENTIFIER
        lower = token.lower()
        if lower in KEYWORDS:
            return lower
        return NUMBER if lower in {"inf", "nan"} else IDENTIFIER

    def look_closer(self, kind: str, token: str) -> tuple[str, str]:
        """Return the kind and text of a token that is wrong, or is the first in its brackets."""
        fresh, self.fresh = self.fresh, kind == "[" or (self.fresh and kind == "(")
        if kind == "bad":
            return ERROR, f"bad number or duration syntax: {quote(token)}"
        if kind == "misplaced":
            problem = f"unexpected character: {_quote_character(token[0])}, expected ':'"
            return ERROR, _describe_first_in_brackets(token[0]) if fresh else problem
        if fresh and (kind == STRING or kind in OPERATORS) and token[0] not in _FIRST_IN_BRACKETS:
            return ERROR, _describe_first_in_brackets(token[0])
        return kind, token

    def describe_end(self, text: str, position: int) -> tuple[str, str, int]:
        """Return the kind, text and place of the last token where no other fits."""
        place = _SPACE.match(text, position)
        start = place.end() if place else position
        if start < len(text):
            return ERROR, _describe_error(text, start, self.state, fresh=self.fresh), start
        if self.state is _BRACES:
            return ERROR, "unexpected end of input inside braces", start
        if self.fresh:
            return ERROR, "unexpected end of input in duration expression", start
        if self.depth:
            return ERROR, "unclosed left parenthesis", start
        if self.state is _BRACKETS:
            return ERROR, "unclosed left bracket", start
        return END, "", start


def _describe_error(text: str, start: int, state: re.Pattern[str], *, fresh: bool) -> str:
    character = text[start]
    following = text[start + 1 : start + 2] or "\ufffd"
    quoted = _quote_character(character)
    if character in "\"'" and not fresh:
        return "escape sequence not terminated" if text.endswith("\\") else "unterminated quoted string"
    if character == "`" and not fresh:
        return "unterminated raw string"
    if fresh:
        return _describe_first_in_brackets(character)
    if state is _BRACES:
        if character == "{":
            return "unexpected left brace '{'"
        if character == "!":
            return f"unexpected character after '!' inside braces: {_quote_character(following)}"
        return f"unexpected character inside braces: {quoted}"
    if character in "!=":
        return f"unexpected character after '{character}': {_quote_character(following)}"
    return f"unexpected character: {quoted}"


def _describe_first_in_brackets(character: str) -> str:
    return f"unexpected character in duration expression: {_quote_character(character)}"


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
    """Return a duration such as `1h30m` in milliseconds; None when its units are unknown or out of order."""
    match = _DURATION.fullmatch(token)
    if match is None:
        return None
    return sum(int(count) * unit for count, unit in zip(match.groups(), _UNITS_MS, strict=True) if count)


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
            raise ParseError(_describe_illegal(digit), text, start)
    if len(digits) < count:
        raise ParseError(_describe_illegal(delimiter), text, start)
    code = int(digits, base)
    if code > maximum or (letter in "uU" and code in _SURROGATES):
        raise ParseError("escape sequence is an invalid Unicode code point", text, start)
    out += chr(code).encode() if letter in "uU" else bytes((code,))
    return digits_at + count


def _describe_illegal(character: str) -> str:
    return f"illegal character U+{ord(character):04X} {_quote_character(character)} in escape sequence"
