"""The search language's letters: words, quotes, operators, and what is being typed at an offset."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gnomon.model.errors import InvalidInputError
from gnomon.model.filters import Operator

MAX_CHARACTERS = 16_384

OPERATORS = {
    ":": Operator.EQUAL,
    "=": Operator.EQUAL,
    "==": Operator.EQUAL,
    ":=": Operator.EQUAL,
    "!=": Operator.NOT_EQUAL,
    "!:": Operator.NOT_EQUAL,
    "<>": Operator.NOT_EQUAL,
    "=~": Operator.MATCH,
    "!~": Operator.NOT_MATCH,
    "~": Operator.CONTAINS,
    ":~": Operator.CONTAINS,
    ">": Operator.GREATER,
    ":>": Operator.GREATER,
    ">=": Operator.GREATER_OR_EQUAL,
    ":>=": Operator.GREATER_OR_EQUAL,
    "<": Operator.LESS,
    ":<": Operator.LESS,
    "<=": Operator.LESS_OR_EQUAL,
    ":<=": Operator.LESS_OR_EQUAL,
}
"""Every spelling of an operator."""

_HAS = "has"
_LONGEST_OPERATOR = max(map(len, OPERATORS))
_OPERATOR_CHARACTERS = frozenset(":=<>~")
_QUOTES = frozenset("\"'")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'"}
_KEYWORDS = {"and": ("and", "&&"), "or": ("or", "||"), "not": ("not",)}

_PLAIN_WORD = re.compile(r"[\w./@%+#$&;][\w./@%+#$&;-]*")
_PLAIN_FIELD = re.compile(r"[\w@/$][\w@/$.-]*")
_PLAIN_VALUE = re.compile(r"[\w./@%+#$&;-][\w./@%+#$&;:-]*")


class Scanner:
    """A position in a text, and how to read on from there."""

    def __init__(self, text: str) -> None:
        """Begin at the start."""
        self.text = text
        self.position = 0

    def ended(self) -> bool:
        """Return whether everything has been read."""
        return self.position >= len(self.text)

    @property
    def at_quote(self) -> bool:
        """Return whether a quoted text begins here."""
        return self.peek() in _QUOTES

    def peek(self) -> str:
        """Return the next character, or nothing at the end."""
        return self.text[self.position : self.position + 1]

    def advance(self, characters: int = 1) -> None:
        """Pass over characters."""
        self.position += characters

    def skip_spaces(self) -> None:
        """Pass over white space."""
        while self.peek().isspace():
            self.position += 1

    def peek_operator(self) -> str:
        """Return the longest operator that begins here, or nothing."""
        for length in range(_LONGEST_OPERATOR, 0, -1):
            if (candidate := self.text[self.position : self.position + length]) in OPERATORS:
                return candidate
        return ""

    def take_negation(self) -> bool:
        """Pass over a `-` or `!` that stands directly before a term."""
        following = self.text[self.position + 1 : self.position + 2]
        taken = self.peek() in {"-", "!"} and following not in {"", ")"} and not following.isspace()
        self.position += taken
        return taken

    def read_word(self) -> str:
        """Return a word up to a space, quote, operator or parenthesis; `name(x)` without spaces is one word."""
        return self._read(lambda: bool(self.peek_operator()))

    def read_value(self, *, in_list: bool = False) -> str:
        """Return a value up to a space, a quote or a closing parenthesis; in a list also up to a comma."""
        return self._read(lambda: in_list and self.peek() == ",")

    def read_quoted(self) -> str:
        r"""Return what stands in quotes; `\n \r \t \\ \" \'` are escapes, another backslash is itself."""
        start = self.position
        closing = self.peek()
        self.position += 1
        parts: list[str] = []
        while not self.ended():
            character = self.peek()
            self.position += 1
            if character == closing:
                return "".join(parts)
            if character == "\\" and self.peek() in _ESCAPES and not self.ended():
                character = _ESCAPES[self.peek()]
                self.position += 1
            parts.append(character)
        message = f"The quote {closing} that opens here is never closed. Close it, or remove it."
        if closing == "'":
            message += " An apostrophe belongs into double quotes."
        raise InvalidInputError(message, position=start)

    def continues_text(self, word: str) -> bool:
        """Return whether the colon here belongs to a URL or a time of day instead of following a field."""
        rest = self.text[self.position : self.position + 3]
        return rest == "://" or (rest[:1] == ":" and word.isdecimal() and rest[1:2].isdecimal())

    def _read(self, ends: Callable[[], bool]) -> str:
        start = self.position
        while not self.ended() and not ends():
            character = self.peek()
            if character.isspace() or character in {")", '"'}:
                break
            if character == "(":
                length = self._balanced()
                if not length or self.position == start:
                    break
                self.position += length
            else:
                self.position += 1
        return self.text[start : self.position]

    def _balanced(self) -> int:
        """Return the length of a parenthesised run without spaces that begins here, 0 where there is none."""
        depth = 0
        for index in range(self.position, len(self.text)):
            character = self.text[index]
            if character.isspace() or character == '"':
                return 0
            depth += (character == "(") - (character == ")")
            if not depth:
                return index + 1 - self.position
        return 0


def keyword_at(scan: Scanner, word: str) -> int:
    """Return the length of a keyword in any of its spellings that stands at the scanner's position as a word, or 0."""
    for spelling in _KEYWORDS[word]:
        end = scan.position + len(spelling)
        if scan.text[scan.position : end].lower() != spelling:
            continue
        following = scan.text[end : end + 1]
        if not following or following.isspace() or following in "()\"'" or not spelling.isalpha():
            return len(spelling)
    return 0


