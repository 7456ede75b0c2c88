-- What comes unasked is news of the parcels of the contract that it came by.

COMMENT ON COLUMN rastro.inbox.contract IS 'The contract that a feed was handed out to, or by whose secret a push is genuine, as adapter:connection; empty: the carrier''s first. A push that is genuine by several is kept once for each.';

-- Of what was pushed before, nobody can tell any more which of several contracts it is of. The next looks tell.
UPDATE rastro.inbox SET contract = 'unknown' WHERE way = 'push' AND carrier IN (SELECT carrier FROM rastro.contract);

-- A part that makes no sense outlives its letter, whose body goes when somebody of whom it speaks, too, is erased.

ALTER TABLE rastro.inbox_part ADD COLUMN unreadable boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN rastro.inbox_part.unreadable IS 'It made no sense, and waits until the quarantine is retried.';

INSERT INTO rastro.inbox_part (inbox_id, carrier, refs, raw, received_at, unreadable)
SELECT i.inbox_id, i.carrier, ARRAY[q.subject], q.raw, i.received_at, true
FROM rastro.quarantine q JOIN rastro.inbox i ON i.carrier = q.origin AND i.received_at = q.last_at
WHERE q.reason = 'unreadable push' AND q.resolved_at IS NULL AND q.raw IS NOT NULL AND q.subject !~ '^letter ' AND i.unreadable > 0;

CREATE OR REPLACE VIEW rastro.v_inbox AS
SELECT i.inbox_id, i.carrier, i.way, i.received_at, i.last_at, i.times, i.read_at,
       (SELECT count(*) FROM rastro.inbox_part p WHERE p.inbox_id = i.inbox_id AND NOT p.unreadable) AS waiting, i.unreadable
FROM rastro.inbox i;

-- Whom the warehouse forgot, it knows by hashes whose key is its own, so that Airflow's Fernet key may change.

ALTER TABLE rastro.installation ADD COLUMN hash_key bytea;
COMMENT ON COLUMN rastro.installation.hash_key IS 'The key of the hashes of addresses and of what was erased, sealed with Airflow''s Fernet key; null before the first of them.';
