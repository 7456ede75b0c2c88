-- Whoever loads events has a month's partition made without owning the table: it is made in the name of the owner.

ALTER FUNCTION rastro.make_event_partitions(date, integer) SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
