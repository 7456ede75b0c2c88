-- The hours at which a carrier has news may be others after a long silence than after a short one.

ALTER TABLE rastro.habit ADD COLUMN by_both real[] NOT NULL DEFAULT array_fill(1::real, ARRAY[96]);
COMMENT ON COLUMN rastro.habit.by_both IS 'How many times as many as these two say, in each of six parts of the day after so long a silence; span by span.';
