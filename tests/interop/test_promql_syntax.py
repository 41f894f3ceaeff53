"""A real Prometheus and the promql-parser package read the same queries as Gnomon's parser."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import promql_parser
import pytest

from gnomon.promql.errors import ParseError
from gnomon.promql.parser import EVERYTHING, parse
from gnomon.promql.printer import format_expression
from gnomon.promql.syntax_tree import Features
from tests.peers.prometheus import Prometheus

HERE = Path(__file__).parent
MALFORMED = HERE.parent / "unit" / "promql" / "malformed.txt"
KNOWN_TO_3_9 = Features(EVERYTHING.enabled - {"promql-binop-fill-modifiers"})

QUERIES = (
    "up",
    'http_requests_total{job="api",code=~"5..",method!="GET",path!~"/health.*"}',
    "rate(http_requests_total[5m])",
    "sum by (job, code) (rate(http_requests_total[5m])) / on (job) group_left (team) count by (job) (up)",
    "histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket[5m])))",
    "max_over_time(sum(rate(x[1m]))[1h:30s] offset 1d)",
    "topk(5, sum without (instance) (increase(errors_total[1h])))",
    "a and on (x) b unless c or d",
    "foo @ 1609746000 offset 5m",
    "rate(foo[5m] @ end())",
    "-foo ^ 2 ^ 3 * 4 % 5 atan2 6",
    "1 + 2 * 3 - -4 == bool 5",
    'label_replace(up, "dst", "$1-x", "src", "(.*):.*")',
    'count_values("version", build_info)',
    "quantile by (job) (0.9, foo) > 1h30m",
    'absent(up{job="x"}) or vector(0)',
    "round(foo, 0.1) + clamp(bar, 1, 2)",
    "day_of_week() == 1",
    "stddev_over_time(foo[1w2d])",
    "predict_linear(foo[1h], 3600)",
)
_SIGNS = "( ) [ ] { } , + - * / ^ == != > @ =~ = : ! # $ é"
_NAMES = "and or unless by without on group_left bool offset foo sum topk rate inf start end"
_PARTS = '5m 1 0 1h30m 0x1f 1e3 sum( rate( foo[ foo{ on(a) "x" `z` {a="b"}'
WORDS = (*_SIGNS.split(), *_NAMES.split(), *_PARTS.split())


def read(query: str) -> str:
    """Return the formatted query, or what is wrong with it."""
    try:
        return format_expression(parse(query, KNOWN_TO_3_9))
    except ParseError as error:
        return str(error)


class PeerParser:
    """Ask a Prometheus to format a query."""

    def __init__(self, server: Prometheus, client: httpx.Client) -> None:
        self._url = f"{server.url}/api/v1/format_query"
        self._client = client

    def read(self, query: str) -> str:
        """Return the formatted query, or what is wrong with it."""
        answer = self._client.post(self._url, data={"query": query}).json()
        text: str = answer.get("data") or answer["error"]
        return text.removeprefix('invalid parameter "query": ')


@pytest.fixture
def peer(prometheus: Prometheus) -> Iterator[PeerParser]:
    """Return a real Prometheus' parser."""
    with httpx.Client(trust_env=False, timeout=30.0) as client:
        yield PeerParser(prometheus, client)


def broken_queries(seed: int, count: int) -> Iterator[str]:
    """Yield queries in which tokens are missing, exchanged, doubled or cut off."""
    choice = random.Random(seed)
    for _ in range(count):
        tokens = re.findall(r'\s+|"[^"]*"|[A-Za-z_:][\w:]*|[\d.]+[a-z]*|[<>=!]=|=~|!~|.', choice.choice(QUERIES))
        for _ in range(choice.choice((1, 1, 2))):
            at = choice.randrange(len(tokens))
            tokens[at : at + choice.randrange(2)] = [choice.choice((*WORDS, ""))]
        yield "".join(tokens)


@pytest.mark.parametrize("query", QUERIES)
def test_queries_are_formatted_alike(peer: PeerParser, query: str) -> None:
    """Prometheus' format_query and ours give the same text, so both read the same tree."""
    assert read(query) == peer.read(query)


def test_recorded_messages_are_still_prometheus(peer: PeerParser) -> None:
    """What the unit test expects is what the real server says."""
    recorded = [json.loads(line) for line in MALFORMED.read_text("utf-8").splitlines() if not line.startswith("#")]
    for query, message in recorded:
        if query.isprintable():
            assert peer.read(query) == message


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_broken_queries_are_judged_alike(peer: PeerParser, seed: int) -> None:
    """Accepted or refused alike, all of them; told with the same words, all but one in fifty."""
    differing = []
    for query in broken_queries(seed, 700):
        ours, theirs = read(query), peer.read(query)
        if ours != theirs:
            assert ("parse error" in ours) == ("parse error" in theirs), query
            differing.append((query, ours, theirs))
    assert len(differing) <= 14, differing


@pytest.mark.parametrize("query", QUERIES)
def test_the_oracle_accepts_what_we_accept(query: str) -> None:
    """promql-parser, another implementation of the same grammar, takes these queries and what we print of them."""
    promql_parser.parse(query)
    promql_parser.parse(read(query))
