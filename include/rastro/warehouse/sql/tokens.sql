-- name: lock_token
SELECT pg_advisory_xact_lock(hashtextextended('rastro.token ' || %(holder)s::text, 0))

-- name: load_token
SELECT sealed, expires_at FROM rastro.token WHERE holder = %(holder)s

-- name: save_token
INSERT INTO rastro.token (holder, sealed, expires_at) VALUES (%(holder)s, %(sealed)s, %(expires_at)s)
ON CONFLICT (holder) DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at
