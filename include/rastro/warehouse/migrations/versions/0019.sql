-- What comes unasked is news of the parcels of the contract that it came by.

COMMENT ON COLUMN rastro.inbox.contract IS 'The contract that a feed was handed out to, or by whose secret a push is genuine, as adapter:connection; empty: the carrier''s first. A push that is genuine by several is kept once for each.';

-- Of what was pushed before, nobody can tell any more which of several contracts it is of. The next looks tell.
UPDATE rastro.inbox SET contract = 'unknown' WHERE way = 'push' AND carrier IN (SELECT carrier FROM rastro.contract);
