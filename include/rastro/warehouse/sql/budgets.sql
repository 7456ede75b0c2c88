-- name: calls_of_day
SELECT calls FROM rastro.call_budget WHERE carrier = %(carrier)s AND day = %(day)s

-- name: begin_call_budget
INSERT INTO rastro.call_budget (carrier, day) VALUES (%(carrier)s, %(day)s) ON CONFLICT DO NOTHING

-- name: take_calls
-- Corrects the count by what was used otherwise than it was given, then gives what is wanted or is left; one at a time.
WITH day AS (
    SELECT calls FROM rastro.call_budget WHERE carrier = %(carrier)s AND day = %(day)s FOR UPDATE
), given AS (
    SELECT greatest(0, calls + %(correction)s) AS used,
           greatest(0, least(%(wanted)s, %(budget)s - greatest(0, calls + %(correction)s))) AS given FROM day
)
UPDATE rastro.call_budget d SET calls = given.used + given.given FROM given
WHERE d.carrier = %(carrier)s AND d.day = %(day)s
RETURNING given.given

-- name: kinds_due
-- The due references of one contract by what is known of them, in whole hours.
SELECT DISTINCT k.*
FROM rastro.poll_state p, LATERAL rastro.kind_of(p, %(now)s) AS k
WHERE carrier = %(carrier)s AND contract = %(contract)s
  AND rastro.is_due(next_poll_at, answered_at, lease_until, %(window_end)s, %(now)s)
  AND (%(chosen_account)s::text IS NULL OR poll_id IN (
      SELECT s.poll_id FROM rastro.shipment s WHERE s.account = %(chosen_account)s AND s.skip = '' AND s.paused_at IS NULL))

-- name: choose_due
-- So many of the due references of one contract are chosen for a window: those first that have waited longest, as many
-- as have that right, then by the rank of their kind. Each time that one was asked about in vain counts as an hour less,
-- so that it takes no call from the others for ever. What nobody has ranked has just become due.
WITH due AS (
    SELECT p.poll_id, p.next_poll_at, row_number() OVER (ORDER BY p.next_poll_at + p.failures * interval '1 hour', p.poll_id) AS place, k.*
    FROM rastro.poll_state p, LATERAL rastro.kind_of(p, %(now)s) AS k
    WHERE p.carrier = %(carrier)s AND p.contract = %(contract)s
      AND rastro.is_due(p.next_poll_at, p.answered_at, p.lease_until, %(window_end)s, %(now)s)
      AND (%(chosen_account)s::text IS NULL OR p.poll_id IN (
          SELECT s.poll_id FROM rastro.shipment s WHERE s.account = %(chosen_account)s AND s.skip = '' AND s.paused_at IS NULL))
), turn AS (
    SELECT poll_id
    FROM due LEFT JOIN unnest(%(steps)s::text[], %(statuses)s::text[], %(nears)s::boolean[], %(silents)s::int[],
                              %(waiteds)s::int[]) WITH ORDINALITY AS r (step, status, near, silent, waited, rank)
    USING (step, status, near, silent, waited)
    -- A limit tells the planner how few they are, and they are found by their key.
    ORDER BY place > %(patient)s, r.rank NULLS LAST, next_poll_at, poll_id LIMIT %(most)s
)
UPDATE rastro.poll_state p SET chosen_for = %(window_end)s FROM turn WHERE p.poll_id = turn.poll_id

-- name: note_plan
INSERT INTO rastro.carrier_plan (carrier, window_end, put_off) VALUES (%(carrier)s, %(window_end)s, %(put_off)s)
ON CONFLICT (carrier) DO UPDATE SET window_end = excluded.window_end, put_off = excluded.put_off

-- name: forget_other_plans
DELETE FROM rastro.carrier_plan WHERE NOT carrier = ANY(%(carriers)s)
