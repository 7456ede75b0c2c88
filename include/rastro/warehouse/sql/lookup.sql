-- name: search_numbers
SELECT v.shipment_id, v.account, v.order_id, v.invoice_number, v.tracking_number, v.carrier, v.status, v.status_at, v.skip
FROM rastro.v_shipment v
WHERE v.tracking_number = ANY(%(numbers)s) OR v.order_id = ANY(%(numbers)s)
ORDER BY v.order_id, v.tracking_number LIMIT %(most)s

-- name: search_recipient
SELECT v.shipment_id, v.account, v.order_id, v.invoice_number, v.tracking_number, v.carrier, v.status, v.status_at, v.skip
FROM rastro.v_shipment v
WHERE v.shipment_id IN (SELECT n.shipment_id FROM rastro.notice n WHERE n.recipient_hash = %(recipient_hash)s AND n.recipient_hash <> ''
                        ORDER BY n.notice_id DESC LIMIT %(most)s)
ORDER BY v.order_id, v.tracking_number LIMIT %(most)s

-- name: shipment_in_full
SELECT s.*, coalesce(t.status, 'unknown') AS status, t.status_at, t.delivered_at, t.pickup, t.received_by, t.proof_url,
       coalesce(t.estimated_at, p.estimated_at) AS estimated_at,
       p.reference, p.status AS looked_status, p.quiet_since, p.estimated_at AS looked_estimated_at, p.answered_at, p.next_poll_at,
       p.lease_until, p.failures, p.refusal, p.refusal_text, p.not_ours, p.contract,
       EXISTS (SELECT FROM rastro.carrier_plan l
               WHERE l.carrier = coalesce(nullif(p.contract, ''), p.carrier) AND l.put_off > 0 AND p.next_poll_at <= l.window_end
                 AND p.chosen_for IS DISTINCT FROM l.window_end) AS put_off
FROM rastro.shipment s LEFT JOIN rastro.shipment_state t USING (shipment_id) LEFT JOIN rastro.poll_state p USING (poll_id)
WHERE s.shipment_id = %(shipment_id)s

-- name: changes_of_shipment
SELECT * FROM rastro.shipment_change WHERE shipment_id = %(shipment_id)s ORDER BY recorded_at, change_id

-- name: attempts_of_shipment
SELECT a.* FROM rastro.notice n JOIN rastro.notice_attempt a USING (notice_id)
WHERE n.shipment_id = %(shipment_id)s ORDER BY a.attempt_id

-- name: parcels_of_order
SELECT shipment_id, invoice_number, tracking_number, carrier, status, status_at, skip
FROM rastro.v_shipment WHERE account = %(account)s AND order_id = %(order_id)s ORDER BY invoice_number, tracking_number

-- name: quarantine_of_shipment
SELECT q.quarantine_id, q.origin, q.subject, q.reason, q.detail, q.first_at, q.last_at, q.times, q.run_id
FROM rastro.quarantine q
WHERE q.resolved_at IS NULL AND q.origin = ANY(%(origins)s)
  AND EXISTS (SELECT FROM unnest(%(subjects)s::text[]) AS known WHERE q.subject = known OR starts_with(q.subject, known || ' '))
ORDER BY q.quarantine_id

-- name: quarantine_of_numbers
-- What nobody follows yet has no shipment: an order waits under its id, with or without an invoice.
SELECT q.quarantine_id, q.origin, q.subject, q.reason, q.detail, q.first_at
FROM rastro.quarantine q
WHERE q.resolved_at IS NULL
  AND EXISTS (SELECT FROM unnest(%(numbers)s::text[]) AS known WHERE q.subject = known OR starts_with(q.subject, known || ' '))
ORDER BY q.quarantine_id

-- name: acts_on_shipment
-- Those by which it got its number, too: they were done to the parcel that it was before.
SELECT * FROM rastro.manual_action
WHERE shipment_id = %(shipment_id)s
   OR (account = %(account)s AND order_id = %(order_id)s
       AND (shipment_id IS NULL OR after ->> 'tracking_number' = nullif(%(tracking_number)s, '')))
ORDER BY action_id

-- name: newest_problem
SELECT figure AS place FROM rastro.tally WHERE subject = 'newest_problem' AND part = %(problem)s

-- name: page_of_problems
-- Those of one kind between two places, the newest first.
SELECT problem, account, order_id, subject, detail, since, place
FROM rastro.v_open_problem
WHERE problem = %(problem)s AND family = coalesce(substring(%(problem)s, '^(alert|notice|quarantine)\M'), %(problem)s)
  AND place > %(beyond)s AND place <= %(before)s
  AND (place, account, order_id, subject, detail) < (%(before)s, %(account)s, %(order_id)s, %(subject)s, %(detail)s)
ORDER BY place DESC, account DESC, order_id DESC, subject DESC, detail DESC
LIMIT %(most)s

-- name: page_of_acts
SELECT * FROM rastro.manual_action WHERE action_id < %(before)s ORDER BY action_id DESC LIMIT %(most)s

-- name: runs_stages
SELECT stage, part, started_at, finished_at, figures, trouble FROM rastro.run_stage WHERE run_id = %(run_id)s ORDER BY started_at, part
