-- name: open_targets
-- Whom something is owed to now, by channel.
SELECT channel, target, count(*) AS notices
FROM rastro.open_notice
WHERE ((state <> 'claimed' AND not_before <= %(now)s) OR (state = 'claimed' AND lease_until < %(now)s))
  AND (%(chosen_account)s::text IS NULL OR account = %(chosen_account)s)
  AND (%(chosen_carrier)s::text IS NULL OR carrier = %(chosen_carrier)s)
  AND (%(chosen_numbers)s::text[] IS NULL OR tracking_number = ANY(%(chosen_numbers)s) OR order_id = ANY(%(chosen_numbers)s))
GROUP BY channel, target ORDER BY channel, target

-- name: owe_reminders
-- One more mail, once, to whoever was told that a parcel waits: it does so still, and its carrier states the last day.
-- In a restored warehouse, one that was due before may have gone out already.
INSERT INTO rastro.notice (shipment_id, channel, kind, content, to_receiver, target, state, reason, event_at, expires_at, owed_at,
    not_before, run_id, hand_overs)
SELECT told.shipment_id, told.channel, told.kind, %(reminder)s, told.to_receiver, told.target,
       CASE WHEN in_doubt THEN 'unknown' ELSE 'owed' END, CASE WHEN in_doubt THEN %(in_doubt)s ELSE '' END, told.event_at,
       ((t.pickup ->> 'deadline')::date + 1)::timestamp AT TIME ZONE 'America/Sao_Paulo', %(now)s,
       CASE WHEN in_doubt THEN %(much_later)s::timestamptz ELSE %(now)s::timestamptz END, %(run_id)s, in_doubt::integer
FROM rastro.shipment_state t JOIN rastro.notice told USING (shipment_id) CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM rastro.installation
        WHERE ((t.pickup ->> 'deadline')::date - %(days_before)s::integer + %(from_hour)s::time) AT TIME ZONE 'America/Sao_Paulo'
              <= told_until) AS in_doubt
) AS restored
WHERE t.status = 'ready_for_pickup' AND (t.pickup ->> 'deadline')::date BETWEEN %(first)s AND %(last)s
  AND told.channel = 'email' AND told.kind = t.status AND told.content = '' AND told.state = 'sent'
  AND told.settled_at <= %(told_before)s
ON CONFLICT ON CONSTRAINT notice_is_owed_once DO NOTHING

-- name: settle_overtaken
-- Mails that the parcel has overtaken or that are too old by now, and news from before an account's go-live, which may
-- have been set since; what may have arrived waits for a person all the same.
WITH stale AS (
    SELECT n.notice_id,
           CASE WHEN n.channel = 'email' AND n.kind <> t.status THEN 'superseded' ELSE 'dropped' END AS state,
           CASE WHEN n.channel = 'email' AND n.kind <> t.status THEN %(moved_on)s
                WHEN n.event_at < go.live THEN %(before_go_live)s ELSE %(too_old)s END AS reason
    FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id) JOIN rastro.shipment_state t USING (shipment_id)
    LEFT JOIN unnest(%(accounts)s::text[], %(go_lives)s::timestamptz[]) AS go (account, live) ON go.account = s.account
    WHERE n.state = 'owed' AND n.hand_overs = 0 AND n.channel IN ('order', 'email', 'alert')
      AND ((n.channel = 'email' AND (n.kind <> t.status OR n.expires_at <= %(now)s OR n.event_at < go.live))
           OR (n.channel = 'order' AND n.event_at < go.live AND t.status <> 'delivered')
           OR (n.channel = 'alert' AND n.event_at < go.live))
    ORDER BY n.notice_id
    FOR UPDATE OF n SKIP LOCKED
)
UPDATE rastro.notice n SET state = stale.state, reason = stale.reason, settled_at = %(now)s
FROM stale WHERE n.notice_id = stale.notice_id

