-- What is kept of persons goes when nobody is owed anything any more, or when a person wishes it.

CREATE TABLE rastro.erased (
    name_hash bytea PRIMARY KEY,
    erased_at timestamptz NOT NULL
);
COMMENT ON TABLE rastro.erased IS 'Orders and numbers of parcels that were erased at a person''s wish: what comes in about them is not kept again.';
COMMENT ON COLUMN rastro.erased.name_hash IS 'Keyed hash of the account and the order, or of the carrier and the number; useless without the key.';

CREATE INDEX notice_with_contact ON rastro.notice (settled_at) WHERE channel = 'email' AND recipient <> '';
CREATE INDEX shipment_state_with_proof ON rastro.shipment_state (shipment_id) WHERE received_by <> '' OR proof_url <> '';

COMMENT ON TABLE rastro.manual_action IS 'What people did by hand, one row for each parcel, notice or wish of a person; rows are only added, and lose what names somebody who is erased.';
COMMENT ON COLUMN rastro.manual_action.done_by IS 'The user of Airflow who triggered the run, or of the machine who gave the command.';
COMMENT ON COLUMN rastro.v_manual_action.done_by IS 'The user of Airflow who triggered the run, or of the machine who gave the command.';
COMMENT ON COLUMN rastro.v_manual_action.action IS 'What was done, as the form names it; export_person and erase_person by the command.';
COMMENT ON COLUMN rastro.v_manual_action.run_id IS 'The run of act_by_hand, or the command.';
COMMENT ON COLUMN rastro.notice.erased_at IS 'When its text and its recipient were erased, being old or at a person''s wish.';
