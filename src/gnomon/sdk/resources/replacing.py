"""Putting a function of ours in the place of one of a library's, and taking it out again."""

from collections.abc import Callable
from typing import Any


def replace(owner: Any, name: str, ours: Callable[..., Any]) -> Callable[[], None]:
    """Set `owner.name` and return the undo, which leaves alone what somebody else has put there since."""
    theirs = getattr(owner, name)
    setattr(owner, name, ours)

    def undo() -> None:
        if getattr(owner, name) is ours:
            setattr(owner, name, theirs)

    return undo


def all_of(undos: list[Callable[[], None]]) -> Callable[[], None]:
    """Return one undo for several, last first."""

    def undo() -> None:
        for one in reversed(undos):
            one()

    return undo
