-- What the operators' pages read, so that no view of theirs counts a big table or searches one from end to end.

CREATE TABLE rastro.tally (
    subject    text NOT NULL,
    part       text NOT NULL,
    word       text NOT NULL,
    since      timestamptz NOT NULL,
    figure     bigint NOT NULL,
    counted_at timestamptz NOT NULL,
    CONSTRAINT tally_counts_once PRIMARY KEY (subject, part, word, since)
);
COMMENT ON TABLE rastro.tally IS 'Figures for the operators'' pages, counted anew at the end of each run.';
COMMENT ON COLUMN rastro.tally.subject IS 'What was counted: shipment, delivery, notice, problem or coverage.';
COMMENT ON COLUMN rastro.tally.part IS 'Of which carrier, channel or problem; empty: of none.';
COMMENT ON COLUMN rastro.tally.word IS 'In which status or state.';
COMMENT ON COLUMN rastro.tally.since IS 'Of which hour or day, by its beginning; -infinity: of all time.';
COMMENT ON COLUMN rastro.tally.figure IS 'How many.';
COMMENT ON COLUMN rastro.tally.counted_at IS 'When.';

CREATE INDEX notice_by_recipient ON rastro.notice (recipient_hash, notice_id) WHERE recipient_hash <> '';

-- One index for each problem that v_open_problem finds, holding those rows alone. None has a column that an
-- ordinary look at a parcel changes.
CREATE INDEX poll_state_refused ON rastro.poll_state (refusal) WHERE refusal <> '';
CREATE INDEX poll_state_failing ON rastro.poll_state (poll_id) WHERE failures >= 3;
CREATE INDEX shipment_unclaimed ON rastro.shipment (shipment_id) WHERE carrier IS NULL AND skip = '';
CREATE INDEX shipment_unasked ON rastro.shipment (shipment_id) WHERE carrier IS NOT NULL AND poll_id IS NULL AND skip = '';
CREATE INDEX shipment_mistyped ON rastro.shipment (shipment_id) WHERE warning <> '' AND skip = '';
CREATE INDEX shipment_without_route ON rastro.shipment (shipment_id) WHERE route = 'review' AND skip = '';
CREATE INDEX shipment_state_expired ON rastro.shipment_state (shipment_id) WHERE status = 'expired';
CREATE INDEX tracking_event_unexplained ON rastro.tracking_event (shipment_id) WHERE status = 'unknown' AND standing = 'effective';
