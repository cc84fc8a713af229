-- The figures of `warmline metrics --format json` out of the event log's segments, for Spark 3.4 and later.
--
--   spark-sql -d log='events/*/*.jsonl' -f spark.sql
--
-- `log` is a path or a glob of any file system that Spark reads, of any number of nodes. From PySpark:
--
--   spark.conf.set("log", "s3a://lake/warmline/*/*.jsonl")
--   for statement in open("spark.sql").read().split(";"): rows = spark.sql(statement)    -- without these comments
--
-- One row for each figure: key, value; the same as duckdb.sql's. Sums and counts are those of `warmline metrics` to the
-- last millisecond; percentiles and first-call resolution are left to it.

CREATE OR REPLACE TEMPORARY VIEW lines (
  seq BIGINT, time TIMESTAMP, mono_ms BIGINT, node STRING, type STRING, call STRING, direction STRING, agent STRING, outcome STRING,
  reason STRING, cause STRING, kind STRING, human BOOLEAN, abandoned BOOLEAN, resolved BOOLEAN, wait_ms BIGINT,
  hold_ms BIGINT, talk_ms BIGINT, service_level_s BIGINT, ended_by STRING, `final` BOOLEAN, since_ms BIGINT, request STRING,
  old STRING, new STRING, in_state_ms BIGINT
) USING json OPTIONS (path '${log}');

-- A line may have been written twice, after a failed write, or a segment been given twice; a torn one has no seq.
CACHE TABLE events AS
SELECT DISTINCT * FROM lines WHERE node IS NOT NULL AND seq IS NOT NULL AND type IS NOT NULL;

CACHE TABLE calls AS
WITH inbound AS (
  SELECT DISTINCT node, call FROM events WHERE type = 'call.arrived' AND direction = 'inbound'
), answers AS (
  SELECT node, call, min(seq) AS answer_seq, max(wait_ms) AS wait_ms, max(human) AS human,
         max(service_level_s) AS service_level_s
  FROM events WHERE type = 'call.answered' GROUP BY node, call
), ends AS (
  SELECT node, call, max(wait_ms) AS wait_ms, max(abandoned) AS abandoned, max(cause) AS cause
  FROM events WHERE type = 'call.ended' GROUP BY node, call
), queues AS (
  -- The last queue of the first wait.
  SELECT q.node, q.call, max_by(q.outcome, q.seq) FILTER (WHERE q.type = 'call.dequeued') AS outcome,
         max_by(q.service_level_s, q.seq) FILTER (WHERE q.type = 'call.queued' AND q.service_level_s IS NOT NULL) AS level
  FROM events q LEFT JOIN answers a ON a.node = q.node AND a.call = q.call
  WHERE q.type IN ('call.queued', 'call.dequeued') AND (a.answer_seq IS NULL OR q.seq < a.answer_seq)
  GROUP BY q.node, q.call
)
SELECT i.node, i.call, a.call IS NOT NULL AS answered, a.human,
       coalesce(a.wait_ms, e.wait_ms) AS wait_ms,
       coalesce(a.service_level_s, q.level, 20) AS threshold_s,
       CASE WHEN a.call IS NOT NULL THEN 'answered'
            WHEN e.call IS NULL THEN 'open'
            WHEN e.abandoned THEN 'abandoned'
            WHEN e.cause = 'lost' THEN 'lost'
            WHEN e.cause = 'callback' OR q.outcome = 'callback' THEN 'callback'
            WHEN q.outcome = 'overflow' THEN 'overflowed'
            ELSE 'controller_ended' END AS outcome
FROM inbound i
LEFT JOIN answers a ON a.node = i.node AND a.call = i.call
LEFT JOIN ends e ON e.node = i.node AND e.call = i.call
LEFT JOIN queues q ON q.node = i.node AND q.call = i.call;

CREATE OR REPLACE TEMPORARY VIEW of_calls AS
SELECT e.* FROM events e LEFT SEMI JOIN calls c ON c.node = e.node AND c.call = e.call;

-- What came of call-backs, those apart that were asked for in a call which is not counted.
CREATE OR REPLACE TEMPORARY VIEW of_callbacks AS
SELECT e.* FROM events e
LEFT ANTI JOIN (SELECT node, call FROM events WHERE type = 'call.arrived' AND direction <> 'inbound') o
  ON o.node = e.node AND o.call = e.request
WHERE e.type IN ('callback.started', 'callback.completed', 'callback.failed');

