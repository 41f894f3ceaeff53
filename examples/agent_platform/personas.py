"""The people who use the platform: what each kind asks for, and how often things go wrong with it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Submission = dict[str, Any]
QUESTIONS = (
    "how does the import system find modules",
    "what happens in a finally clause",
    "how are attribute references evaluated",
    "when is a generator expression evaluated",
    "what is the method resolution order of a class",
    "which comparisons of floating point numbers are exact",
    "how does slicing of sequences work",
    "what does the global statement do",
    "how are string formatting options written",
    "quixotic zeppelin",
)
TOPICS = (
    "exceptions",
    "context managers",
    "coroutines",
    "mappings",
    "descriptors",
    "operators",
    "literals",
    "scopes",
)
PATTERNS = (r"\b[A-Z]\w+Error\b", r"__\w+__", r"\bPEP \d+\b", r"\b\d+\.\d+\b")
# Nested repetition: the matcher tries every way to split a run of letters before it gives up.
UNLUCKY_PATTERN = r"(?:[a-z]+ ?)+!$"
DOCUMENTS = (
    "exceptions.txt",
    "imports.txt",
    "specialnames.txt",
    "strings.txt",
    "types.txt",
    "typesseq.txt",
    "compound.txt",
)
WRONG_AMOUNTS, UNLUCKY_PATTERNS, MISSING_DOCUMENTS, UNKNOWN_TOPICS = 0.02, 0.03, 0.08, 0.05
ACCOUNTS = ("travel", "hardware", "software", "training")


@dataclass(frozen=True, slots=True)
class Persona:
    """A kind of user: its share of all visits, its tenants, what it submits, and how many tasks at a time."""

    name: str
    weight: float
    tenants: tuple[str, ...]
    submit: Callable[[random.Random], Submission]
    bundle: int = 1
    waits_for_result: bool = True
    impatient: bool = False
    timeout_s: float = 30.0
    converses: bool = False
    forgets_key: float = 0.0


def _ask(chance: random.Random) -> Submission:
    return {"type": "answer", "arguments": {"question": chance.choice(QUESTIONS)}, "priority": 5}


def _calculate(chance: random.Random) -> Submission:
    a, b, c = (chance.randint(0, 12) for _ in range(3))
    forms = (
        f"({a} + {b}) * {c}",
        f"{a} / {b}",
        f"{a} % ({b} - {c})",
        f"{a + 2} ** {b}",
        f"9 ** 9 ** {c}",
        f"{a} + * {b}",
    )
    expression = chance.choices(forms, weights=(40, 30, 15, 12, 2, 1))[0]
    return {"type": "calculate", "arguments": {"expression": expression}, "priority": 7}


def _book(chance: random.Random) -> Submission:
    amount = "12,50" if chance.random() < WRONG_AMOUNTS else f"{chance.lognormvariate(3.5, 1):.2f}"
    return {"type": "expense", "arguments": {"account": chance.choice(ACCOUNTS), "amount": amount}, "priority": 3}


def _extract(chance: random.Random) -> Submission:
    pattern = UNLUCKY_PATTERN if chance.random() < UNLUCKY_PATTERNS else chance.choice(PATTERNS)
    document = "roadmap-2019.txt" if chance.random() < MISSING_DOCUMENTS else chance.choice(DOCUMENTS)
    return {"type": "extract", "arguments": {"pattern": pattern, "document": document}, "priority": 1}


def _report(chance: random.Random) -> Submission:
    topics = chance.sample(TOPICS, chance.randint(2, 4))
    if chance.random() < UNKNOWN_TOPICS:
        topics.append("perpetuum mobile")
    return {"type": "report", "arguments": {"topics": topics}, "priority": 2}


def _chat(chance: random.Random) -> Submission:
    a, b = chance.randint(2, 99), chance.randint(2, 99)
    texts = (
        f"Please calculate {a} * {b} for me",
        f"Calculate ({a} + {b}) / 2",
        f"Search the documentation: {chance.choice(QUESTIONS)}?",
        f"Book an expense of {a}.50 on {chance.choice(ACCOUNTS)}",
        "Good morning, how are you today?",
    )
    return {"type": "chat", "arguments": {"text": chance.choice(texts)}, "priority": 5}


def _err(chance: random.Random) -> Submission:
    return chance.choice(
        (
            {"type": "answr", "arguments": {"question": "typo in the type"}},
            {"type": "answer", "arguments": {}},
            {"type": "calculate", "arguments": {"expression": "1 + 1"}, "priority": "high"},
        )
    )


PERSONAS = (
    Persona("reader", 0.26, ("acme", "globex", "initech"), _ask),
    Persona("student", 0.22, ("acme", "umbrella"), _calculate, forgets_key=0.03),
    Persona("visitor", 0.14, ("acme", "globex", "initech", "umbrella"), _chat, converses=True),
    Persona("bookkeeper", 0.07, ("globex", "initech"), _book, bundle=6, waits_for_result=False),
    Persona("archivist", 0.09, ("umbrella",), _extract, waits_for_result=False),
    Persona("analyst", 0.06, ("acme", "globex"), _report),
    Persona("trespasser", 0.02, ("umbrella",), _book, waits_for_result=False),
    Persona("late manager", 0.03, ("globex",), _report, timeout_s=0.4),
    Persona("newcomer", 0.02, ("hooli",), _err, waits_for_result=False, forgets_key=0.3),
    Persona("hurried reader", 0.03, ("hooli",), _ask, waits_for_result=False, impatient=True),
)
