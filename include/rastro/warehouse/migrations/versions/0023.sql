-- What can be claimed from carriers, what became of it, and which parcels sleep.

ALTER TABLE rastro.shipment ADD COLUMN declared_value numeric(12, 2);
COMMENT ON COLUMN rastro.shipment.declared_value IS 'What the invoice says the package is worth, in the shop''s currency; null where its source does not tell, or the package has several numbers.';

CREATE TABLE rastro.claim (
    shipment_id     bigint        NOT NULL,
    carrier         text          NOT NULL,
    reason          text          NOT NULL,
    state           text          NOT NULL,
    since           date          NOT NULL,
    until           date          NOT NULL,
    at_stake        numeric(12, 2),
    found_at        timestamptz   NOT NULL,
    opened_by       text          NOT NULL DEFAULT '',
    protocol        text          NOT NULL DEFAULT '',
    asked           numeric(12, 2),
    paid            numeric(12, 2),
    carrier_paid_at timestamptz,
    note            text          NOT NULL DEFAULT '',
    changed_by      text          NOT NULL DEFAULT '',
    changed_at      timestamptz   NOT NULL,
    CONSTRAINT claim_is_one_for_a_parcel PRIMARY KEY (shipment_id),
    CONSTRAINT claim_is_of_a_shipment FOREIGN KEY (shipment_id) REFERENCES rastro.shipment (shipment_id),
    CONSTRAINT claim_state_is_known CHECK (state IN ('open', 'filed', 'paid', 'refused', 'lapsed'))
);
COMMENT ON TABLE rastro.claim IS 'What can be, or was, claimed from a carrier for a parcel: one claim each. Who changed it before stands in manual_action.';
COMMENT ON COLUMN rastro.claim.shipment_id IS 'Our number of the shipment.';
COMMENT ON COLUMN rastro.claim.carrier IS 'Registry code of the carrier.';
COMMENT ON COLUMN rastro.claim.reason IS 'late, came_late, silent, lost, stolen, damaged or returned.';
COMMENT ON COLUMN rastro.claim.state IS 'open, filed, paid, refused; lapsed: not filed, and it cannot be any more.';
COMMENT ON COLUMN rastro.claim.since IS 'First day on which the carrier takes it, by its rule.';
COMMENT ON COLUMN rastro.claim.until IS 'Last day.';
COMMENT ON COLUMN rastro.claim.at_stake IS 'The declared value of the parcel; null where that is unknown, or a part of the postage is all that is owed.';
COMMENT ON COLUMN rastro.claim.found_at IS 'When it was found, or opened by hand.';
COMMENT ON COLUMN rastro.claim.opened_by IS 'Who opened it by hand; empty: the rules found it, and they close it where nobody filed it.';
COMMENT ON COLUMN rastro.claim.protocol IS 'The carrier''s number of the claim.';
COMMENT ON COLUMN rastro.claim.asked IS 'Amount that was claimed.';
COMMENT ON COLUMN rastro.claim.paid IS 'Amount that was paid; null where nobody said.';
COMMENT ON COLUMN rastro.claim.carrier_paid_at IS 'When the carrier''s own events were seen to say that it has paid.';
COMMENT ON COLUMN rastro.claim.note IS 'Why it was last changed by hand.';
COMMENT ON COLUMN rastro.claim.changed_by IS 'Who changed it last; empty: the rules, or the carrier''s own events.';
COMMENT ON COLUMN rastro.claim.changed_at IS 'When.';
CREATE INDEX claim_by_state ON rastro.claim (state, until, shipment_id);
CREATE INDEX claim_by_carrier ON rastro.claim (carrier, state, until, shipment_id);

CREATE TABLE rastro.stalled (
    shipment_id bigint      NOT NULL,
    silent      smallint    NOT NULL,
    usual       smallint    NOT NULL,
    found_at    timestamptz NOT NULL,
    CONSTRAINT stalled_is_one PRIMARY KEY (shipment_id)
);
COMMENT ON TABLE rastro.stalled IS 'Parcels that sleep, as of the last report: on their way, without a scan for more working days than 95 of 100 in the same step of the same lane.';
COMMENT ON COLUMN rastro.stalled.shipment_id IS 'Our number of the shipment.';
COMMENT ON COLUMN rastro.stalled.silent IS 'Working days since its newest scan.';
COMMENT ON COLUMN rastro.stalled.usual IS 'Working days within which 95 of 100 have news; at least 3.';
COMMENT ON COLUMN rastro.stalled.found_at IS 'When the report was made.';

CREATE VIEW rastro.v_stalled AS
SELECT shipment_id, s.account, s.order_id, s.tracking_number, f.carrier, f.service, f.state_to, f.city_to, f.status,
       f.posted_at, f.last_scan_at, z.silent, z.usual, s.declared_value, z.found_at
