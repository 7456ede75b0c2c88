-- name: lock_report
-- One report at a time; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('rastro.report'))

-- name: report_in_memory
-- Until the transaction ends: sorts and hashes of millions of rows, on as many cores as there are.
SELECT set_config('work_mem', '192MB', true) AS memory, set_config('jit', 'off', true) AS jit

-- name: reported_until
SELECT until FROM rastro.reported

-- name: note_reported
INSERT INTO rastro.reported (until) VALUES (%(until)s) ON CONFLICT (one) DO UPDATE SET until = greatest(reported.until, excluded.until)

-- name: years_known
-- The years that the calendar has to span, and whether it does.
WITH known AS (
    SELECT extract(year FROM least(min(ordered_at), min(invoiced_at), min(first_seen_at), %(now)s))::integer - 1 AS first,
           extract(year FROM greatest(max(promised_at), %(now)s))::integer + 1 AS last
    FROM rastro.shipment WHERE skip = ''
), limited AS (
    -- A date mistyped by a century asks for no calendar of one.
    SELECT greatest(first, extract(year FROM %(now)s::timestamptz)::integer - 10) AS first,
           least(last, extract(year FROM %(now)s::timestamptz)::integer + 2) AS last
    FROM known
)
SELECT first, last,
       EXISTS (SELECT FROM rastro.working_day WHERE (carrier, state, day) = ('', '', make_date(first, 1, 1)))
           AND EXISTS (SELECT FROM rastro.working_day WHERE (carrier, state, day) = ('', '', make_date(last, 12, 31))) AS spanned
FROM limited

-- name: forget_working_days
DELETE FROM rastro.working_day

-- name: copy_working_days
COPY rastro.working_day (carrier, state, day, ordinal) FROM STDIN

-- name: make_touched
CREATE TEMP TABLE touched (shipment_id bigint PRIMARY KEY) ON COMMIT DROP

-- name: touch_all
INSERT INTO touched SELECT shipment_id FROM rastro.shipment WHERE skip = '' UNION SELECT shipment_id FROM rastro.delivery_fact

-- name: touch_recorded
-- Parcels of which something was recorded or sent in a span of time, and those whose promise fell due since their last report.
INSERT INTO touched
SELECT shipment_id FROM rastro.shipment_change WHERE recorded_at >= %(since)s AND recorded_at < %(until)s
UNION SELECT shipment_id FROM rastro.estimate WHERE told_at >= %(since)s AND told_at < %(until)s
UNION SELECT shipment_id FROM rastro.notice WHERE state = 'sent' AND settled_at >= %(since)s AND settled_at < %(until)s
UNION SELECT shipment_id FROM rastro.shipment WHERE updated_at >= %(since)s AND updated_at < %(until)s
UNION SELECT shipment_id FROM rastro.delivery_fact
      WHERE on_time IS NULL AND first_scan_at IS NOT NULL AND ended_as <> 'cancelled' AND promised_at < %(today)s::timestamp AT TIME ZONE 'America/Sao_Paulo'

-- name: analyze_touched
ANALYZE touched

-- name: make_life
-- What the scans of each of these parcels say. A gap is a time of at least six days without one.
CREATE TEMP TABLE life ON COMMIT DROP AS
WITH scan AS (
    SELECT e.shipment_id, e.occurred_at, e.position, e.status, e.state, e.city,
           e.status NOT IN ('unknown', 'info_received', 'cancelled') AS in_hand,
           lead(e.occurred_at) OVER in_order AS next_at,
           count(*) FILTER (WHERE e.state <> '' AND e.status NOT IN ('unknown', 'info_received', 'cancelled')) OVER in_order AS places
    FROM rastro.tracking_event e JOIN touched USING (shipment_id)
    WHERE e.standing = 'effective'
    WINDOW in_order AS (PARTITION BY e.shipment_id ORDER BY e.occurred_at, e.position ROWS UNBOUNDED PRECEDING)
)
SELECT shipment_id, min(occurred_at) AS first_scan_at, max(occurred_at) AS last_scan_at,
       min(occurred_at) FILTER (WHERE in_hand) AS posted_at,
       min(occurred_at) FILTER (WHERE status IN ('delivery_failed', 'ready_for_pickup', 'delivered')) AS first_attempt_at,
       min(state) FILTER (WHERE places = 1 AND in_hand AND state <> '') AS state_from,
       min(city) FILTER (WHERE places = 1 AND in_hand AND state <> '') AS city_from,
       array_agg((occurred_at AT TIME ZONE 'America/Sao_Paulo')::date) FILTER (WHERE status = 'delivery_failed') AS failed_on,
       array_agg((occurred_at AT TIME ZONE 'America/Sao_Paulo')::date) FILTER (WHERE status IN ('delivery_failed', 'delivered')) AS tried_on,
       array_agg(status) FILTER (WHERE next_at IS NOT NULL) AS statuses,
       array_agg(extract(epoch FROM next_at - occurred_at)::float8 / 3600) FILTER (WHERE next_at IS NOT NULL) AS stays,
       array_agg(occurred_at) FILTER (WHERE in_hand AND next_at >= occurred_at + interval '6 days') AS gap_from,
       array_agg(next_at) FILTER (WHERE in_hand AND next_at >= occurred_at + interval '6 days') AS gap_to
