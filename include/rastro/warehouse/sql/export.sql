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

-- name: export_delivery_fact
SELECT f.shipment_id, f.account, f.carrier, f.service, f.state_from, f.city_from, f.state_to, f.city_to, f.ordered_at, f.posted_at,
    f.first_scan_at, f.first_attempt_at, f.delivered_at, f.ended_at, f.ended_as, f.status, f.last_scan_at, f.promised_at,
    f.first_estimate_at, f.last_estimate_at, f.transit_days, f.transit_working_days, f.attempt_working_days, f.on_time, f.days_late,
    f.attempts, f.hours_in, f.notices, f.first_notice_at, f.last_notice_at, f.computed_at
FROM rastro.delivery_fact f JOIN rastro.v_shipment s USING (shipment_id)
WHERE s.first_seen_at >= %(month)s AND s.first_seen_at < %(next_month)s
ORDER BY f.shipment_id

-- name: months_of_delivery_fact
-- Of a parcel that is not followed any more, or was erased, there is no fact: its month is written without it.
SELECT DISTINCT date_trunc('month', s.first_seen_at)::date AS month
FROM rastro.v_shipment s LEFT JOIN rastro.delivery_fact f USING (shipment_id)
WHERE f.computed_at >= %(since)s OR s.updated_at >= %(since)s
ORDER BY month

-- name: export_carrier_day
SELECT carrier, service, state_from, state_to, city_to, day, posted, attempted, delivered, on_time, on_time_known, on_time_low,
    on_time_high, transit_p50, transit_p90, lost, returned, failed_attempts, pending, silent, computed_at
FROM rastro.carrier_day WHERE day >= %(month)s AND day < %(next_month)s
ORDER BY day, carrier, service, state_from, state_to, city_to

-- name: months_of_carrier_day
SELECT DISTINCT date_trunc('month', day::timestamp)::date AS month FROM rastro.carrier_day WHERE computed_at >= %(since)s ORDER BY month

-- name: export_forecast
SELECT shipment_id, day, promised_on, median_on, p90_on, miss_probability, lane_level, sample, computed_at
FROM rastro.forecast WHERE day >= %(month)s AND day < %(next_month)s
ORDER BY day, shipment_id

-- name: months_of_forecast
-- Those of a parcel that was erased since are gone, whichever days they were of.
SELECT date_trunc('month', day::timestamp)::date AS month FROM rastro.forecast WHERE computed_at >= %(since)s
UNION
SELECT month::date FROM rastro.v_shipment s CROSS JOIN LATERAL generate_series(
    date_trunc('month', s.first_seen_at), date_trunc('month', s.updated_at), interval '1 month') AS month
WHERE s.skip <> '' AND s.updated_at >= %(since)s
ORDER BY month

-- name: moment
SELECT now() AS now
