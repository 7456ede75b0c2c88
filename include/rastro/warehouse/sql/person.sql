-- name: orders_named
-- Every order of this name, whether a shipment came of it or not.
SELECT account, order_id FROM rastro.shipment WHERE order_id = %(order_id)s
UNION SELECT account, order_id FROM rastro.awaited_order WHERE order_id = %(order_id)s
UNION SELECT account, order_id FROM rastro.tracking_link WHERE order_id = %(order_id)s
UNION SELECT origin, %(order_id)s FROM rastro.quarantine
WHERE origin LIKE '%%:%%' AND (subject = %(order_id)s OR starts_with(subject, %(order_id)s || ' '))
ORDER BY 1, 2

-- name: orders_mailed
-- Every order about which a mail went to an address, as long as it is known whom it went to.
SELECT DISTINCT s.account, s.order_id
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id)
WHERE n.recipient_hash = %(address_hash)s AND n.recipient_hash <> '' AND n.channel = 'email'
ORDER BY 1, 2

-- name: names_of_parcels
-- The parcels of an order with all that they are known by. Where another order shares what is asked about, that is its, too.
SELECT s.shipment_id, s.poll_id, coalesce(s.carrier, p.carrier, '') AS carrier, coalesce(p.reference, '') AS reference,
       s.tracking_number, s.tracking_text, s.invoice_key, s.carrier_id, s.marketplace_order_id, s.first_seen_at,
       EXISTS (SELECT FROM rastro.shipment o
               WHERE o.poll_id = s.poll_id AND (o.account, o.order_id) <> (s.account, s.order_id)) AS is_shared
FROM rastro.shipment s LEFT JOIN rastro.poll_state p USING (poll_id)
WHERE s.account = %(account)s AND s.order_id = %(order_id)s
ORDER BY s.shipment_id

-- name: hold_looks
SELECT FROM rastro.poll_state WHERE poll_id = ANY(%(poll_ids)s) ORDER BY poll_id FOR UPDATE

-- name: busy_until
-- Until when a task may hold something of an order: a question to a carrier, or a message.
SELECT max(lease_until) AS at FROM (
    SELECT lease_until FROM rastro.poll_state WHERE poll_id = ANY(%(poll_ids)s)
    UNION ALL SELECT lease_until FROM rastro.notice WHERE shipment_id = ANY(%(shipment_ids)s) AND state = 'claimed'
) AS held
WHERE lease_until >= %(now)s

-- name: read_letters
-- The next letters of these carriers that have been read.
SELECT inbox_id AS id, body AS raw FROM rastro.inbox
WHERE inbox_id > %(after)s AND carrier = ANY(%(carriers)s) AND body IS NOT NULL AND read_at IS NOT NULL
ORDER BY inbox_id LIMIT %(most)s

-- name: quarantined_bodies
SELECT quarantine_id AS id, raw FROM rastro.quarantine
WHERE quarantine_id > %(after)s AND raw IS NOT NULL
ORDER BY quarantine_id LIMIT %(most)s

-- name: person_parcels
SELECT to_jsonb(s) AS told FROM rastro.shipment s WHERE shipment_id = ANY(%(shipment_ids)s) ORDER BY shipment_id

-- name: person_states
SELECT to_jsonb(t) AS told FROM rastro.shipment_state t WHERE shipment_id = ANY(%(shipment_ids)s) ORDER BY shipment_id

-- name: person_looks
SELECT to_jsonb(p) - ARRAY['digest', 'meaning'] AS told FROM rastro.poll_state p WHERE poll_id = ANY(%(poll_ids)s) ORDER BY poll_id

-- name: person_events
SELECT to_jsonb(e) AS told FROM rastro.tracking_event e WHERE shipment_id = ANY(%(shipment_ids)s)
ORDER BY shipment_id, occurred_at, position

-- name: person_changes
SELECT to_jsonb(c) AS told FROM rastro.shipment_change c WHERE shipment_id = ANY(%(shipment_ids)s) ORDER BY change_id

