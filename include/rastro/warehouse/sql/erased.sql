-- name: note_erased
INSERT INTO rastro.erased (name_hash, erased_at) SELECT unnest(%(name_hashes)s::bytea[]), %(now)s ON CONFLICT DO NOTHING

-- name: erased_among
SELECT name_hash FROM rastro.erased WHERE name_hash = ANY(%(name_hashes)s::bytea[])

-- name: sealed_hash_key
SELECT hash_key AS sealed, EXISTS (SELECT FROM rastro.erased) AS knows_erased FROM rastro.installation

-- name: keep_hash_key
UPDATE rastro.installation SET hash_key = %(sealed)s
