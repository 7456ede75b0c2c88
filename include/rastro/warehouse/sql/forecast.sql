-- name: lock_forecasts
-- One at a time: each works out a whole day.
SELECT pg_advisory_xact_lock(hashtextextended('rastro.forecast', 0))

-- name: forecast_parcels
-- The facts that forecasts of the days from..until are made of, as days since 1970: of each parcel that was on its way within the
-- days that teach anything. One that turned back is expected no longer.
SELECT f.shipment_id, f.carrier, f.service, f.state_from, f.state_to, f.city_to,
       local.ordered_on - date '1970-01-01' AS ordered_on, local.posted_on - date '1970-01-01' AS posted_on,
       (c.out_at AT TIME ZONE 'America/Sao_Paulo')::date - date '1970-01-01' AS out_on,
       local.attempted_on - date '1970-01-01' AS attempted_on, local.delivered_on - date '1970-01-01' AS delivered_on,
       least(local.ended_on, (c.returning_at AT TIME ZONE 'America/Sao_Paulo')::date) - date '1970-01-01' AS ended_on,
       f.ended_as = 'cancelled' AS cancelled,
       (f.promised_at AT TIME ZONE 'America/Sao_Paulo')::date - date '1970-01-01' AS promised_on
FROM rastro.delivery_fact f
CROSS JOIN LATERAL (
    SELECT (f.ordered_at AT TIME ZONE 'America/Sao_Paulo')::date AS ordered_on,
           (f.posted_at AT TIME ZONE 'America/Sao_Paulo')::date AS posted_on,
           (f.first_attempt_at AT TIME ZONE 'America/Sao_Paulo')::date AS attempted_on,
           (f.delivered_at AT TIME ZONE 'America/Sao_Paulo')::date AS delivered_on,
           CASE WHEN f.ended_as <> 'delivered' THEN (f.ended_at AT TIME ZONE 'America/Sao_Paulo')::date END AS ended_on
) AS local
LEFT JOIN (
    SELECT shipment_id, min(occurred_at) FILTER (WHERE to_status = 'out_for_delivery') AS out_at,
           min(occurred_at) FILTER (WHERE to_status = 'returning') AS returning_at
    FROM rastro.shipment_change
    WHERE to_status IN ('out_for_delivery', 'returning') AND recorded_at >= %(begun_since)s
    GROUP BY shipment_id
) AS c USING (shipment_id)
WHERE coalesce(local.ordered_on, local.posted_on) <= %(until)s
  AND coalesce(local.delivered_on, 'infinity') >= %(since)s
  AND (local.ended_on IS NULL OR coalesce(local.posted_on, local.ordered_on) >= %(begun_since)s)

-- name: forecast_estimates
SELECT shipment_id, (told_at AT TIME ZONE 'America/Sao_Paulo')::date AS told_on,
       (estimated_at AT TIME ZONE 'America/Sao_Paulo')::date AS estimated_on
FROM rastro.estimate WHERE told_at < (%(until)s::date + 1)::timestamp AT TIME ZONE 'America/Sao_Paulo'
ORDER BY told_at

-- name: working_day_calendars
SELECT carrier, state, min(day) AS first, array_agg(ordinal ORDER BY day) AS counts FROM rastro.working_day GROUP BY carrier, state

-- name: facts_reach
-- The last day of which the facts know all.
SELECT (max(until) AT TIME ZONE 'America/Sao_Paulo')::date - 1 AS day FROM rastro.reported

-- name: forecasts_are_told
SELECT FROM rastro.forecast WHERE day = %(day)s LIMIT 1

-- name: forget_forecasts
DELETE FROM rastro.forecast WHERE day = %(day)s OR day < %(kept_since)s

-- name: copy_forecasts
COPY rastro.forecast (shipment_id, day, median_on, p90_on, miss_probability, promised_on, lane_level, sample, computed_at) FROM STDIN

-- name: likeliest_late
SELECT order_id, tracking_number, carrier, status, promised_on, median_on, p90_on, miss_probability, lane_level, sample
FROM rastro.v_forecast WHERE miss_probability IS NOT NULL
ORDER BY miss_probability DESC, promised_on DESC, shipment_id LIMIT %(most)s
