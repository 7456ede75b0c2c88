-- name: lock_loading
-- One loader at a time; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('rastro.load'))

-- name: something_is_staged
-- By the index, since the table itself is large with what was there before, until it is vacuumed.
SELECT FROM rastro.staged_snapshot ORDER BY poll_id, staged_id LIMIT 1

-- name: settle_said_before
-- Answers that say in other bytes what the last one said: nothing is to be decided about them.
WITH said AS (
    DELETE FROM rastro.staged_snapshot s USING rastro.poll_state p
    WHERE p.poll_id = s.poll_id AND p.meaning = s.meaning AND p.loaded_at <= s.answered_at
      AND s.poll_id NOT IN (SELECT poll_id FROM rastro.staged_snapshot GROUP BY poll_id HAVING count(*) > 1)
    RETURNING s.poll_id, s.answered_at, s.digest, s.next_poll_at, s.raw
), kept AS (
    INSERT INTO rastro.raw_answer (poll_id, answered_at, raw) SELECT poll_id, answered_at, raw FROM said WHERE %(keep_raw)s
    ON CONFLICT (poll_id) DO UPDATE SET answered_at = excluded.answered_at, raw = excluded.raw
)
UPDATE rastro.poll_state p
SET loaded_at = said.answered_at, whole_at = said.answered_at, digest = said.digest, next_poll_at = said.next_poll_at
FROM said WHERE p.poll_id = said.poll_id AND p.meaning IS NOT NULL  -- unless it is to be read again since

-- name: take_staged
-- The oldest staged answer of each reference above %(after)s, a bounded number of them, in the order of the index. They are
-- chosen before they are joined: a join would walk through all references below.
SELECT s.staged_id, s.poll_id, s.answered_at, s.digest, s.snapshot, p.first_answered_at, p.loaded_at, p.whole_at,
    s.worked_out_again, s.unasked, s.meaning, p.digest IS NULL AS awaited, p.next_poll_at AS planned_at
FROM (
    SELECT DISTINCT ON (poll_id) * FROM rastro.staged_snapshot WHERE poll_id > %(after)s ORDER BY poll_id, staged_id LIMIT %(size)s
) s JOIN rastro.poll_state p USING (poll_id)
ORDER BY s.poll_id

-- name: shipments_of_polls
-- A number is not given to another parcel within a season: a much later shipment has it anew.
SELECT s.*, t.status, t.status_at, t.status_key, t.event_count, t.revision,
       (SELECT min(coalesce(o.invoiced_at, o.ordered_at, o.first_seen_at)) FROM rastro.shipment o
        WHERE o.poll_id = s.poll_id AND o.skip = ''
          AND coalesce(o.invoiced_at, o.ordered_at, o.first_seen_at)
              > coalesce(s.invoiced_at, s.ordered_at, s.first_seen_at) + interval '90 days') AS passed_on_at
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)
WHERE s.poll_id = ANY(%(poll_ids)s)
ORDER BY s.shipment_id

-- name: shipments_by_id
SELECT s.*, t.status, t.status_at, t.status_key, t.event_count, t.revision, NULL::timestamptz AS passed_on_at
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)
WHERE s.shipment_id = ANY(%(shipment_ids)s)
ORDER BY s.shipment_id

-- name: events_of_shipments
SELECT shipment_id, occurred_at, event_key, status, standing, code, description, city, state, country
FROM rastro.tracking_event
WHERE shipment_id = ANY(%(shipment_ids)s)
ORDER BY shipment_id, occurred_at, position

-- name: column_types
-- All, or those named, in the order in which they are named.
SELECT atttypid::integer AS type FROM pg_attribute
WHERE attrelid = %(relation)s::regclass AND attnum > 0 AND NOT attisdropped
  AND (%(columns)s::text[] IS NULL OR attname::text = ANY(%(columns)s))
ORDER BY array_position(%(columns)s, attname::text), attnum

-- name: make_incoming_event
-- What one part of the load brings; emptied before the next one fills it, since deleted rows would be read again and again.
CREATE TEMP TABLE IF NOT EXISTS incoming_event (
    shipment_id bigint, occurred_at timestamptz, event_key text, position smallint, status text, standing text, code text,
    description text, city text, state text, country text
) ON COMMIT DROP

-- name: empty_incoming
TRUNCATE incoming_event, incoming_state, incoming_notice

-- name: empty_incoming_look
TRUNCATE incoming_look

-- name: copy_incoming_event
COPY incoming_event FROM STDIN (FORMAT binary)

-- name: merge_events
-- New lines are added, known ones restated; an event is never told twice.
INSERT INTO rastro.tracking_event AS e (shipment_id, occurred_at, event_key, position, status, standing, code, description,
    city, state, country, recorded_at)
SELECT shipment_id, occurred_at, event_key, position, status, standing, code, description, city, state, country, %(now)s
FROM incoming_event
ON CONFLICT ON CONSTRAINT tracking_event_is_told_once DO UPDATE
SET standing = excluded.standing, status = excluded.status, position = excluded.position,
    restated_at = CASE WHEN (e.standing, e.status) IS DISTINCT FROM (excluded.standing, excluded.status) THEN %(now)s ELSE e.restated_at END
