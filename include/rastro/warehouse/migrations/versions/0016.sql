-- Several contracts with one carrier: what it is asked about is known within one of them.

CREATE TABLE rastro.contract (
    carrier  text NOT NULL,
    account  text NOT NULL,
    contract text NOT NULL,
    CONSTRAINT contract_is_one PRIMARY KEY (carrier, account)
);
COMMENT ON TABLE rastro.contract IS 'Accounts whose parcels a carrier is asked about through another contract than its first, as the setting carriers says.';
COMMENT ON COLUMN rastro.contract.account IS 'The source, as adapter:connection.';
COMMENT ON COLUMN rastro.contract.contract IS 'The carrier''s connection, as adapter:connection.';

ALTER TABLE rastro.poll_state ADD COLUMN contract text NOT NULL DEFAULT '';
COMMENT ON COLUMN rastro.poll_state.contract IS 'The contract through which it is asked about, as adapter:connection; empty: the carrier''s first.';
ALTER TABLE rastro.poll_state DROP CONSTRAINT poll_state_asks_once_per_reference;
ALTER TABLE rastro.poll_state ADD CONSTRAINT poll_state_asks_once_per_reference UNIQUE (carrier, reference, contract);
COMMENT ON TABLE rastro.poll_state IS 'What carriers are asked about, once per reference and contract however many shipments share it; narrow and hot.';

COMMENT ON COLUMN rastro.carrier_day.carrier IS 'Registry code of the carrier, for its first contract; a further one as adapter:connection.';
COMMENT ON COLUMN rastro.carrier_plan.carrier IS 'Registry code of the carrier, for its first contract; a further one as adapter:connection.';

ALTER TABLE rastro.inbox ADD COLUMN contract text NOT NULL DEFAULT '';
COMMENT ON COLUMN rastro.inbox.contract IS 'Of a feed, the contract that it was handed out to, as adapter:connection; empty: the carrier''s first.';
ALTER TABLE rastro.inbox DROP CONSTRAINT inbox_keeps_a_body_once;
ALTER TABLE rastro.inbox ADD CONSTRAINT inbox_keeps_a_body_once UNIQUE (carrier, digest, contract);
