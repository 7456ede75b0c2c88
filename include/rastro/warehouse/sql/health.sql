-- name: revision
SELECT version_num AS revision FROM rastro.migration

-- name: health
-- What the server's clock says, and whether events of the month to come have a place of their own.
SELECT clock_timestamp() AS now,
    to_regclass('rastro.tracking_event_' || to_char(clock_timestamp() AT TIME ZONE 'UTC' + interval '1 month', 'YYYYMM')) IS NOT NULL
        AS is_ahead
