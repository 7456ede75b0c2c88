-- name: forget_rehearsal
DELETE FROM rastro.rehearsal WHERE run_id = %(run_id)s

-- name: add_rehearsed
INSERT INTO rastro.rehearsal (run_id, channel, target, account, order_id, invoice_number, kind, notices, verdict, reason,
    rendered, recipient, rehearsed_at)
VALUES (%(run_id)s, %(channel)s, %(target)s, %(account)s, %(order_id)s, %(invoice_number)s, %(kind)s, %(notices)s, %(verdict)s,
    %(reason)s, %(rendered)s, %(recipient)s, %(now)s)

-- name: dropped_by_run
SELECT n.channel, n.target, n.kind, n.reason, s.account, s.order_id, s.invoice_number
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id)
WHERE n.run_id = %(run_id)s AND n.state = 'dropped'
  AND (%(chosen_account)s::text IS NULL OR s.account = %(chosen_account)s)
  AND (%(chosen_carrier)s::text IS NULL OR s.carrier = %(chosen_carrier)s)
  AND (%(chosen_numbers)s::text[] IS NULL OR s.tracking_number = ANY(%(chosen_numbers)s) OR s.order_id = ANY(%(chosen_numbers)s))
ORDER BY n.notice_id

-- name: count_rehearsed
SELECT channel, verdict, count(*) AS messages FROM rastro.rehearsal
WHERE run_id = %(run_id)s
GROUP BY channel, verdict ORDER BY channel, verdict

-- name: last_rehearsal
-- A run that found nothing to send left no message, but its stage.
SELECT run_id FROM (
    SELECT run_id, rehearsed_at AS at FROM rastro.rehearsal
    UNION ALL SELECT run_id, finished_at FROM rastro.run_stage WHERE stage = 'rehearse' AND trouble = ''
) AS dry_run ORDER BY at DESC LIMIT 1

-- name: has_rehearsed
SELECT FROM rastro.run_stage WHERE stage = 'rehearse' AND trouble = '' AND run_id = %(run_id)s LIMIT 1

-- name: rehearsed_messages
SELECT rehearsal_id, channel, target, order_id, kind, verdict, reason, recipient, subject, text
FROM rastro.v_rehearsal
WHERE run_id = %(run_id)s AND (%(channel)s::text IS NULL OR channel = %(channel)s)
ORDER BY channel, target, order_id, kind LIMIT %(most)s
