-- The figures of `warmline metrics --format json` out of the event log's segments, for DuckDB.
--
--   duckdb -c "SET VARIABLE log = 'events/*.jsonl'; .read duckdb.sql"
--
-- `log` is a path, a glob, or a list of them, of any number of nodes. One row for each figure: key, value. Sums and counts
-- are those of `warmline metrics` to the last millisecond; percentiles and first-call resolution are left to it.

CREATE OR REPLACE TEMP VIEW lines AS
SELECT * FROM read_json(getvariable('log'), format = 'newline_delimited', ignore_errors = true, columns = {
  seq: 'UBIGINT', time: 'TIMESTAMP', mono_ms: 'BIGINT', node: 'VARCHAR', type: 'VARCHAR', call: 'VARCHAR',
  direction: 'VARCHAR', agent: 'VARCHAR', "group": 'VARCHAR', outcome: 'VARCHAR', reason: 'VARCHAR',
  cause: 'VARCHAR', kind: 'VARCHAR', human: 'BOOLEAN', abandoned: 'BOOLEAN', resolved: 'BOOLEAN',
  wait_ms: 'BIGINT', hold_ms: 'BIGINT', talk_ms: 'BIGINT', service_level_s: 'BIGINT',
  ended_by: 'VARCHAR', "final": 'BOOLEAN', since_ms: 'BIGINT', request: 'VARCHAR',
  old: 'VARCHAR', new: 'VARCHAR', in_state_ms: 'BIGINT'
});

-- A line may have been written twice, after a failed write, or a segment been given twice; a torn one has no seq.
CREATE OR REPLACE TEMP TABLE events AS
SELECT DISTINCT ON (node, seq) * FROM lines WHERE seq IS NOT NULL;

CREATE OR REPLACE TEMP TABLE calls AS
WITH inbound AS (
  SELECT node, call FROM events WHERE type = 'call.arrived' AND direction = 'inbound'
), answers AS (
  SELECT node, call, min(seq) AS answer_seq, any_value(wait_ms) AS wait_ms, any_value(human) AS human,
         any_value(service_level_s) AS service_level_s
  FROM events WHERE type = 'call.answered' GROUP BY ALL
), ends AS (
  SELECT node, call, any_value(wait_ms) AS wait_ms, any_value(abandoned) AS abandoned, any_value(cause) AS cause
  FROM events WHERE type = 'call.ended' GROUP BY ALL
), queues AS (
  -- The last queue of the first wait.
  SELECT q.node, q.call, arg_max(q.outcome, q.seq) FILTER (q.type = 'call.dequeued') AS outcome,
         arg_max(q.service_level_s, q.seq) FILTER (q.type = 'call.queued' AND q.service_level_s IS NOT NULL) AS level
  FROM events q LEFT JOIN answers a USING (node, call)
  WHERE q.type IN ('call.queued', 'call.dequeued') AND (a.answer_seq IS NULL OR q.seq < a.answer_seq)
  GROUP BY ALL
)
SELECT node, call, a.call IS NOT NULL AS answered, a.human,
       coalesce(a.wait_ms, e.wait_ms) AS wait_ms,
       coalesce(a.service_level_s, q.level, 20) AS threshold_s,
       CASE WHEN a.call IS NOT NULL THEN 'answered'
            WHEN e.call IS NULL THEN 'open'
            WHEN e.abandoned THEN 'abandoned'
            WHEN e.cause = 'lost' THEN 'lost'
            WHEN e.cause = 'callback' OR q.outcome = 'callback' THEN 'callback'
            WHEN q.outcome = 'overflow' THEN 'overflowed'
            ELSE 'controller_ended' END AS outcome
FROM inbound LEFT JOIN answers a USING (node, call) LEFT JOIN ends e USING (node, call)
     LEFT JOIN queues q USING (node, call);

CREATE OR REPLACE TEMP VIEW of_calls AS
SELECT events.* FROM events SEMI JOIN calls USING (node, call);

