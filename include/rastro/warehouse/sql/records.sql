-- name: add_quarantine
INSERT INTO rastro.quarantine AS q (origin, subject, reason, detail, raw, first_at, last_at, run_id)
VALUES (%(origin)s, %(subject)s, %(reason)s, %(detail)s, %(raw)s, %(now)s, %(now)s, %(run_id)s)
ON CONFLICT (origin, subject, reason) WHERE resolved_at IS NULL
DO UPDATE SET detail = excluded.detail, raw = coalesce(excluded.raw, q.raw), last_at = excluded.last_at, times = q.times + 1,
    run_id = excluded.run_id

-- name: count_quarantine
SELECT reason, count(*) AS waiting FROM rastro.quarantine WHERE resolved_at IS NULL GROUP BY reason ORDER BY reason

-- name: put_aside_of
-- Those of the subjects that an open entry is about, also by its first words.
SELECT DISTINCT read FROM unnest(%(subjects)s::text[]) AS read
JOIN rastro.quarantine q ON q.subject = read OR starts_with(q.subject, read || ' ')
WHERE q.origin = %(origin)s AND q.resolved_at IS NULL

-- name: resolve_quarantine
UPDATE rastro.quarantine q SET resolved_at = %(now)s
WHERE q.origin = %(origin)s AND q.resolved_at IS NULL
  AND EXISTS (SELECT FROM unnest(%(subjects)s::text[]) AS read WHERE q.subject = read OR starts_with(q.subject, read || ' '))

-- name: add_stage
INSERT INTO rastro.run_stage (run_id, stage, part, started_at, finished_at, figures, calls, trouble)
VALUES (%(run_id)s, %(stage)s, %(part)s, %(started_at)s, %(finished_at)s, %(figures)s, %(calls)s, %(trouble)s)
ON CONFLICT (run_id, stage, part) DO UPDATE SET started_at = excluded.started_at, finished_at = excluded.finished_at,
    figures = excluded.figures, calls = excluded.calls, trouble = excluded.trouble

-- name: stages_of_run
SELECT stage, part, figures, trouble, extract(epoch FROM finished_at - started_at)::float8 AS seconds
FROM rastro.run_stage WHERE run_id = %(run_id)s ORDER BY started_at, part

-- name: failing_targets
-- Whom this run gave up telling something, or tried to tell several things and none arrived for certain.
SELECT concat_ws(' ', stage, nullif(part, '')) AS title, (figures ->> 'dead')::int AS dead, (figures ->> 'doubtful')::int AS doubtful
FROM rastro.run_stage
WHERE run_id = %(run_id)s AND figures ? 'dead'
  AND ((figures ->> 'dead')::int > 0
       OR ((figures ->> 'doubtful')::int > 2 AND (figures ->> 'sent')::int + (figures ->> 'already')::int = 0))
ORDER BY title

-- name: count_left_by_run
SELECT split_part(part, ' ', 1) AS carrier, sum((figures ->> 'left')::int)::int AS parcels
FROM rastro.run_stage WHERE run_id = %(run_id)s AND stage = 'track' AND figures ? 'left'
GROUP BY carrier HAVING sum((figures ->> 'left')::int) > 0 ORDER BY carrier

-- name: count_put_off_by_run
-- By the plan, and by tasks that found the calls of the day used up.
SELECT carrier, sum(parcels)::int AS parcels
FROM (
    SELECT split_part(part, ' ', 1) AS carrier, (figures ->> 'put_off')::int AS parcels
    FROM rastro.run_stage WHERE run_id = %(run_id)s AND stage = 'track' AND figures ? 'put_off'
    UNION ALL
    SELECT planned.key, planned.value::int
    FROM rastro.run_stage r, jsonb_each_text(r.figures -> 'put_off') AS planned
    WHERE r.run_id = %(run_id)s AND r.stage = 'plan_polls'
) AS put_off
GROUP BY carrier HAVING sum(parcels) > 0 ORDER BY carrier

-- name: forget_slices
-- A run that is planned anew has other slices; those of before say nothing any more.
DELETE FROM rastro.run_stage WHERE run_id = %(run_id)s AND stage = 'track'

-- name: count_unclaimed
SELECT count(*) AS shipments FROM rastro.shipment WHERE carrier IS NULL AND skip = ''

-- name: count_unconfigured
-- Parcels of carriers that nobody has connected. From each carrier the index leads to the next, past all its parcels.
WITH RECURSIVE asked (carrier) AS (
    SELECT min(carrier) FROM rastro.poll_state WHERE next_poll_at IS NOT NULL
    UNION ALL
    SELECT (SELECT min(p.carrier) FROM rastro.poll_state p WHERE p.next_poll_at IS NOT NULL AND p.carrier > a.carrier)
    FROM asked a WHERE a.carrier IS NOT NULL
)
SELECT a.carrier, waiting.shipments FROM asked a
CROSS JOIN LATERAL (SELECT count(*) AS shipments FROM rastro.poll_state p WHERE p.carrier = a.carrier AND p.next_poll_at IS NOT NULL) AS waiting
WHERE a.carrier IS NOT NULL AND NOT a.carrier = ANY(%(carriers)s)
ORDER BY a.carrier

-- name: count_unknown_codes
SELECT count(*) AS events FROM rastro.tracking_event
WHERE status = 'unknown' AND standing = 'effective' AND recorded_at >= %(since)s

-- name: count_contradictions
-- What must never be: a delivered state that no event bears.
SELECT count(*) AS shipments FROM rastro.shipment_state t
WHERE t.status = 'delivered' AND t.changed_at >= %(since)s
  AND NOT EXISTS (SELECT FROM rastro.tracking_event e
                  WHERE e.shipment_id = t.shipment_id AND e.event_key = t.status_key AND e.status = 'delivered'
                    AND e.standing = 'effective')
