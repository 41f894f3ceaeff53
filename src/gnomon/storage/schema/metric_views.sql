-- How requests with samples are fanned out. A view keeps no data: it is dropped and made anew whenever its text changes.

CREATE MATERIALIZED VIEW remote_write_to_incoming_series ${on_cluster} TO incoming_series AS
SELECT
    series_id(labels, metric) AS id,
    metric,
    labels,
    series_state(id, metric, first_ms, last_ms) AS state,
    first_ms,
    last_ms,
    samples,
    exemplars,
    histograms
FROM (
    SELECT
        cityHash64(name_label(labels)) AS metric,
        labels,
        first_ms_of(samples, histograms, exemplars) AS first_ms,
        last_ms_of(samples, histograms, exemplars) AS last_ms,
        samples,
        exemplars,
        histograms
    FROM remote_write
    ARRAY JOIN
        timeseries.labels AS labels, timeseries.samples AS samples, timeseries.exemplars AS exemplars, timeseries.histograms AS histograms
);

CREATE MATERIALIZED VIEW remote_write_v2_to_incoming_series ${on_cluster} TO incoming_series AS
SELECT
    series_id(labels, metric) AS id,
    metric,
    labels,
    series_state(id, metric, first_ms, last_ms) AS state,
    first_ms,
    last_ms,
    if(created = 0, samples, arrayMap(s -> (s.value, s.timestamp, if(s.start_timestamp = 0, created, s.start_timestamp)), samples)) AS samples,
    exemplars,
    histograms
FROM (
    SELECT
        cityHash64(name_label(labels)) AS metric,
        labels,
        first_ms_of(samples, histograms, exemplars) AS first_ms,
        last_ms_of(samples, histograms, exemplars) AS last_ms,
        samples,
        exemplars,
        histograms,
        created
    FROM (
        SELECT
            labels_of_refs(encoded, refs) AS labels,
            samples,
            arrayMap(e -> (labels_of_refs(encoded, e.labels_refs), e.value, e.timestamp), raw_exemplars)
                ::Array(Tuple(labels Array(String), value Float64, timestamp Int64)) AS exemplars,
            histograms,
            created
        FROM (
            SELECT arrayMap(s -> encoded_text(s), symbols) AS encoded, timeseries FROM remote_write_v2
        )
        ARRAY JOIN
            timeseries.labels_refs AS refs, timeseries.samples AS samples, timeseries.exemplars AS raw_exemplars,
            timeseries.histograms AS histograms, timeseries.created_timestamp AS created
    )
);

CREATE MATERIALIZED VIEW incoming_series_to_series ${on_cluster} TO series AS
SELECT
    day,
    values[indexOf(names, '__name__')] AS name,
    id,
    mapFromArrays(names, values) AS labels,
    now64(6) AS added
FROM (
    WITH name_lengths(messages) AS lengths
    SELECT DISTINCT day, id, label_names(messages, lengths) AS names, label_values(messages, lengths) AS values
    FROM (
        SELECT
            id,
            labels AS messages,
            arrayJoin(arrayDistinct(arrayMap(
                ms -> day_of_ms(ms), arrayConcat([first_ms, last_ms], samples.timestamp, histograms.timestamp)))) AS day
        FROM incoming_series
        WHERE state = 1
    )
    WHERE series_day(id, day) NOT IN known_series
);

CREATE MATERIALIZED VIEW incoming_series_to_samples ${on_cluster} TO samples AS
SELECT id, fromUnixTimestamp64Milli(s.timestamp, 'UTC') AS ts, s.value AS value
FROM incoming_series
ARRAY JOIN samples AS s
WHERE state < 2;

CREATE MATERIALIZED VIEW incoming_series_to_sample_starts ${on_cluster} TO sample_starts AS
SELECT toDate(ts) AS day, id, fromUnixTimestamp64Milli(start_ms, 'UTC') AS start, min(ts) AS first, max(ts) AS last
FROM (
    SELECT id, s.1 AS start_ms, fromUnixTimestamp64Milli(s.2, 'UTC') AS ts
    FROM incoming_series
    ARRAY JOIN arrayConcat(arrayZip(samples.start_timestamp, samples.timestamp), arrayZip(histograms.start_timestamp, histograms.timestamp)) AS s
    WHERE state < 2 AND (arrayMax(samples.start_timestamp) > 0 OR arrayMax(histograms.start_timestamp) > 0)
)
WHERE start_ms > 0
GROUP BY day, id, start;

