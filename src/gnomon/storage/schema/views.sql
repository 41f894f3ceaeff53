-- What lands is fanned out here. A view keeps no data: it is dropped and made anew whenever its text changes.

CREATE MATERIALIZED VIEW otlp_traces_to_origins ${on_cluster} TO origins AS
SELECT
    today() AS day,
    id,
    plain[indexOf(keys, 'service.name')] AS service,
    mapFromArrays(keys, if(has_secret(joined(keys, plain)), redact_values(keys, plain, types), plain)) AS resource,
    types AS resource_types,
    scope_name,
    scope_version,
    otlp_map(scope) AS scope_attributes,
    otlp_types(scope) AS scope_types,
    now() AS first_seen,
    now() AS last_seen
FROM (
    SELECT
        otlp_origin(r, s) AS id,
        mapKeys(r) AS keys,
        otlp_values(r) AS plain,
        otlp_types(r) AS types,
        tupleElement(s, 1) AS scope_name,
        tupleElement(s, 2) AS scope_version,
        tupleElement(s, 3) AS scope
    FROM (
        SELECT DISTINCT r, s
        FROM (
            SELECT resource_spans.resource.attributes AS resources, resource_spans.scope_spans.scope AS nested_scopes
            FROM otlp_traces
        )
        ARRAY JOIN resources AS r, nested_scopes AS scopes
        ARRAY JOIN scopes AS s
    )
);

-- Each step of the nested selects names what the next one uses more than once: an alias that is used twice is analysed twice, and
-- the analysis of its view is most of what a small insert costs.
CREATE MATERIALIZED VIEW otlp_traces_to_spans ${on_cluster} TO spans AS
SELECT
    fromUnixTimestamp64Nano(if(plausible, s.start_time_unix_nano, received_ns)::Int64, 'UTC') AS ts,
    toFixedString(s.trace_id, 16) AS trace_id,
    toFixedString(s.span_id, 8) AS span_id,
    toFixedString(s.parent_span_id, 8) AS parent_span_id,
    service,
    s.name AS name,
    s.kind::Int8 AS kind,
    if(s.end_time_unix_nano > s.start_time_unix_nano, s.end_time_unix_nano - s.start_time_unix_nano, 0) AS duration,
    s.status.code::Int8 AS status,
    if(suspicious, redone[1][1], s.status.message) AS status_message,
    origin_id,
    mapFromArrays(keys, if(suspicious, arrayPopFront(redone[1]), plain)) AS attributes,
    types AS attribute_types,
    arrayMap(e -> fromUnixTimestamp64Nano(e.time_unix_nano::Int64, 'UTC'), s.events) AS "events.ts",
    s.events.name AS "events.name",
    arraySlice(nested_maps, 1, length(s.events)) AS "events.attributes",
    arraySlice(nested_types, 1, length(s.events)) AS "events.types",
    arrayMap(l -> toFixedString(l.trace_id, 16), links) AS "links.trace_id",
    arrayMap(l -> toFixedString(l.span_id, 8), links) AS "links.span_id",
    links.trace_state AS "links.trace_state",
    arraySlice(nested_maps, length(s.events) + 1) AS "links.attributes",
    arraySlice(nested_types, length(s.events) + 1) AS "links.types",
    s.trace_state AS trace_state,
    s.flags AS flags,
    (s.dropped_attributes_count, s.dropped_events_count, s.dropped_links_count + length(s.links) - length(links)) AS dropped,
    now64(3) AS received,
    if(plausible, 0, s.start_time_unix_nano) AS replaced_ts,
    if(suspicious, least(255, count_masked(arrayFlatten(texts), arrayFlatten(redone))), 0)::UInt8 AS redacted
