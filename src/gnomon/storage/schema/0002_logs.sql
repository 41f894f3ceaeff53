-- Raw OTLP log requests land here and are gone.
CREATE TABLE otlp_logs ${on_cluster} (
    resource_logs Array(Tuple(
        resource Tuple(attributes ${attributes}),
        scope_logs Array(Tuple(
            scope Tuple(name String, version String, attributes ${attributes}),
            log_records Array(Tuple(
                time_unix_nano UInt64, severity_number Int64, severity_text String, body String, attributes ${attributes},
                dropped_attributes_count UInt64, flags UInt32, trace_id String, span_id String, observed_time_unix_nano UInt64,
                event_name String))
        ))
    ))
) ENGINE = Null;

-- One row a log record, whatever protocol brought it. `severity` is OpenTelemetry's number (1–24, 0 unknown). `body_type` and
-- `attribute_types` are the numbers of functions.sql; 8 is JSON text.
CREATE TABLE logs${local} ${on_cluster} (
    ts DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    observed_ts DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    replaced_ts UInt64 CODEC(ZSTD(1)),
    received DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id FixedString(16) CODEC(LZ4),
    span_id FixedString(8) CODEC(LZ4),
    severity UInt8 CODEC(ZSTD(1)),
    severity_text LowCardinality(String),
    service LowCardinality(String),
    body String CODEC(ZSTD(1)),
    body_type UInt8 CODEC(ZSTD(1)),
    event_name LowCardinality(String),
    origin_id UInt64 CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attribute_types Array(UInt8) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    dropped_attributes UInt32 CODEC(ZSTD(1)),
    redacted UInt8 CODEC(ZSTD(1)),
    INDEX by_ts ts TYPE minmax GRANULARITY 1,
    INDEX by_received received TYPE minmax GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_value mapValues(attributes) TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_word body TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lower(body)),
    -- Histograms of minutes and more, and counts by service and level, read this instead of every line.
    PROJECTION by_minute (
        SELECT toStartOfMinute(ts), service, severity, count() GROUP BY toStartOfMinute(ts), service, severity
    )
) ENGINE = ${Replicated}MergeTree
PARTITION BY toDate(ts)
ORDER BY (toStartOfTenMinutes(ts), service, ts)
SETTINGS ttl_only_drop_parts = 1, ${durable};
-- distributed: logs by rand()