WHERE (e.standing, e.status, e.position) IS DISTINCT FROM (excluded.standing, excluded.status, excluded.position)

-- name: make_incoming_state
CREATE TEMP TABLE IF NOT EXISTS incoming_state (
    shipment_id bigint, status text, status_at timestamptz, status_key text, delivered_at timestamptz,
    estimated_at timestamptz, pickup jsonb, event_count integer, revision integer, newest boolean,
    whole boolean, received_by text, proof_url text, from_status text, new_events integer, restated integer,
    first_contact boolean, says_something boolean
) ON COMMIT DROP

-- name: copy_incoming_state
COPY incoming_state FROM STDIN (FORMAT binary)

-- name: add_estimates
-- What the carrier expects now, where it said otherwise the last time; before the states forget what that was.
INSERT INTO rastro.estimate (shipment_id, told_at, estimated_at)
SELECT i.shipment_id, %(now)s, i.estimated_at
FROM incoming_state i JOIN rastro.shipment_state t USING (shipment_id)
WHERE i.newest AND i.estimated_at IS DISTINCT FROM t.estimated_at AND i.estimated_at IS NOT NULL
  AND i.estimated_at IS DISTINCT FROM (SELECT e.estimated_at FROM rastro.estimate e
                                       WHERE e.shipment_id = i.shipment_id ORDER BY told_at DESC LIMIT 1)
ON CONFLICT ON CONSTRAINT estimate_is_told_once DO UPDATE SET estimated_at = excluded.estimated_at

-- name: merge_states
UPDATE rastro.shipment_state t
SET status = i.status, status_at = i.status_at, status_key = i.status_key, delivered_at = i.delivered_at,
    estimated_at = CASE WHEN NOT i.newest THEN t.estimated_at WHEN i.whole THEN i.estimated_at ELSE coalesce(i.estimated_at, t.estimated_at) END,
    pickup = CASE WHEN NOT i.newest THEN t.pickup WHEN i.whole THEN i.pickup ELSE coalesce(i.pickup, t.pickup) END,
    received_by = CASE WHEN i.newest AND (i.whole OR i.received_by <> '') THEN i.received_by ELSE t.received_by END,
    proof_url = CASE WHEN i.newest AND (i.whole OR i.proof_url <> '') THEN i.proof_url ELSE t.proof_url END,
    event_count = i.event_count, revision = i.revision, changed_at = %(now)s
FROM incoming_state i WHERE t.shipment_id = i.shipment_id

-- name: add_changes
INSERT INTO rastro.shipment_change (shipment_id, from_status, to_status, event_key, occurred_at, window_start, new_events, restated,
    first_contact, recorded_at, run_id)
SELECT shipment_id, from_status, status, status_key, status_at, date_trunc('hour', coalesce(status_at, %(now)s), 'UTC'), new_events,
       restated, first_contact, %(now)s, %(run_id)s
FROM incoming_state WHERE says_something

-- name: make_incoming_notice
CREATE TEMP TABLE IF NOT EXISTS incoming_notice (
    shipment_id bigint, channel text, kind text, content text, target text, state text, reason text,
    event_at timestamptz, expires_at timestamptz, facts jsonb, to_receiver boolean
) ON COMMIT DROP

-- name: copy_incoming_notice
COPY incoming_notice FROM STDIN (FORMAT binary)

-- name: merge_notices
-- Nothing is owed twice; what was overtaken before it was ever sent, and came true after all, is owed again. In a
-- restored warehouse, what happened before may have been told already, or what is dated ahead of its time.
INSERT INTO rastro.notice (shipment_id, channel, kind, content, target, state, reason, event_at, expires_at, facts, to_receiver,
    owed_at, not_before, settled_at, run_id, hand_overs)
SELECT shipment_id, channel, kind, content, target,
       CASE WHEN in_doubt THEN 'unknown' ELSE state END, CASE WHEN in_doubt THEN %(in_doubt)s ELSE reason END,
       event_at, expires_at, facts, to_receiver, %(now)s,
       CASE WHEN in_doubt AND channel = ANY(%(cannot_be_asked)s) THEN %(much_later)s::timestamptz ELSE %(now)s::timestamptz END,
       CASE WHEN state <> 'owed' THEN %(now)s::timestamptz END, %(run_id)s, in_doubt::integer
FROM incoming_notice i CROSS JOIN LATERAL (
    SELECT i.state = 'owed' AND EXISTS (
        SELECT FROM rastro.installation
        WHERE told_until IS NOT NULL
          AND (i.event_at <= told_until OR (i.event_at > %(now)s AND %(now)s < told_until + interval '1 day')
               -- It came to that before, and may have been told of it.
               OR EXISTS (SELECT FROM rastro.tracking_event e
                          WHERE e.shipment_id = i.shipment_id AND e.status = i.kind AND e.occurred_at <= told_until
                            AND i.content IN ('', to_char(e.occurred_at AT TIME ZONE 'America/Sao_Paulo', 'YYYY-MM-DD'))))) AS in_doubt
    OFFSET 0  -- worked out once for each notice, and not wherever it is named
) AS restored
ON CONFLICT ON CONSTRAINT notice_is_owed_once DO UPDATE
SET state = excluded.state, target = excluded.target, reason = excluded.reason, event_at = excluded.event_at,
    expires_at = excluded.expires_at, owed_at = excluded.owed_at, not_before = excluded.not_before,
    settled_at = excluded.settled_at, attempts = 0, hand_overs = greatest(notice.hand_overs, excluded.hand_overs)
