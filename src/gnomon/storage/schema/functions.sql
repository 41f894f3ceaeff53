-- How an OTLP attribute list becomes a map of strings beside an array of types.
-- A value arrives as its AnyValue message: one field, so its tag is the first byte and its text is the rest. Types are the numbers
-- of those fields: 1 string, 2 bool, 3 int, 4 double, 5 array, 6 key-value list, 7 bytes; 0 nothing.

CREATE OR REPLACE FUNCTION otlp_type ${on_cluster} AS v -> bitShiftRight(reinterpretAsUInt8(v), 3);

-- What follows the tag and the length of a length-delimited field; the length's own length follows from the message's.
CREATE OR REPLACE FUNCTION otlp_bytes ${on_cluster} AS v ->
    substring(v, multiIf(length(v) < 130, 3, length(v) < 16387, 4, length(v) < 2097156, 5, 6));

CREATE OR REPLACE FUNCTION otlp_text ${on_cluster} AS v -> if(reinterpretAsUInt8(v) = 10, otlp_bytes(v), '');

-- A base-128 varint: eight groups of seven bits from the first word, a ninth and the last bit from what follows.
CREATE OR REPLACE FUNCTION varint_groups ${on_cluster} AS w ->
    bitAnd(w, 127) +
    bitShiftRight(bitAnd(w, 32512), 1) +
    bitShiftRight(bitAnd(w, 8323072), 2) +
    bitShiftRight(bitAnd(w, 2130706432), 3) +
    bitShiftRight(bitAnd(w, 545460846592), 4) +
    bitShiftRight(bitAnd(w, 139637976727552), 5) +
    bitShiftRight(bitAnd(w, 35747322042253312), 6) +
    bitShiftRight(bitAnd(w, 9151314442816847872), 7);

CREATE OR REPLACE FUNCTION otlp_int ${on_cluster} AS v -> reinterpretAsInt64(
    varint_groups(reinterpretAsUInt64(substring(v, 2, 8)))
    + bitShiftLeft(bitAnd(reinterpretAsUInt64(substring(v, 10, 1)), 127), 56)
    + bitShiftLeft(bitAnd(reinterpretAsUInt64(substring(v, 11, 1)), 1), 63));

CREATE OR REPLACE FUNCTION otlp_value ${on_cluster} AS v -> multiIf(
    otlp_type(v) IN (1, 5, 6, 7), otlp_bytes(v),
    otlp_type(v) = 3, toString(otlp_int(v)),
    otlp_type(v) = 4, toString(reinterpretAsFloat64(substring(v, 2))),
    otlp_type(v) = 2, if(endsWith(v, '\x01'), 'true', 'false'),
    '');

CREATE OR REPLACE FUNCTION otlp_values ${on_cluster} AS attributes -> arrayMap(v -> otlp_value(v), mapValues(attributes));

CREATE OR REPLACE FUNCTION otlp_types ${on_cluster} AS attributes -> arrayMap(v -> otlp_type(v), mapValues(attributes));

CREATE OR REPLACE FUNCTION otlp_map ${on_cluster} AS attributes -> mapFromArrays(mapKeys(attributes), otlp_values(attributes));

CREATE OR REPLACE FUNCTION otlp_origin ${on_cluster} AS (resource, scope) ->
    cityHash64(mapKeys(resource), mapValues(resource), tupleElement(scope, 1), tupleElement(scope, 2),
               mapKeys(tupleElement(scope, 3)), mapValues(tupleElement(scope, 3)));

-- OpenTelemetry's severity number of a level's name, by its first letters; 0 for a name that says nothing.
CREATE OR REPLACE FUNCTION severity_of ${on_cluster} AS level -> multiIf(
    level = '', 0,
    match(level, '^(?i)trace'), 1,
    match(level, '^(?i)(debug|dbg)'), 5,
    match(level, '^(?i)(info|notice)'), 9,
    match(level, '^(?i)warn'), 13,
    match(level, '^(?i)(err|severe)'), 17,
    match(level, '^(?i)(fatal|crit|emerg|alert|panic)'), 21,
    0);

