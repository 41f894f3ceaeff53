-- Samples put together by five minutes and by the hour. A row stands for `(ts - 5 min, ts]`, as a window of Prometheus does; staleness
-- markers are left out. `increase` is what a counter gained from `first` to `last`, resets made good. A later version replaces an
-- earlier one, when samples come in late.
CREATE TABLE samples_5m${local} ${on_cluster} (
    id UInt64 CODEC(ZSTD(1)),
    ts DateTime('UTC') CODEC(Delta, ZSTD(1)),
    min Float64 CODEC(Delta, ZSTD(1)),
    max Float64 CODEC(Delta, ZSTD(1)),
    sum Float64 CODEC(Delta, ZSTD(1)),
    count UInt32 CODEC(Delta, ZSTD(1)),
    first Float64 CODEC(Delta, ZSTD(1)),
    first_ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    last Float64 CODEC(Delta, ZSTD(1)),
    last_ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    increase Float64 CODEC(Delta, ZSTD(1)),
    version UInt64 CODEC(ZSTD(1))
) ENGINE = ${Replicated}ReplacingMergeTree(version)
PARTITION BY toYYYYMM(ts)
ORDER BY (id, ts)
SETTINGS ${durable};
-- distributed: samples_5m by id

CREATE TABLE samples_1h${local} ${on_cluster} (
    id UInt64 CODEC(ZSTD(1)),
    ts DateTime('UTC') CODEC(Delta, ZSTD(1)),
    min Float64 CODEC(Delta, ZSTD(1)),
    max Float64 CODEC(Delta, ZSTD(1)),
    sum Float64 CODEC(Delta, ZSTD(1)),
    count UInt32 CODEC(Delta, ZSTD(1)),
    first Float64 CODEC(Delta, ZSTD(1)),
    first_ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    last Float64 CODEC(Delta, ZSTD(1)),
    last_ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    increase Float64 CODEC(Delta, ZSTD(1)),
    version UInt64 CODEC(ZSTD(1))
) ENGINE = ${Replicated}ReplacingMergeTree(version)
PARTITION BY toYYYYMM(ts)
ORDER BY (id, ts)
SETTINGS ${durable};
-- distributed: samples_1h by id

-- Up to when samples have been put together, by resolution in seconds.
CREATE TABLE downsampling_progress${local} ${on_cluster} (resolution UInt32, until DateTime('UTC'), noted DateTime64(6, 'UTC'))
ENGINE = ${Replicated}ReplacingMergeTree(noted)
ORDER BY resolution
SETTINGS ${durable};
-- distributed: downsampling_progress by resolution
