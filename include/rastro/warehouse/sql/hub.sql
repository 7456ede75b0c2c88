-- name: parcels_of_numbers
-- One row for each line of each parcel, newest first, and one without a line where a parcel has none yet. A number that
-- several shipments have is told of as the newest of them that is followed.
WITH parcel AS (
    SELECT DISTINCT ON (s.tracking_number) s.tracking_number, s.shipment_id, t.status, t.delivered_at
    FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)
    WHERE s.tracking_number = ANY(%(numbers)s) AND s.tracking_number <> ''
    ORDER BY s.tracking_number, s.skip <> '', coalesce(s.invoiced_at, s.ordered_at, s.first_seen_at) DESC, s.shipment_id DESC
)
SELECT p.tracking_number, p.status, p.delivered_at, e.occurred_at, e.description, e.city, e.state
FROM parcel p LEFT JOIN rastro.tracking_event e ON e.shipment_id = p.shipment_id AND e.standing = 'effective'
ORDER BY p.tracking_number, e.occurred_at DESC, e.position DESC
