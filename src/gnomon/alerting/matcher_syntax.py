"""Matchers as Alertmanager writes them: `severity="page"`, `{"owner team"=~"a|b"}`, and the older form."""

import re
from collections.abc import Iterator, Sequence

from gnomon.model.errors import InvalidInputError
from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.promql.quoting import quote

Matchers = tuple[Matcher, ...]

_TOKEN = re.compile(r'\s+|(=~|!~|!=|=)|([{},])|("(?:\\.|[^"\\])*")|([^{}!=~,\\"\'`\s]+)', re.DOTALL)
_RESERVED = re.compile(r"[{}!=~,\\\"'`\s]")
_CLASSIC = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class MatcherSyntaxError(InvalidInputError):
    """Tell why a text is no matcher."""


def parse_matchers(text: str) -> Matchers:
    """Return the matchers of a comma-separated list, in braces or not; raises MatcherSyntaxError.

    Both forms are tried. Where they differ, the older one counts, as in Alertmanager.
    """
    try:
        new: Matchers | None = _Parser(text).matchers()
    except InvalidInputError:
        new = None
    try:
        classic = tuple(_parse_classic(part) for part in _split_classic(text))
    except InvalidInputError as error:
        if new is None:
            raise MatcherSyntaxError(str(error)) from error
        return new
    return classic


def parse_matcher(text: str) -> Matcher:
    """Return one matcher without braces; raises MatcherSyntaxError."""
    if text.startswith("{") or text.endswith("}"):
        raise MatcherSyntaxError(f"unexpected open or close brace: {text}")
    try:
        return _parse_classic(text)
    except InvalidInputError as error:
        try:
            found = _Parser(text).matchers()
        except InvalidInputError:
            raise MatcherSyntaxError(str(error)) from error
    if len(found) != 1:
        raise MatcherSyntaxError(f"expected 1 matcher, found {len(found)}")
    return found[0]


def format_matcher(matcher: Matcher) -> str:
    """Return a matcher as Alertmanager shows it."""
    operator = matcher.operator.value
    if _RESERVED.search(matcher.name):
        return f"{quote(matcher.name)}{operator}{quote(matcher.value)}"
    value = matcher.value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return f'{matcher.name}{operator}"{value}"'


def format_matchers(matchers: Sequence[Matcher]) -> str:
    """Return matchers in braces."""
    return "{" + ",".join(map(format_matcher, matchers)) + "}"


def all_match(matchers: Sequence[Matcher], labels: Labels) -> bool:
    """Tell whether labels fulfil all matchers."""
    return all(matcher.matches(labels.get(matcher.name)) for matcher in matchers)


class _Parser:
    """Read the newer form, in which names and values may be quoted."""

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), ""]
        self._place = 0

    def matchers(self) -> Matchers:
        """Return all matchers."""
        found: list[Matcher] = []
        braces = self._accept("{")
        while self._peek() not in {"", "}"}:
            found.append(self._matcher())
            if not self._accept(","):
                break
        if self._accept("}") != braces:
            raise MatcherSyntaxError("expected close brace" if braces else "expected opening brace")
        if self._peek():
            raise MatcherSyntaxError(f"{self._peek()}: expected end of input")
        return tuple(found)

    def _matcher(self) -> Matcher:
        name = self._text("label name")
        operator = self._next()
        if operator not in {"=", "!=", "=~", "!~"}:
            raise MatcherSyntaxError("expected an operator such as '=', '!=', '=~' or '!~'")
        return Matcher(name, MatchOperator(operator), self._text("label value"))

    def _text(self, kind: str) -> str:
        token = self._next()
        if not token or token[0] in "{},=!":
            raise MatcherSyntaxError(f"expected {kind}")
        return _unquote(token) if token[0] == '"' else token

    def _peek(self) -> str:
        return self._tokens[self._place]

    def _next(self) -> str:
        token = self._tokens[self._place]
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return token

    def _accept(self, token: str) -> bool:
        found = self._peek() == token
        if found:
            self._next()
        return found


def _tokens(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise MatcherSyntaxError(f"{text[position:]}: invalid input")
        if not token[0].isspace():
            yield token[0]
        position = token.end()


def _unquote(token: str) -> str:
    inner = token[1:-1]
    if "\\" in _ESCAPE.sub("", inner) or "\n" in inner:
        raise MatcherSyntaxError(f"{token}: invalid input")
    return _ESCAPE.sub(_unescape, inner)


def _unescape(found: re.Match[str]) -> str:
    if found[1]:
        return _ESCAPED.get(found[1], found[1])
    return chr(int(found[5], 8)) if found[5] else chr(int(found[2] or found[3] or found[4], 16))


def _split_classic(text: str) -> list[str]:
    """Return what stands between commas outside of quotes."""
    text = text.removeprefix("{").removesuffix("}")
    parts, part, quoted, escaped = [], "", False, False
    for character in text:
        if character == "," and not quoted:
            parts.append(part)
            part, escaped = "", False
            continue
        if character == '"' and not escaped:
            quoted = not quoted
        escaped = character == "\\" and not escaped
        part += character
    return [*parts, part] if part.strip() else parts


def _parse_classic(text: str) -> Matcher:
    found = _CLASSIC.fullmatch(text)
    if found is None:
        raise MatcherSyntaxError(f"bad matcher format: {text}")
    name, operator, raw = found.groups()
    quoted = raw.startswith('"')
    value, place, closed = "", int(quoted), not quoted
    while place < len(raw):
        character = raw[place]
        if character == '"':
            if closed or place < len(raw) - 1:
                raise MatcherSyntaxError(f"matcher value contains unescaped double quote: {raw}")
            closed = True
        elif character == "\\" and place < len(raw) - 1:
            place += 1
            value += {"n": "\n", '"': '"', "\\": "\\"}.get(raw[place], "\\" + raw[place])
        else:
            value += character
        place += 1
    if not closed:
        raise MatcherSyntaxError(f"matcher value contains unescaped double quote: {raw}")
    return Matcher(name, MatchOperator(operator), value)
