"""The search language: text to filter tree and back; the reference is docs/reference/search-language.md.

    or      = and { ("or" | "||") and }
    and     = term { [ "and" | "&&" ] term }
    term    = ("not" | "-" | "!") term | "(" or ")" | comparison | text
    compare = field operator (value | "(" values ")") | "has:" field

`parse_filter` raises InvalidInputError with a position for what it cannot read, and nothing else for any input.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from gnomon.model.errors import InvalidInputError
from gnomon.model.filter_text import (
    MAX_CHARACTERS,
    OPERATORS,
    Scanner,
    field_text,
    is_keyword,
    keyword_at,
    quote,
    value_text,
    word_text,
)
from gnomon.model.filters import EVERYTHING, And, Comparison, Filter, Not, Operator, Or, Text

_MAX_DEPTH = 64
_HAS = "has"
_OPPOSITES = {Operator.EQUAL: Operator.NOT_EQUAL, Operator.MATCH: Operator.NOT_MATCH}
_NEGATED = {Operator.NOT_EQUAL: Operator.EQUAL, Operator.NOT_MATCH: Operator.MATCH}


def parse_filter(text: str, *, text_field: str = "body") -> Filter:
    """Return the filter that `text` means; nothing but spaces means everything.

    `text_field` names what free words with a wildcard (`*reset*`) look into: a log's body, a span's name.
    Raises InvalidInputError with the offset of the first wrong character.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"The query is longer than {MAX_CHARACTERS} characters. Shorten it."
        raise InvalidInputError(message, position=MAX_CHARACTERS)
    for position, character in enumerate(text):
        if "\ud800" <= character <= "\udfff" or character == "\0":
            message = f"The query holds a character that is no text: {character!r}. Remove it."
            raise InvalidInputError(message, position=position)
    return _Parser(text, text_field).parse()


def format_filter(tree: Filter) -> str:
    """Return a text that means `tree`: parsing it gives an equal tree, but for needless nesting."""
    if tree == EVERYTHING:
        return ""
    return _format(tree, inside=None)


def refine_filter(text: str, condition: Comparison, *, text_field: str = "body") -> str:
    """Return the query with a condition that everything must meet, and without its opposite.

    `condition` is an equality or an inequality; the rest of the text stays as it was written where that is possible.
    """
    tree = parse_filter(text, text_field=text_field)
    terms = tree.operands if isinstance(tree, And) else (tree,)
    if any(_same(term, condition) for term in terms):
        return text
    opposite = replace(condition, operator=_opposite(condition.operator))
    kept = tuple(term for term in terms if not _same(term, opposite))
    if len(kept) < len(terms):
        return format_filter(And((*kept, condition)))
    text = f"({text.strip()})" if isinstance(tree, Or) else text.strip()
    return f"{text} {format_filter(condition)}".strip()


