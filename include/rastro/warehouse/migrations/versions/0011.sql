-- Many carriers say the same in other bytes each time they are asked. Nothing is to be decided about such an answer.

ALTER TABLE rastro.poll_state ADD COLUMN meaning bytea;
ALTER TABLE rastro.staged_snapshot ADD COLUMN meaning bytea, ADD COLUMN next_poll_at timestamptz;

COMMENT ON COLUMN rastro.poll_state.meaning IS 'Digest of the newest answer as it was read; one that says the same again changes nothing. Null when it may.';
COMMENT ON COLUMN rastro.staged_snapshot.meaning IS 'Digest of the answer as it was read; null when it is to be compared whatever it says.';
COMMENT ON COLUMN rastro.staged_snapshot.next_poll_at IS 'Next look if it says what the last one said; null when there is none.';