CACHE TABLE parts AS
SELECT * FROM (
  SELECT count(*) AS received, count_if(outcome = 'answered') AS answered, count_if(outcome = 'abandoned') AS abandoned,
         count_if(outcome = 'abandoned' AND wait_ms <= 5000) AS short_abandoned,
         count_if(answered AND wait_ms <= threshold_s * 1000) AS answered_within,
         coalesce(sum(wait_ms), 0) AS wait_sum, count(wait_ms) AS waits, max(wait_ms) AS wait_max,
         avg(wait_ms) FILTER (WHERE answered AND human) AS response_mean
  FROM calls
) CROSS JOIN (
  SELECT coalesce(sum(hold_ms), 0) AS hold_sum, count(*) AS holds,
         count_if(outcome IN ('resumed', 'transferred', 'merged')) AS holds_connected
  FROM of_calls WHERE type = 'hold.ended' AND reason <> 'caller_phone'
) CROSS JOIN (
  SELECT coalesce(sum(talk_ms), 0) AS talk_sum, count(*) AS stays
  FROM of_calls WHERE type = 'party.left' AND agent IS NOT NULL
) CROSS JOIN (
  SELECT count_if(type = 'transfer.started') AS transfers,
         count_if(type = 'transfer.completed' AND kind = 'attended') AS attended,
         count_if(type = 'transfer.completed' AND kind = 'blind') AS blind,
         count_if(type = 'transfer.cancelled') AS cancelled,
         count_if(type = 'sla.breached') AS breached, count_if(type = 'callback.requested') AS requested,
         count_if(type = 'call.ended' AND ended_by = 'controller' AND cause IN ('busy', 'declined', 'no_answer',
           'unreachable', 'no_codec', 'not_allowed', 'rejected')) AS given_up
  FROM of_calls
) CROSS JOIN (
  SELECT count_if(type = 'callback.started') AS tries, count_if(type = 'callback.completed') AS called_back,
         count_if(type = 'callback.failed' AND `final`) AS not_called_back,
         avg(since_ms) FILTER (WHERE type = 'callback.completed') AS since_mean
  FROM of_callbacks
) CROSS JOIN (
  SELECT count_if(resolved) AS resolved
  FROM (SELECT max_by(resolved, seq) AS resolved FROM of_calls WHERE type = 'call.disposition' GROUP BY node, call)
);

