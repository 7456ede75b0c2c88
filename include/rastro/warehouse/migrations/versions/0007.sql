-- When carriers have news of a parcel, learnt from what they said, so that they are asked at the right time.

CREATE TABLE rastro.habit (
    carrier    text NOT NULL,
    step       text NOT NULL,
    by_silence real[] NOT NULL,
    by_hour    real[] NOT NULL,
    CONSTRAINT habit_is_one PRIMARY KEY (carrier, step)
);
COMMENT ON TABLE rastro.habit IS 'When a carrier has news of parcels in each step, learnt once a day from a sample of its history.';
COMMENT ON COLUMN rastro.habit.step IS 'The carrier''s code of a parcel''s newest event; empty before there is one.';
COMMENT ON COLUMN rastro.habit.by_silence IS 'Events to be expected in an hour after so long a silence: up to 1, 2, 4, 8, 12, 18, 24, 36, 48, 72, 120, 168, 240, 360, 720 hours, and longer.';
COMMENT ON COLUMN rastro.habit.by_hour IS 'How many times as many in each hour of the week from Monday 0 h (America/Sao_Paulo); 1 on average.';

CREATE TABLE rastro.habits_learnt (
    one       boolean PRIMARY KEY DEFAULT true CONSTRAINT habits_learnt_once CHECK (one),
    learnt_at timestamptz NOT NULL
);
COMMENT ON TABLE rastro.habits_learnt IS 'When habits were learnt last; one row.';
COMMENT ON COLUMN rastro.habits_learnt.one IS 'Always true.';
COMMENT ON COLUMN rastro.habits_learnt.learnt_at IS 'When.';

ALTER TABLE rastro.poll_state ADD COLUMN step text NOT NULL DEFAULT '';
COMMENT ON COLUMN rastro.poll_state.step IS 'The carrier''s code of the newest event; empty before there is one.';
