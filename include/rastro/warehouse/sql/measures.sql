-- name: calls_of_run
SELECT calls FROM rastro.run_stage WHERE run_id = %(run_id)s AND calls <> '{}'

-- name: references_of_run
-- What became of what each carrier was asked about.
SELECT carrier, sum(unchanged)::bigint AS unchanged, sum(changed)::bigint AS changed, sum(refused)::bigint AS refused,
       sum(quarantined)::bigint AS quarantined, sum(unanswered)::bigint AS unanswered, sum(bytes)::bigint AS bytes
FROM rastro.poll_batch WHERE run_id = %(run_id)s GROUP BY carrier

-- name: oldest_owed
-- By channel, the seconds that somebody has waited for what could have been told him. One that was never tried may be
-- held until its time has come.
SELECT n.channel, extract(epoch FROM %(now)s - min(CASE WHEN n.attempts = 0 THEN greatest(n.owed_at, n.not_before) ELSE n.owed_at END))::float8 AS seconds
FROM rastro.open_notice o JOIN rastro.notice n USING (notice_id)
WHERE n.state IN ('owed', 'claimed')
GROUP BY n.channel

-- name: silences
-- Since when each carrier has had no news, how many references it was asked about since, and what share of them had
-- news in the same hours of the last four weeks. One that had none for five weeks is left out.
WITH last AS (
    SELECT carrier, max(finished_at) AS at FROM rastro.poll_batch
    WHERE changed > 0 AND finished_at > %(now)s - interval '35 days' GROUP BY carrier
)
SELECT l.carrier, extract(epoch FROM %(now)s - l.at)::float8 AS seconds,
       coalesce((SELECT sum(b.asked) FROM rastro.poll_batch b WHERE b.carrier = l.carrier AND b.finished_at > l.at), 0)::bigint AS asked,
       coalesce((SELECT sum(b.changed)::float8 / nullif(sum(b.asked), 0) FROM generate_series(1, 4) AS week
                 JOIN rastro.poll_batch b ON b.carrier = l.carrier
                  AND b.finished_at > l.at - week * interval '7 days'
                  AND b.finished_at <= %(now)s - week * interval '7 days'), 0)::float8 AS share
FROM last l ORDER BY l.carrier

-- name: quarantine_size
SELECT count(*) AS waiting FROM rastro.quarantine WHERE resolved_at IS NULL