class _Parser:
    """One text on its way to a tree."""

    def __init__(self, text: str, text_field: str) -> None:
        self._scan = Scanner(text)
        self._text_field = text_field
        self._depth = 0
        self._lists = 0

    def parse(self) -> Filter:
        scan = self._scan
        scan.skip_spaces()
        if scan.ended():
            return EVERYTHING
        tree = self._either(self._term)
        if not scan.ended():
            message = "This ) closes nothing. Remove it, or open a parenthesis before it."
            raise InvalidInputError(message, position=scan.position)
        return tree

    def _either(self, term: Callable[[], Filter]) -> Filter:
        """Read terms joined by `or`, up to a closing parenthesis or the end."""
        operands = [self._all(term)]
        while self._take_keyword("or"):
            operands.append(self._all(term))
        return _join(Or, operands)

    def _all(self, term: Callable[[], Filter]) -> Filter:
        operands = [self._negatable(term)]
        while True:
            if not self._take_keyword("and"):
                self._scan.skip_spaces()
                ending = self._scan.peek() == ")" or (self._lists and self._scan.peek() == ",")
                if self._scan.ended() or ending or keyword_at(self._scan, "or"):
                    return _join(And, operands)
            operands.append(self._negatable(term))

    def _negatable(self, term: Callable[[], Filter]) -> Filter:
        scan = self._scan
        scan.skip_spaces()
        start = scan.position
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            message = f"The query is nested more than {_MAX_DEPTH} deep. Write it flatter."
            raise InvalidInputError(message, position=start)
        try:
            if self._take_keyword("not") or scan.take_negation():
                return Not(self._negatable(term))
            for word in ("and", "or"):
                if keyword_at(scan, word):
                    message = f"A condition is missing before {word!r}. To find the word itself, put it in quotes."
                    raise InvalidInputError(message, position=start)
            if scan.peek() == "(":
                return self._parenthesised(lambda: self._listed(term) if self._lists else self._either(term))
            return term()
        finally:
            self._depth -= 1

    def _parenthesised(self, content: Callable[[], Filter]) -> Filter:
        scan = self._scan
        start = scan.position
        scan.advance()
        scan.skip_spaces()
        if scan.peek() == ")":
            message = "There is nothing between these parentheses. Put a condition there, or quotes around them."
            raise InvalidInputError(message, position=start)
        if scan.ended():
            raise _unclosed(start)
        tree = content()
        if scan.peek() != ")":
            raise _unclosed(start)
        scan.advance()
        return tree

    def _term(self) -> Filter:
        """Read a comparison, or a word or phrase of free text."""
        scan = self._scan
        start = scan.position
        if scan.ended():
            message = "The query ends too early. Add a condition here, or remove the last word."
            raise InvalidInputError(message, position=start)
        if scan.peek() == ")":
            message = "A condition is missing before this ). Add one, or remove the parenthesis."
            raise InvalidInputError(message, position=start)
        quoted = scan.at_quote
        word = scan.read_quoted() if quoted else scan.read_word()
        if not quoted and not word:
            found = scan.peek_operator() or scan.peek()
            message = f"A field is missing before {found!r}. Name one, or put the text in quotes."
            raise InvalidInputError(message, position=start)
        if not quoted and scan.continues_text(word):
            return Text(word + scan.read_value(), start)
        end = scan.position
        scan.skip_spaces()
        operator = scan.peek_operator()
        if not operator:
            scan.position = end
            return Text(word, start) if quoted else self._free_word(word, start)
        scan.advance(len(operator))
        return self._comparison(
            word, OPERATORS[operator], start, exists=word == _HAS and operator == ":" and not quoted
        )

    def _comparison(self, field: str, operator: Operator, start: int, *, exists: bool) -> Filter:
        scan = self._scan
        if not field:
            message = "The field before the operator has no name. Name it."
            raise InvalidInputError(message, position=start)
        operator_end = scan.position
        scan.skip_spaces()
        if scan.ended() or scan.peek() == ")":
            message = f'A value is missing after {scan.text[start:operator_end].strip()!r}. For an empty one write "".'
            raise InvalidInputError(message, position=scan.position)

        def value(operator: Operator = operator, *, in_list: bool = False) -> Filter:
            scan.skip_spaces()
            if scan.ended() or scan.peek() in {")", ","}:
                message = "A value is missing here. Add one, or remove what asks for it."
                raise InvalidInputError(message, position=scan.position)
            quoted = scan.at_quote
            text = scan.read_quoted() if quoted else scan.read_value(in_list=in_list)
            if not text and not quoted:
                message = f"A value cannot begin with {scan.peek()!r}. Put it in quotes."
                raise InvalidInputError(message, position=scan.position)
            if exists:
                return Comparison(text, Operator.EXISTS, position=start)
            return _compare(field, operator, text, start, wild=not quoted)

        if scan.peek() != "(":
            return value()
        positive = _NEGATED.get(operator, operator)
        tree = self._parenthesised(lambda: self._listed(lambda: value(positive, in_list=True)))
        return tree if positive is operator else _negate(tree)

    def _listed(self, value: Callable[[], Filter]) -> Filter:
        """Read values joined by commas, `or` and `and`, up to the closing parenthesis."""
        self._lists += 1
        operands = [self._either(value)]
        while self._scan.peek() == ",":
            self._scan.advance()
            operands.append(self._either(value))
        self._lists -= 1
        return _join(Or, operands)

    def _free_word(self, word: str, start: int) -> Filter:
        if "*" not in word:
            return Text(word, start)
        inner = word.strip("*")
        if not inner:
            return EVERYTHING
        if "*" not in inner and word.startswith("*") and word.endswith("*"):
            return Comparison(self._text_field, Operator.CONTAINS, inner, start)
        before = "" if word.startswith("*") else r"\b"
        after = "" if word.endswith("*") else r"\b"
        pattern = r"\S*".join(re.escape(part) for part in inner.split("*"))
        return Comparison(self._text_field, Operator.MATCH, f"(?i){before}{pattern}{after}", start)

    def _take_keyword(self, word: str) -> bool:
        self._scan.skip_spaces()
        length = keyword_at(self._scan, word)
        self._scan.advance(length)
        return length > 0


