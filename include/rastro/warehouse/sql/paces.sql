-- name: take_turns
-- The next so many turns of an account, and the seconds until the first of them.
INSERT INTO rastro.pace AS p (account, per_second, free_at, turns)
VALUES (%(account)s, 1 / %(gap)s, clock_timestamp() + %(turns)s * %(gap)s * interval '1 second', %(turns)s)
ON CONFLICT (account) DO UPDATE
SET free_at = greatest(p.free_at, clock_timestamp()) + %(turns)s * %(gap)s * interval '1 second', per_second = excluded.per_second,
    turns = p.turns + excluded.turns,
    waited = p.waited + greatest(interval '0', p.free_at - clock_timestamp())
RETURNING greatest(0, extract(epoch FROM free_at - clock_timestamp()) - %(turns)s * %(gap)s) AS wait
