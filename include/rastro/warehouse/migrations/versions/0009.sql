-- Mails to whoever receives a parcel and did not buy it, reminders of parcels that wait, and caps that a person can lift.

ALTER TABLE rastro.shipment ADD COLUMN receiver_too boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN rastro.shipment.receiver_too IS 'Whether somebody else than the buyer receives it and may be mailed.';

ALTER TABLE rastro.notice ADD COLUMN to_receiver boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN rastro.notice.to_receiver IS 'Whether the mail is for whoever receives the parcel, and not for the buyer.';
ALTER TABLE rastro.notice ADD COLUMN released boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN rastro.notice.released IS 'Whether a person wants it sent, whatever the caps on mails.';
ALTER TABLE rastro.notice
    DROP CONSTRAINT notice_is_owed_once,
    ADD CONSTRAINT notice_is_owed_once UNIQUE (shipment_id, channel, kind, content, to_receiver);

CREATE INDEX shipment_state_waiting ON rastro.shipment_state (shipment_id) WHERE status = 'ready_for_pickup';
