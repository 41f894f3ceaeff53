-- How tasks come from events and spans. A view keeps no data: it is dropped and made anew whenever its text changes.

CREATE MATERIALIZED VIEW logs_to_work_events ${on_cluster} TO work_events AS
SELECT
    ts,
    event_name AS name,
    attributes['task.id'] AS task_id,
    cityHash64(service, trace_id, span_id, mapKeys(attributes), mapValues(attributes)) AS id,
    trace_id,
    span_id,
    service,
    attributes
FROM logs${local}
WHERE startsWith(event_name, 'task.') OR event_name IN ('agent.handed_off', 'message.dead_lettered');

CREATE MATERIALIZED VIEW work_events_to_tasks ${on_cluster} TO tasks${local} AS
SELECT
    toDate(ts) AS day,
    task_id,
    attempt,
    1 AS named,
    ns AS first,
    ns AS last,
    a['task.type'] AS type,
    a['task.priority'] AS priority,
    a['task.queue'] AS queue,
    a['tenant.id'] AS tenant,
    a['session.id'] AS session,
    a['chain.id'] AS chain,
    a['task.parent_id'] AS parent_id,
    toFloat64OrZero(a['task.deadline']) AS deadline,
    if(a['agent.id'] = '', (0, ''), (ns, a['agent.id'])) AS agent,
    if(a['agent.trust_score'] = '', (0, 0), (ns, toFloat64OrZero(a['agent.trust_score']))) AS trust,
    if(a['agent.id'] = '', [], [a['agent.id']]) AS agents,
    [sender] AS services,
    if(trace_id = toFixedString('', 16), [], [trace_id]) AS traces,
    if(stage = 1, ns, never) AS submitted,
    if(stage = 2, ns, never) AS queued,
    if(stage = 3, ns, never) AS routed,
    if(stage = 4, ns, never) AS assigned,
    if(stage = 5, ns, never) AS executing,
    if(stage = 5, ns, 0) AS executed,
    if(stage = 6, ns, 0) AS retried,
    if(stage > 0, (ns, stage), (0, 0)) AS reached,
    if(outcome > 0, (ns, outcome, a['error.type'], substring(a['error.message'], 1, 2000)), (0, 0, '', '')) AS ended,
    (never, never, 0, '', '') AS root,
    (never, never, 0, '') AS agent_run,
    toFloat64OrZero(a['resource.cpu.seconds']) AS cpu_s,
    a['resource.cpu.precision'] AS cpu_precision,
    toUInt64(greatest(0, toFloat64OrZero(a['resource.memory.bytes']))) AS memory_bytes,
    a['resource.memory.precision'] AS memory_precision,
    toUInt64(greatest(0, toFloat64OrZero(a['resource.network.sent_bytes']))) AS sent_bytes,
    toUInt64(greatest(0, toFloat64OrZero(a['resource.network.received_bytes']))) AS received_bytes,
    a['resource.network.precision'] AS network_precision
FROM (
    SELECT
        ts,
        task_id,
        trace_id,
        service::String AS sender,
        attributes AS a,
        toUnixTimestamp64Nano(ts) AS ns,
        9223372036854775807::Int64 AS never,
        greatest(1, toUInt16OrZero(attributes['task.attempt'])) AS attempt,
        task_stage(substring(name, 6)) AS stage,
        if(name = 'message.dead_lettered', 5, task_outcome(substring(name, 6))) AS outcome
    FROM work_events${local}
    WHERE task_id != '' AND name != 'agent.handed_off'
);

-- Who passed work on to whom, where a span tells of both: OpenInference's graph of agents, and LangChain's tools that go elsewhere.
CREATE MATERIALIZED VIEW told_work_spans_to_work_events ${on_cluster} TO work_events AS
SELECT
    ts,
    'agent.handed_off' AS name,
    if(attributes['task.id'] != '', attributes['task.id'], concat('trace-', lower(hex(trace_id)))) AS task_id,
    cityHash64(trace_id, span_id) AS id,
    trace_id,
    span_id,
    service,
    map('agent.id', giver, 'agent.to_id', taker) AS attributes
