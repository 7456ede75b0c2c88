-- The pace of an account is kept by all tasks and runs together.

CREATE TABLE rastro.pace (
    account    text PRIMARY KEY,
    per_second double precision NOT NULL,
    free_at    timestamptz NOT NULL,
    turns      bigint NOT NULL,
    waited     interval NOT NULL DEFAULT '0'
) WITH (fillfactor = 50);
COMMENT ON TABLE rastro.pace IS 'How fast each account is called, by all tasks and runs together; one row for each account.';
COMMENT ON COLUMN rastro.pace.account IS 'The carrier, source or marketplace, as adapter:connection.';
COMMENT ON COLUMN rastro.pace.per_second IS 'Calls that it bears, as they were last told.';
COMMENT ON COLUMN rastro.pace.free_at IS 'All turns before it are taken: where it lies ahead, so long does who comes now wait.';
COMMENT ON COLUMN rastro.pace.turns IS 'Turns that were taken so far, used or not.';
COMMENT ON COLUMN rastro.pace.waited IS 'How long tasks have waited for their turn so far, all together.';

COMMENT ON COLUMN rastro.tally.subject IS 'What was counted: shipment, delivery, notice, problem or coverage; newest_problem: what place the newest has.';
