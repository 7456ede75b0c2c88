-- name: is_at_home
SELECT home = rastro.here() AS at_home FROM rastro.installation

-- name: settle_in_at_home
UPDATE rastro.installation SET home = rastro.here(), told_until = greatest(told_until, %(told_until)s)

-- name: doubt_open_notices
-- Whatever the backup holds as open may have been told after it was taken. Who can be asked, is asked by the next run.
WITH doubted AS (
    UPDATE rastro.notice
    SET state = 'unknown', hand_overs = hand_overs + 1, handed_over_by = '', lease_until = NULL, reason = %(in_doubt)s,
        not_before = CASE WHEN channel = ANY(%(cannot_be_asked)s) THEN %(much_later)s ELSE %(now)s END
    WHERE state IN ('owed', 'claimed', 'unknown')
    RETURNING channel
)
SELECT channel, count(*) AS notices FROM doubted GROUP BY channel ORDER BY channel

-- name: number_notices_anew
-- Messages are known outside by these numbers. Milliseconds are more than the warehouse that was lost can have given out.
SELECT setval(pg_get_serial_sequence('rastro.notice', 'notice_id'),
              greatest((SELECT coalesce(max(notice_id), 0) FROM rastro.notice), (extract(epoch FROM %(now)s::timestamptz) * 1000)::bigint))
