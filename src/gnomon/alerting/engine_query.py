"""Rules' questions to the query engine."""

from gnomon.alerting.rule_results import Query, Result, RuleError
from gnomon.promql.engine import QueryEngine
from gnomon.promql.results import QueryResult, ResultKind


def query_with(engine: QueryEngine) -> Query:
    """Return what rules ask an engine with."""

    async def query(expression: str, time_ms: int) -> list[Result]:
        answer = await engine.instant(expression, time_ms)
        if answer.kind not in {ResultKind.VECTOR, ResultKind.SCALAR}:
            raise RuleError("rule result is not a vector or scalar")
        return list_results(answer)

    return query


def list_results(answer: QueryResult) -> list[Result]:
    """Return a vector or scalar element by element."""
    results = []
    for row, labels in enumerate(answer.labels):
        histogram = None if answer.histograms is None else answer.histograms[row, 0]
        results.append(Result(labels, float(answer.values[row, 0]) if histogram is None else histogram))
    return results