-- Values fit for people and JSON: text with its invalid bytes replaced; arrays, key-value lists and byte strings as hexadecimal.
CREATE OR REPLACE FUNCTION shown_values ${on_cluster} AS (attributes, types) ->
    arrayMap((v, t) -> if(t IN (5, 6, 7), hex(v), toValidUTF8(v)), mapValues(attributes), types);

-- Secrets. A text is looked at closely only where `has_secret` finds a literal that a secret would contain. Masks are as long as what
-- they cover, so that nested values, which are raw protobuf, stay what they are. The shapes are in redaction.py.
CREATE OR REPLACE FUNCTION has_secret ${on_cluster} AS t -> ${has_secret};

CREATE OR REPLACE FUNCTION secrets_in ${on_cluster} AS t -> ${secrets};

CREATE OR REPLACE FUNCTION redact ${on_cluster} AS t ->
    arrayFold((masked, secret) -> replaceAll(masked, secret, repeat('*', length(secret))), secrets_in(t), t);

CREATE OR REPLACE FUNCTION is_secret_key ${on_cluster} AS k -> ${secret_key};

-- A nested value under a secret's name is emptied: a mask over all of it would be no protobuf.
CREATE OR REPLACE FUNCTION redact_value ${on_cluster} AS (k, v, type) ->
    if(is_secret_key(k), if(type = 1, repeat('*', length(v)), ''), redact(v));

CREATE OR REPLACE FUNCTION redact_values ${on_cluster} AS (keys, plain, types) ->
    arrayMap((k, v, type) -> redact_value(toString(k), v, type), keys, plain, types);

-- How many values were masked.
CREATE OR REPLACE FUNCTION count_masked ${on_cluster} AS (before, after) -> arrayCount((b, a) -> b != a, before, after);

-- Names and values in one text, for has_secret.
CREATE OR REPLACE FUNCTION joined ${on_cluster} AS (keys, plain) ->
    concat('\n', arrayStringConcat(keys, '\n'), '\n', arrayStringConcat(plain, '\n'));

-- The first text that is not empty.
CREATE OR REPLACE FUNCTION first_filled ${on_cluster} AS texts -> arrayFirst(x -> x != '', texts);

-- An id from its hexadecimal form, or zeros where it is none.
CREATE OR REPLACE FUNCTION trace_id_of ${on_cluster} AS t -> toFixedString(if(match(t, '^[0-9a-fA-F]{32}$$'), unhex(t), ''), 16);

CREATE OR REPLACE FUNCTION span_id_of ${on_cluster} AS t -> toFixedString(if(match(t, '^[0-9a-fA-F]{16}$$'), unhex(t), ''), 8);

-- A label's text between its quotes: Go's escapes are nearly those of JSON.
CREATE OR REPLACE FUNCTION unquoted ${on_cluster} AS t ->
    if(position(t, '\\') > 0 AND isValidJSON(concat('"', t, '"')), JSONExtractString(concat('"', t, '"')), t);

CREATE OR REPLACE FUNCTION loki_pairs ${on_cluster} AS t ->
    extractAllGroupsVertical(t, '([^\\s="{},]+)\\s*=\\s*"((?:[^"\\\\]|\\\\.)*)"');

CREATE OR REPLACE FUNCTION loki_labels ${on_cluster} AS t ->
    mapFromArrays(arrayMap(pair -> toLowCardinality(pair[1]), loki_pairs(t)), arrayMap(pair -> unquoted(pair[2]), loki_pairs(t)));

CREATE OR REPLACE FUNCTION labels_origin ${on_cluster} AS (protocol, labels) -> cityHash64(protocol, mapKeys(labels), mapValues(labels));

CREATE OR REPLACE FUNCTION service_of_labels ${on_cluster} AS labels -> first_filled([
    labels['service_name'], labels['service.name'], labels['service'], labels['app'], labels['app_kubernetes_io_name'],
    labels['application'], labels['job'], labels['container'], labels['container_name'], labels['component']]);

-- The level that a line tells of itself, as JSON or as logfmt.
CREATE OR REPLACE FUNCTION level_in ${on_cluster} AS line -> if(startsWith(line, '{'),
    extract(line, '"(?:level|severity|lvl|log\\.level)"\\s*:\\s*"([A-Za-z]{3,11})"'),
    extract(line, '\\b(?:level|lvl|severity)="?([A-Za-z]{3,11})'));

