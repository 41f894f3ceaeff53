"""Full-text search over the file store, with an index in memory that a change of any file makes stale."""

import math
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from examples.agent_platform.tools.steps import Steps

_WORD = re.compile(r"[a-z_]{2,}")
_SNIPPET_CHARS = 160


class SearchTool:
    """Find the documents that fit a query best."""

    def __init__(self, state_dir: Path) -> None:
        """Search in the state folder's files; the index is built when it is first needed."""
        self._files = state_dir / "files"
        self._changed_ns = -1
        self._documents = 0
        self._postings: dict[str, dict[str, int]] = {}

    def call(self, arguments: dict[str, Any], steps: Steps) -> list[dict[str, Any]]:
        """Return up to `limit` hits for `query`, best first, with a score and a snippet each."""
        words = _WORD.findall(str(arguments["query"]).lower())
        if not words:
            message = f"Nothing to search for: {arguments['query']!r}. Use words of two or more letters."
            raise ValueError(message)
        self._refresh(steps)
        with steps.step("score documents", search_terms=len(words)) as attributes:
            scores = self._score(words)
            attributes["search.hits"] = len(scores)
        best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[: int(arguments.get("limit", 3))]
        return [
            {"document": document, "score": round(score, 4), "snippet": self._cut_snippet(document, words)}
            for document, score in best
        ]

    def _refresh(self, steps: Steps) -> None:
        paths = sorted(self._files.iterdir())
        changed_ns = max((path.stat().st_mtime_ns for path in paths), default=0)
        if changed_ns == self._changed_ns and len(paths) == self._documents:
            return
        with steps.step("build index", search_documents=len(paths)) as attributes:
            postings: defaultdict[str, dict[str, int]] = defaultdict(dict)
            for path in paths:
                for word, count in Counter(_WORD.findall(path.read_text(encoding="utf-8").lower())).items():
                    postings[word][path.name] = count
            attributes["search.words"] = len(postings)
        self._postings, self._documents, self._changed_ns = dict(postings), len(paths), changed_ns

    def _score(self, words: list[str]) -> Counter[str]:
        scores: Counter[str] = Counter()
        for word in words:
            found = self._postings.get(word, {})
            for document, count in found.items():
                scores[document] += (1 + math.log(count)) * math.log(1 + self._documents / len(found))  # type: ignore[assignment]
        return scores

    def _cut_snippet(self, document: str, words: list[str]) -> str:
        text = (self._files / document).read_text(encoding="utf-8")
        first = re.search("|".join(re.escape(word) for word in words), text, re.IGNORECASE)
        start = max(0, (first.start() if first else 0) - _SNIPPET_CHARS // 2)
        return " ".join(text[start : start + _SNIPPET_CHARS].split())
