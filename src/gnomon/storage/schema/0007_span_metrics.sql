-- Span metrics count what came in since the last time, wherever it lies in time.
ALTER TABLE spans${local} ${on_cluster} ADD INDEX IF NOT EXISTS by_received received TYPE minmax GRANULARITY 4;
