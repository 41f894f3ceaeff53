"""Go's template language (text/template), parsed: what people write into labels, annotations and messages."""

import re
from dataclasses import dataclass

from gnomon.model.errors import InvalidInputError


class TemplateError(InvalidInputError):
    """Tell what is wrong with a template, or why it cannot be filled in."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: text, number, truth value or nil."""

    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class Function:
    """The name of a function."""

    name: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Fields of something: of the dot (`base` is None), of a variable (its name), or of a pipeline."""

    base: "str | Pipeline | None"
    fields: tuple[str, ...] = ()


Operand = Literal | Function | Chain
Command = tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands that pass their values on; the last value goes to `variables`, declared or assigned."""

    commands: tuple[Command, ...]
    variables: tuple[str, ...] = ()
    declares: bool = True


@dataclass(frozen=True, slots=True)
class Action:
    """A pipeline whose value is printed, unless it goes to a variable."""

    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Branch:
    """`if`, `with` or `range`."""

    keyword: str
    pipeline: Pipeline
    body: "Body"
    otherwise: "Body"


@dataclass(frozen=True, slots=True)
class Include:
    """Another template, filled in with the value of a pipeline."""

    name: str
    pipeline: Pipeline | None


@dataclass(frozen=True, slots=True)
class Jump:
    """`break` or `continue`."""

    keyword: str


Node = str | Action | Branch | Include | Jump
Body = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template, and those that are defined in it by name."""

    body: Body
    definitions: dict[str, Body]


_ACTION = re.compile(
    r"\{\{(?:(?P<left>-)(?=\s))?(?P<body>(?:\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`|/\*.*?\*/|.)*?)(?:(?<=\s)(?P<right>-))?\}\}",
    re.DOTALL,
)
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
    |(?P<char>'(?:[^'\\\n]|\\.)')
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?))(?![\w.])
    |(?P<field>(?:\.[^\W\d]\w*)+)
    |(?P<dot>\.)
    |(?P<variable>\$\w*)
    |(?P<word>[^\W\d]\w*)
    |(?P<sign>:=|=|\||\(|\)|,)
    )""",
    re.VERBOSE,
)
_BLOCKS = frozenset({"if", "with", "range"})
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\'\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_CONSTANTS = {"true": True, "false": False, "nil": None}


def parse_template(text: str, functions: frozenset[str]) -> Template:
    """Return a template; raises TemplateError, its line in front, also for functions that nobody knows."""
    parser = _Parser(text, functions)
    try:
        body = parser.whole()
    except TemplateError as error:
        raise TemplateError(f"{parser.line}: {error}") from error
    return Template(body, parser.definitions)


class _Parser:
    def __init__(self, text: str, functions: frozenset[str]) -> None:
        self._text = text
        self._items = _split(text)
        self._place = 0
        self.line = 1
        self._functions = functions
        self._variables = ["$"]
        self.definitions: dict[str, Body] = {}

    def whole(self) -> Body:
        """Return all nodes."""
        body, end = self.body()
        if end:
            raise TemplateError(f"unexpected {{{{{end}}}}}")
        return body

    def body(self) -> tuple[Body, str]:
        """Return nodes up to `end` or `else`, and the action that ends them (empty at the end of the text)."""
        nodes: list[Node] = []
        while self._place < len(self._items):
            is_action, text, start = self._items[self._place]
            self._place += 1
            self.line = self._text.count("\n", 0, start) + 1
            if not is_action:
                nodes.append(text)
                continue
            tokens = _Tokens(text)
            keyword = tokens.peek_word()
            if keyword in {"end", "else"}:
                return tuple(nodes), text.strip()
            node = self._action(keyword, tokens)
            if node is not None:
                nodes.append(node)
        return tuple(nodes), ""

    def _action(self, keyword: str, tokens: "_Tokens") -> Node | None:
        if keyword in _BLOCKS:
            tokens.next()
            return self._branch(keyword, tokens)
        if keyword in {"define", "block"}:
            tokens.next()
            return self._define(keyword, tokens)
        if keyword == "template":
            tokens.next()
            name = tokens.string()
            return Include(name, None if tokens.done else self._pipeline(tokens))
        if keyword in {"break", "continue"}:
            return Jump(keyword)
        return Action(self._pipeline(tokens))

    def _branch(self, keyword: str, tokens: "_Tokens") -> Branch:
        known = len(self._variables)
        pipeline = self._pipeline(tokens, ranges=keyword == "range")
        body, end = self.body()
        otherwise: Body = ()
        if end == "else":
            otherwise, end = self.body()
        elif end.startswith("else"):
            nested = _Tokens(end)
            nested.next()
            inner = nested.peek_word()
            if inner not in {"if", "with"}:
                raise TemplateError(f"unexpected {{{{{end}}}}}")
            nested.next()
            otherwise, end = (self._branch(inner, nested),), "end"
        if end != "end":
            raise TemplateError("unexpected EOF" if not end else f"unexpected {{{{{end}}}}}")
        del self._variables[known:]
        return Branch(keyword, pipeline, body, otherwise)

    def _define(self, keyword: str, tokens: "_Tokens") -> Include | None:
        name = tokens.string()
        pipeline = self._pipeline(tokens) if keyword == "block" else None
        known, self._variables = self._variables, ["$"]
        body, end = self.body()
        self._variables = known
        if end != "end":
            raise TemplateError(f"unexpected end of {{{{{keyword}}}}}")
        self.definitions[name] = body
        return Include(name, pipeline) if keyword == "block" else None

    def _pipeline(self, tokens: "_Tokens", *, ranges: bool = False) -> Pipeline:
        variables, declares = self._targets(tokens, ranges=ranges)
        commands: list[Command] = []
        while True:
            operands: list[Operand] = []
            while not tokens.done and tokens.peek() not in {"|", ")"}:
                operands.append(self._operand(tokens))
            if not operands:
                raise TemplateError("missing value for command")
            commands.append(tuple(operands))
            if tokens.peek() != "|":
                break
            tokens.next()
        if declares:
            self._variables += variables
        return Pipeline(tuple(commands), variables, declares)

    def _targets(self, tokens: "_Tokens", *, ranges: bool) -> tuple[tuple[str, ...], bool]:
        names: list[str] = []
        start = tokens.place
        while tokens.kind() == "variable":
            names.append(tokens.next())
            if tokens.peek() in {":=", "="}:
                return tuple(names), tokens.next() == ":="
            if not (ranges and tokens.peek() == "," and len(names) == 1):
                break
            tokens.next()
        tokens.place = start
        return (), False

    def _operand(self, tokens: "_Tokens") -> Operand:
        kind, text = tokens.kind(), tokens.next()
        match kind:
            case "string":
                return Literal(unquote(text))
            case "char":
                return Literal(ord(unquote(text)))
            case "number":
                return Literal(_number(text))
            case "dot":
                return Chain(None)
            case "field":
                return Chain(None, tuple(text[1:].split(".")))
            case "word":
                return self._word(text)
            case _:
                return Chain(self._base(kind, text, tokens), self._fields(tokens))

    def _word(self, text: str) -> Operand:
        if text in _CONSTANTS:
            return Literal(_CONSTANTS[text])
        if text not in self._functions:
            raise TemplateError(f'function "{text}" not defined')
        return Function(text)

    def _base(self, kind: str, text: str, tokens: "_Tokens") -> str | Pipeline:
        if kind == "variable":
            if text not in self._variables:
                raise TemplateError(f'undefined variable "{text}"')
            return text
        if text != "(":
            raise TemplateError(f'unexpected "{text}" in operand')
        pipeline = self._pipeline(tokens)
        if tokens.done or tokens.next() != ")":
            raise TemplateError("unclosed left paren")
        return pipeline

    @staticmethod
    def _fields(tokens: "_Tokens") -> tuple[str, ...]:
        if tokens.kind() == "field" and not tokens.spaced():
            return tuple(tokens.next()[1:].split("."))
        return ()