-- name: person_messages
SELECT to_jsonb(n) - ARRAY['recipient_hash', 'claimed_by', 'handed_over_by'] AS told
FROM rastro.notice n WHERE shipment_id = ANY(%(shipment_ids)s) ORDER BY notice_id

-- name: person_attempts
SELECT to_jsonb(a) - 'claimed_by' AS told
FROM rastro.notice_attempt a JOIN rastro.notice n USING (notice_id)
WHERE n.shipment_id = ANY(%(shipment_ids)s) ORDER BY attempt_id

-- name: person_links
-- Nobody can tell the addresses of the pages any more.
SELECT to_jsonb(l) - 'token_hash' AS told FROM rastro.tracking_link l
WHERE account = %(account)s AND order_id = %(order_id)s ORDER BY created_at

-- name: person_acts
SELECT to_jsonb(m) AS told FROM rastro.manual_action m
WHERE shipment_id = ANY(%(shipment_ids)s) OR (account = %(account)s AND order_id = %(order_id)s) ORDER BY action_id

-- name: person_corrections
SELECT to_jsonb(c) AS told FROM rastro.correction c WHERE account = %(account)s AND order_id = %(order_id)s

-- name: person_rehearsals
SELECT to_jsonb(r) AS told FROM rastro.rehearsal r WHERE account = %(account)s AND order_id = %(order_id)s ORDER BY rehearsal_id

-- name: person_quarantine
-- A body may be about others, too; it is shown by its own command.
SELECT to_jsonb(q) - 'raw' || jsonb_build_object('body_is_kept', raw IS NOT NULL) AS told FROM rastro.quarantine q
WHERE subject = ANY(%(names)s)
   OR (origin = %(account)s AND (subject = %(order_id)s OR starts_with(subject, %(order_id)s || ' ')))
ORDER BY quarantine_id

-- name: person_answers
SELECT to_jsonb(r) - 'raw' AS told, raw FROM rastro.raw_answer r WHERE poll_id = ANY(%(poll_ids)s) ORDER BY poll_id

-- name: person_news_waiting
SELECT to_jsonb(w) - 'raw' AS told, raw FROM rastro.inbox_part w WHERE refs && %(names)s::text[] ORDER BY part_id

-- name: drop_owed
-- Nobody is told anything any more.
UPDATE rastro.notice SET state = 'dropped', reason = %(why)s, settled_at = %(now)s, lease_until = NULL
WHERE shipment_id = ANY(%(shipment_ids)s) AND state IN ('owed', 'claimed', 'unknown', 'dead')

-- name: erase_told
-- That it was told, when, on which channel and how often it was tried stays.
WITH attempts AS (
    UPDATE rastro.notice_attempt a
    SET answer = '', outcome = coalesce(nullif(a.outcome, ''), 'dropped'), finished_at = coalesce(a.finished_at, %(now)s)
    FROM rastro.notice n WHERE n.notice_id = a.notice_id AND n.shipment_id = ANY(%(shipment_ids)s)
)
UPDATE rastro.notice
SET rendered = NULL, recipient = '', recipient_hash = '', receipt = '', facts = '{}', message_id = '',
    reason = CASE WHEN reason = %(why)s THEN reason ELSE '' END, erased_at = %(now)s
WHERE shipment_id = ANY(%(shipment_ids)s)

-- name: erase_history
-- Events, changes and states stay, each event by its place in the parcel's life: the carrier's own key may hold a number.
WITH named AS (
    SELECT shipment_id, event_key, occurred_at,
           'event ' || row_number() OVER (PARTITION BY shipment_id ORDER BY occurred_at, position, event_key) AS name
    FROM rastro.tracking_event WHERE shipment_id = ANY(%(shipment_ids)s)
), changes AS (
    UPDATE rastro.shipment_change c
    SET event_key = coalesce((SELECT n.name FROM named n
                              WHERE (n.shipment_id, n.event_key, n.occurred_at) = (c.shipment_id, c.event_key, c.occurred_at)), '')
    WHERE c.shipment_id = ANY(%(shipment_ids)s)
), states AS (
    UPDATE rastro.shipment_state t
    SET status_key = coalesce((SELECT n.name FROM named n
                               WHERE (n.shipment_id, n.event_key, n.occurred_at) = (t.shipment_id, t.status_key, t.status_at)), ''),
        pickup = NULL, received_by = '', proof_url = ''
    WHERE t.shipment_id = ANY(%(shipment_ids)s)
)
UPDATE rastro.tracking_event e SET event_key = n.name, description = '', city = ''
FROM named n WHERE (e.shipment_id, e.event_key, e.occurred_at) = (n.shipment_id, n.event_key, n.occurred_at)