FROM scan GROUP BY shipment_id

-- name: analyze_life
ANALYZE life (shipment_id)

-- name: make_fact_before
CREATE TEMP TABLE fact_before ON COMMIT DROP AS
SELECT f AS fact FROM rastro.delivery_fact f JOIN touched USING (shipment_id)

-- name: forget_facts
DELETE FROM rastro.delivery_fact f USING touched WHERE f.shipment_id = touched.shipment_id

-- name: add_facts
INSERT INTO rastro.delivery_fact (shipment_id, account, carrier, service, state_from, city_from, state_to, city_to, ordered_at, posted_at,
    first_scan_at, first_attempt_at, delivered_at, ended_at, ended_as, status, last_scan_at, promised_at, first_estimate_at,
    last_estimate_at, transit_days, transit_working_days, attempt_working_days, on_time, days_late, attempts, failed_on, silent_on,
    hours_in, notices, first_notice_at, last_notice_at, computed_at)
WITH parcel AS MATERIALIZED (
    SELECT s.shipment_id, s.account, coalesce(s.carrier, '') AS carrier, s.service,
           upper(coalesce(l.state_from, '')) AS state_from, coalesce(l.city_from, '') AS city_from,
           upper(trim(s.state_to)) AS state_to, s.city_to, s.ordered_at, l.posted_at, l.first_scan_at, l.first_attempt_at,
           t.status, l.last_scan_at, s.promised_at, l.failed_on, l.tried_on, l.statuses, l.stays, l.gap_from, l.gap_to,
           CASE WHEN t.status = 'delivered' THEN t.delivered_at END AS delivered_at,
           CASE WHEN t.status IN ('delivered', 'returned', 'lost', 'cancelled', 'expired') THEN t.status ELSE '' END AS ended_as,
           CASE WHEN t.status IN ('delivered', 'returned', 'lost', 'cancelled', 'expired') THEN coalesce(t.status_at, t.changed_at) END AS ended_at,
           CASE WHEN s.carrier IN (SELECT w.carrier FROM rastro.working_day w WHERE (w.state, w.ordinal) = ('', 1)) THEN s.carrier ELSE '' END AS calendar,
           CASE WHEN upper(trim(s.state_to)) IN (SELECT w.state FROM rastro.working_day w WHERE (w.carrier, w.ordinal) = ('', 1)) THEN upper(trim(s.state_to)) ELSE '' END AS holidays_of
    FROM touched JOIN rastro.shipment s USING (shipment_id) JOIN rastro.shipment_state t USING (shipment_id) LEFT JOIN life l USING (shipment_id)
    WHERE s.skip = ''
), dated AS (
    SELECT *, (posted_at AT TIME ZONE 'America/Sao_Paulo')::date AS posted_on,
           (first_attempt_at AT TIME ZONE 'America/Sao_Paulo')::date AS attempted_on,
           (delivered_at AT TIME ZONE 'America/Sao_Paulo')::date AS delivered_on,
           (ended_at AT TIME ZONE 'America/Sao_Paulo')::date AS ended_on,
           (promised_at AT TIME ZONE 'America/Sao_Paulo')::date AS promised_on
    FROM parcel
), silence AS (
    SELECT gap.shipment_id, range_agg(daterange(begun.day, gap.until)) AS silent_on
    FROM (
        SELECT p.shipment_id, p.calendar, p.holidays_of, (g.since AT TIME ZONE 'America/Sao_Paulo')::date AS since,
               (g.until AT TIME ZONE 'America/Sao_Paulo')::date AS until
        FROM parcel p CROSS JOIN LATERAL unnest(p.gap_from, p.gap_to) AS g (since, until)
        UNION ALL
        SELECT p.shipment_id, p.calendar, p.holidays_of, (p.last_scan_at AT TIME ZONE 'America/Sao_Paulo')::date,
               (p.ended_at AT TIME ZONE 'America/Sao_Paulo')::date
        FROM parcel p WHERE p.posted_at IS NOT NULL AND (p.ended_at IS NULL OR p.ended_at > p.last_scan_at)
    ) AS gap
    JOIN rastro.working_day w ON (w.carrier, w.state, w.day) = (gap.calendar, gap.holidays_of, gap.since)
    CROSS JOIN LATERAL (
        SELECT c.day FROM rastro.working_day c
        WHERE c.carrier = gap.calendar AND c.state = gap.holidays_of AND c.day > gap.since AND c.ordinal = w.ordinal + 6
        ORDER BY c.day LIMIT 1
    ) AS begun
    WHERE gap.until IS NULL OR begun.day < gap.until
    GROUP BY gap.shipment_id
), told AS (
    SELECT shipment_id, count(*) AS notices, min(settled_at) AS first_notice_at, max(settled_at) AS last_notice_at
    FROM rastro.notice JOIN touched USING (shipment_id) WHERE state = 'sent' GROUP BY shipment_id
), expected AS (
    SELECT shipment_id, (array_agg(estimated_at ORDER BY told_at))[1] AS first_estimate_at,
           (array_agg(estimated_at ORDER BY told_at DESC))[1] AS last_estimate_at
    FROM rastro.estimate JOIN touched USING (shipment_id) GROUP BY shipment_id
), judged AS (
    SELECT *, CASE WHEN promised_on IS NULL THEN NULL
                   WHEN attempted_on IS NOT NULL THEN attempted_on <= promised_on
                   WHEN first_scan_at IS NULL OR ended_as = 'cancelled' THEN NULL
                   WHEN promised_on < %(today)s THEN false END AS on_time
    FROM dated
)
SELECT j.shipment_id, j.account, j.carrier, j.service, j.state_from,
       upper(translate(trim(j.city_from), 'áàâãäéèêëíìîïóòôõöúùûüçñÁÀÂÃÄÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑ', 'aaaaaeeeeiiiiooooouuuucnAAAAAEEEEIIIIOOOOOUUUUCN')),
       j.state_to,
       upper(translate(trim(j.city_to), 'áàâãäéèêëíìîïóòôõöúùûüçñÁÀÂÃÄÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑ', 'aaaaaeeeeiiiiooooouuuucnAAAAAEEEEIIIIOOOOOUUUUCN')),
       j.ordered_at, j.posted_at, j.first_scan_at, j.first_attempt_at, j.delivered_at, j.ended_at, j.ended_as, j.status, j.last_scan_at,
       j.promised_at, x.first_estimate_at, x.last_estimate_at,
       round(extract(epoch FROM j.delivered_at - j.posted_at) / 86400, 2),
       delivered.ordinal - posted.ordinal, attempted.ordinal - posted.ordinal, j.on_time,
       CASE WHEN j.on_time THEN 0 WHEN NOT j.on_time AND coalesce(j.attempted_on, j.ended_on) IS NOT NULL THEN greatest(0, coalesce(attempted.ordinal, ended.ordinal) - promised.ordinal) END,
       (SELECT count(DISTINCT day) FROM unnest(j.tried_on) AS day),
       coalesce((SELECT array_agg(DISTINCT day ORDER BY day) FROM unnest(j.failed_on) AS day), '{}'),
       coalesce(silence.silent_on, '{}'),
       coalesce((SELECT jsonb_object_agg(status, hours)
                 FROM (SELECT status, round(sum(stay)::numeric, 1) AS hours
                       FROM unnest(j.statuses, j.stays) AS one (status, stay) GROUP BY status) AS summed), '{}'),
       coalesce(told.notices, 0), told.first_notice_at, told.last_notice_at, %(now)s
