-- Questions on deliveries for Metabase: each of these is one, pasted as a native query. What to draw stands above it.
-- docs/dashboards.md says how; a test runs them all as rastro_reader.

-- Promises kept, by week. A line; x: week, y: kept, a series for each carrier.
SELECT date_trunc('week', day)::date AS week, carrier, sum(on_time)::float / sum(on_time_known) AS kept, sum(on_time_known) AS promises
FROM rastro.carrier_day
WHERE day > (SELECT max(day) FROM rastro.carrier_day) - 91
GROUP BY week, carrier HAVING sum(on_time_known) > 0
ORDER BY week, carrier;

-- Promises kept, by lane. A table.
SELECT carrier, service, state_from, state_to, sum(on_time_known) AS promises, sum(on_time)::float / sum(on_time_known) AS kept,
       rastro.wilson_low(sum(on_time), sum(on_time_known)) AS at_least, rastro.wilson_high(sum(on_time), sum(on_time_known)) AS at_most
FROM rastro.carrier_day
WHERE day > (SELECT max(day) FROM rastro.carrier_day) - 28
GROUP BY carrier, service, state_from, state_to HAVING sum(on_time_known) > 0
ORDER BY promises DESC;

-- Working days, nine of ten. A line; x: week, y: nine_of_ten, a series for each carrier.
SELECT date_trunc('week', delivered_at AT TIME ZONE 'America/Sao_Paulo')::date AS week, carrier, count(*) AS parcels,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY transit_working_days) AS half,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY transit_working_days) AS nine_of_ten
FROM rastro.delivery_fact
WHERE transit_working_days IS NOT NULL AND delivered_at > (SELECT max(delivered_at) FROM rastro.delivery_fact) - interval '91 days'
GROUP BY week, carrier
ORDER BY week, carrier;

-- Parcels without a scan. Bars, stacked; x: day, y: silent, a series for each carrier.
SELECT day, carrier, sum(silent) AS silent, sum(pending) AS pending
FROM rastro.carrier_day
WHERE day > (SELECT max(day) FROM rastro.carrier_day) - 28
GROUP BY day, carrier
ORDER BY day, carrier;

-- On their way, likely late. A table.
SELECT order_id, tracking_number, carrier, service, state_to, promised_on, median_on, p90_on, miss_probability
FROM rastro.v_forecast
WHERE miss_probability > 0.5
ORDER BY miss_probability DESC, promised_on
LIMIT 200;

-- Minutes until it is told. A table.
SELECT channel, kind, count(*) AS messages,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM sent_at - event_at) / 60) AS half,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM sent_at - event_at) / 60) AS nine_of_ten
FROM rastro.v_notice
WHERE state = 'sent' AND sent_at > (SELECT max(sent_at) FROM rastro.v_notice) - interval '28 days'
GROUP BY channel, kind
ORDER BY channel, kind;