-- Each event with the run of its node's controller: where the clocks stood as it began, the last that was said in it, and when
-- the next one began. Within a run the monotonic clock tells how time goes on.
CREATE OR REPLACE TEMPORARY VIEW clocks AS
WITH numbered AS (
  SELECT node, seq, type, agent, old, new, mono_ms, in_state_ms, unix_millis(time) AS wall_ms,
         count_if(type = 'service.started') OVER (PARTITION BY node ORDER BY seq) AS run
  FROM events
)
SELECT node, run, seq, type, agent, old, new, mono_ms, in_state_ms,
       first_value(wall_ms - mono_ms) OVER (PARTITION BY node, run ORDER BY seq) AS origin,
       last_value(mono_ms) OVER (
         PARTITION BY node, run ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last_ms,
       min(CASE WHEN type = 'service.started' THEN wall_ms END) OVER (
         PARTITION BY node ORDER BY run RANGE BETWEEN 1 FOLLOWING AND 1 FOLLOWING) AS next_began
FROM numbered;

CACHE TABLE ends AS SELECT max(origin + last_ms) AS ended FROM clocks WHERE next_began IS NULL;

-- Changes of agents' states, and since when. Of an agent of several nodes, what a node says of the time before it was heard
-- of counts from the last change on another.
CACHE TABLE changes AS
WITH heard AS (
  SELECT *, origin + mono_ms AS until, origin + last_ms AS said,
         min(node) OVER (PARTITION BY agent) <> max(node) OVER (PARTITION BY agent) AS is_shared,
         max(CASE WHEN old <> new THEN origin + mono_ms END) OVER (
           PARTITION BY agent ORDER BY origin + mono_ms, node, seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM clocks WHERE type = 'agent.state'
)
SELECT *, CASE WHEN is_shared
    THEN greatest(until - in_state_ms, first_value(before) OVER (PARTITION BY node, agent, run ORDER BY seq))
    ELSE until - in_state_ms END AS since
FROM heard;

-- The states of agents on each node: what changes of state closed, and what was open when a run ended. Where the log tells
-- of an agent for the first time, a state said again has gone on for a while. What was open went on, as far as is known, to
-- the last that its node said; of an agent of several nodes, while others tell of the agent, until the node begins anew or the
-- logs end.
CACHE TABLE stays AS
WITH open AS (
  SELECT node, run, agent, is_shared, said, next_began,
         coalesce(max_by(new, seq) FILTER (WHERE old <> new), min_by(old, seq)) AS state,
         coalesce(max_by(until, seq) FILTER (WHERE old <> new), min_by(since, seq)) AS since
  FROM changes GROUP BY node, run, agent, is_shared, said, next_began
)
SELECT agent, is_shared, old AS state, since, until FROM changes WHERE old <> new
UNION ALL
SELECT o.agent, o.is_shared, o.state, o.since,
       greatest(CASE WHEN o.is_shared AND o.next_began IS NULL THEN max(e.ended) END, o.said, max(c.until), o.since)
FROM open o CROSS JOIN ends e
LEFT JOIN changes c ON o.is_shared AND c.agent = o.agent AND c.old <> c.new AND c.until > o.said AND c.until < o.next_began
GROUP BY o.node, o.run, o.agent, o.is_shared, o.state, o.since, o.said, o.next_began;

-- An agent known to several nodes has at each instant the busiest of its states there: how many nodes have it in each
-- state, from one change to the next.
CACHE TABLE agent_time AS
WITH edges AS (
  SELECT agent, is_shared, state, stack(2, since, 1, until, -1) AS (moment, more)
  FROM stays WHERE is_shared AND state <> 'offline' AND since < until
), sums AS (
  SELECT agent, moment, sum(more) AS states, sum(more) FILTER (WHERE state = 'talking') AS talking,
         sum(more) FILTER (WHERE state = 'consulting') AS consulting, sum(more) FILTER (WHERE state = 'ringing') AS ringing,
         sum(more) FILTER (WHERE state = 'wrap_up') AS wrap_up, sum(more) FILTER (WHERE state = 'available') AS available,
         sum(more) FILTER (WHERE state = 'paused') AS paused
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
  SELECT state, until - since FROM stays WHERE NOT is_shared AND state <> 'offline'
)
SELECT coalesce(sum(ms), 0) AS logged_in, coalesce(sum(ms) FILTER (WHERE state = 'talking'), 0) AS talking,
       coalesce(sum(ms) FILTER (WHERE state = 'consulting'), 0) AS consulting,
       coalesce(sum(ms) FILTER (WHERE state = 'wrap_up'), 0) AS wrap_up,
       coalesce(sum(ms) FILTER (WHERE state = 'ringing'), 0) AS ringing,
       coalesce(sum(ms) FILTER (WHERE state = 'available'), 0) AS available,
       coalesce(sum(ms) FILTER (WHERE state = 'paused'), 0) AS paused
FROM times;

SELECT key, CAST(value AS DOUBLE) AS value FROM (
  SELECT 'received' AS key, received AS value FROM parts
  UNION ALL SELECT o.outcome, count(c.call)
    FROM VALUES ('answered'), ('abandoned'), ('overflowed'), ('callback'), ('controller_ended'), ('lost'), ('open')
      AS o(outcome) LEFT JOIN calls c ON c.outcome = o.outcome GROUP BY o.outcome
  UNION ALL SELECT 'given_up', given_up FROM parts
  UNION ALL SELECT 'service_level.breached', breached FROM parts
  UNION ALL SELECT 'callbacks.requested', requested FROM parts
  UNION ALL SELECT 'callbacks.attempts', tries FROM parts
  UNION ALL SELECT 'callbacks.completed', called_back FROM parts
  UNION ALL SELECT 'callbacks.failed', not_called_back FROM parts
  UNION ALL SELECT 'callbacks.mean_ms', since_mean FROM parts
  UNION ALL SELECT 'hold_time.total_ms', wait_sum + hold_sum FROM parts
  UNION ALL SELECT 'hold_time.episodes', waits + holds FROM parts
  UNION ALL SELECT 'hold_time.connections', answered + holds_connected FROM parts
  UNION ALL SELECT 'hold_time.per_connection_ms', (wait_sum + hold_sum) / nullif(answered + holds_connected, 0) FROM parts
  UNION ALL SELECT 'hold_time.per_attempt_ms', (wait_sum + hold_sum) / nullif(waits + holds, 0) FROM parts
  UNION ALL SELECT 'wait.count', waits FROM parts
  UNION ALL SELECT 'wait.total_ms', wait_sum FROM parts
  UNION ALL SELECT 'wait.max_ms', wait_max FROM parts
  UNION ALL SELECT 'hold.count', holds FROM parts
  UNION ALL SELECT 'hold.total_ms', hold_sum FROM parts
  UNION ALL SELECT 'first_response_time.mean_ms', response_mean FROM parts
  UNION ALL SELECT 'service_level.percent',
    100 * answered_within / nullif(answered + abandoned - short_abandoned, 0) FROM parts
  UNION ALL SELECT 'abandonment.percent', 100 * abandoned / nullif(received, 0) FROM parts
  UNION ALL SELECT 'talk_time.total_ms', talk_sum FROM parts
  UNION ALL SELECT 'talk_time.stays', stays FROM parts
  UNION ALL SELECT 'transfers.started', transfers FROM parts
  UNION ALL SELECT 'transfers.completed.attended', attended FROM parts
  UNION ALL SELECT 'transfers.completed.blind', blind FROM parts
  UNION ALL SELECT 'transfers.cancelled', cancelled FROM parts
  UNION ALL SELECT stack(7, 'agent_time.logged_in_ms', logged_in, 'agent_time.talking_ms', talking,
    'agent_time.consulting_ms', consulting, 'agent_time.wrap_up_ms', wrap_up, 'agent_time.ringing_ms', ringing,
    'agent_time.available_ms', available, 'agent_time.paused_ms', paused) FROM agent_time
  UNION ALL SELECT 'call_resolution.resolved', resolved FROM parts
) ORDER BY key;