FROM (
    SELECT
        ts, trace_id, span_id, service, attributes,
        if(attributes['openinference.span.kind'] = 'TOOL', langchain_agent(attributes), attributes['graph.node.parent_id']) AS giver,
        if(attributes['openinference.span.kind'] = 'TOOL', JSONExtractString(attributes['output.value'], 'goto'),
           work_agent(attributes, attributes['graph.node.id'])) AS taker
    FROM told_work_spans
    WHERE (attributes['openinference.span.kind'] = 'AGENT' AND attributes['graph.node.parent_id'] != '')
        OR (attributes['openinference.span.kind'] = 'TOOL' AND position(attributes['output.value'], '"graph": "__parent__"') > 0)
)
WHERE giver != '' AND taker != '' AND giver != taker;

CREATE MATERIALIZED VIEW spans_to_incoming_work_spans ${on_cluster} TO incoming_work_spans AS
SELECT
    ts, trace_id, span_id, parent_span_id, service, name, duration, status, status_message, attributes,
    events.ts AS event_times, events.name AS event_names
FROM spans${local}
WHERE is_work(mapKeys(attributes));

CREATE MATERIALIZED VIEW incoming_work_spans_to_told_work_spans ${on_cluster} TO told_work_spans AS
SELECT * FROM incoming_work_spans WHERE tells_work(mapKeys(attributes), name);

CREATE MATERIALIZED VIEW told_work_spans_to_work_spans ${on_cluster} TO work_spans${local} AS
SELECT
    ts,
    trace_id,
    span_id,
    parent_span_id,
    service,
    name,
    duration,
    failed,
    substring(status_message, 1, 2000) AS message,
    kind,
    if(named, a['task.id'], concat('trace-', lower(hex(trace_id)))) AS task_id,
    named,
    a['task.type'] AS task_type,
    a['task.status'] AS task_status,
    greatest(1, toUInt16OrZero(a['task.attempt'])) AS attempt,
    a['task.parent_id'] AS parent_id,
    -- A whole run that OpenInference tells without an agent's name is a workflow: its agents are within.
    if(parentless AND told['openinference.span.kind'] = 'AGENT', work_agent(a, a['graph.node.id']), first_filled([
        work_agent(a, langchain), if(kind = 'agent', named_run(a, name), '')])) AS agent,
    a['tenant.id'] AS tenant,
    first_filled([a['session.id'], a['gen_ai.conversation.id'], a['traceloop.association.properties.session_id']]) AS session,
    a['chain.id'] AS chain,
    llm_operation(told) AS operation,
    llm_provider(told) AS provider,
    llm_model(a) AS model,
    first_filled([a['gen_ai.tool.name'], a['tool.name'], if(kind = 'tool', first_filled([a['traceloop.entity.name'], name]), '')]) AS tool,
    llm_input_tokens(sent) AS input_tokens,
    sent.2 AS cached_tokens,
    sent.3 AS cache_write_tokens,
    llm_output_tokens(sent) AS output_tokens,
    sent.5 AS reasoning_tokens,
    llm_first_token(told, ts, event_names, event_times) AS first_token,
    llm_finish(told) AS finish
FROM (
    SELECT
        ts, trace_id, span_id, parent_span_id, service, name::String AS name, duration, status = 2 AS failed, status_message,
        attributes AS a,
        attributes['task.id'] != '' AS named,
        -- Most of what is asked for is not there, and that is quickly told of a map that holds next to nothing.
        mapFilter((k, v) -> startsWith(k, 'gen_ai.') OR startsWith(k, 'openinference.') OR startsWith(k, 'traceloop.')
                            OR startsWith(k, 'llm.') OR k IN ('chain.step', 'task.status'), attributes) AS told,
        parent_span_id = toFixedString('', 8) AS parentless,
        langchain_agent(attributes) AS langchain,
        multiIf(startsWith(name, 'task ') AND attributes['task.attempt'] != '' AND attributes['task.id'] != '', 'task',
                langchain = name AND told['openinference.span.kind'] = 'CHAIN', 'agent',
                work_kind(told, parentless)) AS kind,
        sent_tokens(mapFilter((k, v) -> position(k, 'token') > 0, told)) AS sent,
        event_names,
        event_times
    FROM told_work_spans
);

-- Put together here already: as rows of their own, all the spans of a task would be sorted and merged one by one as they are written,
-- at the price of all the rest of an insert. Where the first or last of something counts, it is found by its time alone.
CREATE MATERIALIZED VIEW work_spans_to_tasks ${on_cluster} TO tasks AS
SELECT
    day,
    task_id,
    attempt,
    named,
    first,
    last,
    type,
    tenant,
    session,
    chain,
    parent_id,
    agent,
    agents,
    services,
    traces,
    never AS submitted,
    never AS queued,
    never AS routed,
    never AS assigned,
    never AS executing,
    run,
    root,
    if(agent_runs = 0, (never, never, 0, ''), first_agent_run) AS agent_run
