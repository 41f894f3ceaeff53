"""The model's prefix cache: a conversation that goes on is not read again from its beginning."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from examples.agent_platform.markov import tokenize

MOST_PREFIXES = 2_000


@dataclass(frozen=True, slots=True)
class ReadPrompt:
    """How many tokens a prompt has, and how many of them were read before."""

    tokens: int
    cached: int


class PrefixCache:
    """Remember the token counts of beginnings of conversations, the least recently used are forgotten."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._counts: OrderedDict[bytes, int] = OrderedDict()

    def read(self, texts: Sequence[str]) -> ReadPrompt:
        """Tokenize what follows the longest known beginning, in order."""
        prefix = b""
        total = cached = 0
        for text in texts:
            prefix = hashlib.blake2b(prefix + text.encode(), digest_size=16).digest()
            known = self._counts.get(prefix)
            if known is not None:
                self._counts.move_to_end(prefix)
                total = cached = known
                continue
            total += len(tokenize(text))
            self._counts[prefix] = total
        while len(self._counts) > MOST_PREFIXES:
            self._counts.popitem(last=False)
        return ReadPrompt(total, cached)