FROM (
    SELECT
        *,
        arrayMap((k, v) -> mapFromArrays(k, v), nested_keys, if(suspicious, arrayPopFront(redone), nested_plain)) AS nested_maps
    FROM (
        SELECT
            *,
            -- The status message stands in front of the attributes, and those in front of the events' and the links', so that
            -- one call masks all.
            if(suspicious, arrayConcat([arrayPushFront(plain, s.status.message)], nested_plain), []) AS texts,
            if(suspicious,
               arrayMap((k, v, t) -> redact_values(k, v, t), arrayConcat([arrayPushFront(keys, '')], nested_keys), texts,
                        arrayConcat([arrayPushFront(types, 1)], nested_types)),
               []) AS redone
        FROM (
            SELECT
                *,
                has_secret(concat(joined(keys, plain), s.status.message,
                                  arrayStringConcat(arrayMap((k, v) -> joined(k, v), nested_keys, nested_plain)))) AS suspicious
            FROM (
                SELECT
                    *,
                    mapKeys(s.attributes) AS keys,
                    otlp_values(s.attributes) AS plain,
                    otlp_types(s.attributes) AS types,
                    arrayMap(m -> mapKeys(m), nested_attributes) AS nested_keys,
                    arrayMap(m -> otlp_values(m), nested_attributes) AS nested_plain,
                    arrayMap(m -> otlp_types(m), nested_attributes) AS nested_types
                FROM (
                    SELECT
                        *,
                        arrayConcat(s.events.attributes, links.attributes) AS nested_attributes
                    FROM (
                        SELECT
                            s,
                            origin_id,
                            service,
                            received_ns,
                            s.start_time_unix_nano BETWEEN received_ns - ${traces_s} * 1000000000
                                AND received_ns + 86400000000000 AS plausible,
                            arrayFilter(l -> length(l.trace_id) = 16 AND length(l.span_id) = 8, s.links) AS links
                        FROM (
                            SELECT s, origin_id, service, toUnixTimestamp64Nano(now64(9)) AS received_ns
                            FROM (
                                SELECT
                                    resource_spans.resource.attributes AS resources,
                                    resource_spans.scope_spans.scope AS scopes,
                                    resource_spans.scope_spans.spans AS nested,
                                    arrayMap((r, ss, ns) -> arrayMap((s, n) -> arrayWithConstant(length(n), otlp_origin(r, s)), ss, ns),
                                             resources, scopes, nested) AS nested_origins,
                                    arrayMap((r, ns) -> arrayMap(n -> arrayWithConstant(length(n), toLowCardinality(otlp_text(r['service.name']))), ns),
                                             resources, nested) AS nested_services,
                                    arrayFlatten(nested) AS all_records,
                                    arrayFlatten(nested_origins) AS all_origins,
                                    arrayFlatten(nested_services) AS all_services
                                FROM otlp_traces
                            )
                            ARRAY JOIN all_records AS s, all_origins AS origin_id, all_services AS service
                        )
                    )
                )
            )
        )
    )
);

CREATE MATERIALIZED VIEW spans_to_trace_summaries ${on_cluster} TO trace_summaries${local} AS
SELECT
    toDate(min(ts)) AS day,
    trace_id,
    min(ts) AS start,
    max(ts + toIntervalNanosecond(least(duration, 31536000000000000))) AS end,
    count() AS spans,
    countIf(status = 2) AS errors,
    maxIf(service, parent_span_id = toFixedString('', 8)) AS root_service,
    maxIf(name, parent_span_id = toFixedString('', 8)) AS root_name,
    groupUniqArray(service) AS services
FROM spans${local}
GROUP BY trace_id;

CREATE MATERIALIZED VIEW spans_to_operation_stats ${on_cluster} TO operation_stats${local} AS
SELECT
    toStartOfMinute(ts) AS minute,
    service,
    name,
    kind,
    count() AS spans,
    countIf(status = 2) AS errors,
    sum(duration) AS duration_sum,
    max(duration) AS duration_max,
    quantilesDDState(0.01, 0.5)(duration) AS durations
FROM spans${local}
GROUP BY minute, service, name, kind;

CREATE MATERIALIZED VIEW otlp_logs_to_origins ${on_cluster} TO origins AS
SELECT
    today() AS day,
    id,
    plain[indexOf(keys, 'service.name')] AS service,
    mapFromArrays(keys, if(has_secret(joined(keys, plain)), redact_values(keys, plain, types), plain)) AS resource,
    types AS resource_types,
    scope_name,
    scope_version,
    otlp_map(scope) AS scope_attributes,
    otlp_types(scope) AS scope_types,
    now() AS first_seen,
    now() AS last_seen
