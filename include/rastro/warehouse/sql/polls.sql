-- name: work_in_memory
-- Until the transaction ends: a set of a million need be neither parted on disk nor found by whole pages.
SELECT set_config('work_mem', '64MB', true)

-- name: need_not_wait_for_disk
-- What a server that crashes has not written down yet is asked about once more, and so much more than counted may have been
-- taken from a day's calls. What is written later comes after it.
SELECT set_config('synchronous_commit', 'off', false)

-- name: count_due
SELECT coalesce(nullif(contract, ''), carrier) AS contract, count(*) AS due
FROM rastro.poll_state
WHERE carrier = ANY(%(carriers)s)
  AND rastro.is_due(CASE WHEN %(chosen_numbers)s::text[] IS NULL THEN next_poll_at ELSE '-infinity' END, answered_at, lease_until,
                    %(window_end)s, %(now)s)
  AND (%(chosen_account)s::text IS NULL OR poll_id IN (
      SELECT s.poll_id FROM rastro.shipment s WHERE s.account = %(chosen_account)s AND s.skip = '' AND s.paused_at IS NULL))
  AND (%(chosen_numbers)s::text[] IS NULL OR poll_id IN (
      SELECT s.poll_id FROM rastro.shipment s
      WHERE (s.tracking_number = ANY(%(chosen_numbers)s) OR s.order_id = ANY(%(chosen_numbers)s)) AND s.skip = '' AND s.paused_at IS NULL))
  AND (%(chosen_carrier)s::text IS NULL OR carrier = %(chosen_carrier)s)
GROUP BY 1 ORDER BY 1

-- name: slice_due
-- The due references of one contract cut into runs of equal count, as ranges of ids.
SELECT min(poll_id) AS first, max(poll_id) AS last, count(*) AS size
FROM (
    SELECT poll_id, (row_number() OVER (ORDER BY poll_id) - 1) / %(size)s AS slice
    FROM rastro.poll_state
    WHERE carrier = %(carrier)s AND contract = %(contract)s
      AND rastro.is_due(CASE WHEN %(chosen_numbers)s::text[] IS NULL THEN next_poll_at ELSE '-infinity' END, answered_at, lease_until,
                        %(window_end)s, %(now)s)
      AND (%(chosen_account)s::text IS NULL OR poll_id IN (
          SELECT s.poll_id FROM rastro.shipment s WHERE s.account = %(chosen_account)s AND s.skip = '' AND s.paused_at IS NULL))
      AND (%(chosen_numbers)s::text[] IS NULL OR poll_id IN (
          SELECT s.poll_id FROM rastro.shipment s
          WHERE (s.tracking_number = ANY(%(chosen_numbers)s) OR s.order_id = ANY(%(chosen_numbers)s)) AND s.skip = '' AND s.paused_at IS NULL))
      AND (NOT %(chosen)s OR chosen_for = %(window_end)s)
) AS due
GROUP BY slice ORDER BY first

-- name: due_in_turn
-- A slice's due references, those first that have waited longest. Each time that one was asked about in vain counts as an
-- hour less, so that it neither goes before all others nor after them.
SELECT poll_id FROM rastro.poll_state
WHERE carrier = %(carrier)s AND contract = %(contract)s AND poll_id BETWEEN %(first)s AND %(last)s
  AND rastro.is_due(CASE WHEN %(chosen_numbers)s::text[] IS NULL THEN next_poll_at ELSE '-infinity' END, answered_at, lease_until,
                    %(window_end)s, %(now)s)
  AND (%(chosen_account)s::text IS NULL OR poll_id IN (
      SELECT s.poll_id FROM rastro.shipment s WHERE s.account = %(chosen_account)s AND s.skip = '' AND s.paused_at IS NULL))
  AND (%(chosen_numbers)s::text[] IS NULL OR poll_id IN (
      SELECT s.poll_id FROM rastro.shipment s
      WHERE (s.tracking_number = ANY(%(chosen_numbers)s) OR s.order_id = ANY(%(chosen_numbers)s)) AND s.skip = '' AND s.paused_at IS NULL))
  AND (NOT %(chosen)s OR chosen_for = %(window_end)s)
ORDER BY next_poll_at + failures * interval '1 hour', poll_id

