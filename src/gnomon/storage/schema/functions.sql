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
