-- Two months of a shop's parcels, the same each time: 1,800 posted from 2 March 2026 on, as they are known on 4 May at noon (UTC).
-- What is told of them was made up so that each question has an answer: Jadlog to Bahia takes four days more from 13 April
-- on, every fourth first attempt in Rio de Janeiro is in vain, one parcel in thirty sleeps. Nobody lives here.

CREATE FUNCTION pg_temp.chance(n bigint, of text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || substr(md5(n || of), 1, 7))::bit(28)::int / 268435456.0  -- from 0 up to 1, even
$$;
CREATE FUNCTION pg_temp.open_day(day date) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT day + CASE extract(isodow FROM day) WHEN 6 THEN 2 WHEN 7 THEN 1 ELSE 0 END
$$;
CREATE FUNCTION pg_temp.moment(day date, hour float8) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT date_trunc('second', (day + hour * interval '1 hour') AT TIME ZONE 'America/Sao_Paulo')
$$;

INSERT INTO rastro.source (account, writes_back, own_mail) VALUES ('vtex:loja', true, true);
SELECT rastro.make_event_partitions('2026-02-01', 5);

CREATE TEMP TABLE parcel AS
SELECT n, by.carrier, by.service, lane.state_to, lane.city_to, posted.day AS posted_on, promise.day AS promised_on,
       pg_temp.open_day(posted.day + took.days) AS attempted_on, pg_temp.chance(n, 'sleeps') < 0.03 AS sleeps,
       pg_temp.chance(n, 'in vain') < CASE lane.state_to WHEN 'RJ' THEN 0.25 ELSE 0.08 END AS in_vain,
       CASE WHEN pg_temp.chance(n, 'ends') < 0.01 THEN 'lost' WHEN pg_temp.chance(n, 'ends') < 0.03 THEN 'returned' ELSE 'delivered' END AS ends_as
FROM generate_series(1, 1800) AS n
JOIN (VALUES (0, 'correios', 'PAC', 5), (1, 'correios', 'SEDEX', 2), (2, 'jadlog', '.PACKAGE', 4), (3, 'loggi', 'Expresso', 2))
    AS by (number, carrier, service, days) ON by.number = n % 4
JOIN (VALUES (0, 'SP', 'CAMPINAS', 0), (1, 'RJ', 'NITEROI', 1), (2, 'MG', 'UBERLANDIA', 1), (3, 'BA', 'FEIRA DE SANTANA', 3), (4, 'PE', 'CARUARU', 4))
    AS lane (number, state_to, city_to, days) ON lane.number = n % 5
CROSS JOIN LATERAL (SELECT pg_temp.open_day('2026-03-02'::date + (63 * pg_temp.chance(n, 'posted'))::int)) AS posted (day)
CROSS JOIN LATERAL (SELECT pg_temp.open_day(posted.day + by.days + lane.days + 2)) AS promise (day)
CROSS JOIN LATERAL (
    SELECT by.days + lane.days + (5 * pg_temp.chance(n, 'days') ^ 3)::int
           + CASE WHEN by.carrier = 'jadlog' AND lane.state_to = 'BA' AND posted.day >= '2026-04-13' THEN 4 ELSE 0 END
) AS took (days);

CREATE TEMP TABLE scan AS
SELECT p.n, scan.k, scan.at, scan.status, scan.at + interval '20 minutes' + pg_temp.chance(p.n, 'known ' || scan.k) * interval '1 hour' AS known_at
FROM parcel p
CROSS JOIN LATERAL (SELECT pg_temp.open_day(p.attempted_on + 1)) AS again (day)
CROSS JOIN LATERAL (VALUES
    (0, true, pg_temp.moment(p.posted_on, 9 + pg_temp.chance(p.n, 'label')), 'info_received'),
    (1, true, pg_temp.moment(p.posted_on, 15 + 4 * pg_temp.chance(p.n, 'posted at')), 'in_transit'),
    (2, true, pg_temp.moment(p.posted_on + 1, 1 + 4 * pg_temp.chance(p.n, 'sorted')), 'in_transit'),
    (3, NOT p.sleeps AND p.attempted_on > p.posted_on + 2, pg_temp.moment(p.attempted_on - 1, 19 + 4 * pg_temp.chance(p.n, 'near')), 'in_transit'),
    (4, NOT p.sleeps AND p.ends_as <> 'lost', pg_temp.moment(p.attempted_on, 7 + 2 * pg_temp.chance(p.n, 'out')), 'out_for_delivery'),
    (5, NOT p.sleeps AND p.ends_as <> 'lost' AND (p.in_vain OR p.ends_as = 'returned'), pg_temp.moment(p.attempted_on, 10 + 7 * pg_temp.chance(p.n, 'door')), 'delivery_failed'),
    (6, NOT p.sleeps AND p.ends_as = 'delivered' AND p.in_vain, pg_temp.moment(again.day, 7 + 2 * pg_temp.chance(p.n, 'out again')), 'out_for_delivery'),
    (7, NOT p.sleeps AND p.ends_as = 'delivered', pg_temp.moment(CASE WHEN p.in_vain THEN again.day ELSE p.attempted_on END, 10 + 8 * pg_temp.chance(p.n, 'door again')), 'delivered'),
    (7, NOT p.sleeps AND p.ends_as = 'returned', pg_temp.moment(pg_temp.open_day(p.attempted_on + 9), 14), 'returned'),
    (7, NOT p.sleeps AND p.ends_as = 'lost', pg_temp.moment(pg_temp.open_day(p.attempted_on + 14), 16), 'lost')
) AS scan (k, is_made, at, status)
WHERE scan.is_made AND scan.at < '2026-05-04 10:00Z';