-- name: claim_due
-- Takes those that are due still through this contract for one task, until the lease ends.
UPDATE rastro.poll_state p SET lease_until = %(lease_until)s
FROM (
    SELECT poll_id FROM rastro.poll_state
    WHERE poll_id = ANY(%(poll_ids)s) AND contract = %(contract)s
      AND rastro.is_due(CASE WHEN %(named)s THEN '-infinity' ELSE next_poll_at END, answered_at, lease_until, %(window_end)s, %(now)s)
    FOR UPDATE SKIP LOCKED
) AS mine LEFT JOIN LATERAL (
    SELECT s.promised_at, s.state_to, s.service FROM rastro.shipment s WHERE s.poll_id = mine.poll_id
    ORDER BY s.skip <> '', s.promised_at DESC NULLS LAST, s.shipment_id LIMIT 1
) AS way ON true
WHERE p.poll_id = mine.poll_id
RETURNING p.poll_id, p.reference, p.digest, p.status, p.quiet_since, p.estimated_at, p.refusal, p.not_ours, p.step,
    way.promised_at, coalesce(way.state_to, '') AS state_to, coalesce(way.service, '') AS service

-- name: count_due_still
SELECT count(*) AS due FROM rastro.poll_state
WHERE poll_id = ANY(%(poll_ids)s) AND contract = %(contract)s
  AND rastro.is_due(CASE WHEN %(named)s THEN '-infinity' ELSE next_poll_at END, answered_at, lease_until, %(window_end)s, %(now)s)

-- name: settle_unchanged
-- What is to be read again, since another parcel has come to share it after it was asked about, stays due.
UPDATE rastro.poll_state p
SET answered_at = CASE WHEN p.digest IS NULL THEN p.answered_at ELSE %(answered_at)s END,
    next_poll_at = CASE WHEN p.digest IS NULL THEN p.next_poll_at ELSE new.next_poll_at END, lease_until = NULL, failures = 0
FROM unnest(%(poll_ids)s::bigint[], %(next_polls)s::timestamptz[]) AS new (poll_id, next_poll_at)
WHERE p.poll_id = new.poll_id

-- name: settle_refused
UPDATE rastro.poll_state p
SET answered_at = %(answered_at)s, first_answered_at = coalesce(p.first_answered_at, %(answered_at)s),
    next_poll_at = new.next_poll_at, lease_until = NULL, failures = 0,
    digest = new.digest, refusal = new.refusal, refusal_text = new.refusal_text, not_ours = new.not_ours
FROM unnest(%(poll_ids)s::bigint[], %(next_polls)s::timestamptz[], %(digests)s::bytea[], %(refusals)s::text[],
            %(texts)s::text[], %(not_ours)s::smallint[]) AS new (poll_id, next_poll_at, digest, refusal, refusal_text, not_ours)
WHERE p.poll_id = new.poll_id

-- name: settle_unanswered
UPDATE rastro.poll_state
SET lease_until = NULL, failures = least(failures + 1, 30000)
WHERE poll_id = ANY(%(poll_ids)s)

-- name: copy_staged
COPY rastro.staged_snapshot (poll_id, answered_at, digest, snapshot, raw, run_id, meaning, next_poll_at) FROM STDIN (FORMAT binary)

-- name: settle_staged
-- Answered, but not yet read: digest, state and next look are set when the answer is loaded.
UPDATE rastro.poll_state
SET answered_at = %(answered_at)s, first_answered_at = coalesce(first_answered_at, %(answered_at)s),
    lease_until = NULL, failures = 0, refusal = '', refusal_text = '', not_ours = 0
WHERE poll_id = ANY(%(poll_ids)s)

-- name: add_batch
INSERT INTO rastro.poll_batch (run_id, carrier, contract, window_start, window_end, from_poll_id, to_poll_id, calls, asked,
    unchanged, changed, refused, quarantined, unanswered, bytes, started_at, finished_at, trouble)
VALUES (%(run_id)s, %(carrier)s, %(contract)s, %(window_start)s, %(window_end)s, %(first)s, %(last)s, %(calls)s, %(asked)s,
    %(unchanged)s, %(changed)s, %(refused)s, %(quarantined)s, %(unanswered)s, %(bytes)s, %(started_at)s, %(finished_at)s,
    %(trouble)s)

-- name: sum_batches
SELECT count(*) AS slices, coalesce(sum(calls), 0)::bigint AS calls, coalesce(sum(asked), 0)::bigint AS asked,
       coalesce(sum(unchanged), 0)::bigint AS unchanged, coalesce(sum(changed), 0)::bigint AS changed,
       coalesce(sum(refused), 0)::bigint AS refused, coalesce(sum(quarantined), 0)::bigint AS quarantined,
       coalesce(sum(unanswered), 0)::bigint AS unanswered
FROM rastro.poll_batch WHERE run_id = %(run_id)s

-- name: troubles_of_run
-- But for what the check itself has found, should it be made again.
SELECT stage || CASE WHEN part = '' THEN '' ELSE ' ' || part END AS part, trouble FROM rastro.run_stage
WHERE run_id = %(run_id)s AND stage <> 'check_run' AND trouble <> '' ORDER BY started_at, part