class _Tokens:
    """The tokens of one action."""

    def __init__(self, text: str) -> None:
        self._found: list[tuple[str, str, bool]] = []
        self.place = 0
        position, text = 0, text.strip()
        while position < len(text):
            token = _TOKEN.match(text, position)
            if token is None or token.lastgroup is None:
                raise TemplateError(f"unexpected {text[position:].strip()[:1]!r} in command")
            spaced = token[0][:1].isspace()
            self._found.append((token.lastgroup, token[token.lastgroup], spaced))
            position = token.end()

    @property
    def done(self) -> bool:
        """Tell whether no token is left."""
        return self.place >= len(self._found)

    def peek(self) -> str:
        """Return the next token, empty at the end."""
        return "" if self.done else self._found[self.place][1]

    def kind(self) -> str:
        """Return the kind of the next token, empty at the end."""
        return "" if self.done else self._found[self.place][0]

    def spaced(self) -> bool:
        """Tell whether there is space before the next token."""
        return not self.done and self._found[self.place][2]

    def peek_word(self) -> str:
        """Return the next token when it is a word."""
        return self.peek() if self.kind() == "word" else ""

    def next(self) -> str:
        """Return the next token and step over it."""
        if self.done:
            raise TemplateError("unexpected end of an action")
        self.place += 1
        return self._found[self.place - 1][1]

    def string(self) -> str:
        """Return the next token, which must be a text."""
        if self.kind() != "string":
            raise TemplateError(f"expected a name in quotes, not {self.peek()!r}")
        return unquote(self.next())


def unquote(token: str) -> str:
    """Return what a quoted text means in Go."""
    inner = token[1:-1]
    if token[0] == "`":
        return inner
    return _ESCAPE.sub(_unescape, inner)


def _unescape(found: re.Match[str]) -> str:
    if found[1]:
        return _ESCAPED.get(found[1], found[1])
    if found[5]:
        return chr(int(found[5], 8))
    return chr(int(found[2] or found[3] or found[4], 16))


def _number(text: str) -> float:
    """Return an int where the constant is whole, otherwise a float."""
    try:
        return int(text, 0)
    except ValueError:
        return float(text)


def _split(text: str) -> list[tuple[bool, str, int]]:
    """Return text and actions in turn, and where they start: trimmed as `{{-` and `-}}` ask for, without comments."""
    items: list[tuple[bool, str, int]] = []
    position, trim = 0, False
    for action in _ACTION.finditer(text):
        plain = text[position : action.start()]
        if "{{" in plain:
            break
        items.append((False, _trimmed(plain, before=trim, after=bool(action["left"])), position))
        body = action["body"].strip()
        if not (body.startswith("/*") and body.endswith("*/")):
            items.append((True, body, action.start()))
        position, trim = action.end(), bool(action["right"])
    rest = text[position:]
    if "{{" in rest:
        raise TemplateError(f"{text.count(chr(10), 0, position + rest.index('{{')) + 1}: unclosed action")
    items.append((False, _trimmed(rest, before=trim, after=False), position))
    return [item for item in items if item[0] or item[1]]


def _trimmed(text: str, *, before: bool, after: bool) -> str:
    text = text.lstrip(" \t\r\n") if before else text
    return text.rstrip(" \t\r\n") if after else text