def _negate(tree: Filter) -> Filter:
    """Return what a list of values means after `!=` or `!~`: none of them, each compared for itself."""
    match tree:
        case Comparison(operator=operator) if opposite := _OPPOSITES.get(operator):
            return replace(tree, operator=opposite)
        case Or(operands):
            return And(tuple(map(_negate, operands)))
        case And(operands):
            return Or(tuple(map(_negate, operands)))
        case Not(operand):
            return operand
        case _:
            return Not(tree)


def _compare(field: str, operator: Operator, value: str, start: int, *, wild: bool) -> Filter:
    """Return a comparison; an unquoted `*` in the value of an equality stands for anything."""
    negated = operator is Operator.NOT_EQUAL
    if not wild or "*" not in value or not (negated or operator is Operator.EQUAL):
        return Comparison(field, operator, value, start)
    inner = value.strip("*")
    if not inner:
        exists = Comparison(field, Operator.EXISTS, position=start)
        return Not(exists) if negated else exists
    if "*" not in inner and value.startswith("*") and value.endswith("*"):
        contains = Comparison(field, Operator.CONTAINS, inner, start)
        return Not(contains) if negated else contains
    before = "" if value.startswith("*") else "^"
    after = "" if value.endswith("*") else "$"
    pattern = ".*".join(re.escape(part) for part in inner.split("*"))
    return Comparison(field, Operator.NOT_MATCH if negated else Operator.MATCH, f"(?s){before}{pattern}{after}", start)


def _join(kind: type[And] | type[Or], operands: list[Filter]) -> Filter:
    """Return the operands as one filter, flat."""
    if len(operands) == 1:
        return operands[0]
    flat: list[Filter] = []
    for operand in operands:
        flat.extend(operand.operands if isinstance(operand, kind) else (operand,))
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _unclosed(start: int) -> InvalidInputError:
    return InvalidInputError(
        "This parenthesis is never closed. Close it with ), or put the text in quotes.", position=start
    )


def _opposite(operator: Operator) -> Operator:
    return Operator.NOT_EQUAL if operator is Operator.EQUAL else Operator.EQUAL


def _same(term: Filter, condition: Comparison) -> bool:
    """Return whether `term` says what `condition` says, be it written as an operator or as a negation."""
    if isinstance(term, Not) and isinstance(term.operand, Comparison):
        operand = term.operand
        if operand.operator not in {Operator.EQUAL, Operator.NOT_EQUAL}:
            return False
        term = replace(operand, operator=_opposite(operand.operator))
    return term == replace(condition, position=term.position) if isinstance(term, Comparison) else False


def _format(tree: Filter, inside: type[And] | type[Or] | type[Not] | None) -> str:
    if isinstance(tree, Text):
        return word_text(tree.phrase)
    if isinstance(tree, Comparison):
        return _format_comparison(tree)
    if isinstance(tree, Not):
        return "-" + _format(tree.operand, Not)
    if not tree.operands:
        return "*" if isinstance(tree, And) else "-*"
    if len(tree.operands) == 1:
        return _format(tree.operands[0], inside)
    separator = " " if isinstance(tree, And) else " or "
    text = separator.join(_format(operand, type(tree)) for operand in tree.operands)
    needs_parentheses = inside is Not or (isinstance(tree, Or) and inside is And)
    return f"({text})" if needs_parentheses else text


def _format_comparison(comparison: Comparison) -> str:
    field = field_text(comparison.field)
    if comparison.operator is Operator.EXISTS:
        return f"{_HAS}:{field if not is_keyword(field) else quote(comparison.field)}"
    plain = comparison.operator is Operator.EQUAL and comparison.field != _HAS
    operator = ":" if plain else comparison.operator.value
    return f"{field}{operator}{value_text(comparison.value)}"
