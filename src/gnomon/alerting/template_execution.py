"""Fill in Go's templates."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from gnomon.alerting.template_parser import (
    Action,
    Body,
    Branch,
    Chain,
    Command,
    Function,
    Include,
    Jump,
    Literal,
    Node,
    Operand,
    Pipeline,
    Template,
    TemplateError,
    parse_template,
)
from gnomon.alerting.template_values import GENERAL_FUNCTIONS, NO_VALUE, call_method, get_field, is_true, to_text
from gnomon.model.errors import GnomonError

LAZY = frozenset({"and", "or"})

_DEEPEST = 100
_LARGEST = 1_000_000


async def execute(text: str, data: Any, functions: Mapping[str, Callable[..., Any]]) -> str:
    """Return a template filled in with data; raises TemplateError. Functions may be coroutine functions."""
    known = {**GENERAL_FUNCTIONS, **functions}
    return await execute_template(parse_cached(text, frozenset({*known, *LAZY})), data, known)


async def execute_template(
    template: Template,
    data: Any,
    functions: Mapping[str, Callable[..., Any]],
    escape: Callable[[Any, str], str] | None = None,
) -> str:
    """Return a parsed template filled in with data; raises TemplateError.

    `functions` are all there are. `escape` makes text of printed values, given what stands before them.
    """
    run = _Execution(template, functions, escape)
    await run.body(template.body, data, [("$", data)])
    return "".join(run.output)


@lru_cache(maxsize=1_000)
def parse_cached(text: str, functions: frozenset[str]) -> Template:
    """Return a parsed template, the same one for the same text."""
    return parse_template(text, functions)


class _Break(Exception):  # noqa: N818 - no error, a way out of loops
    pass


class _Continue(Exception):  # noqa: N818 - as above
    pass


Variables = list[tuple[str, Any]]


class _Execution:
    def __init__(
        self,
        template: Template,
        functions: Mapping[str, Callable[..., Any]],
        escape: Callable[[Any, str], str] | None,
    ) -> None:
        self._template = template
        self._functions = functions
        self._escape = escape
        self._depth = 0
        self._size = 0
        self.output: list[str] = []

    async def body(self, body: Body, dot: Any, variables: Variables) -> None:
        """Write what a body yields."""
        known = len(variables)
        for node in body:
            await self._node(node, dot, variables)
        del variables[known:]

    async def _node(self, node: Node, dot: Any, variables: Variables) -> None:
        match node:
            case str():
                self._write(node)
            case Action(pipeline):
                value = await self._pipeline(pipeline, dot, variables)
                if not pipeline.variables:
                    self._print(value)
            case Branch():
                await self._branch(node, dot, variables)
            case Include(name, pipeline):
                await self._include(name, None if pipeline is None else await self._pipeline(pipeline, dot, variables))
            case Jump(keyword):
                raise _Break if keyword == "break" else _Continue

    def _print(self, value: Any) -> None:
        value = NO_VALUE if value is None else value
        self._write(to_text(value) if self._escape is None else self._escape(value, "".join(self.output[-3:])))

    def _write(self, text: str) -> None:
        self._size += len(text)
        if self._size > _LARGEST:
            raise TemplateError(f"the result is longer than {_LARGEST:,} characters")
        self.output.append(text)

    async def _include(self, name: str, data: Any) -> None:
        if name not in self._template.definitions:
            raise TemplateError(f'template "{name}" not defined')
        self._depth += 1
        if self._depth > _DEEPEST:
            raise TemplateError("exceeded maximum template depth")
        await self.body(self._template.definitions[name], data, [("$", data)])
        self._depth -= 1

    async def _branch(self, node: Branch, dot: Any, variables: Variables) -> None:
        known = len(variables)
        if node.keyword == "range":
            await self._range(node, dot, variables)
        else:
            value = await self._pipeline(node.pipeline, dot, variables)
            if is_true(value):
                await self.body(node.body, value if node.keyword == "with" else dot, variables)
            else:
                await self.body(node.otherwise, dot, variables)
        del variables[known:]

    async def _range(self, node: Branch, dot: Any, variables: Variables) -> None:
        plain = Pipeline(node.pipeline.commands)
        items = list(_items(await self._pipeline(plain, dot, variables)))
        if not items:
            await self.body(node.otherwise, dot, variables)
        names = node.pipeline.variables
        known = len(variables)
        for key, value in items:
            for name, given in zip(names, (key, value) if len(names) > 1 else (value,), strict=False):
                self._set(name, given, variables, declares=node.pipeline.declares)
            try:
                await self.body(node.body, value, variables)
            except _Continue:
                pass
            except _Break:
                break
            finally:
                del variables[known:]

    @staticmethod
    def _set(name: str, value: Any, variables: Variables, *, declares: bool) -> None:
        if declares:
            variables.append((name, value))
            return
        for place in range(len(variables) - 1, -1, -1):
            if variables[place][0] == name:
                variables[place] = (name, value)
                return

    async def _pipeline(self, pipeline: Pipeline, dot: Any, variables: Variables) -> Any:
        value: tuple[Any, ...] = ()
        for command in pipeline.commands:
            value = (await self._command(command, value, dot, variables),)
        for name in pipeline.variables:
            self._set(name, value[0], variables, declares=pipeline.declares)
        return value[0]

    async def _command(self, command: Command, piped: tuple[Any, ...], dot: Any, variables: Variables) -> Any:
        first, *others = command
        if isinstance(first, Chain) and first.fields and (others or piped):
            holder = await self._operand(Chain(first.base, first.fields[:-1]), dot, variables)
            arguments = [await self._operand(operand, dot, variables) for operand in others]
            return self._call_method(holder, first.fields[-1], (*arguments, *piped))
        if not isinstance(first, Function):
            if others or piped:
                raise TemplateError("can't give argument to non-function")
            return await self._operand(first, dot, variables)
        if first.name in LAZY:
            return await self._choose(first.name, others, piped, dot, variables)
        arguments = [await self._operand(operand, dot, variables) for operand in others]
        return await self._call(first.name, (*arguments, *piped))

    async def _choose(
        self, name: str, operands: Sequence[Operand], piped: tuple[Any, ...], dot: Any, variables: Variables
    ) -> Any:
        value: Any = None
        for operand in operands:
            value = await self._operand(operand, dot, variables)
            if is_true(value) == (name == "or"):
                return value
        return piped[0] if piped else value

    @staticmethod
    def _call_method(holder: Any, name: str, arguments: Sequence[Any]) -> Any:
        try:
            return call_method(holder, name, arguments)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise TemplateError(f"error calling {name}: wrong number or type of arguments") from error

    async def _call(self, name: str, arguments: Sequence[Any]) -> Any:
        try:
            result = self._functions[name](*arguments)
            return await result if inspect.isawaitable(result) else result
        except TemplateError:
            raise
        except GnomonError as error:
            raise TemplateError(f"error calling {name}: {error}") from error
        except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise TemplateError(f"error calling {name}: wrong number or type of arguments") from error

    async def _operand(self, operand: Operand, dot: Any, variables: Variables) -> Any:
        match operand:
            case Literal(value):
                return value
            case Function(name):
                return await self._call(name, ())
            case Chain(base, fields):
                value = dot
                if isinstance(base, Pipeline):
                    value = await self._pipeline(base, dot, variables)
                elif base is not None:
                    value = next(value for name, value in reversed(variables) if name == base)
                for name in fields:
                    value = get_field(value, name)
                return value


def _items(value: Any) -> list[tuple[Any, Any]]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [(key, value[key]) for key in sorted(value)]
    if isinstance(value, int) and not isinstance(value, bool):
        return [(number, number) for number in range(value)]
    if isinstance(value, list | tuple):
        return list(enumerate(value))
    raise TemplateError(f"range can't iterate over {to_text(value)}")
