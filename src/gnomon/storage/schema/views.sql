-- What lands is fanned out here. A view keeps no data: it is dropped and made anew whenever its text changes.

CREATE MATERIALIZED VIEW otlp_traces_to_origins ${on_cluster} TO origins AS
SELECT
    today() AS day,
    otlp_origin(resource, scope) AS id,
    otlp_map(resource)['service.name'] AS service,
    otlp_map(resource) AS resource,
    otlp_types(resource) AS resource_types,
    tupleElement(scope, 1) AS scope_name,
    tupleElement(scope, 2) AS scope_version,
    otlp_map(tupleElement(scope, 3)) AS scope_attributes,
    otlp_types(tupleElement(scope, 3)) AS scope_types,
    now() AS first_seen,
    now() AS last_seen
FROM (
    SELECT DISTINCT resource, scope
    FROM (SELECT resource_spans.resource.attributes AS resources, resource_spans.scope_spans.scope AS nested_scopes FROM otlp_traces)
    ARRAY JOIN resources AS resource, nested_scopes AS scopes
    ARRAY JOIN scopes AS scope
);

CREATE MATERIALIZED VIEW otlp_traces_to_spans ${on_cluster} TO spans AS
WITH
    toUnixTimestamp64Nano(now64(9)) AS received_ns,
    s.start_time_unix_nano BETWEEN received_ns - ${traces_s} * 1000000000 AND received_ns + 86400000000000 AS plausible
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
    s.status.message AS status_message,
    origin_id,
    otlp_map(s.attributes) AS attributes,
    otlp_types(s.attributes) AS attribute_types,
    arrayMap(e -> fromUnixTimestamp64Nano(e.time_unix_nano::Int64, 'UTC'), s.events) AS "events.ts",
    arrayMap(e -> e.name, s.events) AS "events.name",
    arrayMap(e -> otlp_map(e.attributes), s.events) AS "events.attributes",
    arrayMap(e -> otlp_types(e.attributes), s.events) AS "events.types",
    arrayMap(l -> toFixedString(l.trace_id, 16), s.links) AS "links.trace_id",
    arrayMap(l -> toFixedString(l.span_id, 8), s.links) AS "links.span_id",
    arrayMap(l -> l.trace_state, s.links) AS "links.trace_state",
    arrayMap(l -> otlp_map(l.attributes), s.links) AS "links.attributes",
    arrayMap(l -> otlp_types(l.attributes), s.links) AS "links.types",
    s.trace_state AS trace_state,
    s.flags AS flags,
    (s.dropped_attributes_count, s.dropped_events_count, s.dropped_links_count) AS dropped,
    now64(3) AS received,
    if(plausible, 0, s.start_time_unix_nano) AS replaced_ts
FROM (
    SELECT
        resource_spans.resource.attributes AS resources,
        resource_spans.scope_spans.scope AS scopes,
        resource_spans.scope_spans.spans AS nested_spans,
        arrayMap((r, ss, nested) -> arrayMap((s, n) -> arrayWithConstant(length(n), otlp_origin(r, s)), ss, nested), resources, scopes, nested_spans) AS nested_origins,
        arrayMap((r, nested) -> arrayMap(n -> arrayWithConstant(length(n), toLowCardinality(otlp_text(r['service.name']))), nested), resources, nested_spans) AS nested_services,
        arrayFlatten(nested_spans) AS all_spans,
        arrayFlatten(nested_origins) AS all_origins,
        arrayFlatten(nested_services) AS all_services
    FROM otlp_traces
)
ARRAY JOIN all_spans AS s, all_origins AS origin_id, all_services AS service;

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
    otlp_origin(resource, scope) AS id,
    otlp_map(resource)['service.name'] AS service,
    otlp_map(resource) AS resource,
    otlp_types(resource) AS resource_types,
    tupleElement(scope, 1) AS scope_name,
    tupleElement(scope, 2) AS scope_version,
    otlp_map(tupleElement(scope, 3)) AS scope_attributes,
    otlp_types(tupleElement(scope, 3)) AS scope_types,
    now() AS first_seen,
    now() AS last_seen
FROM (
    SELECT DISTINCT resource, scope
    FROM (SELECT resource_logs.resource.attributes AS resources, resource_logs.scope_logs.scope AS nested_scopes FROM otlp_logs)
    ARRAY JOIN resources AS resource, nested_scopes AS scopes
    ARRAY JOIN scopes AS scope
);

CREATE MATERIALIZED VIEW otlp_logs_to_logs ${on_cluster} TO logs AS
WITH
    toUnixTimestamp64Nano(now64(9)) AS received_ns,
    if(r.time_unix_nano = 0, r.observed_time_unix_nano, r.time_unix_nano) AS reported_ns,
    reported_ns BETWEEN received_ns - ${logs_s} * 1000000000 AND received_ns + 86400000000000 AS plausible
SELECT
    fromUnixTimestamp64Nano(if(plausible, reported_ns, received_ns)::Int64, 'UTC') AS ts,
    fromUnixTimestamp64Nano(if(r.observed_time_unix_nano = 0, received_ns, r.observed_time_unix_nano)::Int64, 'UTC') AS observed_ts,
    if(plausible, 0, reported_ns) AS replaced_ts,
    now64(3) AS received,
    toFixedString(r.trace_id, 16) AS trace_id,
    toFixedString(r.span_id, 8) AS span_id,
    if(r.severity_number BETWEEN 1 AND 24, r.severity_number, severity_of(r.severity_text))::UInt8 AS severity,
    r.severity_text AS severity_text,
    service,
    otlp_value(r.body) AS body,
    otlp_type(r.body) AS body_type,
    r.event_name AS event_name,
    origin_id,
    otlp_map(r.attributes) AS attributes,
    otlp_types(r.attributes) AS attribute_types,
    r.flags AS flags,
    r.dropped_attributes_count AS dropped_attributes
FROM (
    SELECT
        resource_logs.resource.attributes AS resources,
        resource_logs.scope_logs.scope AS scopes,
        resource_logs.scope_logs.log_records AS nested_records,
        arrayMap((r, ss, nested) -> arrayMap((s, n) -> arrayWithConstant(length(n), otlp_origin(r, s)), ss, nested), resources, scopes, nested_records) AS nested_origins,
        arrayMap((r, nested) -> arrayMap(n -> arrayWithConstant(length(n), toLowCardinality(otlp_text(r['service.name']))), nested), resources, nested_records) AS nested_services,
        arrayFlatten(nested_records) AS all_records,
        arrayFlatten(nested_origins) AS all_origins,
        arrayFlatten(nested_services) AS all_services
    FROM otlp_logs
)
ARRAY JOIN all_records AS r, all_origins AS origin_id, all_services AS service;
