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
WITH old AS (
    SELECT part_id FROM rastro.inbox_part WHERE received_at < %(waited_since)s
    ORDER BY part_id LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
DELETE FROM rastro.inbox_part p USING old WHERE p.part_id = old.part_id

-- name: erase_rehearsals
WITH old AS (
    SELECT rehearsal_id FROM rastro.rehearsal WHERE rehearsed_at < %(kept_since)s
    ORDER BY rehearsed_at LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
)
DELETE FROM rastro.rehearsal r USING old WHERE r.rehearsal_id = old.rehearsal_id
