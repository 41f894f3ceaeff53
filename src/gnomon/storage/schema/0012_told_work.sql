-- Spans that tell of work themselves. The view behind this table is the longest of all: it is analysed only once such a span comes.
CREATE TABLE told_work_spans ${on_cluster} (
    ts DateTime64(9, 'UTC'),
    trace_id FixedString(16),
    span_id FixedString(8),
    parent_span_id FixedString(8),
    service LowCardinality(String),
    name LowCardinality(String),
    duration UInt64,
    status Int8,
    status_message String,
    attributes Map(LowCardinality(String), String),
    event_times Array(DateTime64(9, 'UTC')),
    event_names Array(LowCardinality(String))
) ENGINE = Null;

DROP VIEW IF EXISTS incoming_work_spans_to_work_spans ${on_cluster} SYNC;
