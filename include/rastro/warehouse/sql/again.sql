-- name: kept_answers
-- Kept answers of the chosen shipments, a bounded number of them above %(after)s. One whose reference is to be asked
-- afresh, for a shipment it was never compared with, is left out. heard_at is when the carrier last said anything that
-- is settled: null when it refuses the reference now, or when a later answer waits to be loaded.
SELECT r.poll_id, p.carrier, p.reference, r.raw, r.answered_at, p.loaded_at, p.whole_at, p.digest,
       CASE WHEN p.refusal = '' AND NOT EXISTS (SELECT FROM rastro.staged_snapshot s WHERE s.poll_id = r.poll_id)
            THEN p.answered_at END AS heard_at
FROM rastro.raw_answer r JOIN rastro.poll_state p USING (poll_id)
WHERE r.poll_id > %(after)s AND p.carrier = ANY(%(carriers)s) AND p.first_answered_at IS NOT NULL
  AND (%(window_start)s::timestamptz IS NULL OR (r.answered_at >= %(window_start)s AND r.answered_at < %(window_end)s))
  AND (%(chosen_account)s::text IS NULL OR r.poll_id IN (
      SELECT s.poll_id FROM rastro.shipment s WHERE s.account = %(chosen_account)s))
  AND (%(chosen_numbers)s::text[] IS NULL OR r.poll_id IN (
      SELECT s.poll_id FROM rastro.shipment s
      WHERE s.tracking_number = ANY(%(chosen_numbers)s) OR s.order_id = ANY(%(chosen_numbers)s)))
  AND (%(chosen_carrier)s::text IS NULL OR p.carrier = %(chosen_carrier)s)
ORDER BY r.poll_id LIMIT %(size)s

-- name: prospects_of_polls
-- What is recorded about the future of the shipments that share these references, and about their end.
SELECT t.shipment_id, t.estimated_at, t.pickup, t.received_by, t.proof_url
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)
WHERE s.poll_id = ANY(%(poll_ids)s)

-- name: copy_read_again
COPY rastro.staged_snapshot (poll_id, answered_at, digest, snapshot, raw, run_id, worked_out_again) FROM STDIN

-- name: close_entries_about
UPDATE rastro.quarantine SET resolved_at = %(now)s
WHERE origin = %(origin)s AND subject = ANY(%(subjects)s) AND reason = %(reason)s AND resolved_at IS NULL

-- name: close_entries_of
-- What of it still makes no sense is put aside anew.
UPDATE rastro.quarantine SET resolved_at = %(now)s
WHERE origin = ANY(%(origins)s) AND reason = %(reason)s AND raw IS NOT NULL AND resolved_at IS NULL

-- name: list_entries
SELECT quarantine_id, origin, subject, reason, detail, first_at, last_at, times, resolved_at
FROM rastro.quarantine
WHERE (%(resolved)s OR resolved_at IS NULL)
  AND (%(origin)s::text IS NULL OR origin = %(origin)s) AND (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(subject)s::text IS NULL OR subject = %(subject)s)
ORDER BY quarantine_id

-- name: find_entry
SELECT origin, subject, raw, erased_at FROM rastro.quarantine WHERE quarantine_id = %(quarantine_id)s

-- name: take_entries
-- Open entries, a bounded number of them above %(after)s; those that somebody else is at are left to them.
SELECT quarantine_id, origin, subject, reason, raw, last_at
FROM rastro.quarantine
WHERE quarantine_id > %(after)s AND resolved_at IS NULL
  AND (%(origin)s::text IS NULL OR origin = %(origin)s) AND (%(reason)s::text IS NULL OR reason = %(reason)s)
  AND (%(subject)s::text IS NULL OR subject = %(subject)s)
ORDER BY quarantine_id LIMIT %(size)s
FOR UPDATE SKIP LOCKED

-- name: close_entries
UPDATE rastro.quarantine SET resolved_at = %(now)s WHERE quarantine_id = ANY(%(quarantine_ids)s)

-- name: known_references
SELECT p.carrier, p.reference, p.contract, p.poll_id, p.answered_at, p.loaded_at, p.whole_at, p.digest
FROM unnest(%(carriers)s::text[], %(references)s::text[]) AS wanted (carrier, reference)
JOIN rastro.poll_state p USING (carrier, reference)
WHERE EXISTS (SELECT FROM rastro.shipment s WHERE s.poll_id = p.poll_id)
ORDER BY p.poll_id

-- name: settle_read_late
-- The carrier had answered then, though its answer could not be read until now.
UPDATE rastro.poll_state p
SET answered_at = new.answered_at, first_answered_at = coalesce(p.first_answered_at, new.answered_at), failures = 0,
    refusal = '', refusal_text = ''
FROM unnest(%(poll_ids)s::bigint[], %(answered)s::timestamptz[]) AS new (poll_id, answered_at)
WHERE p.poll_id = new.poll_id AND (p.answered_at IS NULL OR p.answered_at < new.answered_at)

-- name: ask_now
-- Their next look is now, unless somebody is asking already or nobody is to ask any more.
UPDATE rastro.poll_state SET next_poll_at = least(next_poll_at, %(now)s)
WHERE poll_id = ANY(%(poll_ids)s) AND next_poll_at IS NOT NULL AND (lease_until IS NULL OR lease_until < %(now)s)

-- name: await_put_aside
-- The orders of these entries are read again, and for as long as if they had only just been put aside.
INSERT INTO rastro.awaited_order (account, order_id, awaited_since)
SELECT DISTINCT q.origin, split_part(q.subject, ' ', 1), %(now)s::timestamptz
FROM rastro.quarantine q JOIN rastro.source s ON s.account = q.origin
WHERE q.quarantine_id = ANY(%(quarantine_ids)s)
ON CONFLICT (account, order_id) DO UPDATE SET awaited_since = excluded.awaited_since
