-- name: calendar_since
SELECT carrier, state, day, ordinal FROM rastro.working_day WHERE day >= %(since)s::date ORDER BY carrier, state, day

-- name: cases
-- Parcels that a claim may be possible for, or that may sleep: all that are on their way, and of those that ended lately the
-- lost, the returned, and the ones that came late where a carrier pays for that; and all that a claim is not settled of, which
-- a carrier may pay at any time. Codes are read where they may say more.
SELECT f.shipment_id, f.carrier, f.service, f.state_to, f.status, coalesce(e.code, '') AS code, p.step,
       (f.posted_at AT TIME ZONE 'America/Sao_Paulo')::date AS posted_on,
       (f.last_scan_at AT TIME ZONE 'America/Sao_Paulo')::date AS scanned_on,
       (coalesce(f.first_estimate_at, f.promised_at) AT TIME ZONE 'America/Sao_Paulo')::date AS expected_on,
       (f.first_attempt_at AT TIME ZONE 'America/Sao_Paulo')::date AS attempted_on,
       (f.ended_at AT TIME ZONE 'America/Sao_Paulo')::date AS ended_on
FROM rastro.delivery_fact f JOIN rastro.shipment s USING (shipment_id) JOIN rastro.shipment_state t USING (shipment_id)
LEFT JOIN rastro.poll_state p USING (poll_id)
LEFT JOIN rastro.tracking_event e ON f.status IN ('lost', 'on_hold') AND e.shipment_id = t.shipment_id
    AND e.occurred_at = t.status_at AND e.event_key = t.status_key
WHERE s.skip = '' AND f.posted_at IS NOT NULL
  AND (f.ended_as IN ('', 'expired')
       OR EXISTS (SELECT FROM rastro.claim c WHERE c.shipment_id = f.shipment_id AND c.state <> 'paid' AND c.carrier_paid_at IS NULL)
       OR (f.posted_at >= %(since)s
           AND (f.ended_as IN ('lost', 'returned')
                OR (f.ended_as = 'delivered' AND f.carrier = ANY(%(came_late)s)
                    AND f.first_attempt_at > coalesce(f.first_estimate_at, f.promised_at)))))

-- name: make_found
CREATE TEMP TABLE found_claim (shipment_id bigint, carrier text, reason text, since date, until date, carrier_paid boolean) ON COMMIT DROP

-- name: copy_found
COPY found_claim FROM STDIN

-- name: forget_stalled
DELETE FROM rastro.stalled

-- name: copy_stalled
COPY rastro.stalled (shipment_id, silent, usual, found_at) FROM STDIN

