-- name: open_incident
-- What is open already is left as it is.
INSERT INTO rastro.incident (kind, subject, said, began_at) VALUES (%(kind)s, %(subject)s, %(said)s, %(began_at)s)
ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO NOTHING

-- name: resolve_incidents
-- Those of one kind that are over.
UPDATE rastro.incident SET resolved_at = %(now)s
WHERE kind = %(kind)s AND resolved_at IS NULL AND NOT subject = ANY(%(subjects)s)

-- name: next_untold
-- One that is open and was not told this way, for whoever is first to hold it.
SELECT incident_id, kind, subject, said, began_at FROM rastro.incident
WHERE resolved_at IS NULL AND incident_id > %(after)s AND NOT %(way)s = ANY(told)
ORDER BY incident_id LIMIT 1 FOR UPDATE SKIP LOCKED

-- name: note_told
UPDATE rastro.incident SET told = told || %(way)s::text WHERE incident_id = %(incident_id)s

-- name: troubled_parts
-- What of a run met trouble; the slices of one carrier are one part.
SELECT concat_ws(' ', stage, nullif(split_part(part, ' ', 1), '')) AS part, min(trouble) AS trouble
FROM rastro.run_stage WHERE run_id = %(run_id)s AND trouble <> '' GROUP BY 1 ORDER BY 1
