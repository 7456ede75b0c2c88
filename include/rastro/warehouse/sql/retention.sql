-- name: erase_messages
-- What was told long ago, and to whom. That it was told, when and with which answer stays.
WITH old AS (
    SELECT notice_id FROM rastro.notice
    WHERE settled_at < %(kept_since)s AND rendered IS NOT NULL AND erased_at IS NULL
      AND state IN ('sent', 'superseded', 'dropped', 'dead')
    ORDER BY settled_at LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
)
UPDATE rastro.notice n SET rendered = NULL, recipient = '', recipient_hash = '', erased_at = %(now)s
FROM old WHERE n.notice_id = old.notice_id

-- name: erase_contacts
-- Whom the mails about an order went to, once all of its parcels ended long ago and nothing of it may still be mailed.
WITH over AS (
    SELECT n.notice_id FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id)
    WHERE n.channel = 'email' AND n.recipient <> '' AND n.settled_at < %(contacts_since)s
      AND n.state IN ('sent', 'superseded', 'dropped')
      AND NOT EXISTS (SELECT FROM rastro.shipment o JOIN rastro.shipment_state t USING (shipment_id)
                      WHERE o.account = s.account AND o.order_id = s.order_id AND o.skip = ''
                        AND (t.status NOT IN ('delivered', 'returned', 'lost', 'cancelled', 'expired')
                             OR t.changed_at >= %(contacts_since)s))
      AND NOT EXISTS (SELECT FROM rastro.shipment o JOIN rastro.notice open USING (shipment_id)
                      WHERE o.account = s.account AND o.order_id = s.order_id AND open.channel = 'email'
                        AND open.state IN ('owed', 'claimed', 'unknown', 'dead'))
    ORDER BY n.settled_at LIMIT %(most)s
    FOR UPDATE OF n SKIP LOCKED
)
UPDATE rastro.notice n SET recipient = '', recipient_hash = '' FROM over WHERE n.notice_id = over.notice_id

-- name: erase_proofs
-- Who took a parcel, and the carrier's picture of it.
WITH old AS (
    SELECT shipment_id FROM rastro.shipment_state
    WHERE changed_at < %(kept_since)s AND (received_by <> '' OR proof_url <> '')
    ORDER BY shipment_id LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
)
UPDATE rastro.shipment_state t SET received_by = '', proof_url = '' FROM old WHERE t.shipment_id = old.shipment_id

-- name: erase_quarantined_bodies
-- The entry itself stays, open or not.
WITH old AS (
    SELECT quarantine_id FROM rastro.quarantine
    WHERE last_at < %(kept_since)s AND raw IS NOT NULL
    ORDER BY last_at LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
)
UPDATE rastro.quarantine q SET raw = NULL, erased_at = %(now)s FROM old WHERE q.quarantine_id = old.quarantine_id

-- name: erase_raw_answers
-- Only where nobody is asked any more: the last answer about a parcel on its way is not old, however long it says the same.
WITH old AS (
    SELECT r.poll_id FROM rastro.raw_answer r JOIN rastro.poll_state p USING (poll_id)
    WHERE r.answered_at < %(kept_since)s AND p.next_poll_at IS NULL
    ORDER BY r.answered_at LIMIT %(most)s
    FOR UPDATE OF r SKIP LOCKED
)
DELETE FROM rastro.raw_answer r USING old WHERE r.poll_id = old.poll_id

-- name: erase_letters
-- Bodies that carriers sent and that have been read, with what in them nobody came to follow.
WITH old AS (
    SELECT inbox_id FROM rastro.inbox WHERE last_at < %(kept_since)s AND body IS NOT NULL AND read_at IS NOT NULL
    ORDER BY last_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
), parts AS (
    DELETE FROM rastro.inbox_part p USING old WHERE p.inbox_id = old.inbox_id
)
UPDATE rastro.inbox i SET body = NULL FROM old WHERE i.inbox_id = old.inbox_id

-- name: erase_waiting_parts
-- News of parcels that are another shop's or another channel's: as long after it came no order of theirs is read any more.
-- What made no sense is kept as long as other bodies.
WITH old AS (
    SELECT part_id FROM rastro.inbox_part
    WHERE received_at < CASE WHEN unreadable THEN %(kept_since)s ELSE %(waited_since)s END::timestamptz
    ORDER BY part_id LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
DELETE FROM rastro.inbox_part p USING old WHERE p.part_id = old.part_id

-- name: erase_rehearsals
-- They were looked at long ago, and name people to whom nothing was sent.
WITH old AS (
    SELECT rehearsal_id FROM rastro.rehearsal WHERE rehearsed_at < %(contacts_since)s
    ORDER BY rehearsed_at LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
)
DELETE FROM rastro.rehearsal r USING old WHERE r.rehearsal_id = old.rehearsal_id