-- name: settle_rerouted
-- What is owed to a marketplace that is not the one of its order's route any more. A delivery is owed to that one instead;
-- what may have arrived at the other waits for a person, since two of them told would be one too many.
WITH elsewhere AS (
    SELECT n.notice_id, n.hand_overs > 0 AS may_have_arrived, s.route = 'direct' AND n.kind = 'delivered' AS goes_on,
           s.marketplace
    FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id)
    WHERE n.channel = 'marketplace' AND (s.route <> 'direct' OR s.marketplace <> n.target)
      AND (n.state IN ('owed', 'unknown') OR (n.state = 'claimed' AND n.lease_until < %(now)s))
    ORDER BY n.notice_id
    FOR UPDATE OF n SKIP LOCKED
)
UPDATE rastro.notice n
SET state = CASE WHEN may_have_arrived THEN 'dead' WHEN goes_on THEN 'owed' ELSE 'superseded' END,
    reason = CASE WHEN may_have_arrived THEN %(may_have_arrived)s ELSE %(rerouted)s END,
    target = CASE WHEN goes_on AND NOT may_have_arrived THEN elsewhere.marketplace ELSE n.target END,
    attempts = CASE WHEN goes_on AND NOT may_have_arrived THEN 0 ELSE n.attempts END,
    not_before = CASE WHEN goes_on AND NOT may_have_arrived THEN %(now)s::timestamptz ELSE n.not_before END,
    settled_at = CASE WHEN may_have_arrived OR NOT goes_on THEN %(now)s::timestamptz END,
    lease_until = NULL
FROM elsewhere WHERE n.notice_id = elsewhere.notice_id

-- name: open_orders
-- Orders that something is owed about, oldest news first.
SELECT account, order_id, min(event_at) AS since
FROM rastro.open_notice
WHERE channel = %(channel)s AND target = %(target)s
  AND ((state <> 'claimed' AND not_before <= %(now)s) OR (state = 'claimed' AND lease_until < %(now)s))
  AND (%(chosen_account)s::text IS NULL OR account = %(chosen_account)s)
  AND (%(chosen_carrier)s::text IS NULL OR carrier = %(chosen_carrier)s)
  AND (%(chosen_numbers)s::text[] IS NULL OR tracking_number = ANY(%(chosen_numbers)s) OR order_id = ANY(%(chosen_numbers)s))
GROUP BY account, order_id ORDER BY since

-- name: lock_order
SELECT pg_advisory_xact_lock(hashtextextended('rastro.tell ' || %(channel)s::text || ' ' || %(account)s::text || ' ' || %(order_id)s::text, 0))

-- name: claim_notices
-- Everything owed about one order on one channel, unless somebody else is at it. What was handed over and never
-- settled comes back with that hand-over: it may have been sent.
WITH mine AS (
    SELECT * FROM rastro.open_notice
    WHERE channel = %(channel)s AND target = %(target)s AND account = %(account)s AND order_id = %(order_id)s
)
UPDATE rastro.notice n
SET state = 'claimed', lease_until = %(lease_until)s, claimed_by = %(claimed_by)s, attempts = n.attempts + 1
FROM mine
WHERE n.notice_id = mine.notice_id
  -- Asked of the row itself, which may have been settled while we waited for its lock.
  AND n.state IN ('owed', 'claimed', 'unknown')
  AND ((n.state <> 'claimed' AND n.not_before <= %(now)s) OR (n.state = 'claimed' AND n.lease_until < %(now)s))
  -- Whoever is at it may be telling of a parcel that has been paused since, of which nothing is open any more.
  AND NOT EXISTS (
      SELECT FROM rastro.notice busy JOIN rastro.shipment s USING (shipment_id)
      WHERE s.account = %(account)s AND s.order_id = %(order_id)s AND busy.channel = %(channel)s AND busy.target = %(target)s
        AND busy.state = 'claimed' AND busy.lease_until >= %(now)s)
RETURNING n.notice_id, n.shipment_id, n.kind, n.content, n.event_at, n.expires_at, n.attempts, n.message_id,
          n.hand_overs, n.facts, n.to_receiver, n.released,
          (SELECT count(*) FROM rastro.notice_attempt a WHERE a.notice_id = n.notice_id AND a.outcome = %(in_vain)s)::integer AS in_vain,
          n.channel = 'marketplace' AND EXISTS (
              SELECT FROM rastro.shipment o JOIN rastro.notice told USING (shipment_id)
              WHERE o.account = mine.account AND o.order_id = mine.order_id AND o.invoice_number = mine.invoice_number
                AND o.shipment_id <> n.shipment_id AND told.state = 'sent'
                AND (told.channel, told.target, told.kind, told.content) = (n.channel, n.target, n.kind, n.content)) AS told_before

-- name: open_attempts
INSERT INTO rastro.notice_attempt (notice_id, started_at, run_id, claimed_by)
SELECT unnest(%(notice_ids)s::bigint[]), %(now)s, %(run_id)s, %(claimed_by)s

-- name: hand_over
-- Only by the one who holds the claim, and before the message leaves us.
UPDATE rastro.notice
SET rendered = %(rendered)s, message_id = %(message_id)s, recipient = %(recipient)s, recipient_hash = %(recipient_hash)s,
    hand_overs = hand_overs + 1, handed_over_by = claimed_by, lease_until = %(lease_until)s, erased_at = NULL
