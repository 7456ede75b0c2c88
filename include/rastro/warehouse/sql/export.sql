-- name: export_v_shipment
-- What is known about each parcel, without the plan of when it is looked at next.
SELECT shipment_id, account, order_id, invoice_number, tracking_number, carrier, courier, service, status, status_at, delivered_at,
    estimated_at, promised_at, ordered_at, invoiced_at, event_count, route, marketplace, city_to, state_to, skip, first_seen_at,
    changed_at, updated_at, paused_at
FROM rastro.v_shipment WHERE first_seen_at >= %(month)s AND first_seen_at < %(next_month)s
ORDER BY shipment_id

-- name: months_of_v_shipment
SELECT DISTINCT date_trunc('month', first_seen_at)::date AS month FROM rastro.v_shipment
WHERE changed_at >= %(since)s OR updated_at >= %(since)s
ORDER BY month

-- name: export_v_delivery
SELECT d.shipment_id, d.account, d.order_id, d.tracking_number, d.carrier, d.state_to, d.city_to, d.invoiced_at, d.delivered_at,
    d.estimated_at, d.promised_at, d.days_from_invoice, d.kept_promise, d.failed_attempts
FROM rastro.v_delivery d JOIN rastro.v_shipment s USING (shipment_id)
WHERE s.first_seen_at >= %(month)s AND s.first_seen_at < %(next_month)s
ORDER BY d.shipment_id

-- name: export_v_change
SELECT change_id, recorded_at, window_start, run_id, account, order_id, tracking_number, carrier, from_status, to_status, occurred_at,
    new_events, restated, first_contact, shipment_id
FROM rastro.v_change WHERE recorded_at >= %(month)s AND recorded_at < %(next_month)s
ORDER BY change_id

-- name: months_of_v_change
-- A change is only added; its parcel's numbers may be others since, or erased.
SELECT DISTINCT date_trunc('month', c.recorded_at)::date AS month FROM rastro.v_change c JOIN rastro.v_shipment s USING (shipment_id)
WHERE c.recorded_at >= %(since)s OR s.updated_at >= %(since)s
ORDER BY month

-- name: export_v_event
SELECT shipment_id, occurred_at, position, status, standing, code, city, state, country, recorded_at, restated_at
FROM rastro.v_event WHERE occurred_at >= %(month)s AND occurred_at < %(next_month)s
ORDER BY shipment_id, occurred_at, position

-- name: months_of_v_event
-- What a person's wish takes out of lines shows on the parcel alone.
SELECT DISTINCT date_trunc('month', e.occurred_at)::date AS month FROM rastro.v_event e JOIN rastro.v_shipment s USING (shipment_id)
WHERE e.recorded_at >= %(since)s OR e.restated_at >= %(since)s OR (s.skip <> '' AND s.updated_at >= %(since)s)
ORDER BY month

-- name: moment
SELECT now() AS now
