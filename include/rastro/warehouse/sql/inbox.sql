-- name: receive
-- Keeps what came. The very same body again is counted and not read again.
INSERT INTO rastro.inbox AS i (carrier, contract, way, digest, body, received_at, last_at)
VALUES (%(carrier)s, %(contract)s, %(way)s, %(digest)s, %(body)s, %(now)s, %(now)s)
ON CONFLICT ON CONSTRAINT inbox_keeps_a_body_once DO UPDATE SET times = i.times + 1, last_at = excluded.last_at
RETURNING times = 1 AS is_new

-- name: let_go
DELETE FROM rastro.inbox WHERE carrier = %(carrier)s AND contract = %(contract)s AND digest = %(digest)s AND read_at IS NULL

-- name: count_unread
SELECT carrier, count(*) AS letters FROM rastro.inbox WHERE read_at IS NULL AND way = 'push' GROUP BY carrier

-- name: last_fetched
SELECT max(last_at) AS at FROM rastro.inbox WHERE carrier = %(carrier)s AND contract = %(contract)s AND way = 'feed'

-- name: answered_by_feed
-- A lot that was handed out speaks for every reference of its contract: what is not in it has nothing new. As where one
-- asks, a parcel at its end has one look more, and one that is silent for too long none.
UPDATE rastro.poll_state
SET answered_at = %(now)s, first_answered_at = coalesce(first_answered_at, %(now)s), failures = 0, lease_until = NULL,
    next_poll_at = CASE
        WHEN status IN ('delivered', 'returned', 'lost', 'cancelled', 'expired') THEN CASE WHEN next_poll_at > %(now)s THEN next_poll_at END
        WHEN quiet_since >= %(silent_since)s THEN %(next_poll_at)s::timestamptz
    END
WHERE carrier = %(carrier)s AND contract = %(contract)s AND next_poll_at IS NOT NULL

-- name: take_unread
-- The oldest that nobody has read, a bounded number of them; those that somebody else is at are left to them.
SELECT inbox_id, carrier, contract, way, body, received_at FROM rastro.inbox
WHERE read_at IS NULL AND carrier = ANY(%(carriers)s)
ORDER BY inbox_id LIMIT %(size)s
FOR UPDATE SKIP LOCKED

-- name: close_read
UPDATE rastro.inbox SET read_at = %(now)s WHERE inbox_id = ANY(%(inbox_ids)s)

-- name: note_unreadable
UPDATE rastro.inbox i SET unreadable = i.unreadable + new.parts
FROM unnest(%(inbox_ids)s::bigint[], %(parts)s::integer[]) AS new (inbox_id, parts) WHERE i.inbox_id = new.inbox_id

-- name: forget_bodies
UPDATE rastro.inbox SET body = NULL WHERE inbox_id = ANY(%(inbox_ids)s)

-- name: read_letters_again
-- Whole letters, and without what of them still waits: all of it is told anew, which changes nothing where it was told. Of
-- one whose body was erased, the parts that made no sense.
WITH opened AS (
    UPDATE rastro.inbox i SET read_at = CASE WHEN body IS NULL THEN read_at END, unreadable = 0
    WHERE carrier = ANY(%(carriers)s) AND unreadable > 0
      AND (body IS NOT NULL OR EXISTS (SELECT FROM rastro.inbox_part p WHERE p.inbox_id = i.inbox_id AND p.unreadable))
    RETURNING inbox_id, body IS NULL AS in_parts
), waiting AS (
    DELETE FROM rastro.inbox_part p USING opened WHERE p.inbox_id = opened.inbox_id AND NOT opened.in_parts
), parts AS (
    UPDATE rastro.inbox_part p SET unreadable = false FROM opened WHERE p.inbox_id = opened.inbox_id AND opened.in_parts
)
SELECT count(*) AS letters FROM opened

-- name: followed_references
-- What these are asked about under: the reference itself, or another one of the parcel that has this number.
-- Those of the contract alone: what another one is told of the same number is of another parcel.
WITH wanted AS (
    SELECT * FROM unnest(%(carriers)s::text[], %(contracts)s::text[], %(references)s::text[]) AS w (carrier, contract, reference)
)
SELECT p.poll_id, wanted.* FROM wanted JOIN rastro.poll_state p USING (carrier, contract, reference)
UNION
SELECT p.poll_id, wanted.*
FROM wanted
JOIN rastro.shipment s ON s.tracking_number = wanted.reference AND s.carrier = wanted.carrier AND s.skip = ''
JOIN rastro.poll_state p ON p.poll_id = s.poll_id AND p.contract = wanted.contract

-- name: copy_unasked
COPY rastro.staged_snapshot (poll_id, answered_at, digest, snapshot, raw, run_id, unasked) FROM STDIN

-- name: settle_unasked
-- The carrier has spoken of these; no question was answered, so no hour is covered by it.
UPDATE rastro.poll_state p
SET first_answered_at = coalesce(p.first_answered_at, told.at), refusal = '', refusal_text = '', not_ours = 0,
    next_poll_at = CASE WHEN p.refusal <> '' AND p.next_poll_at IS NULL THEN told.at ELSE p.next_poll_at END
FROM unnest(%(poll_ids)s::bigint[], %(told_at)s::timestamptz[]) AS told (poll_id, at)
WHERE p.poll_id = told.poll_id

-- name: copy_waiting_parts
COPY rastro.inbox_part (inbox_id, carrier, refs, raw, received_at, unreadable) FROM STDIN

-- name: take_waiting_parts
-- Parts about parcels that have come to be followed since, each with all of its references. Every part that waits is looked
-- up anew, by indexes of what is followed; how many wait is bounded, since they are erased in time.
SELECT w.part_id, w.inbox_id, w.carrier, i.contract, w.refs, w.raw, w.received_at
FROM rastro.inbox_part w JOIN rastro.inbox i USING (inbox_id)
WHERE w.part_id > %(after)s AND w.carrier = ANY(%(carriers)s) AND NOT w.unreadable
  AND (EXISTS (SELECT FROM rastro.poll_state p
               WHERE p.carrier = w.carrier AND p.contract = i.contract AND p.reference = ANY(w.refs))
       OR EXISTS (SELECT FROM rastro.shipment s JOIN rastro.poll_state p USING (poll_id)
                  WHERE s.tracking_number = ANY(w.refs) AND s.carrier = w.carrier AND s.skip = '' AND p.contract = i.contract))
ORDER BY w.part_id LIMIT %(size)s
FOR UPDATE OF w SKIP LOCKED

-- name: drop_waiting_parts
DELETE FROM rastro.inbox_part WHERE part_id = ANY(%(part_ids)s)
