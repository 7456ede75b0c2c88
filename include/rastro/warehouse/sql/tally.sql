-- name: lock_tally
-- One counts at a time; readers do not wait.
SELECT pg_advisory_xact_lock(hashtextextended('rastro.tally', 0))

-- name: count_written
-- Rows of what is counted that have ever been written, as PostgreSQL keeps count itself. That comes some seconds late, so
-- it is read first: a row that is counted already may then be found to have been written since, which does no harm.
SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint AS written FROM pg_stat_user_tables
WHERE schemaname = 'rastro' AND relname IN ('shipment', 'shipment_state', 'poll_state', 'notice', 'quarantine')

-- name: tally_stands
-- Some figures are of hours, or change by the passing of time.
SELECT FROM rastro.tally WHERE subject = 'written' AND figure = %(written)s AND date_trunc('hour', counted_at) = date_trunc('hour', %(now)s::timestamptz)

-- name: forget_tally
DELETE FROM rastro.tally

-- name: tally_written
INSERT INTO rastro.tally (subject, part, word, since, figure, counted_at)
VALUES ('written', '', '', '-infinity', %(written)s, %(now)s)

-- name: tally_shipments
INSERT INTO rastro.tally (subject, part, word, since, figure, counted_at)
SELECT 'shipment', coalesce(s.carrier, ''), coalesce(t.status, 'unknown'), '-infinity', count(*), %(now)s
FROM rastro.shipment s LEFT JOIN rastro.shipment_state t USING (shipment_id)
WHERE s.skip = ''
GROUP BY 2, 3

-- name: tally_deliveries
-- By local day.
INSERT INTO rastro.tally (subject, part, word, since, figure, counted_at)
SELECT 'delivery', coalesce(s.carrier, ''), 'delivered', date_trunc('day', t.delivered_at, %(zone)s), count(*), %(now)s
FROM rastro.shipment_state t JOIN rastro.shipment s USING (shipment_id)
WHERE t.status = 'delivered' AND t.delivered_at >= %(since)s AND s.skip = ''
GROUP BY 2, 4

-- name: tally_notices
INSERT INTO rastro.tally (subject, part, word, since, figure, counted_at)
SELECT 'notice', channel, state, '-infinity', count(*), %(now)s FROM rastro.notice GROUP BY channel, state

-- name: tally_problems
-- How many of each kind, and the place of the newest, where a page of them begins to be searched.
INSERT INTO rastro.tally (subject, part, word, since, figure, counted_at)
SELECT f.subject, p.problem, 'open', '-infinity', f.figure, %(now)s
FROM (SELECT problem, count(*) AS open, max(place) AS newest FROM rastro.v_open_problem GROUP BY problem) AS p
CROSS JOIN LATERAL (VALUES ('problem', p.open), ('newest_problem', p.newest)) AS f (subject, figure)

-- name: tally_coverage
INSERT INTO rastro.tally (subject, part, word, since, figure, counted_at)
SELECT 'coverage', c.carrier, f.word, c.window_start, f.figure, %(now)s
FROM rastro.v_coverage c
CROSS JOIN LATERAL (VALUES ('pending', c.pending), ('covered', c.covered), ('planned', c.planned), ('gap', c.gap)) AS f (word, figure)
WHERE f.figure > 0

-- name: read_tally
SELECT subject, part, word, nullif(since, '-infinity') AS since, figure, counted_at FROM rastro.tally WHERE subject = ANY(%(subjects)s) ORDER BY part, word, since