FROM (
    SELECT
        toDate(ts) AS day,
        task_id,
        attempt,
        max(named) AS named,
        min(start) AS first,
        max(end) AS last,
        max(task_type) AS type,
        max(tenant) AS tenant,
        max(session) AS session,
        max(chain) AS chain,
        max(parent_id) AS parent_id,
        argMaxIf((rank, who), rank, rank > 0) AS agent,
        groupUniqArrayIf(who, who != '') AS agents,
        groupUniqArray(sender) AS services,
        groupUniqArray(trace_id) AS traces,
        argMaxIf((end, start, if(outcome > 0, outcome, if(failed, 3, 1)), '', message), end, kind = 'task') AS run,
        argMin((start, end, failed, name, message), start) AS root,
        countIf(runs_agent) AS agent_runs,
        argMinIf((start, end, failed, if(who = '', name, who)), start, runs_agent) AS first_agent_run,
        9223372036854775807::Int64 AS never
    FROM (
        SELECT
            ts, trace_id, name, failed, message, kind, task_id, named, task_type, attempt, parent_id, tenant, session, chain,
            service::String AS sender,
            agent::String AS who,
            kind = 'agent' OR (named AND agent != '') AS runs_agent,
            toUnixTimestamp64Nano(ts) AS start,
            toUnixTimestamp64Nano(ts) + least(duration, 31536000000000000)::Int64 AS end,
            -- The last attempt tells whose a task is, or else the first agent that ran.
            multiIf(who = '', 0, kind = 'task', start, kind = 'agent', intDiv(9223372036854775807 - start, 16), 0) AS rank,
            task_outcome(task_status) AS outcome
        FROM work_spans${local}
    )
    GROUP BY day, task_id, attempt
);

-- Spans that name their task and tell no more of it: no rows of work_spans, which would cost as much again as the spans themselves.
CREATE MATERIALIZED VIEW incoming_work_spans_to_tasks ${on_cluster} TO tasks AS
SELECT
    day,
    task_id,
    attempt,
    1 AS named,
    first,
    last,
    type,
    tenant,
    session,
    chain,
    parent_id,
    agents,
    services,
    traces,
    never AS submitted,
    never AS queued,
    never AS routed,
    never AS assigned,
    never AS executing,
    root,
    if(empty(agents), (never, never, 0, ''), first_agent_run) AS agent_run
FROM (
    SELECT
        toDate(ts) AS day,
        task_id,
        attempt,
        min(start) AS first,
        max(end) AS last,
        max(task_type) AS type,
        max(tenant_id) AS tenant,
        max(session_id) AS session,
        max(chain_id) AS chain,
        max(parent) AS parent_id,
        groupUniqArrayIf(who, who != '') AS agents,
        groupUniqArray(sender) AS services,
        groupUniqArray(trace_id) AS traces,
        argMin((start, end, failed, name, message), start) AS root,
        argMinIf((start, end, failed, who), start, who != '') AS first_agent_run,
        9223372036854775807::Int64 AS never
    FROM (
        SELECT
            ts, trace_id,
            name::String AS name,
            service::String AS sender,
            status = 2 AS failed,
            substring(status_message, 1, 2000) AS message,
            toUnixTimestamp64Nano(ts) AS start,
            toUnixTimestamp64Nano(ts) + least(duration, 31536000000000000)::Int64 AS end,
            attributes['task.id'] AS task_id,
            attributes['task.type'] AS task_type,
            greatest(1, toUInt16OrZero(attributes['task.attempt'])) AS attempt,
            attributes['task.parent_id'] AS parent,
            first_filled([attributes['agent.id'], attributes['agent.name'], attributes['agent_name']]) AS who,
            attributes['tenant.id'] AS tenant_id,
            attributes['session.id'] AS session_id,
            attributes['chain.id'] AS chain_id
        FROM incoming_work_spans
        WHERE NOT tells_work(mapKeys(attributes), name) AND attributes['task.id'] != ''
    )
    GROUP BY day, task_id, attempt
);
