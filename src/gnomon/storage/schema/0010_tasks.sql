-- What is told of tasks, agents and their messages: log records that are events of such names, whole. An event that came twice is one
-- row once merged: `id` is a hash of all that it tells.
CREATE TABLE work_events${local} ${on_cluster} (
    ts DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    name LowCardinality(String),
    task_id String CODEC(ZSTD(1)),
    id UInt64 CODEC(NONE),
    trace_id FixedString(16) CODEC(LZ4),
    span_id FixedString(8) CODEC(LZ4),
    service LowCardinality(String),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    INDEX by_ts ts TYPE minmax GRANULARITY 1,
    INDEX by_task task_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ${Replicated}ReplacingMergeTree
PARTITION BY toDate(ts)
ORDER BY (name, task_id, ts, id)
SETTINGS ttl_only_drop_parts = 1, ${durable};
-- distributed: work_events by cityHash64(task_id)

-- Spans that work_spans may want, as they are. A view is analysed only once a row reaches it, so that those behind this table cost
-- nothing where no work is told of.
CREATE TABLE incoming_work_spans ${on_cluster} (
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

-- Spans that belong to a task, an agent, a tool or a call of a model, in the words of this one table whatever the sender's conventions
-- are (functions.sql: work_kind and those behind it). Tokens: `input` counts all input, those read from and written to a cache
-- included; `output` all output, reasoning included. `task_id` is the trace's where nobody named the task.
CREATE TABLE work_spans${local} ${on_cluster} (
    ts DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    trace_id FixedString(16) CODEC(LZ4),
    span_id FixedString(8) CODEC(NONE),
    parent_span_id FixedString(8) CODEC(LZ4),
    service LowCardinality(String),
    name LowCardinality(String),
    duration UInt64 CODEC(T64, ZSTD(1)),
    failed UInt8,
    message String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    task_id String CODEC(ZSTD(1)),
    named UInt8,
    task_type LowCardinality(String),
    task_status LowCardinality(String),
    attempt UInt16 CODEC(ZSTD(1)),
    parent_id String CODEC(ZSTD(1)),
    agent LowCardinality(String),
    tenant LowCardinality(String),
    session String CODEC(ZSTD(1)),
    chain String CODEC(ZSTD(1)),
    operation LowCardinality(String),
    provider LowCardinality(String),
    model LowCardinality(String),
    tool LowCardinality(String),
    input_tokens UInt64 CODEC(T64, ZSTD(1)),
    cached_tokens UInt64 CODEC(T64, ZSTD(1)),
    cache_write_tokens UInt64 CODEC(T64, ZSTD(1)),
    output_tokens UInt64 CODEC(T64, ZSTD(1)),
    reasoning_tokens UInt64 CODEC(T64, ZSTD(1)),
    first_token UInt64 CODEC(ZSTD(1)),
    finish LowCardinality(String),
    INDEX by_ts ts TYPE minmax GRANULARITY 1,
    INDEX by_task task_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ${Replicated}ReplacingMergeTree
PARTITION BY toDate(ts)
ORDER BY (trace_id, span_id)
SETTINGS ttl_only_drop_parts = 1, ${durable};
-- distributed: work_spans by cityHash64(trace_id)

-- One row a task, attempt and day (once merged). Every column merges in any order and however often the same thing is told. Times are
-- Unix nanoseconds; where the least is kept, 9223372036854775807 stands for none. `ended` is time, outcome (functions.sql) and error of
-- the last end that an event told; `run` is end, start, outcome and error of the span that ran the attempt; `root` start, end,
-- failure, name and message of the first span, and `agent_run` those of the first run of an agent.
CREATE TABLE tasks${local} ${on_cluster} (
    day Date,
    task_id String CODEC(ZSTD(1)),
    attempt UInt16 CODEC(ZSTD(1)),
    named SimpleAggregateFunction(max, UInt8),
    first SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    last SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1)),
    type SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    priority SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    queue SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    tenant SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    session SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    chain SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    parent_id SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    deadline SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1)),
    agent SimpleAggregateFunction(max, Tuple(Int64, String)) CODEC(ZSTD(1)),
    trust SimpleAggregateFunction(max, Tuple(Int64, Float64)) CODEC(ZSTD(1)),
    agents SimpleAggregateFunction(groupUniqArrayArray, Array(String)) CODEC(ZSTD(1)),
    services SimpleAggregateFunction(groupUniqArrayArray, Array(String)) CODEC(ZSTD(1)),
    traces SimpleAggregateFunction(groupUniqArrayArray, Array(FixedString(16))) CODEC(ZSTD(1)),
    submitted SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    queued SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    routed SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    assigned SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    executing SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
    executed SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1)),
    retried SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1)),
    reached SimpleAggregateFunction(max, Tuple(Int64, UInt8)) CODEC(ZSTD(1)),
    ended SimpleAggregateFunction(max, Tuple(Int64, UInt8, String, String)) CODEC(ZSTD(1)),
    run SimpleAggregateFunction(max, Tuple(Int64, Int64, UInt8, String, String)) CODEC(ZSTD(1)),
    root SimpleAggregateFunction(min, Tuple(Int64, Int64, UInt8, String, String)) CODEC(ZSTD(1)),
    agent_run SimpleAggregateFunction(min, Tuple(Int64, Int64, UInt8, String)) CODEC(ZSTD(1)),
    cpu_s SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1)),
    cpu_precision SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    memory_bytes SimpleAggregateFunction(max, UInt64) CODEC(ZSTD(1)),
    memory_precision SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    sent_bytes SimpleAggregateFunction(max, UInt64) CODEC(ZSTD(1)),
    received_bytes SimpleAggregateFunction(max, UInt64) CODEC(ZSTD(1)),
    network_precision SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    INDEX by_parent parent_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ${Replicated}AggregatingMergeTree
PARTITION BY day
ORDER BY (task_id, attempt)
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, allow_dimensions_outside_sorting_key = 1, ${durable};
-- distributed: tasks by cityHash64(task_id)

-- What a million tokens of a model cost on a day, in billionths of a dollar, for requests with more input than `above_tokens`. A row is
-- written when its price is first needed and stays as it is, so that a figure does not change with a later price list.
CREATE TABLE llm_prices${local} ${on_cluster} (
    day Date,
    provider LowCardinality(String),
    model LowCardinality(String),
    above_tokens UInt64,
    input Int64,
    cached Int64,
    cache_write Int64,
    output Int64,
    source String,
    written DateTime64(3, 'UTC')
) ENGINE = ${Replicated}ReplacingMergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (provider, model, day, above_tokens)
SETTINGS ttl_only_drop_parts = 1, ${durable};
-- distributed: llm_prices by cityHash64(provider, model)