-- The severity of a level as a number: pino's and bunyan's tens, or syslog's 0 to 7.
CREATE OR REPLACE FUNCTION severity_of_number ${on_cluster} AS n -> multiIf(
    n >= 60, 21, n >= 50, 17, n >= 40, 13, n >= 30, 9, n >= 20, 5, n >= 10, 1,
    n <= 2, 21, n = 3, 17, n = 4, 13, n <= 6, 9, n = 7, 5, 0);

-- A JSON value as its text, and the number of its type: 8 is JSON.
CREATE OR REPLACE FUNCTION json_text ${on_cluster} AS raw -> multiIf(startsWith(raw, '"'), JSONExtractString(raw), raw = 'null', '', raw);

CREATE OR REPLACE FUNCTION json_type ${on_cluster} AS raw -> multiIf(
    startsWith(raw, '"'), 1, raw IN ('true', 'false'), 2, raw = 'null', 0, match(raw, '^-?[0-9]+$$'), 3, match(raw, '^-?[0-9]'), 4, 8)::UInt8;

-- Unix nanoseconds of a time as text: ISO 8601 and the like, or a number of seconds, milli-, micro- or nanoseconds; NULL where it is none.
CREATE OR REPLACE FUNCTION epoch_ns ${on_cluster} AS n -> multiIf(
    n < 100000000000, n * 1000000000, n < 100000000000000, n * 1000000, n < 100000000000000000, n * 1000, n)::Nullable(Int64);

CREATE OR REPLACE FUNCTION time_ns_of ${on_cluster} AS t -> if(match(t, '^[0-9]{1,19}([.][0-9]+)?$$'),
    epoch_ns(toDecimal128OrNull(t, 9)),
    toUnixTimestamp64Nano(parseDateTime64BestEffortOrNull(t, 9, 'UTC')));

-- A Prometheus label is a message of two texts: 0a ‹length› name 12 ‹length› value. Its bytes name it, so that only new ones are taken apart.
-- Functions are pasted into the views that use them and analysed anew at every insert: so they repeat little.
CREATE OR REPLACE FUNCTION text_head ${on_cluster} AS n -> multiIf(n < 128, 2, n < 16384, 3, n < 2097152, 4, 5);

-- The length of the name, from the first three bytes behind the tag as one number.
CREATE OR REPLACE FUNCTION name_lengths ${on_cluster} AS labels -> arrayMap(
    w -> multiIf(
        bitAnd(w, 128) = 0, bitAnd(w, 127),
        bitAnd(w, 32768) = 0, bitAnd(w, 127) + bitShiftRight(bitAnd(w, 32512), 1),
        bitAnd(w, 127) + bitShiftRight(bitAnd(w, 32512), 1) + bitShiftRight(bitAnd(w, 8323072), 2)),
    arrayMap(l -> reinterpretAsUInt32(substring(l, 2, 3)), labels));

CREATE OR REPLACE FUNCTION label_names ${on_cluster} AS (labels, lengths) ->
    arrayMap((l, n) -> toLowCardinality(toValidUTF8(substring(l, 1 + text_head(n), n))), labels, lengths);

-- What stands behind the name is a tag, the value's length and the value; that length's own length follows from what is left.
CREATE OR REPLACE FUNCTION label_values ${on_cluster} AS (labels, lengths) -> arrayMap(
    (l, n) -> toValidUTF8(substring(l, length(l) - n + 1)),
    labels,
    arrayMap(rest -> multiIf(rest < 130, rest - 2, rest < 16387, rest - 3, rest < 2097156, rest - 4, rest - 5),
             arrayMap((l, n) -> (length(l) - text_head(n) - n)::Int64, labels, lengths)));

-- Nearly always the first one.
CREATE OR REPLACE FUNCTION name_label ${on_cluster} AS labels ->
    if(startsWith(labels[1], '\n\b__name__'), labels[1], arrayFirst(l -> startsWith(l, '\n\b__name__'), labels));