WHERE notice_id = ANY(%(notice_ids)s) AND state = 'claimed' AND claimed_by = %(claimed_by)s

-- name: rendering_of
SELECT rendered FROM rastro.notice WHERE notice_id = %(notice_id)s

-- name: settle_notices
-- Only by the one who holds the claim: a late settlement after the lease was lost changes nothing. A hand-over that
-- surely did not arrive is none.
UPDATE rastro.notice
SET state = %(state)s, reason = %(reason)s, receipt = %(receipt)s, not_before = %(not_before)s, lease_until = NULL,
    attempts = attempts - CASE WHEN %(counts)s THEN 0 ELSE 1 END,
    hand_overs = hand_overs - CASE WHEN handed_over_by = claimed_by AND NOT %(may_have_arrived)s THEN 1 ELSE 0 END,
    handed_over_by = '',
    settled_at = CASE WHEN %(state)s IN ('sent', 'superseded', 'dropped', 'dead') THEN %(now)s::timestamptz END
WHERE notice_id = ANY(%(notice_ids)s) AND state = 'claimed' AND claimed_by = %(claimed_by)s

-- name: close_attempts
UPDATE rastro.notice_attempt SET finished_at = %(now)s, outcome = %(outcome)s, answer = %(answer)s
WHERE notice_id = ANY(%(notice_ids)s) AND finished_at IS NULL AND claimed_by = %(claimed_by)s

-- name: package_of_order
SELECT s.shipment_id, s.order_id, s.invoice_number, s.tracking_number, s.courier, s.tracking_url, s.carrier,
       s.marketplace_order_id, s.marketplace_endpoint, s.locale, s.skip,
       t.status, t.status_at, t.delivered_at, t.estimated_at, t.pickup, coalesce(e.city, '') AS city, coalesce(e.state, '') AS state,
       coalesce(e.description, '') AS description,
       EXISTS (SELECT FROM rastro.shipment_change c WHERE c.shipment_id = s.shipment_id AND c.to_status = 'delivered') AS once_delivered
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)
LEFT JOIN rastro.tracking_event e ON e.shipment_id = t.shipment_id AND e.event_key = t.status_key AND e.occurred_at = t.status_at
WHERE s.account = %(account)s AND s.order_id = %(order_id)s
ORDER BY s.invoice_number, s.tracking_number

-- name: history_of_shipments
SELECT shipment_id, occurred_at, description, city, state, status, code
FROM rastro.tracking_event
WHERE shipment_id = ANY(%(shipment_ids)s) AND standing = 'effective'
ORDER BY occurred_at, shipment_id, position

-- name: mailed_before
-- What may have gone out to the same reader, beside these very notices; several of one mail count once.
WITH gone AS NOT MATERIALIZED (
    SELECT n.notice_id, n.shipment_id, n.message_id, n.recipient_hash, n.to_receiver
    FROM rastro.notice n
    WHERE n.channel = 'email' AND (n.state = 'sent' OR n.hand_overs > 0) AND NOT n.notice_id = ANY(%(notice_ids)s)
)
SELECT coalesce((SELECT max(mails) FROM (SELECT count(DISTINCT message_id) AS mails FROM gone
                                         WHERE shipment_id = ANY(%(shipment_ids)s) AND to_receiver = %(to_receiver)s
                                         GROUP BY shipment_id) AS each), 0) AS about_parcel,
       (SELECT count(DISTINCT message_id) FROM gone
        WHERE recipient_hash = %(recipient_hash)s AND recipient_hash <> ''
          AND EXISTS (SELECT FROM rastro.notice_attempt a WHERE a.notice_id = gone.notice_id AND a.started_at >= %(since)s)) AS today

-- name: is_suppressed
SELECT reason FROM rastro.suppressed_address WHERE address_hash = %(address_hash)s

-- name: suppress
INSERT INTO rastro.suppressed_address (address_hash, reason, suppressed_at) VALUES (%(address_hash)s, %(reason)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: count_notices_at_an_end
-- Which wait for a person.
SELECT channel, state, count(*) AS notices FROM rastro.notice WHERE state IN ('dead', 'unknown')
GROUP BY channel, state ORDER BY channel, state

-- name: count_alerts
SELECT kind, count(*) AS notices FROM rastro.notice WHERE channel = 'alert' AND state = 'owed' GROUP BY kind ORDER BY kind
