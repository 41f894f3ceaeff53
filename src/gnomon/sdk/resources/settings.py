"""Switching accounting on: hooks into executors, threads, child processes and HTTP clients, and out of them again."""

from collections.abc import Callable
from dataclasses import dataclass

from gnomon.sdk.resources.http_bytes import hook_clients
from gnomon.sdk.resources.process_hooks import hook_children
from gnomon.sdk.resources.thread_hooks import hook_threads


@dataclass(frozen=True, slots=True)
class AccountingSettings:
    """Say what measured work is charged for besides the CPU time of its own thread or coroutine."""

    threads: bool = True  # executor jobs and threads that it starts
    children: bool = True  # processes that it starts
    network: bool = True  # HTTP clients: http.client and what builds on it, httpx, aiohttp


_undo: list[Callable[[], None]] = []


def install(settings: AccountingSettings | None = None) -> Callable[[], None]:
    """Install the hooks and return the undo; code outside of a meter passes each at the price of one look-up."""
    if _undo:
        return uninstall
    settings = settings or AccountingSettings()
    if settings.threads:
        _undo.append(hook_threads())
    if settings.children:
        _undo.append(hook_children())
    if settings.network:
        _undo.append(hook_clients())
    return uninstall


def uninstall() -> None:
    """Give back what `install` has changed; does nothing the second time."""
    while _undo:
        _undo.pop()()
