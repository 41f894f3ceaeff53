"""Templates of messages: those of files and those that come with Gnomon, filled in as text or as HTML."""

import html
import re
from collections.abc import Mapping, Sequence
from datetime import date
from glob import glob
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import orjson
import re2
import yaml

from gnomon.alerting.default_messages import DEFAULT_MESSAGES
from gnomon.alerting.message_values import GoTime, Message, message_record, to_plain
from gnomon.alerting.template_execution import LAZY, execute_template
from gnomon.alerting.template_functions import FUNCTIONS
from gnomon.alerting.template_parser import Template, TemplateError, parse_template
from gnomon.alerting.template_values import GENERAL_FUNCTIONS, to_text
from gnomon.model.errors import InvalidInputError

_URL_ATTRIBUTE = re.compile(r"(?:href|src|action)\s*=\s*[\"']?$", re.IGNORECASE)
_SAFE_SCHEME = re.compile(r"(?:https?|mailto):|[^:]*(?:[/?#]|$)", re.IGNORECASE)
_UNSAFE_URL = "#ZgotmplZ"


class _Safe(str):
    """Text that is fit for HTML as it is."""

    __slots__ = ()


def _to_json(value: Any) -> str:
    text = orjson.dumps(to_plain(value), option=orjson.OPT_SORT_KEYS if isinstance(value, dict) else 0).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _title(text: str) -> str:
    return re.sub(r"[^\W_]+(?:'[^\W_]+)?", lambda word: word[0][:1].upper() + word[0][1:].lower(), text)


def _match(pattern: str, text: str) -> bool:
    try:
        return re2.search(pattern, text) is not None
    except re2.error as error:
        raise TemplateError(f"error parsing regexp {pattern!r}") from error


def _in_zone(name: str, moment: GoTime) -> GoTime:
    try:
        return moment.in_zone(name)
    except (KeyError, ValueError, OSError) as error:
        raise TemplateError(f"unknown time zone {name}") from error


_MESSAGE_FUNCTIONS: Mapping[str, Any] = {
    "toUpper": lambda text: str(text).upper(),
    "toLower": lambda text: str(text).lower(),
    "title": lambda text: _title(str(text)),
    "trimSpace": lambda text: str(text).strip(),
    "join": lambda separator, texts: separator.join(texts),
    "match": _match,
    "safeHtml": lambda text: _Safe(to_text(text)),
    "safeUrl": lambda text: _Safe(to_text(text)),
    "urlUnescape": unquote_plus,
    "reReplaceAll": FUNCTIONS["reReplaceAll"],
    "stringSlice": lambda *texts: list(texts),
    "date": lambda layout, moment: moment.format(layout),
    "tz": _in_zone,
    "since": lambda moment: moment,
    "humanizeDuration": FUNCTIONS["humanizeDuration"],
    "toJson": _to_json,
}
_FUNCTIONS = {**GENERAL_FUNCTIONS, **_MESSAGE_FUNCTIONS}
_KNOWN = frozenset({*_FUNCTIONS, *LAZY})


class MessageTemplates:
    """Fill in templates; those of later files replace earlier ones of the same name."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        """Take the texts of template files; raises TemplateError."""
        self._definitions = {}
        for text in (DEFAULT_MESSAGES, *texts):
            self._definitions.update(parse_template(text, _KNOWN).definitions)

    async def text(self, template: str, message: Message) -> str:
        """Return a template filled in; raises TemplateError."""
        if "{{" not in template:
            return template
        return await execute_template(self._parse(template), message_record(message), self._functions(message))

    async def html(self, template: str, message: Message) -> str:
        """Return a template filled in, what comes from alerts escaped for HTML; raises TemplateError."""
        data = message_record(message)
        return await execute_template(self._parse(template), data, self._functions(message), _escape)

    async def texts(self, value: Any, message: Message) -> Any:
        """Return lists and mappings with every text in them filled in, names included; raises TemplateError."""
        match value:
            case str():
                return await self.text(value, message)
            case Mapping():
                return {await self.text(name, message): await self.texts(part, message) for name, part in value.items()}
            case list() | tuple():
                return [await self.texts(part, message) for part in value]
            case _:
                return value

    async def values(self, value: Any, message: Message) -> Any:
        """Return the same as `texts`, but where a filled-in text is YAML for something else, that: `2` is a number."""
        match value:
            case str():
                text = await self.text(value, message)
                found = _read_yaml(text)
                return text if found is None or isinstance(found, str) else found
            case Mapping():
                return {
                    await self.text(name, message): await self.values(part, message) for name, part in value.items()
                }
            case list() | tuple():
                return [await self.values(part, message) for part in value]
            case _:
                return value

    def _parse(self, text: str) -> Template:
        own = parse_template(text, _KNOWN)
        return Template(own.body, {**self._definitions, **own.definitions})

    @staticmethod
    def _functions(message: Message) -> dict[str, Any]:
        now = GoTime(message.now_ns)
        return {**_FUNCTIONS, "since": lambda moment: now.methods["Sub"](now, moment)}


def check_message_template(text: str) -> str:
    """Return why a template cannot be used, empty when it can."""
    try:
        parse_template(text, _KNOWN)
    except TemplateError as error:
        return f"template: :{error}"
    return ""


def load_templates(patterns: Sequence[str]) -> MessageTemplates:
    """Return the templates of all files that the patterns find; raises InvalidInputError."""
    texts = []
    for name in (name for pattern in patterns for name in sorted(glob(pattern))):  # noqa: PTH207 - absolute patterns
        try:
            text = Path(name).read_text(encoding="utf-8")
            parse_template(text, _KNOWN)
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"Cannot read the template file {name!r}: {error}.") from error
        except TemplateError as error:
            raise InvalidInputError(f"template: {Path(name).name}:{error}") from error
        texts.append(text)
    return MessageTemplates(texts)


def _read_yaml(text: str) -> Any:
    try:
        found = yaml.safe_load(text)
        orjson.dumps(found)
    except (yaml.YAMLError, ValueError, TypeError):
        return None
    return None if isinstance(found, date) else found


def _escape(value: Any, before: str) -> str:
    if isinstance(value, _Safe):
        return str(value)
    text = to_text(value)
    if _URL_ATTRIBUTE.search(before) and not _SAFE_SCHEME.match(text):
        return _UNSAFE_URL
    return html.escape(text, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
