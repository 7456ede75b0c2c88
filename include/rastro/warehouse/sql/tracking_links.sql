-- name: add_tracking_link
INSERT INTO rastro.tracking_link (token_hash, account, order_id, created_at)
VALUES (%(token_hash)s, %(account)s, %(order_id)s, %(now)s)

-- name: parcels_of_link
-- The parcels of the order that a link leads to, none when it leads nowhere (any more).
SELECT s.shipment_id, s.order_id, s.locale, s.tracking_number, s.carrier, s.courier, s.city_to, s.state_to,
       s.promised_at, t.status, t.status_at, t.delivered_at, coalesce(t.estimated_at, p.estimated_at) AS estimated_at,
       t.pickup, t.changed_at, p.answered_at, coalesce(e.description, '') AS description
FROM rastro.tracking_link l
JOIN rastro.shipment s USING (account, order_id) JOIN rastro.shipment_state t USING (shipment_id)
LEFT JOIN rastro.poll_state p USING (poll_id)
LEFT JOIN rastro.tracking_event e ON e.shipment_id = t.shipment_id AND e.event_key = t.status_key AND e.occurred_at = t.status_at
WHERE l.token_hash = %(token_hash)s AND l.revoked_at IS NULL AND s.skip = ''
ORDER BY s.shipment_id

-- name: steps_of_parcels
SELECT shipment_id, occurred_at, status, city, state
FROM rastro.tracking_event
WHERE shipment_id = ANY(%(shipment_ids)s) AND standing = 'effective' AND status <> 'unknown'
ORDER BY occurred_at DESC, position DESC

-- name: revoke_tracking_links
UPDATE rastro.tracking_link SET revoked_at = %(now)s
WHERE order_id = %(order_id)s AND revoked_at IS NULL

-- name: erase_tracking_links
-- Old links that lead nowhere any more: all parcels of the order ended before %(links_since)s.
WITH old AS (
    SELECT l.token_hash FROM rastro.tracking_link l
    WHERE l.created_at < %(kept_since)s
      AND NOT EXISTS (SELECT FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)
                      WHERE s.account = l.account AND s.order_id = l.order_id AND s.skip = ''
                        AND (t.status NOT IN ('delivered', 'returned', 'lost', 'cancelled', 'expired')
                             OR t.changed_at >= %(links_since)s))
    ORDER BY l.created_at LIMIT %(most)s FOR UPDATE OF l SKIP LOCKED
)
DELETE FROM rastro.tracking_link l USING old WHERE l.token_hash = old.token_hash
