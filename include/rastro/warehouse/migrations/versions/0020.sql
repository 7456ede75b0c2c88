-- A copy of the warehouse may have the same schema number in another database or on another server: all three make its home.

CREATE FUNCTION rastro.here() RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT concat_ws(' ', (SELECT system_identifier FROM pg_control_system()),
                     (SELECT oid FROM pg_database WHERE datname = current_database()), 'rastro'::regnamespace::oid)
$$;
COMMENT ON FUNCTION rastro.here() IS 'Where the schema is: the server''s own identifier, the number of the database, the number of the schema.';

ALTER TABLE rastro.installation ADD COLUMN home text NOT NULL DEFAULT '';
COMMENT ON COLUMN rastro.installation.home IS 'rastro.here() as it was at home: of a schema that was restored or copied it is another one; empty where it was so before this was kept.';
UPDATE rastro.installation SET home = rastro.here() WHERE schema_oid = 'rastro'::regnamespace;
ALTER TABLE rastro.installation ALTER COLUMN home DROP DEFAULT, DROP COLUMN schema_oid;
