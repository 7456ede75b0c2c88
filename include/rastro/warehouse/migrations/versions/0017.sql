-- A warehouse that was restored from a backup knows it, and what may have been told since is not told again unasked.

CREATE TABLE rastro.installation (
    only_one   boolean PRIMARY KEY DEFAULT true CONSTRAINT installation_is_only_one CHECK (only_one),
    schema_oid oid NOT NULL,
    told_until timestamptz
);
COMMENT ON TABLE rastro.installation IS 'Where this warehouse is at home; one row.';
COMMENT ON COLUMN rastro.installation.schema_oid IS 'The schema''s own number in its database: a restored or copied schema has another one.';
COMMENT ON COLUMN rastro.installation.told_until IS 'What happened until then may have been told by the warehouse that was lost; null before any restore.';

INSERT INTO rastro.installation (schema_oid) VALUES ('rastro'::regnamespace);