FROM (
    SELECT
        otlp_origin(r, s) AS id,
        mapKeys(r) AS keys,
        otlp_values(r) AS plain,
        otlp_types(r) AS types,
        tupleElement(s, 1) AS scope_name,
        tupleElement(s, 2) AS scope_version,
        tupleElement(s, 3) AS scope
    FROM (
        SELECT DISTINCT r, s
        FROM (
            SELECT resource_logs.resource.attributes AS resources, resource_logs.scope_logs.scope AS nested_scopes
            FROM otlp_logs
        )
        ARRAY JOIN resources AS r, nested_scopes AS scopes
        ARRAY JOIN scopes AS s
    )
);

CREATE MATERIALIZED VIEW otlp_logs_to_logs ${on_cluster} TO logs AS
SELECT
    fromUnixTimestamp64Nano(if(plausible, reported_ns, received_ns)::Int64, 'UTC') AS ts,
    fromUnixTimestamp64Nano(if(r.observed_time_unix_nano = 0, received_ns, r.observed_time_unix_nano)::Int64, 'UTC') AS observed_ts,
    if(plausible, 0, reported_ns) AS replaced_ts,
    now64(3) AS received,
    toFixedString(if(length(r.trace_id) = 16, r.trace_id, ''), 16) AS trace_id,
    toFixedString(if(length(r.span_id) = 8, r.span_id, ''), 8) AS span_id,
    if(r.severity_number BETWEEN 1 AND 24, r.severity_number, severity_of(r.severity_text))::UInt8 AS severity,
    r.severity_text AS severity_text,
    service,
    if(suspicious, redone[1], plain_body) AS body,
    otlp_type(r.body) AS body_type,
    r.event_name AS event_name,
    origin_id,
    mapFromArrays(keys, if(suspicious, arrayPopFront(redone), plain)) AS attributes,
    types AS attribute_types,
    r.flags AS flags,
    r.dropped_attributes_count AS dropped_attributes,
    if(suspicious, least(255, count_masked(arrayPushFront(plain, plain_body), redone)), 0)::UInt8 AS redacted
FROM (
    SELECT
        *,
        -- The body stands in front of the attributes, so that one call masks all.
        if(suspicious,
           redact_values(arrayPushFront(keys, ''), arrayPushFront(plain, plain_body), arrayPushFront(types, 1)), []) AS redone
    FROM (
        SELECT
            *,
            reported_ns BETWEEN received_ns - ${logs_s} * 1000000000 AND received_ns + 86400000000000 AS plausible,
            has_secret(concat('\n', plain_body, joined(keys, plain))) AS suspicious
        FROM (
            SELECT
                r,
                origin_id,
                service,
                toUnixTimestamp64Nano(now64(9)) AS received_ns,
                if(r.time_unix_nano = 0, r.observed_time_unix_nano, r.time_unix_nano) AS reported_ns,
                mapKeys(r.attributes) AS keys,
                otlp_values(r.attributes) AS plain,
                otlp_types(r.attributes) AS types,
                otlp_value(r.body) AS plain_body
            FROM (
                SELECT
                    resource_logs.resource.attributes AS resources,
                    resource_logs.scope_logs.scope AS scopes,
                    resource_logs.scope_logs.log_records AS nested,
                    arrayMap((r, ss, ns) -> arrayMap((s, n) -> arrayWithConstant(length(n), otlp_origin(r, s)), ss, ns),
                             resources, scopes, nested) AS nested_origins,
                    arrayMap((r, ns) -> arrayMap(n -> arrayWithConstant(length(n), toLowCardinality(otlp_text(r['service.name']))), ns),
                             resources, nested) AS nested_services,
                    arrayFlatten(nested) AS all_records,
                    arrayFlatten(nested_origins) AS all_origins,
                    arrayFlatten(nested_services) AS all_services
                FROM otlp_logs
            )
            ARRAY JOIN all_records AS r, all_origins AS origin_id, all_services AS service
        )
    )
);

