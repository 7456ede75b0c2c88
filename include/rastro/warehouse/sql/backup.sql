-- name: share_snapshot
-- What this transaction sees, for others to see the same.
SELECT pg_export_snapshot() AS snapshot

-- name: tables
-- Every table of the warehouse, those of single months apart.
SELECT relname AS name FROM pg_class
WHERE relnamespace = to_regnamespace('rastro') AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname

-- name: figures_of_table
-- How many rows, and a sum over all that is in them, whatever their order.
SELECT count(*) AS rows, coalesce(sum(hashtextextended(t::text, 0)), 0)::text AS checksum FROM {table} AS t

-- name: holds_something
SELECT EXISTS (SELECT FROM {table}) AS holds

-- name: schemas_there
SELECT to_regnamespace('rastro') IS NOT NULL AS there, to_regnamespace('rastro_replaced') IS NOT NULL AS set_aside

-- name: set_aside
ALTER SCHEMA rastro RENAME TO rastro_replaced

-- name: drop_half
DROP SCHEMA IF EXISTS rastro CASCADE

-- name: put_back
ALTER SCHEMA rastro_replaced RENAME TO rastro

-- name: drop_replaced
DROP SCHEMA IF EXISTS rastro_replaced CASCADE

-- name: analyze_table
ANALYZE {table}
