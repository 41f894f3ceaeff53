"""What checking a request comes to, whatever its protocol."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left of a request once checked: `body` to store, and how many items it holds.

    `rejected` counts items that were left out, by reason; `message` tells the sender about them, or warns. `counts`
    tells what else is in a request, such as series and exemplars.
    """

    body: bytes
    items: int
    rejected: dict[str, int] = field(default_factory=dict)
    message: str = ""
    counts: dict[str, int] = field(default_factory=dict)