FROM rastro.stalled z JOIN rastro.shipment s USING (shipment_id) JOIN rastro.delivery_fact f USING (shipment_id);
COMMENT ON VIEW rastro.v_stalled IS 'Parcels that sleep, as of the last report, with where they are.';
COMMENT ON COLUMN rastro.v_stalled.shipment_id IS 'Our number of the shipment.';
COMMENT ON COLUMN rastro.v_stalled.account IS 'The source, as adapter:connection.';
COMMENT ON COLUMN rastro.v_stalled.order_id IS 'The order, as its source numbers it.';
COMMENT ON COLUMN rastro.v_stalled.tracking_number IS 'The tracking number, normalised.';
COMMENT ON COLUMN rastro.v_stalled.carrier IS 'Registry code of the carrier.';
COMMENT ON COLUMN rastro.v_stalled.service IS 'The service that was bought.';
COMMENT ON COLUMN rastro.v_stalled.state_to IS 'State of the destination.';
COMMENT ON COLUMN rastro.v_stalled.city_to IS 'City of the destination, in capitals without accents.';
COMMENT ON COLUMN rastro.v_stalled.status IS 'Where it is.';
COMMENT ON COLUMN rastro.v_stalled.posted_at IS 'When the carrier first had it.';
COMMENT ON COLUMN rastro.v_stalled.last_scan_at IS 'Its newest scan.';
COMMENT ON COLUMN rastro.v_stalled.silent IS 'Working days since then.';
COMMENT ON COLUMN rastro.v_stalled.usual IS 'Working days within which 95 of 100 in its step and lane have news; at least 3.';
COMMENT ON COLUMN rastro.v_stalled.declared_value IS 'What the package is worth; null where that is unknown.';
COMMENT ON COLUMN rastro.v_stalled.found_at IS 'When the report was made.';

CREATE VIEW rastro.v_claim AS
SELECT shipment_id, s.account, s.order_id, s.invoice_number, s.invoice_key, s.tracking_number, c.carrier, s.service,
       s.city_to, s.state_to, t.status, c.reason, c.state, c.since, c.until, c.at_stake, c.protocol, c.asked, c.paid,
       c.carrier_paid_at, c.found_at, c.changed_at, f.posted_at, f.last_scan_at, f.promised_at, f.first_estimate_at,
       f.last_estimate_at, f.first_attempt_at, f.ended_at, c.opened_by, c.changed_by, c.note
FROM rastro.claim c JOIN rastro.shipment s USING (shipment_id) JOIN rastro.shipment_state t USING (shipment_id)
LEFT JOIN rastro.delivery_fact f USING (shipment_id);
COMMENT ON VIEW rastro.v_claim IS 'Claims at carriers with what speaks for them.';
COMMENT ON COLUMN rastro.v_claim.shipment_id IS 'Our number of the shipment.';
COMMENT ON COLUMN rastro.v_claim.account IS 'The source, as adapter:connection.';
COMMENT ON COLUMN rastro.v_claim.order_id IS 'The order, as its source numbers it.';
COMMENT ON COLUMN rastro.v_claim.invoice_number IS 'The invoice the package went out with.';
COMMENT ON COLUMN rastro.v_claim.invoice_key IS 'Its access key, 44 digits.';
COMMENT ON COLUMN rastro.v_claim.tracking_number IS 'The tracking number, normalised.';
COMMENT ON COLUMN rastro.v_claim.carrier IS 'Registry code of the carrier.';
COMMENT ON COLUMN rastro.v_claim.service IS 'The service that was bought.';
COMMENT ON COLUMN rastro.v_claim.city_to IS 'City of the destination.';
COMMENT ON COLUMN rastro.v_claim.state_to IS 'State of the destination.';
COMMENT ON COLUMN rastro.v_claim.status IS 'Where the parcel is.';
COMMENT ON COLUMN rastro.v_claim.reason IS 'late, came_late, silent, lost, stolen, damaged or returned.';
COMMENT ON COLUMN rastro.v_claim.state IS 'open, filed, paid, refused or lapsed.';
COMMENT ON COLUMN rastro.v_claim.since IS 'First day on which the carrier takes it.';
COMMENT ON COLUMN rastro.v_claim.until IS 'Last day.';
COMMENT ON COLUMN rastro.v_claim.at_stake IS 'What the parcel is worth; null where that is unknown, or not what is owed.';
COMMENT ON COLUMN rastro.v_claim.protocol IS 'The carrier''s number of the claim.';
COMMENT ON COLUMN rastro.v_claim.asked IS 'Amount that was claimed.';
COMMENT ON COLUMN rastro.v_claim.paid IS 'Amount that was paid.';
COMMENT ON COLUMN rastro.v_claim.carrier_paid_at IS 'When the carrier''s own events were seen to say that it has paid.';
COMMENT ON COLUMN rastro.v_claim.found_at IS 'When it was found, or opened by hand.';
COMMENT ON COLUMN rastro.v_claim.changed_at IS 'When it was last changed.';
COMMENT ON COLUMN rastro.v_claim.posted_at IS 'When the carrier first had the parcel.';
COMMENT ON COLUMN rastro.v_claim.last_scan_at IS 'Its newest scan.';
COMMENT ON COLUMN rastro.v_claim.promised_at IS 'When the shop promised the delivery at the purchase.';
COMMENT ON COLUMN rastro.v_claim.first_estimate_at IS 'The first delivery date that the carrier told.';
COMMENT ON COLUMN rastro.v_claim.last_estimate_at IS 'The last one.';
COMMENT ON COLUMN rastro.v_claim.first_attempt_at IS 'When it first was at the recipient''s door or disposal.';
COMMENT ON COLUMN rastro.v_claim.ended_at IS 'When it came to its final status.';
COMMENT ON COLUMN rastro.v_claim.opened_by IS 'Who opened it by hand; empty: the rules.';
COMMENT ON COLUMN rastro.v_claim.changed_by IS 'Who changed it last; empty: the rules, or the carrier''s own events.';
COMMENT ON COLUMN rastro.v_claim.note IS 'Why it was last changed by hand.';