CREATE MATERIALIZED VIEW incoming_series_to_native_histograms ${on_cluster} TO native_histograms AS
SELECT
    id,
    fromUnixTimestamp64Milli(h.timestamp, 'UTC') AS ts,
    h.schema AS schema,
    h.zero_threshold AS zero_threshold,
    h.zero_count_int + h.zero_count_float AS zero_count,
    h.count_int + h.count_float AS count,
    h.sum AS sum,
    h.positive_spans.offset AS positive_offsets,
    h.positive_spans.length AS positive_lengths,
    if(empty(h.positive_deltas), h.positive_counts, arrayMap(c -> toFloat64(c), arrayCumSum(h.positive_deltas))) AS positive_counts,
    h.negative_spans.offset AS negative_offsets,
    h.negative_spans.length AS negative_lengths,
    if(empty(h.negative_deltas), h.negative_counts, arrayMap(c -> toFloat64(c), arrayCumSum(h.negative_deltas))) AS negative_counts,
    h.custom_values AS custom_values,
    h.reset_hint AS reset_hint
FROM (SELECT id, histograms FROM incoming_series WHERE state < 2 AND notEmpty(histograms))
ARRAY JOIN histograms AS h;

CREATE MATERIALIZED VIEW incoming_series_to_exemplars ${on_cluster} TO exemplars AS
WITH name_lengths(e.labels) AS lengths
SELECT
    id,
    fromUnixTimestamp64Milli(e.timestamp, 'UTC') AS ts,
    e.value AS value,
    mapFromArrays(label_names(e.labels, lengths), label_values(e.labels, lengths)) AS labels
FROM (SELECT id, exemplars FROM incoming_series WHERE state < 2 AND notEmpty(exemplars))
ARRAY JOIN exemplars AS e;

CREATE MATERIALIZED VIEW incoming_series_to_refused_series ${on_cluster} TO refused_series AS
SELECT now64(6) AS received, any(messages) AS labels, uniqExact(id) AS series, sum(taken) AS samples
FROM (
    SELECT id, metric, labels AS messages, length(samples) + length(histograms) AS taken FROM incoming_series WHERE state = 2
)
GROUP BY metric;

CREATE MATERIALIZED VIEW incoming_series_to_arrivals ${on_cluster} TO arrivals AS
SELECT
    now64(6) AS received,
    minIf(first_ms, state < 2) AS oldest_ms,
    maxIf(last_ms, state < 2) AS newest_ms,
    countIf(state = 1) AS new_series,
    countIf(state = 2) AS refused_series,
    countIf(notEmpty(histograms)) AS with_histograms,
    countIf(arrayMax(samples.start_timestamp) > 0 OR arrayMax(histograms.start_timestamp) > 0) AS with_starts
FROM incoming_series
HAVING count() > 0;

CREATE MATERIALIZED VIEW remote_write_to_metric_metadata ${on_cluster} TO metric_metadata AS
SELECT
    toValidUTF8(m.metric_family_name) AS name,
    m.type::UInt8 AS type,
    toValidUTF8(m.help) AS help,
    toValidUTF8(m.unit) AS unit,
    now() AS seen
FROM remote_write
ARRAY JOIN metadata AS m;

CREATE MATERIALIZED VIEW remote_write_v2_to_metric_metadata ${on_cluster} TO metric_metadata AS
SELECT name, type, help, unit, now() AS seen
FROM (
    SELECT DISTINCT
        symbols[refs[indexOf(arrayMap(r -> symbols[r + 1], refs), '__name__') + 1] + 1] AS name,
        m.1::UInt8 AS type,
        symbols[m.2 + 1] AS help,
        symbols[m.3 + 1] AS unit
    FROM (
        SELECT symbols, timeseries.labels_refs AS all_refs, timeseries.metadata AS all_metadata FROM remote_write_v2
    )
    ARRAY JOIN all_refs AS refs, all_metadata AS m
    WHERE m.1 > 0 OR m.2 > 0 OR m.3 > 0
);