-- What came of call-backs, those apart that were asked for in a call which is not counted.
CREATE OR REPLACE TEMP VIEW of_callbacks AS
SELECT events.* FROM events
ANTI JOIN (SELECT node, call AS request FROM events WHERE type = 'call.arrived' AND direction <> 'inbound')
USING (node, request) WHERE type IN ('callback.started', 'callback.completed', 'callback.failed');

CREATE OR REPLACE TEMP TABLE parts AS
SELECT (SELECT count(*) FROM calls) AS received,
       (SELECT count(*) FROM calls WHERE outcome = 'answered') AS answered,
       (SELECT count(*) FROM calls WHERE outcome = 'abandoned') AS abandoned,
       (SELECT count(*) FROM calls WHERE outcome = 'abandoned' AND wait_ms <= 5000) AS short_abandoned,
       (SELECT count(*) FROM calls WHERE answered AND wait_ms <= threshold_s * 1000) AS answered_within,
       (SELECT coalesce(sum(wait_ms), 0) FROM calls) AS wait_sum,
       (SELECT count(wait_ms) FROM calls) AS waits,
       (SELECT coalesce(sum(hold_ms), 0) FROM of_calls WHERE type = 'hold.ended' AND reason <> 'caller_phone') AS hold_sum,
       (SELECT count(*) FROM of_calls WHERE type = 'hold.ended' AND reason <> 'caller_phone') AS holds,
       (SELECT count(*) FROM of_calls WHERE type = 'hold.ended' AND reason <> 'caller_phone'
          AND outcome IN ('resumed', 'transferred', 'merged')) AS holds_connected;

