"""Alertmanager's API v2: alerts, groups, silences, receivers and status, as amtool and Prometheus servers use them."""

import re
from collections.abc import Callable, Coroutine, Iterable, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response
from fastapi.routing import APIRoute

from gnomon import __version__
from gnomon.alerting.fired_alerts import FiredAlert, format_time_ms, order_alerts, parse_time_ns
from gnomon.alerting.matcher_syntax import Matchers, parse_matcher
from gnomon.alerting.notification_service import AlertStatus
from gnomon.alerting.silences import Silence
from gnomon.model.errors import GnomonError, InvalidInputError, NotFoundError, UnavailableError
from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.web.services import ServicesDep

_FALSE = frozenset({"false", "0", "f", "F", "False", "FALSE"})
_OPERATORS = {
    (True, False): MatchOperator.EQUAL,
    (False, False): MatchOperator.NOT_EQUAL,
    (True, True): MatchOperator.REGEX,
    (False, True): MatchOperator.NOT_REGEX,
}
_EQUALS = frozenset({MatchOperator.EQUAL, MatchOperator.REGEX})
_PATTERNS = frozenset({MatchOperator.REGEX, MatchOperator.NOT_REGEX})


class _AlertmanagerRoute(APIRoute):
    """Answer errors as Alertmanager does: a text in JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except NotFoundError as error:
                return _json(str(error), HTTPStatus.NOT_FOUND)
            except UnavailableError as error:
                return _json(str(error), HTTPStatus.SERVICE_UNAVAILABLE)
            except GnomonError as error:
                return _json(str(error), HTTPStatus.BAD_REQUEST)

        return handle


_DESCRIPTIONS = {
    "active": "`false` leaves out alerts that are neither silenced nor inhibited.",
    "silenced": "`false` leaves out silenced alerts.",
    "inhibited": "`false` leaves out inhibited alerts.",
    "muted": "`false` leaves out groups that are quiet at this time.",
    "filter": 'Matchers that must hold, such as severity="page".',
    "receiver": "Regular expression that the name of a receiver must match as a whole.",
}
_SilenceId = Annotated[str, Path(description="The silence's id.")]

router = APIRouter(prefix="/api/v2", tags=["alertmanager"], route_class=_AlertmanagerRoute)


def _parameters(*names: str) -> dict[str, Any]:
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "description": _DESCRIPTIONS[name],
                "schema": {"type": "array", "items": {"type": "string"}} if name == "filter" else {"type": "string"},
            }
            for name in names
        ]
    }


_ALERT_PARAMETERS = _parameters("active", "silenced", "inhibited", "filter", "receiver")
_GROUP_PARAMETERS = _parameters("active", "silenced", "inhibited", "muted", "filter", "receiver")


@router.get("/status", summary="Show how notifications are set up", response_class=Response)
async def get_status(services: ServicesDep) -> Response:
    """Return the configuration in use, secrets hidden, and since when the server runs."""
    build = dict.fromkeys(("revision", "branch", "buildUser", "buildDate", "goVersion"), "")
    return _json(
        {
            "cluster": {"status": "disabled", "peers": []},
            "config": {"original": services.notifications.config.original},
            "uptime": format_time_ms(services.control.started_at_ns),
            "versionInfo": {"version": __version__, **build},
        }
    )


@router.get("/receivers", summary="List receivers", response_class=Response)
async def list_receivers(services: ServicesDep) -> Response:
    """Return the names of all receivers."""
    return _json([{"name": name} for name in services.notifications.config.receivers])


@router.get("/alerts", summary="List alerts", response_class=Response, openapi_extra=_ALERT_PARAMETERS)
async def list_alerts(services: ServicesDep, request: Request) -> Response:
    """Return alerts that have not ended, by fingerprint."""
    notifications = services.notifications
    choice = _Choice(request)
    found = []
    for alert in sorted(notifications.alerts, key=lambda each: each.fingerprint):
        status = notifications.status(alert)
        if choice.alert(alert, status) and choice.receivers(status.receivers):
            found.append(_alert(alert, status, status.receivers, ()))
    return _json(found)


@router.post("/alerts", summary="Tell alerts", response_class=Response)
async def post_alerts(services: ServicesDep, request: Request) -> Response:
    """Take alerts in; the answer comes once they are stored."""
    content = await _body(request)
    if not isinstance(content, list):
        raise InvalidInputError("The body must be a list of alerts.")
    await services.notifications.put([_read_alert(entry) for entry in content])
    return Response(status_code=HTTPStatus.OK)


@router.get("/alerts/groups", summary="List groups of alerts", response_class=Response, openapi_extra=_GROUP_PARAMETERS)
async def list_groups(services: ServicesDep, request: Request) -> Response:
    """Return groups with their alerts, by labels and receiver."""
    notifications = services.notifications
    choice = _Choice(request)
    alive = {alert.fingerprint for alert in notifications.alerts}
    chosen: list[tuple[Labels, str, tuple[str, ...], list[tuple[FiredAlert, AlertStatus]]]] = []
    told: dict[int, set[str]] = {}
    for group in notifications.groups:
        receiver, quiet = group.route.receiver, notifications.quiet_times(group)
        if not choice.receivers((receiver,)):
            continue
        alerts = [
            (alert, status)
            for alert in order_alerts(group.alerts.values())
            if alert.fingerprint in alive and choice.alert(alert, status := notifications.status(alert))
        ]
        for alert, _status in alerts:
            told.setdefault(alert.fingerprint, set()).add(receiver)
        if alerts and not (quiet and choice.leaves_out_muted):
            chosen.append((group.labels, receiver, quiet, alerts))
    chosen.sort(key=lambda entry: entry[:2])
    return _json(
        [
            {
                "labels": labels.to_dict(),
                "receiver": {"name": receiver},
                "alerts": [_alert(alert, status, sorted(told[alert.fingerprint]), quiet) for alert, status in alerts],
            }
            for labels, receiver, quiet, alerts in chosen
        ]
    )


@router.get("/silences", summary="List silences", response_class=Response, openapi_extra=_parameters("filter"))
async def list_silences(services: ServicesDep, request: Request) -> Response:
    """Return silences: those that last first, then those to come, then those that are over."""
    wanted = _filters(request)
    now_ns = services.notifications.now_ns()
    return _json(
        [
            _silence(silence, now_ns)
            for silence in services.notifications.silences.all()
            if all(matcher in silence.matchers for matcher in wanted)
        ]
    )


@router.post("/silences", summary="Create or change a silence", response_class=Response)
async def post_silence(services: ServicesDep, request: Request) -> Response:
    """Store a silence and return its id, which is a new one where what has begun is changed."""
    silence = await services.notifications.silences.set(_read_silence(await _body(request)))
    return _json({"silenceID": silence.id})


@router.get("/silence/{silence_id}", summary="Show a silence", response_class=Response)
async def get_silence(services: ServicesDep, silence_id: _SilenceId) -> Response:
    """Return one silence."""
    return _json(_silence(services.notifications.silences.get(silence_id), services.notifications.now_ns()))


@router.delete("/silence/{silence_id}", summary="End a silence", response_class=Response)
async def delete_silence(services: ServicesDep, silence_id: _SilenceId) -> Response:
    """End a silence now; it stays in the list for some days."""
    await services.notifications.silences.expire(silence_id)
    return Response(status_code=HTTPStatus.OK)


class _Choice:
    """Which alerts are asked for."""

    def __init__(self, request: Request) -> None:
        given = request.query_params
        self._active, self._silenced, self._inhibited = (
            given.get(name) not in _FALSE for name in ("active", "silenced", "inhibited")
        )
        self.leaves_out_muted = given.get("muted") in _FALSE
        self._matchers = _filters(request)
        try:
            self._receiver = re.compile(given["receiver"]) if given.get("receiver") else None
        except re.error as error:
            raise InvalidInputError(f"failed to parse receiver param: {error}") from error

    def alert(self, alert: FiredAlert, status: AlertStatus) -> bool:
        """Tell whether an alert is asked for."""
        if (
            (not self._active and status.state == "active")
            or (not self._silenced and status.silenced_by)
            or (not self._inhibited and status.inhibited_by)
        ):
            return False
        return all(_holds(matcher, alert.labels) for matcher in self._matchers)

    def receivers(self, names: Iterable[str]) -> bool:
        """Tell whether one of the receivers is asked for."""
        return self._receiver is None or any(self._receiver.fullmatch(name) for name in names)


def _holds(matcher: Matcher, labels: Labels) -> bool:
    if not matcher.value:
        return (matcher.operator in _EQUALS) != (matcher.name in labels)
    return matcher.matches(labels.get(matcher.name))


def _filters(request: Request) -> Matchers:
    return tuple(parse_matcher(text) for text in request.query_params.getlist("filter"))


def _alert(alert: FiredAlert, status: AlertStatus, receivers: Sequence[str], quiet: Sequence[str]) -> dict[str, Any]:
    return {
        "annotations": dict(alert.annotations),
        "endsAt": format_time_ms(alert.ends_at_ns),
        "fingerprint": alert.fingerprint_text,
        "receivers": [{"name": name} for name in receivers],
        "startsAt": format_time_ms(alert.starts_at_ns),
        "status": {
            "inhibitedBy": list(status.inhibited_by),
            "mutedBy": list(quiet),
            "silencedBy": list(status.silenced_by),
            "state": "suppressed" if quiet else status.state,
        },
        "updatedAt": format_time_ms(alert.updated_at_ns),
        "generatorURL": alert.generator_url,
        "labels": alert.labels.to_dict(),
    }


def _silence(silence: Silence, now_ns: int) -> dict[str, Any]:
    return {
        "id": silence.id,
        "status": {"state": silence.state(now_ns).value},
        "updatedAt": format_time_ms(silence.updated_at_ns),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": format_time_ms(silence.ends_at_ns),
        "matchers": [
            {
                "isEqual": matcher.operator in _EQUALS,
                "isRegex": matcher.operator in _PATTERNS,
                "name": matcher.name,
                "value": matcher.value,
            }
            for matcher in silence.matchers
        ],
        "startsAt": format_time_ms(silence.starts_at_ns),
    }


def _read_alert(content: Any) -> FiredAlert:
    if not isinstance(content, dict) or not isinstance(content.get("labels"), dict):
        raise InvalidInputError("labels in body is required: an alert is an object with `labels`.")
    return FiredAlert(
        Labels.of(_texts(content["labels"], "labels")),
        _texts(content.get("annotations") or {}, "annotations"),
        _time(content, "startsAt"),
        _time(content, "endsAt"),
        str(content.get("generatorURL") or ""),
    )


def _read_silence(content: Any) -> Silence:
    if not isinstance(content, dict) or not isinstance(content.get("matchers"), list):
        raise InvalidInputError("matchers in body is required: a silence is an object with `matchers`.")
    for name in ("startsAt", "endsAt", "createdBy", "comment"):
        if not isinstance(content.get(name), str):
            raise InvalidInputError(f"{name} in body is required.")
    matchers = tuple(map(_read_matcher, content["matchers"]))
    return Silence(
        str(content.get("id") or ""),
        matchers,
        _time(content, "startsAt"),
        _time(content, "endsAt"),
        content["createdBy"],
        content["comment"],
    )


def _read_matcher(content: Any) -> Matcher:
    if (
        not isinstance(content, dict)
        or not isinstance(content.get("name"), str)
        or not isinstance(content.get("value"), str)
    ):
        raise InvalidInputError("a matcher needs the texts `name` and `value`.")
    equal, pattern = content.get("isEqual"), content.get("isRegex")
    operator = _OPERATORS[equal is None or bool(equal), bool(pattern)]
    return Matcher(content["name"], operator, content["value"])


def _texts(content: Any, what: str) -> dict[str, str]:
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise InvalidInputError(f"{what} must be an object of texts.")
    return content


def _time(content: dict[str, Any], name: str) -> int:
    text = content.get(name) or ""
    return parse_time_ns(str(text)) if text else 0


async def _body(request: Request) -> Any:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"The body is no JSON: {error}.") from error


def _json(content: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(content), status_code=status, media_type="application/json", headers=headers)
