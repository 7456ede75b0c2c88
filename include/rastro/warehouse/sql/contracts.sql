-- name: contracts
SELECT carrier, account, contract FROM rastro.contract

-- name: forget_contracts
DELETE FROM rastro.contract

-- name: keep_contracts
INSERT INTO rastro.contract (carrier, account, contract)
SELECT * FROM unnest(%(carriers)s::text[], %(accounts)s::text[], %(contracts)s::text[])

-- name: move_references
-- What only accounts of one other contract want goes on as it is. What was refused was refused to the contract of before.
WITH home AS (
    SELECT s.poll_id, min(coalesce(c.contract, '')) AS contract
    FROM rastro.shipment s JOIN rastro.poll_state p USING (poll_id)
    LEFT JOIN rastro.contract c ON c.carrier = p.carrier AND c.account = s.account
    WHERE s.skip = '' GROUP BY s.poll_id HAVING count(DISTINCT coalesce(c.contract, '')) = 1
)
UPDATE rastro.poll_state p
SET contract = home.contract, failures = 0, refusal = '', refusal_text = '', not_ours = 0,
    digest = CASE WHEN p.refusal = '' THEN p.digest END, answered_at = CASE WHEN p.refusal = '' THEN p.answered_at END,
    next_poll_at = CASE WHEN p.refusal = '' THEN p.next_poll_at ELSE %(now)s END
FROM home
WHERE p.poll_id = home.poll_id AND p.contract <> home.contract
  AND NOT EXISTS (SELECT FROM rastro.poll_state o
                  WHERE o.carrier = p.carrier AND o.reference = p.reference AND o.poll_id <> p.poll_id)

-- name: add_parted_references
-- What accounts of several contracts want, or wanted, once in each; its answer is compared anew with all who share it.
INSERT INTO rastro.poll_state (carrier, reference, contract, status, quiet_since, step, next_poll_at)
SELECT DISTINCT ON (p.carrier, p.reference, coalesce(c.contract, ''))
       p.carrier, p.reference, coalesce(c.contract, ''), p.status, p.quiet_since, p.step, %(now)s::timestamptz
FROM rastro.poll_state p JOIN rastro.shipment s USING (poll_id)
LEFT JOIN rastro.contract c ON c.carrier = p.carrier AND c.account = s.account
WHERE s.skip = '' AND p.contract <> coalesce(c.contract, '')
ORDER BY p.carrier, p.reference, coalesce(c.contract, ''), p.poll_id
ON CONFLICT ON CONSTRAINT poll_state_asks_once_per_reference DO UPDATE
SET digest = NULL, meaning = NULL, first_answered_at = NULL, answered_at = NULL, next_poll_at = %(now)s

-- name: part_shipments
UPDATE rastro.shipment s SET poll_id = new.poll_id
FROM rastro.poll_state old, rastro.poll_state new
WHERE s.skip = '' AND old.poll_id = s.poll_id AND new.carrier = old.carrier AND new.reference = old.reference
  AND new.contract <> old.contract
  AND new.contract = coalesce((SELECT c.contract FROM rastro.contract c
                               WHERE c.carrier = old.carrier AND c.account = s.account), '')
RETURNING old.poll_id AS before, new.poll_id AS after

-- name: stage_for_parted
-- Answers that wait to be loaded are for those, too, that have just been parted.
INSERT INTO rastro.staged_snapshot (poll_id, answered_at, digest, snapshot, raw, run_id, worked_out_again, unasked)
SELECT parted.after, t.answered_at, t.digest, t.snapshot, t.raw, t.run_id, t.worked_out_again, t.unasked
FROM (SELECT DISTINCT * FROM unnest(%(before)s::bigint[], %(after)s::bigint[]) AS pair (before, after)) AS parted
JOIN rastro.staged_snapshot t ON t.poll_id = parted.before
