-- Who asks for problems of one kind does not search the others: kinds that are worded from a row belong to a family,
-- which is known before any row is read. Within a kind they are ordered by a number.
-- What is in quarantine says which order it is of: an account's entry names it, a carrier's is about its parcels.

CREATE OR REPLACE VIEW rastro.v_open_problem AS
SELECT 'no carrier claims it' AS problem, s.account, s.order_id, s.tracking_number AS subject, s.carrier_reason AS detail, s.first_seen_at AS since,
       'no carrier claims it' AS family, s.shipment_id AS place
FROM rastro.shipment s WHERE s.carrier IS NULL AND s.skip = ''
UNION ALL
SELECT 'what its carrier is asked by is missing', s.account, s.order_id, s.tracking_number, s.carrier_reason, s.first_seen_at,
       'what its carrier is asked by is missing', s.shipment_id
FROM rastro.shipment s WHERE s.carrier IS NOT NULL AND s.poll_id IS NULL AND s.skip = ''
UNION ALL
SELECT 'it has no number: order and marketplace are told when it has one', s.account, s.order_id, s.tracking_number, s.carrier_reason, s.first_seen_at,
       'it has no number: order and marketplace are told when it has one', s.shipment_id
FROM rastro.shipment s
WHERE s.tracking_number = '' AND s.skip = ''
  AND EXISTS (SELECT FROM rastro.notice n WHERE n.shipment_id = s.shipment_id AND n.state = 'owed' AND n.channel IN ('order', 'marketplace'))
UNION ALL
SELECT 'the number looks mistyped', s.account, s.order_id, s.tracking_number, s.warning, s.first_seen_at,
       'the number looks mistyped', s.shipment_id
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id) WHERE s.warning <> '' AND s.skip = '' AND t.status = 'unknown'
UNION ALL
SELECT 'carrier refuses it: not_ours', s.account, s.order_id, s.tracking_number, p.refusal_text, p.answered_at,
       'carrier refuses it: not_ours', p.poll_id
FROM rastro.shipment s JOIN rastro.poll_state p USING (poll_id) WHERE p.refusal = 'not_ours'
UNION ALL
SELECT 'carrier refuses it: malformed', s.account, s.order_id, s.tracking_number, p.refusal_text, p.answered_at,
       'carrier refuses it: malformed', p.poll_id
FROM rastro.shipment s JOIN rastro.poll_state p USING (poll_id) WHERE p.refusal = 'malformed'
UNION ALL
SELECT 'its carrier does not know it', s.account, s.order_id, s.tracking_number,
       s.carrier || ' has not known it for a week; it was asked ' || s.carrier_reason || ': correct the number, or name the carrier in the setting couriers',
       s.first_seen_at,
       'its carrier does not know it', p.poll_id
FROM rastro.shipment s JOIN rastro.poll_state p USING (poll_id) JOIN rastro.shipment_state t USING (shipment_id)
WHERE p.refusal = 'not_found' AND t.status = 'unknown' AND s.skip = '' AND s.first_seen_at < now() - interval '7 days'
UNION ALL
SELECT 'given up: nobody said anything for too long', s.account, s.order_id, s.tracking_number, 'ask the carrier', t.status_at,
       'given up: nobody said anything for too long', t.shipment_id
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id) WHERE t.status = 'expired' AND s.skip = ''
UNION ALL
SELECT 'not answered', s.account, s.order_id, s.tracking_number, p.failures || ' looks in a row got no answer', p.answered_at,
       'not answered', p.poll_id
FROM rastro.shipment s JOIN rastro.poll_state p USING (poll_id) WHERE p.failures >= 3
UNION ALL
SELECT 'carrier has an unknown code', s.account, s.order_id, s.tracking_number, e.code || ' ' || e.description, e.recorded_at,
       'carrier has an unknown code', e.shipment_id
FROM rastro.tracking_event e JOIN rastro.shipment s USING (shipment_id) WHERE e.status = 'unknown' AND e.standing = 'effective'
UNION ALL
SELECT 'route to the marketplace is unknown', s.account, s.order_id, s.tracking_number,
       CASE WHEN s.route_reason <> '' THEN s.route_reason ELSE 'affiliate ' || s.affiliate || ': add it to the setting routes' END, s.first_seen_at,
       'route to the marketplace is unknown', s.shipment_id
FROM rastro.shipment s WHERE s.route = 'review' AND s.skip = ''
UNION ALL
SELECT 'a delivery is not confirmed: another parcel of its package has ended', s.account, s.order_id, s.tracking_number,
       o.tracking_number || ' of the same invoice is ' || t.status || ': settle it with ' || n.target || ' by hand', n.owed_at,
       'a delivery is not confirmed: another parcel of its package has ended', n.notice_id
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id)
JOIN rastro.shipment o ON o.account = s.account AND o.order_id = s.order_id AND o.invoice_number = s.invoice_number AND o.skip = ''
JOIN rastro.shipment_state t ON t.shipment_id = o.shipment_id AND t.status IN ('returned', 'lost', 'cancelled', 'expired')
WHERE n.channel = 'marketplace' AND n.kind = 'delivered' AND n.state = 'owed' AND s.skip = ''
UNION ALL
SELECT 'notice ' || n.state || ' (' || n.channel || ')', s.account, s.order_id, s.tracking_number, n.reason, n.owed_at,
       'notice', n.shipment_id
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id) WHERE n.state IN ('dead', 'unknown')
UNION ALL
SELECT 'alert: ' || n.kind, s.account, s.order_id, s.tracking_number, coalesce(n.facts ->> 'from', '') || ' -> ' || coalesce(n.facts ->> 'to', ''), n.owed_at,
       'alert', n.shipment_id
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id) WHERE n.channel = 'alert' AND n.state = 'owed'
UNION ALL
SELECT 'quarantine: ' || q.reason, q.origin, coalesce(of_it.order_id, ''), q.subject, q.detail, q.first_at,
       'quarantine', q.quarantine_id
FROM rastro.quarantine q
LEFT JOIN LATERAL (
    SELECT split_part(q.subject, ' ', 1) AS order_id WHERE strpos(q.origin, ':') > 0
    UNION
    SELECT s.order_id FROM rastro.poll_state p JOIN rastro.shipment s USING (poll_id)
    WHERE p.carrier = q.origin AND p.reference = q.subject
) AS of_it ON true
WHERE q.resolved_at IS NULL
UNION ALL
SELECT 'paused by hand', s.account, s.order_id, s.tracking_number, 'it is not asked about, and what it owes waits: resume it when it is time', s.paused_at,
       'paused by hand', s.shipment_id
FROM rastro.shipment s WHERE s.paused_at IS NOT NULL AND s.skip = '';
COMMENT ON COLUMN rastro.v_open_problem.family IS 'The beginning that a kind shares with others: alert, notice, quarantine; else the problem itself.';
COMMENT ON COLUMN rastro.v_open_problem.place IS 'Orders the problems of one kind: what began later mostly has more.';
