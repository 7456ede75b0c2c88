-- name: note_erased
INSERT INTO rastro.erased (name_hash, erased_at) SELECT unnest(%(name_hashes)s::bytea[]), %(now)s ON CONFLICT DO NOTHING

-- name: erased_among
SELECT name_hash FROM rastro.erased WHERE name_hash = ANY(%(name_hashes)s::bytea[])