FROM judged j
LEFT JOIN silence USING (shipment_id) LEFT JOIN told USING (shipment_id) LEFT JOIN expected x USING (shipment_id)
LEFT JOIN rastro.working_day posted ON (posted.carrier, posted.state, posted.day) = (j.calendar, j.holidays_of, j.posted_on)
LEFT JOIN rastro.working_day attempted ON (attempted.carrier, attempted.state, attempted.day) = (j.calendar, j.holidays_of, j.attempted_on)
LEFT JOIN rastro.working_day delivered ON (delivered.carrier, delivered.state, delivered.day) = (j.calendar, j.holidays_of, j.delivered_on)
LEFT JOIN rastro.working_day promised ON (promised.carrier, promised.state, promised.day) = (j.calendar, j.holidays_of, j.promised_on)
LEFT JOIN rastro.working_day ended ON (ended.carrier, ended.state, ended.day) = (j.calendar, j.holidays_of, j.ended_on)

-- name: make_dirty
-- Lanes and days in which a parcel counts otherwise than before, and all lanes of the days reported.
CREATE TEMP TABLE dirty ON COMMIT DROP AS
WITH both_facts AS (
    SELECT fact FROM fact_before UNION ALL SELECT f FROM rastro.delivery_fact f JOIN touched USING (shipment_id)
), changed AS (
    SELECT (fact).carrier, (fact).service, (fact).state_from, (fact).state_to, (fact).city_to, d.day
    FROM both_facts CROSS JOIN LATERAL rastro.days_of(fact, %(today)s) AS d
    GROUP BY (fact).shipment_id, (fact).carrier, (fact).service, (fact).state_from, (fact).state_to, (fact).city_to,
             CASE WHEN d.delivered THEN (fact).transit_working_days END,
             d.day, d.posted, d.attempted, d.delivered, d.due, d.kept, d.lost, d.returned, d.failed, d.pending, d.silent
    HAVING count(*) = 1
)
SELECT carrier, service, state_from, state_to, city_to, day FROM changed
UNION
SELECT f.carrier, f.service, f.state_from, f.state_to, f.city_to, d.day
FROM rastro.delivery_fact f CROSS JOIN LATERAL rastro.days_of(f, %(last_day)s) AS d
WHERE (f.ended_at IS NULL OR greatest(f.ended_at, f.promised_at, f.last_scan_at) >= %(first_day)s::timestamp AT TIME ZONE 'America/Sao_Paulo')
  AND d.day >= %(first_day)s