CREATE MATERIALIZED VIEW loki_push_to_origins ${on_cluster} TO origins AS
SELECT
    today() AS day,
    labels_origin('loki', labels) AS id,
    service_of_labels(labels) AS service,
    mapFromArrays(mapKeys(labels), arrayMap(v -> if(has_secret(v), redact(v), v), mapValues(labels))) AS resource,
    arrayMap(v -> 1::UInt8, mapValues(labels)) AS resource_types,
    now() AS first_seen,
    now() AS last_seen
FROM (SELECT DISTINCT loki_labels(arrayJoin(streams.labels)) AS labels FROM loki_push);

CREATE MATERIALIZED VIEW loki_push_to_logs ${on_cluster} TO logs AS
WITH
    toUnixTimestamp64Nano(now64(9)) AS received_ns,
    e.timestamp.seconds * 1000000000 + e.timestamp.nanos AS reported_ns,
    reported_ns BETWEEN received_ns - ${logs_s} * 1000000000 AND received_ns + 86400000000000 AS plausible,
    e.structured_metadata AS metadata,
    first_filled([metadata['level'], metadata['detected_level'], metadata['severity'], metadata['severity_text'], label_level]) AS given_level,
    if(given_level != '', given_level, level_in(e.line)) AS level,
    mapKeys(metadata) AS keys,
    mapValues(metadata) AS plain,
    has_secret(concat('\n', e.line, joined(keys, plain))) AS suspicious,
    if(suspicious, redact_values(keys, plain, arrayMap(v -> 1, plain)), plain) AS masked,
    if(suspicious, redact(e.line), e.line) AS masked_line
SELECT
    fromUnixTimestamp64Nano(if(plausible, reported_ns, received_ns)::Int64, 'UTC') AS ts,
    fromUnixTimestamp64Nano(received_ns, 'UTC') AS observed_ts,
    if(plausible, 0, reported_ns)::UInt64 AS replaced_ts,
    now64(3) AS received,
    trace_id_of(first_filled([metadata['trace_id'], metadata['traceID'], metadata['traceId']])) AS trace_id,
    span_id_of(first_filled([metadata['span_id'], metadata['spanID'], metadata['spanId']])) AS span_id,
    severity_of(level)::UInt8 AS severity,
    level AS severity_text,
    service,
    masked_line AS body,
    1 AS body_type,
    origin_id,
    mapFromArrays(keys, masked) AS attributes,
    arrayMap(v -> 1::UInt8, masked) AS attribute_types,
    if(suspicious, least(255, count_masked(plain, masked) + (masked_line != e.line)), 0)::UInt8 AS redacted
FROM (
    SELECT
        loki_labels(stream.labels) AS labels,
        labels_origin('loki', labels) AS origin_id,
        toLowCardinality(service_of_labels(labels)) AS service,
        first_filled([labels['level'], labels['detected_level'], labels['severity'], labels['lvl']]) AS label_level,
        stream.entries AS entries
    FROM loki_push
    ARRAY JOIN streams AS stream
)
ARRAY JOIN entries AS e;

CREATE MATERIALIZED VIEW jsonl_to_origins ${on_cluster} TO origins AS
SELECT
    today() AS day,
    labels_origin('jsonl', labels) AS id,
    service_of_labels(labels) AS service,
    mapFromArrays(mapKeys(labels), arrayMap(v -> if(has_secret(v), redact(v), v), mapValues(labels))) AS resource,
    arrayMap(v -> 1::UInt8, mapValues(labels)) AS resource_types,
    now() AS first_seen,
    now() AS last_seen
FROM (SELECT DISTINCT labels FROM jsonl);