-- name: merge_claims
-- New ones, and those that nobody has touched as they are now. What a person filed, or opened, is left alone.
WITH merged AS (
    INSERT INTO rastro.claim AS c (shipment_id, carrier, reason, state, since, until, at_stake, found_at, changed_at)
    SELECT f.shipment_id, f.carrier, f.reason, 'open', f.since, f.until,
           CASE WHEN f.reason <> 'came_late' THEN s.declared_value END, %(now)s, %(now)s
    FROM found_claim f JOIN rastro.shipment s USING (shipment_id) WHERE NOT f.carrier_paid
    ON CONFLICT ON CONSTRAINT claim_is_one_for_a_parcel DO UPDATE
    SET carrier = excluded.carrier, reason = excluded.reason, state = 'open', since = excluded.since, until = excluded.until,
        at_stake = excluded.at_stake, changed_by = '', changed_at = excluded.changed_at
    WHERE c.opened_by = '' AND c.state IN ('open', 'lapsed')
      AND (c.carrier, c.reason, c.state, c.since, c.until, c.at_stake)
          IS DISTINCT FROM (excluded.carrier, excluded.reason, 'open', excluded.since, excluded.until, excluded.at_stake)
    RETURNING xmax = 0 AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS found FROM merged

-- name: lapse_claims
UPDATE rastro.claim c SET state = 'lapsed', changed_by = '', changed_at = %(now)s
WHERE c.state = 'open' AND c.opened_by = '' AND NOT EXISTS (SELECT FROM found_claim f WHERE f.shipment_id = c.shipment_id)

-- name: settle_claims
-- What the carrier itself says that it has paid, once: a person may open it again for the rest.
INSERT INTO rastro.claim AS c (shipment_id, carrier, reason, state, since, until, at_stake, found_at, carrier_paid_at, changed_at)
SELECT f.shipment_id, f.carrier, f.reason, 'paid', f.since, f.until, s.declared_value, %(now)s, %(now)s, %(now)s
FROM found_claim f JOIN rastro.shipment s USING (shipment_id) WHERE f.carrier_paid
ON CONFLICT ON CONSTRAINT claim_is_one_for_a_parcel DO UPDATE
SET state = 'paid', carrier_paid_at = excluded.carrier_paid_at, changed_by = '', changed_at = excluded.changed_at
WHERE c.carrier_paid_at IS NULL AND c.state <> 'paid'

-- name: claim_held
-- Locked, since whoever acts goes by what it is.
SELECT state, reason, protocol, asked, paid, note, changed_by, changed_at FROM rastro.claim
WHERE shipment_id = %(shipment_id)s FOR UPDATE

-- name: claim_in_full
SELECT * FROM rastro.v_claim WHERE shipment_id = %(shipment_id)s

-- name: open_claim
INSERT INTO rastro.claim AS c (shipment_id, carrier, reason, state, since, until, at_stake, found_at, opened_by, note, changed_by, changed_at)
SELECT s.shipment_id, coalesce(s.carrier, ''), %(reason)s, 'open', %(today)s::date,
       coalesce((f.posted_at AT TIME ZONE 'America/Sao_Paulo')::date, %(today)s::date) + %(within)s::integer,
       CASE WHEN %(reason)s <> 'came_late' THEN s.declared_value END, %(now)s, %(by)s, %(note)s, %(by)s, %(now)s
FROM rastro.shipment s LEFT JOIN rastro.delivery_fact f USING (shipment_id) WHERE s.shipment_id = %(shipment_id)s
ON CONFLICT ON CONSTRAINT claim_is_one_for_a_parcel DO UPDATE
SET reason = excluded.reason, state = 'open', at_stake = excluded.at_stake, opened_by = excluded.opened_by, note = excluded.note,
    changed_by = excluded.changed_by, changed_at = excluded.changed_at

-- name: move_claim
UPDATE rastro.claim
SET state = %(state)s, protocol = coalesce(nullif(%(protocol)s, ''), protocol),
    asked = CASE WHEN %(state)s = 'filed' THEN coalesce(%(amount)s, at_stake) ELSE asked END,
    paid = CASE WHEN %(state)s = 'paid' THEN %(amount)s ELSE paid END,
    note = %(note)s, changed_by = %(by)s, changed_at = %(now)s
WHERE shipment_id = %(shipment_id)s

-- name: claims_listed
-- By the last day on which they can be made; of a carrier, a state or a reason, or of all.
SELECT * FROM rastro.v_claim
WHERE (%(carrier)s = '' OR carrier = %(carrier)s) AND (%(state)s = '' OR state = %(state)s) AND (%(reason)s = '' OR reason = %(reason)s)
  AND (until, shipment_id) > (%(after_day)s::date, %(after)s::bigint)
ORDER BY until, shipment_id
LIMIT %(most)s

-- name: claims_summed
-- Unknown is what nobody told of the money that counts in the state.
SELECT carrier, state, count(*) AS claims, sum(at_stake) AS at_stake,
       count(*) FILTER (WHERE CASE state WHEN 'paid' THEN paid WHEN 'filed' THEN asked ELSE at_stake END IS NULL) AS unknown,
       sum(asked) AS asked, sum(paid) AS paid, min(until) AS first_ends
FROM rastro.claim GROUP BY carrier, state ORDER BY carrier, state

-- name: estimates_of
SELECT told_at, estimated_at FROM rastro.estimate WHERE shipment_id = %(shipment_id)s ORDER BY told_at
