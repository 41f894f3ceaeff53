"""Chains and their steps."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gnomon.sdk.context import WorkContext
from gnomon.sdk.events import AttributeValue
from gnomon.sdk.metrics import families
from gnomon.sdk.work.block import Block, outcome

_chains = families.counter("chains_total")
_seconds = families.histogram("chain_duration_seconds")
_steps = families.counter("chain_steps_total")


class chain(Block):  # noqa: N801 - read as a function: `with gnomon.chain("onboarding"):`
    """Run a chain: everything inside carries its id."""

    def __init__(
        self,
        name: str,
        *,
        id: str | None = None,  # noqa: A002 - the attribute's name
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> None:
        """Take its name, and its id where it goes on with one that was begun elsewhere."""
        super().__init__(attributes)
        self.name = name
        self.id = id or ""
        self._given_id = id

    def describe(self, outer: WorkContext) -> tuple[str, dict[str, Any], WorkContext]:
        """Name the run."""
        self.id = self._given_id or uuid.uuid4().hex
        return f"chain {self.name}", {"chain.name": self.name}, replace(outer, chain_id=self.id)

    def ended(self, seconds: float, error: BaseException | None) -> None:
        """Count how it ended."""
        self.status = self.status or outcome(error)
        self.set("chain.status", self.status)
        _chains.labels(self.status).inc()
        _seconds.labels(self.status).observe(seconds, self.exemplar())


class step(Block):  # noqa: N801 - read as a function: `with gnomon.step("fetch"):`
    """Do one step of a chain, or of anything."""

    def __init__(
        self, name: str, *, index: int | None = None, attributes: Mapping[str, AttributeValue] | None = None
    ) -> None:
        """Take its name, and its place in the chain, from 1, where that is known."""
        super().__init__(attributes)
        self.name = name
        self._index = index

    def describe(self, outer: WorkContext) -> tuple[str, dict[str, Any], WorkContext]:
        """Name the step."""
        known: dict[str, Any] = {"chain.step": self.name}
        if self._index is not None:
            known["chain.step.index"] = self._index
        return f"step {self.name}", known, outer

    def ended(self, seconds: float, error: BaseException | None) -> None:  # noqa: ARG002 - the span tells how long
        """Count how it ended."""
        self.status = self.status or outcome(error)
        _steps.labels(self.status).inc()
