"""Alert rules in Gnomon's own form: those of files, which are shown with their path, and those that people make."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from glob import glob
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gnomon.alerting.rule_files import RuleFileError, RuleGroup
from gnomon.alerting.short_rules import ShortRule, band_of, make_rule
from gnomon.model.errors import ConflictError, InvalidInputError
from gnomon.storage.alert_rule_store import AlertRuleStore, StoredRule

STORED = "gnomon"
"""Stands for a file in groups of rules that people make."""

_LONGEST_FAULT = 500


class BandView(BaseModel):
    """The edges of the band that an anomaly rule compares with, as PromQL."""

    lower: str
    upper: str


class RuleView(BaseModel):
    """A rule as people see it: with the expression that is evaluated. Those of files cannot be changed (`file`)."""

    id: str
    version: int
    file: str
    rule: ShortRule
    expr: str
    band: BandView | None


class _RuleFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    thresholds: dict[str, float] = Field(default_factory=dict)
    rules: tuple[ShortRule, ...] = ()


class RuleLibrary:
    """Hold rules; what is stored is evaluated from then on."""

    def __init__(
        self, store: AlertRuleStore, read_patterns: Callable[[], Sequence[str]], changed: Callable[[], Awaitable[None]]
    ) -> None:
        """Keep rules in `store` beside those of the files that patterns find, and tell of changes."""
        self._store = store
        self._read_patterns = read_patterns
        self._changed = changed

    async def groups(self) -> list[RuleGroup]:
        """Return all rules as groups, each stored one as its own; raises RuleFileError for files."""
        groups = []
        for path, file in self._files():
            rules = tuple(make_rule(short, file.thresholds) for short in file.rules)
            groups.append(RuleGroup(name=Path(path).stem, file=path, rules=rules))
        for stored in await self._store.all():
            short = ShortRule.model_validate(stored.document)
            groups.append(RuleGroup(name=stored.id, file=STORED, rules=(make_rule(short),)))
        return groups

    async def views(self) -> list[RuleView]:
        """Return all rules, those of files first."""
        of_files = [
            _view(f"{Path(path).stem}/{short.name}", 1, path, short, make_rule(short, file.thresholds).expr)
            for path, file in self._files()
            for short in file.rules
        ]
        return [*of_files, *(_view_stored(stored) for stored in await self._store.all())]

    async def create(self, rule: ShortRule) -> RuleView:
        """Store a new rule; raises ConflictError when one has its name."""
        await self._check_name(rule, "")
        stored = await self._store.add(uuid.uuid4().hex, _document(rule))
        await self._changed()
        return _view_stored(stored)

    async def change(self, rule_id: str, version: int, rule: ShortRule) -> RuleView:
        """Replace a version by the next one; raises NotFoundError and ConflictError."""
        await self._check_name(rule, rule_id)
        stored = await self._store.replace(rule_id, version, _document(rule))
        await self._changed()
        return _view_stored(stored)

    async def delete(self, rule_id: str, version: int) -> None:
        """Remove a rule; raises NotFoundError and ConflictError."""
        await self._store.remove(rule_id, version)
        await self._changed()

    async def _check_name(self, rule: ShortRule, rule_id: str) -> None:
        if any(view.rule.name == rule.name and view.id != rule_id for view in await self.views()):
            raise ConflictError(f"There is an alert rule {rule.name!r} already. Choose another name.")

    def _files(self) -> list[tuple[str, _RuleFile]]:
        found = []
        for pattern in self._read_patterns():
            found += [(name, _read_file(name)) for name in sorted(glob(pattern))]  # noqa: PTH207 - absolute patterns
        return found


def check_rule_files(patterns: Sequence[str]) -> None:
    """Read files as the library does; raises RuleFileError."""
    for pattern in patterns:
        for name in sorted(glob(pattern)):  # noqa: PTH207 - the pattern may be absolute
            _read_file(name)


def preview_rule(rule: ShortRule) -> RuleView:
    """Return a rule as it would be evaluated, without storing it."""
    return _view("", 0, "", rule, make_rule(rule).expr)


def _read_file(name: str) -> _RuleFile:
    try:
        content = yaml.safe_load(Path(name).read_text(encoding="utf-8")) or {}
        file = _RuleFile.model_validate(content)
        for short in file.rules:
            make_rule(short, file.thresholds)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RuleFileError([f"{name}: {str(error)[:_LONGEST_FAULT]}"]) from error
    except ValidationError as error:
        raise RuleFileError([f"{name}: {_place(fault)}: {fault['msg']}" for fault in error.errors()]) from error
    except InvalidInputError as error:
        raise RuleFileError([f"{name}: {error}"]) from error
    return file


def _place(fault: Any) -> str:
    return ".".join(str(part) for part in fault["loc"])


def _document(rule: ShortRule) -> dict[str, Any]:
    return rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _view_stored(stored: StoredRule) -> RuleView:
    short = ShortRule.model_validate(stored.document)
    return _view(stored.id, stored.version, "", short, make_rule(short).expr)


def _view(rule_id: str, version: int, file: str, short: ShortRule, expr: str) -> RuleView:
    band = band_of(short)
    shown = None if band is None else BandView(lower=band.lower, upper=band.upper)
    return RuleView(id=rule_id, version=version, file=file, rule=short, expr=expr, band=shown)