WHERE notice.state = 'superseded'

-- name: make_incoming_look
CREATE TEMP TABLE IF NOT EXISTS incoming_look (
    staged_id bigint, poll_id bigint, answered_at timestamptz, digest bytea, status text, quiet_since timestamptz,
    estimated_at timestamptz, next_poll_at timestamptz, step text, plan text, keeps_digest boolean, whole boolean,
    meaning bytea, planned_at timestamptz
) ON COMMIT DROP

-- name: copy_incoming_look
COPY incoming_look FROM STDIN (FORMAT binary)

-- name: settle_loaded
-- An answer older than one that was loaded before leaves the plan as it is. So does one whose reference was planned anew
-- during the load, by a parcel that has come to share it or by hand: that look is to come, and to be read.
UPDATE rastro.poll_state p
SET loaded_at = new.answered_at, whole_at = CASE WHEN new.whole THEN new.answered_at ELSE p.whole_at END,
    digest = CASE WHEN new.keeps_digest OR p.next_poll_at IS DISTINCT FROM new.planned_at THEN p.digest ELSE new.digest END,
    meaning = CASE WHEN p.next_poll_at IS NOT DISTINCT FROM new.planned_at THEN new.meaning END,
    status = new.status, quiet_since = new.quiet_since,
    estimated_at = CASE WHEN new.whole THEN new.estimated_at ELSE coalesce(new.estimated_at, p.estimated_at) END,
    step = new.step,
    next_poll_at = CASE WHEN new.plan = 'kept' OR p.next_poll_at IS DISTINCT FROM new.planned_at THEN p.next_poll_at
                        WHEN new.plan = 'no_later' THEN least(p.next_poll_at, new.next_poll_at) ELSE new.next_poll_at END
FROM incoming_look new
WHERE p.poll_id = new.poll_id AND (p.loaded_at IS NULL OR p.loaded_at <= new.answered_at)

-- name: settle_loaded_late
-- An answer loaded after a newer one: what it added, the newer one takes back when it is given again.
UPDATE rastro.poll_state p SET meaning = NULL, whole_at = CASE WHEN new.whole THEN greatest(p.whole_at, new.answered_at) ELSE p.whole_at END
FROM incoming_look new
WHERE p.poll_id = new.poll_id AND new.answered_at < p.loaded_at

-- name: keep_raw
INSERT INTO rastro.raw_answer AS r (poll_id, answered_at, raw)
SELECT s.poll_id, s.answered_at, s.raw FROM rastro.staged_snapshot s JOIN incoming_look USING (staged_id)
WHERE NOT s.worked_out_again AND NOT s.unasked
ON CONFLICT (poll_id) DO UPDATE SET answered_at = excluded.answered_at, raw = excluded.raw
WHERE r.answered_at <= excluded.answered_at

-- name: drop_staged
DELETE FROM rastro.staged_snapshot s USING incoming_look l WHERE s.staged_id = l.staged_id

-- name: expire_silent
-- Parcels that stopped being asked about because nobody said anything for too long: never called delivered.
WITH silent AS (
    SELECT s.shipment_id, t.status, t.status_key, p.poll_id
    FROM rastro.poll_state p
    JOIN rastro.shipment s USING (poll_id)
    JOIN rastro.shipment_state t USING (shipment_id)
    -- By the states of the shipments: a reference at its end may have got another shipment since.
    WHERE p.next_poll_at IS NULL AND p.refusal <> 'not_ours' AND s.skip = '' AND s.paused_at IS NULL
      AND p.quiet_since < %(silent_since)s
      AND t.status NOT IN ('delivered', 'returned', 'lost', 'cancelled', 'expired')
    FOR UPDATE OF t
), stated AS (
    UPDATE rastro.shipment_state t SET status = 'expired', status_at = %(now)s, revision = t.revision + 1, changed_at = %(now)s
    FROM silent WHERE t.shipment_id = silent.shipment_id
), polled AS (
    UPDATE rastro.poll_state p SET status = 'expired' FROM silent WHERE p.poll_id = silent.poll_id
)
INSERT INTO rastro.shipment_change (shipment_id, from_status, to_status, event_key, occurred_at, window_start, new_events,
    restated, first_contact, recorded_at, run_id)
SELECT shipment_id, status, 'expired', status_key, NULL, date_trunc('hour', %(now)s::timestamptz, 'UTC'), 0, 0, false, %(now)s, %(run_id)s
FROM silent

-- name: make_partitions
SELECT rastro.make_event_partitions((%(now)s::timestamptz - interval '1 month')::date, 5)
