"""A word-level Markov chain: the smallest language model that does real work."""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

_TOKEN = re.compile(r"\w+|[^\w\s]")
SHORTEST_TOPIC = 4
_SENTENCE_END = frozenset(".!?")


def tokenize(text: str) -> list[str]:
    """Return the words and punctuation marks of a text: what this model counts as tokens."""
    return _TOKEN.findall(text)


class MarkovChain:
    """Continue a text word by word, each drawn from the words that followed the last two in the training text."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Learn from texts; the order between texts does not matter."""
        self._followers: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._pairs_by_word: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for text in texts:
            tokens = tokenize(text)
            for first, second, third in zip(tokens, tokens[1:], tokens[2:], strict=False):
                self._followers[first, second].append(third)
                self._pairs_by_word[first.lower()].append((first, second))
        if not self._followers:
            message = "Nothing to learn from: no text has three words."
            raise ValueError(message)
        self._pairs = list(self._followers)

    def continue_text(self, prompt: str, randomness: random.Random) -> Iterator[str]:
        """Yield tokens without end, starting with a known word of the prompt where there is one."""
        words = (word.lower() for word in tokenize(prompt) if len(word) >= SHORTEST_TOPIC)
        known = [word for word in words if word in self._pairs_by_word]
        pair = randomness.choice(self._pairs_by_word[randomness.choice(known)] if known else self._pairs)
        yield from pair
        while True:
            followers = self._followers.get(pair)
            if not followers:
                pair = randomness.choice(self._pairs)
                continue
            token = randomness.choice(followers)
            yield token
            pair = (pair[1], token)


def is_sentence_end(token: str) -> bool:
    """Return whether a text may end after this token."""
    return token in _SENTENCE_END