UNION
SELECT carrier, service, state_from, state_to, city_to, day FROM rastro.carrier_day WHERE day BETWEEN %(first_day)s AND %(last_day)s

-- name: analyze_dirty
ANALYZE dirty

-- name: first_dirty_day
SELECT min(day) AS day FROM dirty

-- name: make_no_dirty
CREATE TEMP TABLE dirty (carrier text, service text, state_from text, state_to text, city_to text, day date) ON COMMIT DROP

-- name: forget_all_days
DELETE FROM rastro.carrier_day

-- name: forget_days
DELETE FROM rastro.carrier_day c USING dirty d
WHERE (c.carrier, c.service, c.state_from, c.state_to, c.city_to, c.day) = (d.carrier, d.service, d.state_from, d.state_to, d.city_to, d.day)

-- name: count_days
INSERT INTO rastro.carrier_day (carrier, service, state_from, state_to, city_to, day, posted, attempted, delivered, on_time, on_time_known,
    transit_p50, transit_p90, lost, returned, failed_attempts, pending, silent, computed_at)
WITH counted AS (
    SELECT f.carrier, f.service, f.state_from, f.state_to, f.city_to, d.day,
           count(*) FILTER (WHERE d.posted) AS posted, count(*) FILTER (WHERE d.attempted) AS attempted,
           count(*) FILTER (WHERE d.delivered) AS delivered, count(*) FILTER (WHERE d.kept) AS on_time,
           count(*) FILTER (WHERE d.due) AS on_time_known, count(*) FILTER (WHERE d.lost) AS lost,
           count(*) FILTER (WHERE d.returned) AS returned, count(*) FILTER (WHERE d.failed) AS failed_attempts,
           count(*) FILTER (WHERE d.pending) AS pending, count(*) FILTER (WHERE d.pending AND d.silent) AS silent
    FROM rastro.delivery_fact f CROSS JOIN LATERAL rastro.days_of(f, %(today)s) AS d
    WHERE %(everything)s
       OR ((f.ended_at IS NULL OR greatest(f.ended_at, f.promised_at, f.last_scan_at) >= %(first_day)s::timestamp AT TIME ZONE 'America/Sao_Paulo')
           AND (f.carrier, f.service, f.state_from, f.state_to, f.city_to) IN (SELECT carrier, service, state_from, state_to, city_to FROM dirty))
    GROUP BY 1, 2, 3, 4, 5, 6
), spread AS (
    SELECT f.carrier, f.service, f.state_from, f.state_to, f.city_to, (f.delivered_at AT TIME ZONE 'America/Sao_Paulo')::date AS day,
           percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY f.transit_working_days) AS transit
    FROM rastro.delivery_fact f
    WHERE f.delivered_at IS NOT NULL AND (%(everything)s OR f.delivered_at >= %(first_day)s::timestamp AT TIME ZONE 'America/Sao_Paulo')
    GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT carrier, service, state_from, state_to, city_to, day, c.posted, c.attempted, c.delivered, c.on_time, c.on_time_known,
       s.transit[1], s.transit[2], c.lost, c.returned, c.failed_attempts, c.pending, c.silent, %(now)s
FROM counted c LEFT JOIN spread s USING (carrier, service, state_from, state_to, city_to, day)
WHERE %(everything)s
   OR (carrier, service, state_from, state_to, city_to, day) IN (SELECT carrier, service, state_from, state_to, city_to, day FROM dirty)

-- name: clear_report
DROP TABLE touched, life, fact_before, dirty
