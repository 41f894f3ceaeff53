"""Recording rules: the results of a query under a new name."""

from gnomon.alerting.rule_files import Rule
from gnomon.alerting.rule_results import Query, Result, RuleError
from gnomon.model.labels import METRIC_NAME


async def record(rule: Rule, query: Query, time_ms: int, limit: int) -> list[Result]:
    """Return the series that a recording rule yields; raises RuleError above `limit` (0: none), and for twins."""
    changes = {**rule.labels, METRIC_NAME: rule.record}
    results = [Result(found.labels.replace(changes), found.value) for found in await query(rule.expr, time_ms)]
    if len({result.labels for result in results}) < len(results):
        raise RuleError("vector contains metrics with the same labelset after applying rule labels")
    if 0 < limit < len(results):
        raise RuleError(f"exceeded limit of {limit} with {len(results)} series")
    return results
