"""The Markov chain says only what it has read."""

import random
from itertools import islice

import pytest

from examples.agent_platform.markov import MarkovChain, tokenize


def test_words_and_marks_are_tokens() -> None:
    assert tokenize("It's 5 o'clock.") == ["It", "'", "s", "5", "o", "'", "clock", "."]


def test_every_three_tokens_in_a_row_come_from_the_text_unless_it_ended() -> None:
    text = "the sun rises and the sun sets and the moon rises and the sun rises"
    tokens = tokenize(text)
    known = set(zip(tokens, tokens[1:], tokens[2:], strict=False))
    said = list(islice(MarkovChain([text]).continue_text("the sun", random.Random(3)), 12))
    assert all(triple in known for triple in zip(said, said[1:], said[2:], strict=False))


def test_a_text_begins_with_a_word_of_the_prompt() -> None:
    chain = MarkovChain(["light falls upon the gnomon whose shadow tells time"])
    assert next(chain.continue_text("What does a shadow do?", random.Random(1))) == "shadow"


def test_nothing_to_learn_from_is_an_error() -> None:
    with pytest.raises(ValueError, match="Nothing to learn"):
        MarkovChain(["too short"])
