-- name: read_habits
SELECT carrier, step, lane, by_silence, by_hour, by_both FROM rastro.habit WHERE %(carrier)s::text IS NULL OR carrier = %(carrier)s

-- name: habits_learnt_at
SELECT learnt_at FROM rastro.habits_learnt

-- name: note_habits_learnt
INSERT INTO rastro.habits_learnt (learnt_at) VALUES (%(now)s) ON CONFLICT (one) DO UPDATE SET learnt_at = excluded.learnt_at

-- name: forget_habits
DELETE FROM rastro.habit

-- name: copy_habits
COPY rastro.habit (carrier, step, lane, by_silence, by_hour, by_both) FROM STDIN

-- name: carriers_with_parcels
SELECT DISTINCT carrier FROM rastro.poll_state ORDER BY carrier

-- name: stays_of_sample
-- The same parcels whenever it is asked, without any order that means something.
WITH sample AS (
    SELECT shipment_id, first_seen_at, state_to, service FROM rastro.shipment
    WHERE carrier = %(carrier)s AND skip = '' AND first_seen_at BETWEEN %(since)s AND %(now)s
    ORDER BY hashint8(shipment_id) LIMIT %(size)s
), told AS (
    SELECT shipment_id, state_to, service, '' AS step, 'unknown' AS status, first_seen_at AS at, -1 AS position FROM sample s
    WHERE NOT EXISTS (SELECT FROM rastro.tracking_event e WHERE e.shipment_id = s.shipment_id AND e.occurred_at < s.first_seen_at)
    UNION ALL
    SELECT e.shipment_id, state_to, service, e.code, e.status,
           CASE WHEN e.occurred_at = date_trunc('day', e.occurred_at, 'America/Sao_Paulo') THEN e.recorded_at ELSE e.occurred_at END,
           e.position
    FROM rastro.tracking_event e JOIN sample s USING (shipment_id)
    WHERE e.standing = 'effective'
)
SELECT state_to, service, step, status, at AS begun, lead(at) OVER (PARTITION BY shipment_id ORDER BY at, position) AS ended FROM told
