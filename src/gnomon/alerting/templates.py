"""Templates in the labels and annotations of alerting rules: `{{ $labels.job }} is at {{ $value | humanize }}`."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from gnomon.alerting.rule_results import Query, Result
from gnomon.alerting.template_execution import LAZY, execute
from gnomon.alerting.template_functions import FUNCTIONS, make_sample
from gnomon.alerting.template_parser import TemplateError, parse_template
from gnomon.alerting.template_values import GENERAL_FUNCTIONS, Record

Expand = Callable[[str, str, Result, int], Awaitable[str]]
"""Fill in a template of the label or annotation of an alert (first its name), for one result at a time."""

_DEFINITIONS = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)
_BOUND = ("query", "now", "externalURL", "pathPrefix")
_KNOWN = frozenset({*GENERAL_FUNCTIONS, *LAZY, *FUNCTIONS, *_BOUND})


def check_template(alert: str, text: str) -> str:
    """Return why a template cannot be used, empty when it can."""
    try:
        parse_template(_DEFINITIONS + text, _KNOWN)
    except TemplateError as error:
        return f"template: __alert_{alert}:{error}"
    return ""


def template_expander(query: Query, external_labels: Mapping[str, str], external_url: str) -> Expand:
    """Return what fills in the templates of alerting rules; what goes wrong stands in the result."""

    async def expand(alert: str, text: str, result: Result, time_ms: int) -> str:
        if "{{" not in text:
            return text
        data = Record(
            {
                "Labels": result.labels.to_dict(),
                "ExternalLabels": dict(external_labels),
                "ExternalURL": external_url,
                "Value": result.value,
            }
        )
        functions = {**FUNCTIONS, **_bind(query, external_url, time_ms)}
        try:
            return await execute(_DEFINITIONS + text, data, functions)
        except TemplateError as error:
            name = f"__alert_{alert}"
            return f"<error expanding template: error executing template {name}: template: {name}: {error}>"

    return expand


def _bind(query: Query, external_url: str, time_ms: int) -> dict[str, Callable[..., Any]]:
    async def ask(expression: str) -> list[Record]:
        return [make_sample(result) for result in await query(expression, time_ms)]

    return {
        "query": ask,
        "now": lambda: time_ms / 1000,
        "externalURL": lambda: external_url,
        "pathPrefix": lambda: urlsplit(external_url).path,
    }
