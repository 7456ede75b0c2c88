-- name: lock_by_hand
-- One person at a time; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('rastro.by_hand'))

-- name: acts_of_run
SELECT act_key FROM rastro.manual_action WHERE run_id = %(run_id)s

-- name: note_act
INSERT INTO rastro.manual_action (act_key, done_at, done_by, run_id, action, reason, shipment_id, notice_id, account, order_id,
    subject, before, after)
VALUES (%(act_key)s, %(now)s, %(done_by)s, %(run_id)s, %(action)s, %(reason)s, %(shipment_id)s, %(notice_id)s, %(account)s,
    %(order_id)s, %(subject)s, %(before)s, %(after)s)

-- name: shipments_named
-- The shipments that are meant by a tracking number, an order or our own number, those that are not followed included. A number that has
-- passed on to another parcel since means that one.
SELECT s.shipment_id, s.account, s.order_id, s.invoice_number, s.tracking_number, s.tracking_text, s.carrier, s.poll_id, s.skip,
       s.paused_at, t.status, t.status_at, p.next_poll_at,
       coalesce(c.tracking_number, s.tracking_number) AS number_at_source
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)
LEFT JOIN rastro.poll_state p USING (poll_id)
LEFT JOIN rastro.correction c ON c.account = s.account AND c.order_id = s.order_id AND c.invoice_number = s.invoice_number
    AND c.new_number = s.tracking_number AND c.new_number <> ''
WHERE s.shipment_id = ANY(%(shipment_ids)s::bigint[])
   OR s.order_id = ANY(%(numbers)s)
   OR (s.tracking_number = ANY(%(numbers)s) AND NOT EXISTS (
           SELECT FROM rastro.shipment o
           WHERE o.tracking_number = s.tracking_number AND o.skip = ''
             AND coalesce(o.invoiced_at, o.ordered_at, o.first_seen_at)
                 > coalesce(s.invoiced_at, s.ordered_at, s.first_seen_at) + interval '90 days'))
ORDER BY s.shipment_id

-- name: notices_named
-- Locked, since whoever is sending one may claim it meanwhile.
SELECT n.notice_id, n.shipment_id, n.channel, n.kind, n.content, n.target, n.state, n.reason, n.event_at, s.account, s.order_id,
       s.tracking_number, s.skip, t.status
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id) JOIN rastro.shipment_state t USING (shipment_id)
WHERE n.notice_id = ANY(%(notice_ids)s)
ORDER BY n.notice_id
FOR UPDATE OF n

-- name: notices_waiting_for_a_person
SELECT n.notice_id FROM rastro.notice n
WHERE n.shipment_id = ANY(%(shipment_ids)s) AND n.state IN ('dead', 'unknown')
ORDER BY n.notice_id

-- name: last_mails
-- The newest mail that went out to the buyer about each shipment.
SELECT DISTINCT ON (n.shipment_id) n.notice_id FROM rastro.notice n
WHERE n.shipment_id = ANY(%(shipment_ids)s) AND n.channel = 'email' AND n.state = 'sent' AND NOT n.to_receiver
ORDER BY n.shipment_id, n.settled_at DESC, n.notice_id DESC

-- name: ask_at_once
UPDATE rastro.poll_state SET next_poll_at = %(now)s, not_ours = 0 WHERE poll_id = %(poll_id)s

-- name: read_again
-- Whatever the carrier answers next is read, though it says what it said before.
-- It is at no end any more if one of its shipments is not: else it would be asked once, and never be given up.
UPDATE rastro.poll_state p
SET digest = NULL, meaning = NULL,
    status = coalesce((SELECT t.status FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)
                       WHERE s.poll_id = p.poll_id AND s.skip = ''
                         AND t.status NOT IN ('delivered', 'returned', 'lost', 'cancelled', 'expired') LIMIT 1), p.status)
WHERE p.poll_id = %(poll_id)s

-- name: pause_shipment
UPDATE rastro.shipment SET paused_at = %(now)s WHERE shipment_id = %(shipment_id)s

-- name: stop_paused_poll
UPDATE rastro.poll_state p SET next_poll_at = NULL
WHERE p.poll_id = %(poll_id)s
  AND NOT EXISTS (SELECT FROM rastro.shipment s WHERE s.poll_id = p.poll_id AND s.skip = '' AND s.paused_at IS NULL)

-- name: stop_paused_polls
-- What was planned for paused parcels since they were paused: by an answer on its way, or by news that came unasked.
UPDATE rastro.poll_state p SET next_poll_at = NULL
FROM rastro.shipment paused
WHERE paused.paused_at IS NOT NULL AND p.poll_id = paused.poll_id AND p.next_poll_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM rastro.shipment s WHERE s.poll_id = p.poll_id AND s.skip = '' AND s.paused_at IS NULL)

-- name: resume_shipment
UPDATE rastro.shipment SET paused_at = NULL WHERE shipment_id = %(shipment_id)s

-- name: release_notice
-- A person says that it was not told, and shall be. Order systems and marketplaces are read before they are written to all the same.
UPDATE rastro.notice SET state = 'owed', attempts = 0, hand_overs = 0, not_before = %(now)s, settled_at = NULL, reason = 'released by hand',
    released = true
WHERE notice_id = %(notice_id)s

-- name: drop_notice
UPDATE rastro.notice SET state = 'dropped', settled_at = %(now)s, reason = 'settled by hand' WHERE notice_id = %(notice_id)s

-- name: owe_mail_again
INSERT INTO rastro.notice (shipment_id, channel, kind, content, to_receiver, released, target, state, reason, event_at, facts, owed_at,
    not_before, run_id)
SELECT shipment_id, channel, kind, %(content)s, to_receiver, true, target, 'owed', 'sent again by hand', event_at, facts, %(now)s,
    %(now)s, %(run_id)s
FROM rastro.notice WHERE notice_id = %(notice_id)s
RETURNING notice_id

-- name: owe_number
WITH earlier AS (
    UPDATE rastro.notice SET state = 'superseded', settled_at = %(now)s, reason = %(reason)s
    WHERE shipment_id = %(shipment_id)s AND channel = 'order' AND kind = %(kind)s AND state = 'owed' AND hand_overs = 0
)
INSERT INTO rastro.notice (shipment_id, channel, kind, content, target, state, event_at, facts, owed_at, not_before, run_id)
VALUES (%(shipment_id)s, 'order', %(kind)s, %(content)s, %(account)s, 'owed', %(now)s,
    jsonb_build_object('number', %(number)s::text), %(now)s, %(now)s, %(run_id)s)

-- name: correct_shipment
INSERT INTO rastro.correction AS c (account, order_id, invoice_number, tracking_number, new_number, carrier, corrected_at)
VALUES (%(account)s, %(order_id)s, %(invoice_number)s, %(tracking_number)s, %(new_number)s, %(carrier)s, %(now)s)
ON CONFLICT (account, order_id, invoice_number, tracking_number) DO UPDATE
SET new_number = CASE WHEN excluded.new_number <> '' THEN excluded.new_number ELSE c.new_number END,
    carrier = CASE WHEN excluded.carrier <> '' THEN excluded.carrier ELSE c.carrier END, corrected_at = excluded.corrected_at

-- name: corrections_of
SELECT order_id, invoice_number, tracking_number, new_number, carrier FROM rastro.correction
WHERE account = %(account)s AND order_id = ANY(%(order_ids)s)