-- A line is parsed once, into its names and raw values. Names that people use for time, level and so on are taken where their value
-- makes sense, all others become attributes.
CREATE MATERIALIZED VIEW jsonl_to_logs ${on_cluster} TO logs AS
WITH
    toUnixTimestamp64Nano(now64(9)) AS received_ns,
    arrayFirst(k -> has(names, k), ['timestamp', '@timestamp', 'time', 'ts', 'datetime', 'date', 't']) AS time_name,
    time_ns_of(json_text(fields[time_name])) AS parsed_ns,
    ifNull(parsed_ns, received_ns) AS reported_ns,
    reported_ns BETWEEN received_ns - ${logs_s} * 1000000000 AND received_ns + 86400000000000 AS plausible,
    arrayFirst(k -> startsWith(fields[k], '"'), ['message', 'msg', 'body', 'log', 'event', 'text']) AS body_name,
    fields[body_name] AS raw_body,
    arrayFirst(k -> has(names, k), ['level', 'severity', 'log.level', 'lvl', 'loglevel', 'levelname', 'severity_text']) AS level_name,
    if(level_name = '', JSONExtractString(fields['log'], 'level'), json_text(fields[level_name])) AS level,
    arrayFirst(k -> startsWith(fields[k], '"'), ['service', 'service.name', 'service_name', 'serviceName', 'app', 'application']) AS service_name,
    first_filled([json_text(fields[service_name]), JSONExtractString(fields['service'], 'name'), label_service, json_text(fields['logger'])]) AS found_service,
    arrayFirst(k -> has(names, k), ['trace_id', 'traceId', 'traceID', 'trace.id', 'otelTraceID']) AS trace_name,
    trace_id_of(if(trace_name = '', JSONExtractString(fields['trace'], 'id'), json_text(fields[trace_name]))) AS found_trace,
    arrayFirst(k -> has(names, k), ['span_id', 'spanId', 'spanID', 'span.id', 'otelSpanID']) AS span_name,
    span_id_of(if(span_name = '', JSONExtractString(fields['span'], 'id'), json_text(fields[span_name]))) AS found_span,
    [if(parsed_ns IS NULL, '', time_name), body_name, level_name, service_name,
     if(found_trace = toFixedString('', 16), '', trace_name), if(found_span = toFixedString('', 8), '', span_name)] AS used,
    arrayFilter(field -> NOT has(used, field.1), pairs) AS others,
    arrayMap(field -> toLowCardinality(field.1), others) AS keys,
    arrayMap(field -> json_text(field.2), others) AS plain,
    arrayMap(field -> json_type(field.2), others) AS types,
    if(body_name = '', line, json_text(raw_body)) AS plain_body,
    has_secret(concat('\n', plain_body, joined(keys, plain))) AS suspicious,
    if(suspicious, redact_values(keys, plain, types), plain) AS masked,
    if(suspicious, redact(plain_body), plain_body) AS masked_body
SELECT
    fromUnixTimestamp64Nano(if(plausible, reported_ns, received_ns)::Int64, 'UTC') AS ts,
    fromUnixTimestamp64Nano(received_ns, 'UTC') AS observed_ts,
    if(plausible, 0, reported_ns)::UInt64 AS replaced_ts,
    now64(3) AS received,
    found_trace AS trace_id,
    found_span AS span_id,
    if(match(level, '^[0-9]{1,2}$$'), severity_of_number(toUInt8OrZero(level)), severity_of(level))::UInt8 AS severity,
    level AS severity_text,
    found_service AS service,
    masked_body AS body,
    if(body_name = '', 8, json_type(raw_body)) AS body_type,
    origin_id,
    mapFromArrays(keys, masked) AS attributes,
    types AS attribute_types,
    if(suspicious, least(255, count_masked(plain, masked) + (masked_body != plain_body)), 0)::UInt8 AS redacted
FROM (
    SELECT
        labels_origin('jsonl', labels) AS origin_id,
        service_of_labels(labels) AS label_service,
        arrayJoin(splitByChar('\n', text)) AS line,
        JSONExtractKeysAndValuesRaw(line) AS pairs,
        arrayMap(field -> field.1, pairs) AS names,
        mapFromArrays(names, arrayMap(field -> field.2, pairs)) AS fields
    FROM jsonl
);
