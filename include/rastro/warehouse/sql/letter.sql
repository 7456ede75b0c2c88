-- name: letter_carriers
-- Each carrier in a span of days; what is on its way, at its end.
SELECT carrier, sum(posted)::bigint AS posted, sum(delivered)::bigint AS delivered, sum(on_time)::bigint AS kept,
       sum(on_time_known)::bigint AS known, sum(lost)::bigint AS lost, sum(returned)::bigint AS returned,
       sum(failed_attempts)::bigint AS failed_attempts,
       coalesce(sum(pending) FILTER (WHERE day = %(last)s), 0)::bigint AS pending,
       coalesce(sum(silent) FILTER (WHERE day = %(last)s), 0)::bigint AS silent
FROM rastro.carrier_day
WHERE day BETWEEN %(first)s AND %(last)s AND carrier <> '' AND (%(carrier)s = '' OR carrier = %(carrier)s)
GROUP BY carrier ORDER BY carrier

-- name: letter_lanes
SELECT carrier, state_from, state_to, sum(on_time)::bigint AS kept, sum(on_time_known)::bigint AS known
FROM rastro.carrier_day
WHERE day BETWEEN %(first)s AND %(last)s AND carrier <> '' AND (%(carrier)s = '' OR carrier = %(carrier)s)
  AND state_from <> '' AND state_to <> ''
GROUP BY carrier, state_from, state_to HAVING sum(on_time_known) > 0 OR sum(delivered) > 0
ORDER BY carrier, state_from, state_to

-- name: letter_days
-- How long those took that were delivered in the span: how many of a lane so many working days. Counted, not sorted.
SELECT carrier, state_from, state_to, transit_working_days AS days, count(*) AS parcels
FROM rastro.delivery_fact
WHERE delivered_at >= (%(first)s::date)::timestamp AT TIME ZONE 'America/Sao_Paulo'
  AND delivered_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'America/Sao_Paulo'
  AND transit_working_days IS NOT NULL AND carrier <> '' AND (%(carrier)s = '' OR carrier = %(carrier)s)
GROUP BY carrier, state_from, state_to, transit_working_days

-- name: letter_series
SELECT carrier, day, sum(on_time)::bigint AS kept, sum(on_time_known)::bigint AS known FROM rastro.carrier_day
WHERE day BETWEEN %(first)s AND %(last)s AND carrier <> '' AND (%(carrier)s = '' OR carrier = %(carrier)s)
GROUP BY carrier, day HAVING sum(on_time_known) > 0 ORDER BY carrier, day

-- name: claim_letter
-- For this attempt; none while another is at it, or once it was sent. An attempt whose end is in doubt is made once more.
INSERT INTO rastro.letter AS l (first_day, last_day, message_id, claimed_at, attempts)
VALUES (%(first)s, %(last)s, %(message_id)s, %(now)s, 1)
ON CONFLICT ON CONSTRAINT letter_is_sent_once DO UPDATE SET claimed_at = %(now)s, attempts = l.attempts + 1
WHERE l.sent_at IS NULL AND l.attempts < %(most)s AND l.claimed_at <= %(given_up_since)s
RETURNING message_id

-- name: letter_so_far
SELECT sent_at, attempts, claimed_at FROM rastro.letter WHERE first_day = %(first)s AND last_day = %(last)s

-- name: release_letter
-- It was surely not taken: as if it had not been tried.
UPDATE rastro.letter SET attempts = attempts - 1, claimed_at = '-infinity' WHERE first_day = %(first)s AND last_day = %(last)s

-- name: settle_letter
UPDATE rastro.letter SET sent_at = %(now)s WHERE first_day = %(first)s AND last_day = %(last)s