-- The id of a series: sixteen bits of its metric's name, and a sum over its labels, whose order does not matter.
CREATE OR REPLACE FUNCTION series_id ${on_cluster} AS (labels, metric) ->
    bitOr(bitAnd(metric, 18446462598732840960), bitAnd(arraySum(l -> cityHash64(l), labels), 281474976710655));

CREATE OR REPLACE FUNCTION day_of_ms ${on_cluster} AS ms -> toDate(greatest(0, least(65535, intDiv(ms, 86400000)))::UInt16);

CREATE OR REPLACE FUNCTION series_day ${on_cluster} AS (id, day) -> bitXor(id, intHash64(toUInt16(day)));

CREATE OR REPLACE FUNCTION series_state ${on_cluster} AS (id, metric, first_ms, last_ms) -> multiIf(
    series_day(id, day_of_ms(first_ms)) IN known_series
        AND (last_ms < first_ms + 1000 OR series_day(id, day_of_ms(last_ms)) IN known_series), 0,
    (0::UInt64 IN full_metrics OR metric IN full_metrics) AND id NOT IN known_series, 2,
    1)::UInt8;

CREATE OR REPLACE FUNCTION first_ms_of ${on_cluster} AS (samples, histograms, exemplars) -> multiIf(
    notEmpty(samples), arrayMin(samples.timestamp), notEmpty(histograms), arrayMin(histograms.timestamp), arrayMin(exemplars.timestamp));

CREATE OR REPLACE FUNCTION last_ms_of ${on_cluster} AS (samples, histograms, exemplars) -> multiIf(
    notEmpty(samples), arrayMax(samples.timestamp), notEmpty(histograms), arrayMax(histograms.timestamp), arrayMax(exemplars.timestamp));

-- A text as protobuf writes it, behind its length.
CREATE OR REPLACE FUNCTION encoded_text ${on_cluster} AS s -> concat(multiIf(
    length(s) < 128, char(length(s)),
    length(s) < 16384, char(bitOr(128, bitAnd(length(s), 127)), bitShiftRight(length(s), 7)),
    char(bitOr(128, bitAnd(length(s), 127)), bitOr(128, bitAnd(bitShiftRight(length(s), 7), 127)), bitShiftRight(length(s), 14))), s);

-- Remote write 2.0: pairs of references to encoded texts, as the label messages of 1.0.
CREATE OR REPLACE FUNCTION labels_of_refs ${on_cluster} AS (encoded, refs) ->
    arrayMap(i -> concat('\n', encoded[refs[2 * i + 1] + 1], '\x12', encoded[refs[2 * i + 2] + 1]), range(intDiv(length(refs), 2)));

-- Work: tasks, agents, tools and calls of models, whatever conventions their spans follow. `a` is a span's attributes. What it knows:
-- OpenTelemetry's gen_ai.* as of now and earlier, OpenInference (openinference.span.kind, llm.*), OpenLLMetry (traceloop.*, llm.usage.*).

CREATE OR REPLACE FUNCTION is_work ${on_cluster} AS keys ->
    has(keys, 'task.id') OR has(keys, 'gen_ai.operation.name') OR has(keys, 'openinference.span.kind')
    OR has(keys, 'traceloop.span.kind') OR has(keys, 'llm.request.type') OR has(keys, 'gen_ai.request.model');

-- Whether a span tells of work itself. One that merely names its task, as every span below it may, adds to `tasks` and is no row of
-- `work_spans`.
CREATE OR REPLACE FUNCTION tells_work ${on_cluster} AS (keys, name) ->
    arrayExists(k -> startsWith(k, 'gen_ai.') OR startsWith(k, 'openinference.') OR startsWith(k, 'traceloop.') OR startsWith(k, 'llm.')
                     OR k IN ('chain.step', 'task.status'), keys)
    OR (startsWith(name, 'task ') AND has(keys, 'task.attempt'));

