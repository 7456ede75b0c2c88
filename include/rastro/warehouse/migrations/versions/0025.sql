-- Which weeks' letters have been sent.

CREATE TABLE rastro.letter (
    first_day  date        NOT NULL,
    last_day   date        NOT NULL,
    message_id text        NOT NULL,
    claimed_at timestamptz NOT NULL,
    attempts   smallint    NOT NULL,
    sent_at    timestamptz,
    CONSTRAINT letter_is_sent_once PRIMARY KEY (first_day, last_day)
);
COMMENT ON TABLE rastro.letter IS 'The letters about deliveries that were sent, or are being sent, to the addresses of letter_to.';
COMMENT ON COLUMN rastro.letter.first_day IS 'First day that it tells of.';
COMMENT ON COLUMN rastro.letter.last_day IS 'Last day that it tells of.';
COMMENT ON COLUMN rastro.letter.message_id IS 'Its Message-ID, the same on every attempt.';
COMMENT ON COLUMN rastro.letter.claimed_at IS 'When the last attempt began.';
COMMENT ON COLUMN rastro.letter.attempts IS 'Attempts that were made, but for those that were surely not taken.';
COMMENT ON COLUMN rastro.letter.sent_at IS 'When the mail server took it; null while that is not known.';
