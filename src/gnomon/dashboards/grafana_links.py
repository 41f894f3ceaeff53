"""Links of Grafana's dashboards and panels as ours, and back."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from gnomon.dashboards.documents import Link
from gnomon.dashboards.grafana_json import mappings, text

_WEB = ("http://", "https://")
_MOST = 2000


def map_links(listed: object, note: Callable[[str], None]) -> tuple[Link, ...]:
    """Return the links that lead somewhere from here; `note` is told of the others."""
    links = []
    for link in mappings(listed):
        title = text(link.get("title"))[:500]
        url = text(link.get("url")).strip()
        if link.get("type") == "dashboards":
            tags = [tag for tag in link.get("tags") or () if isinstance(tag, str)]
            # The list of dashboards is filtered by one tag.
            search = f"?tag={quote(tags[0])}" if tags else ""
            links.append(Link(title=title or ", ".join(tags) or "Dashboards", url=f"/dashboards{search}"))
        elif url.startswith(_WEB) and len(url) <= _MOST and not any(map(str.isspace, url)):
            links.append(Link(title=title or url, url=url))
        else:
            note(f"The link {title or url!r} is left out: it leads to another page of Grafana.")
    return tuple(links[:50])


def write_links(links: tuple[Link, ...]) -> list[dict[str, Any]]:
    """Return links as Grafana writes them; those to pages of Gnomon are left out."""
    return [
        {"title": link.title, "url": link.url, "type": "link", "targetBlank": True}
        for link in links
        if link.url.startswith(_WEB)
    ]
