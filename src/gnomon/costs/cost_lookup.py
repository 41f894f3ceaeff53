"""What a task cost, asked from a running server, as text for a terminal."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from gnomon.costs.settings import NANODOLLARS
from gnomon.model.errors import GnomonError, NotFoundError, UnavailableError

_TIMEOUT_S = 60.0
_PARTS = (
    ("input", "input_nd"),
    ("input from caches", "cached_nd"),
    ("input into caches", "cache_write_nd"),
    ("output", "output_nd"),
    ("CPU", "cpu_nd"),
    ("memory", "memory_nd"),
    ("network", "network_nd"),
)


async def look_up_cost(address: str, task_id: str, *, key: str | None, verify: bool | str = True) -> str:
    """Return what a task cost, in lines.

    Raises NotFoundError where the server knows no such task, UnavailableError where it does not answer.
    """
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        async with httpx.AsyncClient(
            base_url=address, headers=headers, timeout=_TIMEOUT_S, verify=verify, trust_env=False
        ) as client:
            answer = await client.get(f"/api/tasks/{quote(task_id)}/cost")
    except httpx.TransportError as error:
        message = f"No Gnomon answers at {address!r} ({error}). Start it, or correct --url."
        raise UnavailableError(message, reason="server") from error
    if answer.status_code == HTTPStatus.NOT_FOUND:
        raise NotFoundError(answer.json()["error"]["message"])
    if answer.is_error:
        raise GnomonError(f"Gnomon at {address!r} answered {answer.status_code}: {answer.text[:500]}")
    return render_cost(answer.json())


def render_cost(cost: dict[str, Any]) -> str:
    """Return a task's cost, as `/api/tasks/{id}/cost` tells it, in lines."""
    total, usage = cost["total"], cost["usage"]
    of = f" with {cost['tasks'] - 1} tasks under it" if cost["tasks"] > 1 else ""
    lines = [f"{cost['task_id']} ({cost['type'] or 'no type'}){of}: {_dollars(total['total_nd'])}"]
    lines += [f"  {_dollars(total[part]):>14}  {name}" for name, part in _PARTS if total[part]]
    if not total["complete"]:
        models = ", ".join(total["unpriced_models"])
        lines.append(f"  not in it: {total['unpriced_calls']} calls of models without a known price: {models}")
    lines += [
        f"  {_dollars(group['cost']['total_nd']):>14}  {group['value']}: {group['usage']['calls']} calls, "
        f"{group['usage']['input_tokens']:,} tokens in ({group['usage']['cached_tokens']:,} from a cache), "
        f"{group['usage']['output_tokens']:,} out"
        for group in cost["by_model"]
    ]
    lines.append(f"  CPU {usage['cpu_s']:.3f} s{_precision(cost['cpu_precision'])}")
    lines += [
        f"  {_dollars(child['total_nd']):>14}  {'  ' * (child['depth'] - 1)}{child['task_id']} ({child['type']})"
        for child in cost["children"]
    ]
    sources = sorted({price["source"] for price in cost["prices"]})
    return "\n".join([*lines, *(f"  price: {source}" for source in sources)])


def _dollars(nanodollars: int) -> str:
    return f"${nanodollars / NANODOLLARS:,.6f}"


def _precision(label: str) -> str:
    return f" ({label})" if label else ""
