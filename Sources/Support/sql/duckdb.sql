-- The figures of `warmline metrics --format json` out of the event log's segments, for DuckDB.
--
--   duckdb -c "SET VARIABLE log = 'events/*.jsonl'; .read duckdb.sql"
--
-- `log` is a path, a glob, or a list of them, of any number of nodes. One row for each figure: key, value. Sums and counts
-- are those of `warmline metrics` to the last millisecond; percentiles and first-call resolution are left to it.
-- Agents' time is that of each node, as in the total of `warmline metrics --by node`: without `--by` an agent known to
-- several nodes is there once.

CREATE OR REPLACE TEMP VIEW lines AS
SELECT * FROM read_json(getvariable('log'), format = 'newline_delimited', ignore_errors = true, columns = {
  seq: 'UBIGINT', time: 'TIMESTAMP', mono_ms: 'BIGINT', node: 'VARCHAR', type: 'VARCHAR', call: 'VARCHAR',
  direction: 'VARCHAR', agent: 'VARCHAR', "group": 'VARCHAR', outcome: 'VARCHAR', reason: 'VARCHAR',
  cause: 'VARCHAR', kind: 'VARCHAR', human: 'BOOLEAN', abandoned: 'BOOLEAN', resolved: 'BOOLEAN',
  wait_ms: 'BIGINT', hold_ms: 'BIGINT', talk_ms: 'BIGINT', service_level_s: 'BIGINT',
  ended_by: 'VARCHAR', "final": 'BOOLEAN', since_ms: 'BIGINT',
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

-- The time of an agent in each state: what changes of state closed, and what was open when the node's log ended.
CREATE OR REPLACE TEMP VIEW states AS
SELECT old AS state, in_state_ms AS ms FROM events WHERE type = 'agent.state' AND old <> new AND old <> 'offline'
UNION ALL
SELECT s.state, n.mono_ms - s.mono_ms
FROM (SELECT node, agent, arg_max(new, seq) AS state, arg_max(mono_ms, seq) AS mono_ms
      FROM events WHERE type = 'agent.state' AND old <> new GROUP BY ALL) s
JOIN (SELECT node, arg_max(mono_ms, seq) AS mono_ms FROM events GROUP BY ALL) n USING (node)
WHERE s.state <> 'offline';

SELECT key, value FROM (
  SELECT 'received' AS key, received::DOUBLE AS value FROM parts
  UNION ALL SELECT o.outcome, (SELECT count(*) FROM calls c WHERE c.outcome = o.outcome)
    FROM (VALUES ('answered'), ('abandoned'), ('overflowed'), ('callback'), ('controller_ended'), ('lost'), ('open'))
      AS o(outcome)
  UNION ALL SELECT 'given_up', count(*) FROM of_calls WHERE type = 'call.ended' AND ended_by = 'controller'
    AND cause IN ('busy', 'declined', 'no_answer', 'unreachable', 'no_codec', 'not_allowed', 'rejected')
  UNION ALL SELECT 'service_level.breached', count(*) FROM of_calls WHERE type = 'sla.breached'
  UNION ALL SELECT 'callbacks.requested', count(*) FROM of_calls WHERE type = 'callback.requested'
  UNION ALL SELECT 'callbacks.attempts', count(*) FROM events WHERE type = 'callback.started'
  UNION ALL SELECT 'callbacks.completed', count(*) FROM events WHERE type = 'callback.completed'
  UNION ALL SELECT 'callbacks.failed', count(*) FROM events WHERE type = 'callback.failed' AND "final"
  UNION ALL SELECT 'callbacks.mean_ms', avg(since_ms) FROM events WHERE type = 'callback.completed'
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
  UNION ALL SELECT 'agent_time.logged_in_ms', coalesce(sum(ms), 0) FROM states
  UNION ALL SELECT 'agent_time.talking_ms', coalesce(sum(ms), 0) FROM states WHERE state = 'talking'
  UNION ALL SELECT 'agent_time.consulting_ms', coalesce(sum(ms), 0) FROM states WHERE state = 'consulting'
  UNION ALL SELECT 'agent_time.wrap_up_ms', coalesce(sum(ms), 0) FROM states WHERE state = 'wrap_up'
  UNION ALL SELECT 'call_resolution.resolved', count(*) FROM
    (SELECT arg_max(resolved, seq) AS resolved FROM of_calls WHERE type = 'call.disposition' GROUP BY node, call)
    WHERE resolved
) ORDER BY key;
