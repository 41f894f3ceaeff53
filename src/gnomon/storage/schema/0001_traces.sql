-- Raw OTLP trace requests land here and are gone: `Null` keeps nothing, the views below take what people query.
CREATE TABLE otlp_traces ${on_cluster} (
    resource_spans Array(Tuple(
        resource Tuple(attributes ${attributes}),
        scope_spans Array(Tuple(
            scope Tuple(name String, version String, attributes ${attributes}),
            spans Array(Tuple(
                trace_id String, span_id String, trace_state String, parent_span_id String, name String, kind Int64,
                start_time_unix_nano UInt64, end_time_unix_nano UInt64,
                attributes ${attributes}, dropped_attributes_count UInt64,
                events Array(Tuple(time_unix_nano UInt64, name String, attributes ${attributes}, dropped_attributes_count UInt64)),
                dropped_events_count UInt64,
                links Array(Tuple(trace_id String, span_id String, trace_state String, attributes ${attributes})),
                dropped_links_count UInt64,
                status Tuple(message String, code Int64), flags UInt32))
        ))
    ))
) ENGINE = Null;

-- Who sends: one resource with one instrumentation scope, written once a day for each day on which it is seen.
CREATE TABLE origins${local} ${on_cluster} (
    day Date,
    id UInt64,
    service LowCardinality(String),
    resource Map(LowCardinality(String), String),
    resource_types Array(UInt8),
    scope_name String,
    scope_version String,
    scope_attributes Map(LowCardinality(String), String),
    scope_types Array(UInt8),
    first_seen SimpleAggregateFunction(min, DateTime),
    last_seen SimpleAggregateFunction(max, DateTime)
) ENGINE = ${Replicated}AggregatingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (id, day)
SETTINGS allow_dimensions_outside_sorting_key = 1, ttl_only_drop_parts = 1, ${durable};
-- distributed: origins by id

-- One row a span. `attribute_types` are the numbers of functions.sql. `replaced_ts` holds the start as it was sent where that was zero,
-- ahead of time or past retention, and `ts` is the time of receipt instead; `redacted` counts the values in which secrets were masked.
-- Ten-minute buckets lead the key, so that a search walks from the newest bucket back and stops when it has enough.
-- A trace's spans lie scattered, and a granule is read for each: granules and blocks are small, indexes cover four at a time.
CREATE TABLE spans${local} ${on_cluster} (
    ts DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id FixedString(16) CODEC(LZ4),
    span_id FixedString(8) CODEC(NONE),
    parent_span_id FixedString(8) CODEC(LZ4),
    service LowCardinality(String),
    name LowCardinality(String),
    kind Int8,
    duration UInt64 CODEC(T64, ZSTD(1)),
    status Int8,
    status_message String CODEC(ZSTD(1)),
    origin_id UInt64 CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attribute_types Array(UInt8) CODEC(ZSTD(1)),
    events Nested(
        ts DateTime64(9, 'UTC'), name LowCardinality(String), attributes Map(LowCardinality(String), String), types Array(UInt8)
    ) CODEC(ZSTD(1)),
    links Nested(
        trace_id FixedString(16), span_id FixedString(8), trace_state String,
        attributes Map(LowCardinality(String), String), types Array(UInt8)
    ) CODEC(ZSTD(1)),
    trace_state LowCardinality(String),
    flags UInt32 CODEC(ZSTD(1)),
    dropped Tuple(attributes UInt32, events UInt32, links UInt32) CODEC(ZSTD(1)),
    received DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    replaced_ts UInt64 CODEC(ZSTD(1)),
    redacted UInt8 CODEC(ZSTD(1)),
    INDEX by_ts ts TYPE minmax GRANULARITY 4,
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_value mapValues(attributes) TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = ${Replicated}MergeTree
PARTITION BY toDate(ts)
ORDER BY (toStartOfTenMinutes(ts), service, name, ts)
SETTINGS index_granularity = 2048, min_compress_block_size = 16384, ttl_only_drop_parts = 1, ${durable};
-- distributed: spans by cityHash64(trace_id)

-- One row a trace (once merged): what a search result shows, and when to look for the spans of an id.
CREATE TABLE trace_summaries${local} ${on_cluster} (
    day Date,
    trace_id FixedString(16) CODEC(NONE),
    start SimpleAggregateFunction(min, DateTime64(9, 'UTC')) CODEC(Delta, LZ4),
    end SimpleAggregateFunction(max, DateTime64(9, 'UTC')) CODEC(Delta, LZ4),
    spans SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    errors SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    root_service SimpleAggregateFunction(max, LowCardinality(String)),
    root_name SimpleAggregateFunction(max, LowCardinality(String)),
    services SimpleAggregateFunction(groupUniqArrayArray, Array(String))
) ENGINE = ${Replicated}AggregatingMergeTree
PARTITION BY day
ORDER BY trace_id
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, allow_dimensions_outside_sorting_key = 1, ${durable};
-- distributed: trace_summaries by cityHash64(trace_id)

-- Rate, errors and duration of every operation, by the minute.
CREATE TABLE operation_stats${local} ${on_cluster} (
    minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
    service LowCardinality(String),
    name LowCardinality(String),
    kind Int8,
    spans SimpleAggregateFunction(sum, UInt64),
    errors SimpleAggregateFunction(sum, UInt64),
    duration_sum SimpleAggregateFunction(sum, UInt64),
    duration_max SimpleAggregateFunction(max, UInt64),
    durations AggregateFunction(quantilesDD(0.01, 0.5), UInt64)
) ENGINE = ${Replicated}AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (service, name, kind, minute)
SETTINGS ttl_only_drop_parts = 1, ${durable};
-- distributed: operation_stats by cityHash64(service, name)

-- Calls from one service to another, by the minute; written by a periodic join, a later version replaces an earlier one.
CREATE TABLE service_edges${local} ${on_cluster} (
    minute DateTime('UTC'),
    client LowCardinality(String),
    server LowCardinality(String),
    kind LowCardinality(String),
    calls UInt64,
    errors UInt64,
    duration_sum UInt64,
    durations AggregateFunction(quantilesDD(0.01, 0.5), UInt64),
    version UInt64
) ENGINE = ${Replicated}ReplacingMergeTree(version)
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, client, server, kind)
SETTINGS ttl_only_drop_parts = 1, ${durable};
-- distributed: service_edges by cityHash64(client, server)