-- The runs of each node's controller, with where its clocks stood as one began: within a run the monotonic clock tells how
-- time goes on. What was open when one ended went on, as far as is known, to the last that was said.
CREATE OR REPLACE TEMP TABLE runs AS
WITH starts AS (
  SELECT node, min(seq) AS first, arg_min(epoch_us(time) // 1000, seq) AS began, arg_min(mono_ms, seq) AS mono_ms, max(seq) AS last,
         arg_max(mono_ms, seq) AS last_ms
  FROM events GROUP BY node
), begun AS (
  SELECT node, first, began, began - mono_ms AS origin, lead(first) OVER (PARTITION BY node ORDER BY first) AS next FROM (
    SELECT node, first, began, mono_ms FROM starts
    UNION SELECT node, seq, epoch_us(time) // 1000, mono_ms FROM events WHERE type = 'service.started')
), ended AS (
  SELECT b.node, b.first, arg_max(e.mono_ms, e.seq) AS last_ms
  FROM events e JOIN (FROM begun WHERE next IS NOT NULL) b ON b.node = e.node AND e.seq >= b.first AND e.seq < b.next
  GROUP BY ALL
)
SELECT b.node, b.first, b.next, b.began, b.origin, coalesce(e.last_ms, s.last_ms) AS last_ms
FROM begun b JOIN starts s USING (node) LEFT JOIN ended e ON e.node = b.node AND e.first = b.first;

CREATE OR REPLACE TEMP TABLE changes AS
SELECT e.node, r.first, r.next, r.origin, r.last_ms, e.agent, e.seq, e.old, e.new, e.mono_ms, e.in_state_ms
FROM events e JOIN runs r ON r.node = e.node AND e.seq >= r.first AND (r.next IS NULL OR e.seq < r.next)
WHERE e.type = 'agent.state';

CREATE OR REPLACE TEMP TABLE shared AS
SELECT agent FROM changes GROUP BY agent HAVING count(DISTINCT node) > 1;

-- The states of agents on one node: what changes of state closed, and what was open when a run ended. Where the log tells of
-- an agent for the first time, a state said again has gone on for a while.
CREATE OR REPLACE TEMP VIEW stays AS
SELECT old AS state, in_state_ms AS ms FROM changes WHERE old <> new AND agent NOT IN (FROM shared)
UNION ALL
SELECT coalesce(arg_max(new, seq) FILTER (old <> new), arg_min(old, seq)),
       greatest(0, last_ms - coalesce(arg_max(mono_ms, seq) FILTER (old <> new), arg_min(mono_ms - in_state_ms, seq)))
FROM changes WHERE agent NOT IN (FROM shared) GROUP BY node, agent, first, last_ms;

-- The same on several nodes, with when they were. What a node says of the time before it was heard of counts from the last
-- change on another; what was open goes on while others tell of the agent, until the node begins anew or the logs end.
CREATE OR REPLACE TEMP TABLE shared_stays AS
WITH heard AS (
  SELECT *, origin + mono_ms AS until, max(origin + mono_ms) FILTER (old <> new) OVER (
           PARTITION BY agent ORDER BY origin + mono_ms, node, seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM changes WHERE agent IN (FROM shared)
), moments AS (
  SELECT *, greatest(until - in_state_ms, first_value(before) OVER (PARTITION BY node, agent, first ORDER BY seq)) AS since
  FROM heard
), open AS (
  SELECT node, agent, first, next, origin + last_ms AS said,
         coalesce(arg_max(new, seq) FILTER (old <> new), arg_min(old, seq)) AS state,
         coalesce(arg_max(until, seq) FILTER (old <> new), arg_min(since, seq)) AS since
  FROM moments GROUP BY node, agent, first, next, origin, last_ms
)
SELECT agent, old AS state, since, until FROM moments WHERE old <> new
UNION ALL
SELECT agent, state, since, (SELECT max(origin + last_ms) FROM runs WHERE next IS NULL) FROM open WHERE next IS NULL
UNION ALL
SELECT o.agent, o.state, o.since, greatest(o.said, max(m.until))
FROM open o JOIN runs r ON r.node = o.node AND r.first = o.next
     LEFT JOIN moments m ON m.agent = o.agent AND m.old <> m.new AND m.until > o.said AND m.until < r.began
GROUP BY o.node, o.first, o.agent, o.state, o.since, o.said;

-- An agent known to several nodes has at each instant the busiest of its states there: how many nodes have it in each
-- state, from one change to the next.
CREATE OR REPLACE TEMP TABLE agent_time AS
WITH edges AS (
  SELECT agent, since AS moment, state, 1 AS more FROM shared_stays WHERE state <> 'offline' AND since < until
  UNION ALL SELECT agent, until, state, -1 FROM shared_stays WHERE state <> 'offline' AND since < until
), sums AS (
  SELECT agent, moment, sum(more) AS states, sum(more) FILTER (state = 'talking') AS talking,
         sum(more) FILTER (state = 'consulting') AS consulting, sum(more) FILTER (state = 'ringing') AS ringing,
         sum(more) FILTER (state = 'wrap_up') AS wrap_up, sum(more) FILTER (state = 'available') AS available,
         sum(more) FILTER (state = 'paused') AS paused
  FROM edges GROUP BY agent, moment
), counts AS (
  SELECT (lead(moment) OVER w) - moment AS ms, sum(states) OVER w AS states, sum(talking) OVER w AS talking,
         sum(consulting) OVER w AS consulting, sum(ringing) OVER w AS ringing, sum(wrap_up) OVER w AS wrap_up,
         sum(available) OVER w AS available, sum(paused) OVER w AS paused
  FROM sums WINDOW w AS (PARTITION BY agent ORDER BY moment)
), times AS (
  SELECT CASE WHEN talking > 0 THEN 'talking' WHEN consulting > 0 THEN 'consulting' WHEN ringing > 0 THEN 'ringing'
              WHEN wrap_up > 0 THEN 'wrap_up' WHEN available > 0 THEN 'available' WHEN paused > 0 THEN 'paused'
              ELSE 'other' END AS state, ms
  FROM counts WHERE states > 0
  UNION ALL
  SELECT state, ms FROM stays WHERE state <> 'offline'
)
SELECT state, sum(ms) AS ms FROM times GROUP BY state;

SELECT key, value FROM (
  SELECT 'received' AS key, received::DOUBLE AS value FROM parts
  UNION ALL SELECT o.outcome, (SELECT count(*) FROM calls c WHERE c.outcome = o.outcome)
    FROM (VALUES ('answered'), ('abandoned'), ('overflowed'), ('callback'), ('controller_ended'), ('lost'), ('open'))
      AS o(outcome)
  UNION ALL SELECT 'given_up', count(*) FROM of_calls WHERE type = 'call.ended' AND ended_by = 'controller'
    AND cause IN ('busy', 'declined', 'no_answer', 'unreachable', 'no_codec', 'not_allowed', 'rejected')
  UNION ALL SELECT 'service_level.breached', count(*) FROM of_calls WHERE type = 'sla.breached'
  UNION ALL SELECT 'callbacks.requested', count(*) FROM of_calls WHERE type = 'callback.requested'
  UNION ALL SELECT 'callbacks.attempts', count(*) FROM of_callbacks WHERE type = 'callback.started'
  UNION ALL SELECT 'callbacks.completed', count(*) FROM of_callbacks WHERE type = 'callback.completed'
  UNION ALL SELECT 'callbacks.failed', count(*) FROM of_callbacks WHERE type = 'callback.failed' AND "final"
  UNION ALL SELECT 'callbacks.mean_ms', avg(since_ms) FROM of_callbacks WHERE type = 'callback.completed'
  UNION ALL SELECT 'hold_time.total_ms', wait_sum + hold_sum FROM parts
  UNION ALL SELECT 'hold_time.episodes', waits + holds FROM parts
  UNION ALL SELECT 'hold_time.connections', answered + holds_connected FROM parts
  UNION ALL SELECT 'hold_time.per_connection_ms', (wait_sum + hold_sum) / nullif(answered + holds_connected, 0) FROM parts
  UNION ALL SELECT 'hold_time.per_attempt_ms', (wait_sum + hold_sum) / nullif(waits + holds, 0) FROM parts
  UNION ALL SELECT 'wait.count', waits FROM parts
  UNION ALL SELECT 'wait.total_ms', wait_sum FROM parts
  UNION ALL SELECT 'wait.max_ms', (SELECT max(wait_ms) FROM calls)
  UNION ALL SELECT 'hold.count', holds FROM parts
  UNION ALL SELECT 'hold.total_ms', hold_sum FROM parts
  UNION ALL SELECT 'first_response_time.mean_ms', (SELECT avg(wait_ms) FROM calls WHERE answered AND human)
  UNION ALL SELECT 'service_level.percent',
    100.0 * answered_within / nullif(answered + abandoned - short_abandoned, 0) FROM parts
  UNION ALL SELECT 'abandonment.percent', 100.0 * abandoned / nullif(received, 0) FROM parts
  UNION ALL SELECT 'talk_time.total_ms', coalesce(sum(talk_ms), 0) FROM of_calls WHERE type = 'party.left' AND agent IS NOT NULL
  UNION ALL SELECT 'talk_time.stays', count(*) FROM of_calls WHERE type = 'party.left' AND agent IS NOT NULL
  UNION ALL SELECT 'transfers.started', count(*) FROM of_calls WHERE type = 'transfer.started'
  UNION ALL SELECT 'transfers.completed.attended', count(*) FROM of_calls WHERE type = 'transfer.completed' AND kind = 'attended'
  UNION ALL SELECT 'transfers.completed.blind', count(*) FROM of_calls WHERE type = 'transfer.completed' AND kind = 'blind'
  UNION ALL SELECT 'transfers.cancelled', count(*) FROM of_calls WHERE type = 'transfer.cancelled'
  UNION ALL SELECT 'agent_time.logged_in_ms', coalesce(sum(ms), 0) FROM agent_time
  UNION ALL SELECT 'agent_time.' || s.state || '_ms', coalesce((SELECT ms FROM agent_time t WHERE t.state = s.state), 0)
    FROM (VALUES ('talking'), ('consulting'), ('wrap_up'), ('ringing'), ('available'), ('paused')) AS s(state)
  UNION ALL SELECT 'call_resolution.resolved', count(*) FROM
    (SELECT arg_max(resolved, seq) AS resolved FROM of_calls WHERE type = 'call.disposition' GROUP BY node, call)
    WHERE resolved
) ORDER BY key;
