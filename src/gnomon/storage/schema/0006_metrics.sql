-- Raw remote write requests land here and are gone; a label is its message's bytes (remote_write.proto).
CREATE TABLE remote_write ${on_cluster} (
    timeseries Array(Tuple(
        labels Array(String),
        samples ${samples},
        exemplars Array(Tuple(labels Array(String), value Float64, timestamp Int64)),
        histograms ${histograms}
    )),
    metadata Array(Tuple(type Int64, metric_family_name String, help String, unit String))
) ENGINE = Null;

CREATE TABLE remote_write_v2 ${on_cluster} (
    symbols Array(String),
    timeseries Array(Tuple(
        labels_refs Array(UInt32),
        samples ${samples},
        histograms ${histograms},
        exemplars Array(Tuple(labels_refs Array(UInt32), value Float64, timestamp Int64)),
        metadata Tuple(type Int64, help_ref UInt32, unit_ref UInt32),
        created_timestamp Int64
    ))
) ENGINE = Null;

-- Both forms of request, one row a series: its id is computed here, once for all views below. `state` 0 is a series that is known,
-- 1 a new one, 2 one that a limit refuses. Times are Unix milliseconds.
CREATE TABLE incoming_series ${on_cluster} (
    id UInt64,
    metric UInt64,
    labels Array(String),
    state UInt8,
    first_ms Int64,
    last_ms Int64,
    samples ${samples},
    exemplars Array(Tuple(labels Array(String), value Float64, timestamp Int64)),
    histograms ${histograms}
) ENGINE = Null;

-- Which series are known at all (id) and on which day (series_day); filled at each start from `series`, and after that with what is
-- stored there. In memory: it can never be ahead of what it describes.
CREATE TABLE known_series ${on_cluster} (key UInt64) ENGINE = Set SETTINGS persistent = 0;

-- Metrics that take no new series, by `metric` of incoming_series; 0 stands for all.
CREATE TABLE full_metrics ${on_cluster} (metric UInt64) ENGINE = Set SETTINGS persistent = 0;

-- What limits refused lately, and how old the oldest sample of each lot was that came in: read after each load, and forgotten.
CREATE TABLE refused_series ${on_cluster} (
    received DateTime64(6, 'UTC'), labels Array(String), series UInt64, samples UInt64
) ENGINE = Memory SETTINGS min_rows_to_keep = 1000, max_rows_to_keep = 10000;

CREATE TABLE arrivals ${on_cluster} (
    received DateTime64(6, 'UTC'),
    oldest_ms Int64,
    newest_ms Int64,
    new_series UInt64,
    refused_series UInt64,
    with_histograms UInt64,
    with_starts UInt64
) ENGINE = Memory SETTINGS min_rows_to_keep = 1000, max_rows_to_keep = 10000;

-- One row a series and day (once merged): labels, and when it was first seen on that day.
CREATE TABLE series${local} ${on_cluster} (
    day Date,
    name LowCardinality(String),
    id UInt64 CODEC(ZSTD(1)),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    added SimpleAggregateFunction(min, DateTime64(6, 'UTC')) CODEC(Delta, ZSTD(1)),
    INDEX by_added added TYPE minmax GRANULARITY 1
) ENGINE = ${Replicated}AggregatingMergeTree
PARTITION BY day
ORDER BY (name, id)
SETTINGS allow_dimensions_outside_sorting_key = 1, ttl_only_drop_parts = 1, ${durable};
-- distributed: series by id

-- A metric's series lie side by side: their ids start with the same sixteen bits. Differences and ZSTD take three quarters of the room
-- of Gorilla (2.1 bytes a sample in place of 2.9), and no longer to read. Small granules in blocks of their own cost a tenth more room, and
-- halve the time to read a tenth of a metric's series, which a panel about one job does.
CREATE TABLE samples${local} ${on_cluster} (
    id UInt64 CODEC(ZSTD(1)),
    ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    value Float64 CODEC(Delta, ZSTD(1))
) ENGINE = ${Replicated}ReplacingMergeTree
PARTITION BY toDate(ts)
ORDER BY (id, ts)
SETTINGS index_granularity = 1024, min_compress_block_size = 8192, ttl_only_drop_parts = 1, ${durable};
-- distributed: samples by id

-- Native histograms, integer or float: buckets as absolute counts. A staleness marker is one in `sum`.
CREATE TABLE native_histograms${local} ${on_cluster} (
    id UInt64 CODEC(ZSTD(1)),
    ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    schema Int32 CODEC(ZSTD(1)),
    zero_threshold Float64 CODEC(ZSTD(1)),
    zero_count Float64 CODEC(ZSTD(1)),
    count Float64 CODEC(ZSTD(1)),
    sum Float64 CODEC(Delta, ZSTD(1)),
    positive_offsets Array(Int32) CODEC(ZSTD(1)),
    positive_lengths Array(UInt32) CODEC(ZSTD(1)),
    positive_counts Array(Float64) CODEC(ZSTD(1)),
    negative_offsets Array(Int32) CODEC(ZSTD(1)),
    negative_lengths Array(UInt32) CODEC(ZSTD(1)),
    negative_counts Array(Float64) CODEC(ZSTD(1)),
    custom_values Array(Float64) CODEC(ZSTD(1)),
    reset_hint UInt8 CODEC(ZSTD(1))
) ENGINE = ${Replicated}ReplacingMergeTree
PARTITION BY toDate(ts)
ORDER BY (id, ts)
SETTINGS ttl_only_drop_parts = 1, ${durable};
-- distributed: native_histograms by id

-- Since when a counter counts: all samples of a series from `first` to `last` bear the start timestamp `start`.
CREATE TABLE sample_starts${local} ${on_cluster} (
    day Date,
    id UInt64 CODEC(ZSTD(1)),
    start DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    first SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    last SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(ZSTD(1))
) ENGINE = ${Replicated}AggregatingMergeTree
PARTITION BY day
ORDER BY (id, start)
SETTINGS ttl_only_drop_parts = 1, ${durable};
-- distributed: sample_starts by id

CREATE TABLE exemplars${local} ${on_cluster} (
    id UInt64 CODEC(ZSTD(1)),
    ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    value Float64 CODEC(ZSTD(1)),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1))
) ENGINE = ${Replicated}ReplacingMergeTree
PARTITION BY toDate(ts)
ORDER BY (id, ts, value)
SETTINGS ttl_only_drop_parts = 1, ${durable};
-- distributed: exemplars by id

-- What senders tell about their metrics; `type` is the number of remote write's MetricType.
CREATE TABLE metric_metadata${local} ${on_cluster} (
    name String,
    type UInt8,
    help String,
    unit String,
    seen DateTime('UTC')
) ENGINE = ${Replicated}ReplacingMergeTree(seen)
ORDER BY (name, type, help, unit)
SETTINGS ttl_only_drop_parts = 1, ${durable};
-- distributed: metric_metadata by cityHash64(name)