-- name: erase_acts
-- Who did what and when stays; why is in people's own words.
UPDATE rastro.manual_action
SET order_id = '', subject = '', reason = '', before = before - ARRAY['tracking_number', 'reason'],
    after = after - ARRAY['tracking_number', 'reason']
WHERE shipment_id = ANY(%(shipment_ids)s) OR (account = %(account)s AND order_id = %(order_id)s)

-- name: erase_links
DELETE FROM rastro.tracking_link WHERE account = %(account)s AND order_id = %(order_id)s

-- name: erase_corrections
DELETE FROM rastro.correction WHERE account = %(account)s AND order_id = %(order_id)s

-- name: erase_waiting
DELETE FROM rastro.awaited_order WHERE account = %(account)s AND order_id = %(order_id)s

-- name: erase_rehearsed
DELETE FROM rastro.rehearsal WHERE account = %(account)s AND order_id = %(order_id)s

-- name: erase_put_aside
DELETE FROM rastro.quarantine
WHERE subject = ANY(%(names)s)
   OR (origin = %(account)s AND (subject = %(order_id)s OR starts_with(subject, %(order_id)s || ' ')))

-- name: erase_bodies_put_aside
-- Of entries about others, whose bodies speak of the person, too.
UPDATE rastro.quarantine SET raw = NULL, erased_at = %(now)s WHERE quarantine_id = ANY(%(ids)s)

-- name: erase_news_waiting
DELETE FROM rastro.inbox_part WHERE refs && %(names)s::text[]

-- name: erase_answers
WITH staged AS (DELETE FROM rastro.staged_snapshot WHERE poll_id = ANY(%(poll_ids)s))
DELETE FROM rastro.raw_answer WHERE poll_id = ANY(%(poll_ids)s)

-- name: erase_facts
-- The days on which it was counted among others stay.
WITH foretold AS (DELETE FROM rastro.forecast WHERE shipment_id = ANY(%(shipment_ids)s))
DELETE FROM rastro.delivery_fact WHERE shipment_id = ANY(%(shipment_ids)s)

-- name: erase_parcels
-- A parcel that nobody can be asked about any more, with its carrier, its state of destination and its times.
UPDATE rastro.shipment
SET order_id = 'erased-' || shipment_id, invoice_number = '', tracking_number = '', tracking_text = '', courier = '', tracking_url = '',
    invoice_key = '', shipper_cnpj = '', carrier_id = '', carrier_reason = '', poll_id = NULL, marketplace_order_id = '',
    marketplace_endpoint = '', route_reason = '', city_to = '', skip = %(why)s, warning = '', paused_at = NULL, receiver_too = false,
    updated_at = %(now)s
WHERE shipment_id = ANY(%(shipment_ids)s)

-- name: erase_looks
DELETE FROM rastro.poll_state WHERE poll_id = ANY(%(poll_ids)s)

-- name: erase_troubles
-- What went wrong in runs, without the numbers that it names.
WITH batches AS (
    UPDATE rastro.poll_batch SET trouble = regexp_replace(trouble, %(pattern)s, '…', 'g') WHERE trouble ~ %(pattern)s
)
UPDATE rastro.run_stage SET trouble = regexp_replace(trouble, %(pattern)s, '…', 'g') WHERE trouble ~ %(pattern)s

-- name: erase_suppression
DELETE FROM rastro.suppressed_address WHERE address_hash = %(address_hash)s
