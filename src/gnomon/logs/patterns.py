"""Patterns: templates that the engine found, merged where they differ in one word that varies.

The engine replaces numbers, ids, times and the like, which needs no context. What is left is a few hundred templates,
and words that vary (`user alice logged in`, `user bob logged in`) show only beside each other: a position at which
several templates differ, and nothing else does, becomes `<*>`.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from gnomon.model.filter_language import format_filter
from gnomon.model.filters import And, Text
from gnomon.model.log_records import Level, LogPatterns, Pattern

ANY_WORD = "<*>"

_VARIANTS = 4
_PASSES = 3
_FEWEST_FIXED_WORDS = 2
_MAX_SERVICES = 20
_MAX_PHRASES = 6
_PLACEHOLDER = re.compile(r"<(?:\*|num|hex|uuid|ip|time|str|path|email|url)>")
_SPACES = re.compile(r"(\s+)")

_Words = tuple[str, ...]


def merge_patterns(found: LogPatterns, limit: int) -> LogPatterns:
    """Return the patterns with similar templates merged: the `limit` most frequent, each with a query that finds it."""
    patterns = _merge_placeholders(found.patterns)
    for _ in range(_PASSES):
        merged = _merge_once(patterns)
        if len(merged) == len(patterns):
            break
        patterns = merged
    ordered = sorted(patterns.values(), key=lambda pattern: (-pattern.count, pattern.template))[:limit]
    return replace(found, patterns=[replace(pattern, query=query_for(pattern.template)) for pattern in ordered])


def query_for(template: str) -> str:
    """Return a query for lines of a template: every run of fixed words in it."""
    runs: list[str] = []
    run = ""
    parts = _SPACES.split(template)
    for word, space in zip(parts[::2], [*parts[1::2], ""], strict=True):
        if _PLACEHOLDER.search(word):
            runs.append(run)
            run = ""
        else:
            run += word + space
    runs.append(run)
    phrases = [phrase for phrase in dict.fromkeys(run.strip() for run in runs) if any(map(str.isalpha, phrase))]
    longest = sorted(phrases, key=len, reverse=True)[:_MAX_PHRASES]
    return format_filter(And(tuple(Text(phrase) for phrase in phrases if phrase in longest)))


def _merge_placeholders(patterns: Sequence[Pattern]) -> dict[_Words, Pattern]:
    """Merge templates that differ in the kind of a placeholder alone: an id may happen to have no letters."""
    groups: defaultdict[str, list[Pattern]] = defaultdict(list)
    for pattern in patterns:
        groups[_PLACEHOLDER.sub(ANY_WORD, pattern.template)].append(pattern)
    return {
        _split(group[0].template): _combine(max(group, key=lambda pattern: pattern.count).template, group)
        for group in groups.values()
    }


def _split(template: str) -> _Words:
    return tuple(_SPACES.split(template))


def _merge_once(patterns: dict[_Words, Pattern]) -> dict[_Words, Pattern]:
    """Merge each template at its position with the most variants, where those are enough."""
    variants: defaultdict[tuple[int, _Words], list[_Words]] = defaultdict(list)
    for words in patterns:
        for position in range(0, len(words), 2):
            if _can_vary(words, position):
                variants[position, _without(words, position)].append(words)
    merged: dict[_Words, Pattern] = {}
    left = dict(patterns)
    for (_, template), group in sorted(variants.items(), key=lambda item: (-len(item[1]), item[0])):
        members = [words for words in group if words in left]
        if len(members) < _VARIANTS:
            continue
        parts = [left.pop(words) for words in members]
        if template in merged:
            parts.append(merged[template])
        merged[template] = _combine("".join(template), parts)
    for words, pattern in left.items():
        merged[words] = _combine(pattern.template, [merged[words], pattern]) if words in merged else pattern
    return merged


def _can_vary(words: _Words, position: int) -> bool:
    """Return whether enough fixed words stand beside a position to tell what the line is about."""
    fixed = [word for index, word in enumerate(words[::2]) if 2 * index != position and not _PLACEHOLDER.search(word)]
    return len(fixed) >= _FEWEST_FIXED_WORDS


def _without(words: _Words, position: int) -> _Words:
    return (*words[:position], ANY_WORD, *words[position + 1 :])


def _combine(template: str, parts: Sequence[Pattern]) -> Pattern:
    newest = max(parts, key=lambda pattern: pattern.example_ts_ns)
    levels: Counter[Level] = Counter()
    services: Counter[str] = Counter()
    for part in parts:
        levels.update(part.levels)
        services.update(dict.fromkeys(part.services, part.count))
    return Pattern(
        template=template,
        count=sum(part.count for part in parts),
        levels=dict(levels),
        services=[service for service, _ in services.most_common(_MAX_SERVICES)],
        trend=[sum(counts) for counts in zip(*(part.trend for part in parts), strict=True)],
        example=newest.example,
        example_ts_ns=newest.example_ts_ns,
        query="",
    )