CREATE OR REPLACE FUNCTION work_kind ${on_cluster} AS (a, parentless) -> multiIf(
    a['gen_ai.operation.name'] IN ('chat', 'text_completion', 'generate_content', 'embeddings', 'completion', 'responses', 'rerank',
                                   'response'), 'llm',
    a['gen_ai.operation.name'] IN ('invoke_agent', 'invoke_workflow', 'create_agent'), 'agent',
    a['gen_ai.operation.name'] = 'execute_tool', 'tool',
    a['openinference.span.kind'] IN ('LLM', 'EMBEDDING', 'RERANKER'), 'llm',
    a['openinference.span.kind'] = 'AGENT' OR (a['openinference.span.kind'] = 'CHAIN' AND parentless), 'agent',
    a['openinference.span.kind'] = 'TOOL', 'tool',
    a['traceloop.span.kind'] IN ('workflow', 'agent'), 'agent',
    a['traceloop.span.kind'] = 'tool', 'tool',
    a['llm.request.type'] != '' OR (a['gen_ai.request.model'] != '' AND a['gen_ai.agent.name'] = ''), 'llm',
    a['gen_ai.agent.name'] != '', 'agent',
    a['traceloop.span.kind'] != '' OR a['openinference.span.kind'] != '' OR a['chain.step'] != '', 'step',
    a['task.status'] != '', 'task',
    '');

-- Agents of LangChain and LangGraph, whose spans tell them in JSON.
CREATE OR REPLACE FUNCTION langchain_agent ${on_cluster} AS a ->
    if(position(a['metadata'], '"lc_agent_name"') > 0, JSONExtractString(a['metadata'], 'lc_agent_name'), '');

CREATE OR REPLACE FUNCTION work_agent ${on_cluster} AS (a, otherwise) -> first_filled([
    a['agent.id'], a['gen_ai.agent.name'], a['agent.name'], a['agent_name'], a['gen_ai.agent.id'], otherwise]);

CREATE OR REPLACE FUNCTION named_run ${on_cluster} AS (a, name) -> first_filled([
    a['traceloop.entity.name'], a['traceloop.workflow.name'], a['graph.node.id'], name]);

-- Providers by the names of gen_ai.provider.name.
CREATE OR REPLACE FUNCTION llm_provider ${on_cluster} AS a -> lower(first_filled([
    a['gen_ai.provider.name'], a['gen_ai.system'], a['llm.provider'], a['llm.system'], a['llm.vendor']]));

CREATE OR REPLACE FUNCTION llm_model ${on_cluster} AS a -> first_filled([
    a['gen_ai.response.model'], a['gen_ai.request.model'], a['llm.model_name'], a['embedding.model_name'], a['reranker.model_name'],
    a['llm.response.model'], a['llm.request.model'], a['model_name']]);

CREATE OR REPLACE FUNCTION llm_operation ${on_cluster} AS a -> first_filled([
    a['gen_ai.operation.name'], a['llm.request.type'], lower(a['openinference.span.kind']), a['traceloop.span.kind']]);

CREATE OR REPLACE FUNCTION token_count ${on_cluster} AS texts -> toUInt64(greatest(0, toFloat64OrZero(first_filled(texts))));

-- Tokens as sent: input, read from a cache, written to one, output, reasoning.
CREATE OR REPLACE FUNCTION sent_tokens ${on_cluster} AS a -> (
    token_count([a['gen_ai.usage.input_tokens'], a['gen_ai.usage.prompt_tokens'], a['llm.token_count.prompt'],
                 a['llm.usage.prompt_tokens'], a['gen_ai.aggregated_usage.input_tokens']]),
    token_count([a['gen_ai.usage.cache_read.input_tokens'], a['gen_ai.usage.cache_read_input_tokens'],
                 a['gen_ai.usage.details.cache_read_tokens'], a['gen_ai.usage.details.cache_read_input_tokens'],
                 a['gen_ai.usage.input_tokens.cached'], a['gen_ai.usage.details.cached_tokens'],
                 a['llm.token_count.prompt_details.cache_read'], a['llm.usage.cache_read_input_tokens'],
                 a['gen_ai.aggregated_usage.cache_read.input_tokens']]),
    token_count([a['gen_ai.usage.cache_creation.input_tokens'], a['gen_ai.usage.cache_creation_input_tokens'],
                 a['gen_ai.usage.details.cache_write_tokens'], a['gen_ai.usage.details.cache_creation_input_tokens'],
                 a['llm.token_count.prompt_details.cache_write'], a['llm.usage.cache_creation_input_tokens'],
                 a['gen_ai.aggregated_usage.cache_creation.input_tokens']]),
    token_count([a['gen_ai.usage.output_tokens'], a['gen_ai.usage.completion_tokens'], a['llm.token_count.completion'],
                 a['llm.usage.completion_tokens'], a['gen_ai.aggregated_usage.output_tokens']]),
    token_count([a['gen_ai.usage.reasoning.output_tokens'], a['gen_ai.usage.reasoning_tokens'],
                 a['gen_ai.usage.details.reasoning_tokens'], a['llm.token_count.completion_details.reasoning'],
                 a['llm.usage.reasoning_tokens'], a['gen_ai.aggregated_usage.reasoning.output_tokens']]));