def is_keyword(word: str) -> bool:
    """Return whether a word joins or negates conditions."""
    return word.lower() in _KEYWORDS


def quote(text: str) -> str:
    """Return text in quotes."""
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    )
    return f'"{escaped}"'


def word_text(phrase: str) -> str:
    """Return free text, in quotes where it needs them."""
    return phrase if _PLAIN_WORD.fullmatch(phrase) and not is_keyword(phrase) and "&&" not in phrase else quote(phrase)


def field_text(name: str) -> str:
    """Return a field's name, in quotes where it needs them."""
    plain = _PLAIN_FIELD.fullmatch(name) and not is_keyword(name) and not name.isdecimal()
    return name if plain else quote(name)


def value_text(value: str) -> str:
    """Return a value, in quotes where it needs them."""
    return value if _PLAIN_VALUE.fullmatch(value) else quote(value)


class CompletionKind(StrEnum):
    """Say what stands at an offset of a query."""

    FIELD = "field"
    OPERATOR = "operator"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Completion:
    """What is being typed: `prefix` of it stands before the offset, and `start` to `end` is what a suggestion replaces.

    `field` is the field that an operator or a value belongs to.
    """

    kind: CompletionKind
    prefix: str
    start: int
    end: int
    field: str = ""


def complete_at(text: str, offset: int) -> Completion:
    """Return what is being typed at `offset`; the query need not be valid."""
    offset = max(0, min(offset, len(text)))
    return _Completer(text[:offset], _token_end(text, offset)).find()


class _Completer:
    """Reads up to the cursor, which stands at the text's end, and tells what it reads last."""

    def __init__(self, text: str, end: int) -> None:
        self._scan = Scanner(text)
        self._end = end
        # The field of each open parenthesis; empty where it holds conditions instead of values.
        self._groups: list[str] = []

    def find(self) -> Completion:
        while True:
            self._scan.skip_spaces()
            if self._scan.ended():
                return self._found("", self._scan.position)
            if self._pass_punctuation():
                continue
            found = self._read_value(self._groups[-1]) if self._groups and self._groups[-1] else self._read_term()
            if found is not None:
                return found

    def _found(self, prefix: str, start: int, field: str = "") -> Completion:
        """Return a value of a field, or of the list that is open; else a field."""
        field = field or (self._groups[-1] if self._groups else "")
        kind = CompletionKind.VALUE if field else CompletionKind.FIELD
        return Completion(kind, prefix, start, self._end, field)

    def _pass_punctuation(self) -> bool:
        scan = self._scan
        character = scan.peek()
        if character == "(":
            self._groups.append(self._groups[-1] if self._groups else "")
        elif character == ")" and self._groups:
            self._groups.pop()
        elif character not in {")", ","} and (character not in {"-", "!"} or scan.peek_operator()):
            return False
        scan.advance()
        return True

    def _read_term(self) -> Completion | None:
        """Read a word, and the operator and the value behind it, until the cursor comes."""
        scan = self._scan
        start = scan.position
        word, closed = self._read(value=False)
        if scan.ended():
            return None if closed else self._found(word, start)
        before_spaces = scan.position
        scan.skip_spaces()
        operator = scan.peek_operator()
        if not operator:
            if scan.ended() and not closed and not is_keyword(word):
                return Completion(CompletionKind.OPERATOR, "", scan.position, scan.position, word)
            if before_spaces == start:
                scan.advance()  # Nothing that a word can begin with.
            return None
        scan.advance(len(operator))
        scan.skip_spaces()
        if scan.peek() == "(":
            scan.advance()
            self._groups.append(word)
            return None
        return self._read_value("" if word == _HAS and operator == ":" else word)

    def _read_value(self, field: str) -> Completion | None:
        start = self._scan.position
        value, closed = self._read(value=True)
        if self._scan.ended() and not closed:
            return self._found(value, start, field)
        if self._scan.position == start:
            self._scan.advance()
        return None

    def _read(self, *, value: bool) -> tuple[str, bool]:
        """Return a word, a value or what stands in quotes, and whether quotes closed it."""
        scan = self._scan
        if not scan.at_quote:
            return (scan.read_value(in_list=True) if value else scan.read_word()), False
        start = scan.position
        try:
            return scan.read_quoted(), True
        except InvalidInputError:
            scan.position = len(scan.text)
            return scan.text[start + 1 :], False


def _token_end(text: str, offset: int) -> int:
    end = offset
    while (
        end < len(text)
        and not text[end].isspace()
        and text[end] not in '()",'
        and text[end] not in _OPERATOR_CHARACTERS
    ):
        end += 1
    return end
