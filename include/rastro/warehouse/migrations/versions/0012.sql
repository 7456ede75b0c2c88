-- A carrier may have a budget of calls a day, which all runs share and which goes to the parcels likeliest to have news.

CREATE TABLE rastro.carrier_day (
    carrier text NOT NULL,
    day     date NOT NULL,
    calls   integer NOT NULL DEFAULT 0,
    CONSTRAINT carrier_day_is_one PRIMARY KEY (carrier, day)
);
COMMENT ON TABLE rastro.carrier_day IS 'The calls of one day to a carrier that has a budget of them, by all runs.';
COMMENT ON COLUMN rastro.carrier_day.day IS 'By the clock of America/Sao_Paulo.';
COMMENT ON COLUMN rastro.carrier_day.calls IS 'Made, or given to a task that is about to make them.';

CREATE TABLE rastro.carrier_plan (
    carrier    text PRIMARY KEY,
    window_end timestamptz NOT NULL,
    put_off    integer NOT NULL
);
COMMENT ON TABLE rastro.carrier_plan IS 'The last plan for a carrier that has a budget of calls.';
COMMENT ON COLUMN rastro.carrier_plan.put_off IS 'References that were due and have to wait, since the calls go to others; they stay due.';

ALTER TABLE rastro.poll_state ADD COLUMN chosen_for timestamptz;
COMMENT ON COLUMN rastro.poll_state.chosen_for IS 'End of the window it was last chosen for, when there were fewer calls than references due.';

ALTER TABLE rastro.habit ADD COLUMN lane text NOT NULL DEFAULT '';
ALTER TABLE rastro.habit DROP CONSTRAINT habit_is_one;
ALTER TABLE rastro.habit ADD CONSTRAINT habit_is_one PRIMARY KEY (carrier, step, lane);
COMMENT ON COLUMN rastro.habit.lane IS 'State that the parcels go to, and their service; empty for the habit of all, which the rarer ones go by.';

CREATE FUNCTION rastro.kind_of(p rastro.poll_state, at timestamptz)
RETURNS TABLE (step text, status text, near boolean, silent integer, waited integer) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT p.step, p.status,
           coalesce(abs(extract(epoch FROM p.estimated_at - at)) <= 86400, false)
               OR EXISTS (SELECT FROM rastro.shipment s
                          WHERE s.poll_id = p.poll_id AND s.promised_at BETWEEN at - interval '1 day' AND at + interval '1 day'),
           floor(least(extract(epoch FROM at - p.quiet_since) / 3600, 2000))::integer,
           floor(greatest(0, least(extract(epoch FROM at - coalesce(p.answered_at, p.quiet_since)) / 3600, 168) - p.failures))::integer
$$;
COMMENT ON FUNCTION rastro.kind_of IS 'What is known of a reference when its urgency is judged: step, status, whether it is expected within a day, whole hours of silence and since the last look, less one for each time that it was asked about in vain.';