-- Senders disagree whether input counts what came from a cache, and output what was thought: where a part is more than the whole, it
-- cannot have been counted.
CREATE OR REPLACE FUNCTION llm_input_tokens ${on_cluster} AS sent ->
    if(sent.2 + sent.3 > sent.1, sent.1 + sent.2 + sent.3, sent.1);

CREATE OR REPLACE FUNCTION llm_output_tokens ${on_cluster} AS sent -> if(sent.5 > sent.4, sent.4 + sent.5, sent.4);

-- Nanoseconds to the first token: as told in seconds, or the first event that brought one.
CREATE OR REPLACE FUNCTION llm_first_token ${on_cluster} AS (a, ts, event_names, event_times) -> multiIf(
    a['gen_ai.response.time_to_first_chunk'] != '', toUInt64(1e9 * toFloat64OrZero(a['gen_ai.response.time_to_first_chunk'])),
    a['gen_ai.server.time_to_first_token'] != '', toUInt64(1e9 * toFloat64OrZero(a['gen_ai.server.time_to_first_token'])),
    a['llm.time_to_first_token'] != '', toUInt64(1e9 * toFloat64OrZero(a['llm.time_to_first_token'])),
    toUInt64(greatest(0, ifNull(toUnixTimestamp64Nano(nullIf(
        arrayMin(arrayFilter((t, n) -> match(n, '(?i)first.?token|completion[._]chunk|first.?chunk'), event_times, event_names)),
        fromUnixTimestamp64Nano(0::Int64, 'UTC'))) - toUnixTimestamp64Nano(ts), 0))));

-- The first reason; an array of texts is raw protobuf here.
CREATE OR REPLACE FUNCTION llm_finish ${on_cluster} AS a -> extract(first_filled([
    a['gen_ai.response.finish_reasons'], a['gen_ai.response.finish_reason'], a['llm.finish_reason'], a['gen_ai.completion.0.finish_reason'],
    a['llm.response.finish_reason'], a['gen_ai.response.stop_reason'], a['llm.response.stop_reason']]), '[A-Za-z][A-Za-z_]{2,}');

-- How a task ended, by number; the larger wins where two are told for the same moment.
CREATE OR REPLACE FUNCTION task_outcome ${on_cluster} AS t -> multiIf(
    t = 'completed', 1, t = 'cancelled', 2, t = 'failed', 3, t = 'timed_out', 4, t = 'dead_lettered', 5, 0)::UInt8;

CREATE OR REPLACE FUNCTION task_stage ${on_cluster} AS t -> multiIf(
    t = 'submitted', 1, t = 'queued', 2, t = 'routed', 3, t = 'assigned', 4, t = 'executing', 5, t = 'retried', 6, 0)::UInt8;

-- What a failure is like, without what differs from one to the next: numbers, ids, quoted texts.
CREATE OR REPLACE FUNCTION failure_shape ${on_cluster} AS t -> replaceRegexpAll(substring(t, 1, 2000),
    '[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|0x[0-9a-fA-F]+|[0-9a-fA-F]{16,}|\'[^\']{0,200}\'|"[^"]{0,200}"|[0-9]+', '…');

CREATE OR REPLACE FUNCTION failure_fingerprint ${on_cluster} AS (topic, type, message, stack) -> lower(hex(cityHash64(
    topic, type, failure_shape(message),
    arraySlice(extractAll(stack, 'File "[^"]+", line [0-9]+, in ([^\\s]+)'), -3))));