INSERT INTO rastro.shipment (account, order_id, invoice_number, tracking_number, carrier, service, ordered_at, invoiced_at, promised_at, first_seen_at,
    updated_at, city_to, state_to)
SELECT 'vtex:loja', 'O-' || n, n::text, 'N-' || n, carrier, service, pg_temp.moment(posted_on - 1, 11), pg_temp.moment(posted_on, 8),
       pg_temp.moment(promised_on, 23), pg_temp.moment(posted_on, 8.5), pg_temp.moment(posted_on, 8.5), city_to, state_to
FROM parcel WHERE posted_on < '2026-05-04' ORDER BY n;

CREATE TEMP TABLE told AS
SELECT s.shipment_id, p.carrier, p.posted_on, p.attempted_on, p.promised_on, p.state_to, p.city_to, scan.*
FROM scan JOIN parcel p USING (n) JOIN rastro.shipment s ON s.order_id = 'O-' || p.n;

INSERT INTO rastro.tracking_event (shipment_id, occurred_at, event_key, position, status, standing, code, description, city, state, country, recorded_at)
SELECT shipment_id, at, k || ' ' || status, 0, status, 'effective', k::text, '', CASE WHEN k < 3 THEN 'SAO PAULO' ELSE city_to END,
       CASE WHEN k < 3 THEN 'SP' ELSE state_to END, 'BR', known_at
FROM told;

INSERT INTO rastro.shipment_state (shipment_id, status, status_at, delivered_at, event_count, changed_at)
SELECT DISTINCT ON (shipment_id) shipment_id, status, at, CASE WHEN status = 'delivered' THEN at END, count(*) OVER (PARTITION BY shipment_id), known_at
FROM told ORDER BY shipment_id, k DESC;

INSERT INTO rastro.shipment_change (shipment_id, from_status, to_status, event_key, occurred_at, window_start, new_events, restated, first_contact,
    recorded_at, run_id)
SELECT shipment_id, coalesce(lag(status) OVER (PARTITION BY shipment_id ORDER BY k), ''), status, k || ' ' || status, at, date_trunc('hour', at), 1, 0,
       k = 0, known_at, 'sample'
FROM told;

-- The first estimate is made at the posting, the second on the day before the delivery.
INSERT INTO rastro.estimate (shipment_id, told_at, estimated_at)
SELECT shipment_id, known_at, pg_temp.moment(promised_on - CASE carrier WHEN 'loggi' THEN 1 ELSE 2 END, 18) FROM told WHERE k = 1
UNION ALL
SELECT shipment_id, known_at, pg_temp.moment(attempted_on + CASE WHEN carrier = 'jadlog' AND n % 3 = 0 THEN 1 ELSE 0 END, 18) FROM told WHERE k = 3;

INSERT INTO rastro.notice (shipment_id, channel, kind, content, target, state, event_at, owed_at, not_before, settled_at, run_id)
SELECT shipment_id, channel, status, k::text, CASE channel WHEN 'order' THEN 'vtex:loja' ELSE 'customer' END,
       CASE WHEN channel = 'email' AND status = 'out_for_delivery' AND n % 6 = 0 THEN 'superseded' ELSE 'sent' END, at, known_at, known_at,
       known_at + pg_temp.chance(n, channel || k) * CASE channel WHEN 'order' THEN interval '2 minutes' ELSE interval '9 minutes' END, 'sample'
FROM told CROSS JOIN (VALUES ('order'), ('email')) AS way (channel)
WHERE k > 1 AND status <> 'in_transit' OR k = 1;

ANALYZE
