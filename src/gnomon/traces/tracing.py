"""All questions about traces in one place, for whoever answers them to people."""

from dataclasses import dataclass

from gnomon.lifecycle import Clock
from gnomon.storage.edge_store import EdgeStore
from gnomon.storage.engine import Engine
from gnomon.storage.service_store import ServiceStore
from gnomon.storage.trace_search_store import TraceSearchStore
from gnomon.storage.trace_store import Freshness, TraceStore
from gnomon.traces.jaeger_query import JaegerQuery
from gnomon.traces.overview import OverviewReader
from gnomon.traces.search import TraceSearch
from gnomon.traces.service_edges import ServiceEdges
from gnomon.traces.services import ServiceStatistics
from gnomon.traces.trace_reader import TraceReader


@dataclass(frozen=True, slots=True)
class Tracing:
    """Hold what answers questions about traces; `edges` is a Service that the server starts and stops."""

    search: TraceSearch
    traces: TraceReader
    services: ServiceStatistics
    overview: OverviewReader
    jaeger: JaegerQuery
    edges: ServiceEdges


def create_tracing(engine: Engine, journal: Freshness, clock: Clock) -> Tracing:
    """Return everything about traces over one engine."""
    traces, search = TraceStore(engine, journal), TraceSearchStore(engine, journal)
    services = ServiceStore(engine, journal)
    edges = ServiceEdges(EdgeStore(engine, journal), clock)
    return Tracing(
        search=TraceSearch(search),
        traces=TraceReader(traces),
        services=ServiceStatistics(services, edges),
        overview=OverviewReader(services),
        jaeger=JaegerQuery(traces, search, services, edges),
        edges=edges,
    )
