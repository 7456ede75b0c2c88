-- The schema that all migrations together make. Written by `python -m stack.schema`; not to be edited.

CREATE SCHEMA rastro;

CREATE TABLE rastro.delivery_fact (
    shipment_id bigint NOT NULL,
    account text NOT NULL,
    carrier text NOT NULL,
    service text NOT NULL,
    state_from text NOT NULL,
    city_from text NOT NULL,
    state_to text NOT NULL,
    city_to text NOT NULL,
    ordered_at timestamp with time zone,
    posted_at timestamp with time zone,
    first_scan_at timestamp with time zone,
    first_attempt_at timestamp with time zone,
    delivered_at timestamp with time zone,
    ended_at timestamp with time zone,
    ended_as text NOT NULL,
    status text NOT NULL,
    last_scan_at timestamp with time zone,
    promised_at timestamp with time zone,
    first_estimate_at timestamp with time zone,
    last_estimate_at timestamp with time zone,
    transit_days numeric,
    transit_working_days smallint,
    attempt_working_days smallint,
    on_time boolean,
    days_late smallint,
    attempts smallint NOT NULL,
    failed_on date[] NOT NULL,
    silent_on datemultirange NOT NULL,
    hours_in jsonb NOT NULL,
    notices smallint NOT NULL,
    first_notice_at timestamp with time zone,
    last_notice_at timestamp with time zone,
    computed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rastro.delivery_fact IS 'One row for each parcel that is followed, worked out from all that is known of it. Days are those of America/Sao_Paulo; a scan is an event whose standing is effective; an attempt is a scan with status delivery_failed, ready_for_pickup or delivered.';

COMMENT ON COLUMN rastro.delivery_fact.shipment_id IS 'Our number of the shipment.';

COMMENT ON COLUMN rastro.delivery_fact.account IS 'The source, as adapter:connection.';

COMMENT ON COLUMN rastro.delivery_fact.carrier IS 'Registry code of the carrier; empty when none claims the parcel.';

COMMENT ON COLUMN rastro.delivery_fact.service IS 'The service that was bought.';

COMMENT ON COLUMN rastro.delivery_fact.state_from IS 'State of the first scan from posted_at on that names one; empty before.';

COMMENT ON COLUMN rastro.delivery_fact.city_from IS 'City of that same scan, in capitals without accents.';

COMMENT ON COLUMN rastro.delivery_fact.state_to IS 'State of the destination, in capitals.';

COMMENT ON COLUMN rastro.delivery_fact.city_to IS 'City of the destination, in capitals without accents.';

COMMENT ON COLUMN rastro.delivery_fact.ordered_at IS 'When the order was placed.';

COMMENT ON COLUMN rastro.delivery_fact.posted_at IS 'When the carrier first had it: its first scan with another status than unknown, info_received or cancelled.';

COMMENT ON COLUMN rastro.delivery_fact.first_scan_at IS 'Its first scan of any status, an announcement included.';

COMMENT ON COLUMN rastro.delivery_fact.first_attempt_at IS 'Its first attempt: when it first was at the recipient''s door or disposal.';

COMMENT ON COLUMN rastro.delivery_fact.delivered_at IS 'When it was handed to the recipient; null while it is not.';

COMMENT ON COLUMN rastro.delivery_fact.ended_at IS 'When it came to its final status; null while it is on its way.';

COMMENT ON COLUMN rastro.delivery_fact.ended_as IS 'Its final status: delivered, returned, lost, cancelled or expired; empty while it is on its way.';

COMMENT ON COLUMN rastro.delivery_fact.status IS 'Where it is, in the one vocabulary for all carriers.';

COMMENT ON COLUMN rastro.delivery_fact.last_scan_at IS 'Its newest scan.';

COMMENT ON COLUMN rastro.delivery_fact.promised_at IS 'When the shop promised the delivery at the purchase.';

COMMENT ON COLUMN rastro.delivery_fact.first_estimate_at IS 'The first delivery date that the carrier told.';

COMMENT ON COLUMN rastro.delivery_fact.last_estimate_at IS 'The last delivery date that the carrier told.';

COMMENT ON COLUMN rastro.delivery_fact.transit_days IS 'delivered_at − posted_at in days of 24 hours, to two decimals.';

COMMENT ON COLUMN rastro.delivery_fact.transit_working_days IS 'Working days after the day of posted_at up to the day of delivered_at, that one included, by the calendar of the carrier in the state of destination.';

COMMENT ON COLUMN rastro.delivery_fact.attempt_working_days IS 'Working days after the day of posted_at up to the day of first_attempt_at, likewise.';

COMMENT ON COLUMN rastro.delivery_fact.on_time IS 'Whether the day of first_attempt_at is not after the day of promised_at; false, too, when that day is over without an attempt. Null without a promise, before that can be said, and of a parcel without an attempt that was cancelled or never scanned.';

COMMENT ON COLUMN rastro.delivery_fact.days_late IS 'Where on_time is known, working days after the day of promised_at up to the day of first_attempt_at; without an attempt up to the day of ended_at, and null as long as there is neither. 0 when on time.';

COMMENT ON COLUMN rastro.delivery_fact.attempts IS 'Days with a scan of status delivery_failed or delivered.';

COMMENT ON COLUMN rastro.delivery_fact.failed_on IS 'Days with a scan of status delivery_failed.';

COMMENT ON COLUMN rastro.delivery_fact.silent_on IS 'Days between posted_at and ended_at at whose end more than five working days had gone by since the last scan.';

COMMENT ON COLUMN rastro.delivery_fact.hours_in IS 'Status → hours in it: from each scan to the next one, to one decimal. The newest scan''s own time is not counted.';

COMMENT ON COLUMN rastro.delivery_fact.notices IS 'Messages sent about it on all channels.';

COMMENT ON COLUMN rastro.delivery_fact.first_notice_at IS 'When the first of them was sent.';

COMMENT ON COLUMN rastro.delivery_fact.last_notice_at IS 'When the last of them was sent.';

COMMENT ON COLUMN rastro.delivery_fact.computed_at IS 'When this row was worked out.';

CREATE FUNCTION rastro.days_of(f rastro.delivery_fact, through date) RETURNS TABLE(day date, posted boolean, attempted boolean, delivered boolean, due boolean, kept boolean, lost boolean, returned boolean, failed boolean, pending boolean, silent boolean)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT * FROM (
        SELECT s.day, s.day = h.posted_on AS posted, s.day IS NOT DISTINCT FROM h.attempted_on AS attempted,
               s.day IS NOT DISTINCT FROM h.delivered_on AS delivered,
               s.day IS NOT DISTINCT FROM h.promised_on AND f.on_time IS NOT NULL AS due,
               s.day IS NOT DISTINCT FROM h.promised_on AND f.on_time IS TRUE AS kept,
               s.day IS NOT DISTINCT FROM h.ended_on AND f.ended_as = 'lost' AS lost,
               s.day IS NOT DISTINCT FROM h.ended_on AND f.ended_as = 'returned' AS returned, s.day = ANY(f.failed_on) AS failed,
               s.day >= h.posted_on AND (h.ended_on IS NULL OR s.day < h.ended_on) AS pending, s.day <@ f.silent_on AS silent
        FROM (
            SELECT (f.posted_at AT TIME ZONE 'America/Sao_Paulo')::date AS posted_on,
                   (f.first_attempt_at AT TIME ZONE 'America/Sao_Paulo')::date AS attempted_on,
                   (f.delivered_at AT TIME ZONE 'America/Sao_Paulo')::date AS delivered_on,
                   (f.ended_at AT TIME ZONE 'America/Sao_Paulo')::date AS ended_on,
                   (f.promised_at AT TIME ZONE 'America/Sao_Paulo')::date AS promised_on,
                   (f.last_scan_at AT TIME ZONE 'America/Sao_Paulo')::date AS scanned_on
            OFFSET 0  -- worked out once for each parcel, and not for each of its days
        ) AS h
        CROSS JOIN LATERAL (
            SELECT least(h.posted_on, h.promised_on) + n AS day
            FROM generate_series(0, least(through, greatest(coalesce(h.ended_on, through), h.promised_on, h.scanned_on))
                                    - least(h.posted_on, h.promised_on)) AS n
        ) AS s
        WHERE h.posted_on IS NOT NULL
    ) AS d
    WHERE d.posted OR d.attempted OR d.delivered OR d.due OR d.lost OR d.returned OR d.failed OR d.pending
$$;

COMMENT ON FUNCTION rastro.days_of(f rastro.delivery_fact, through date) IS 'The days on which a parcel counts in carrier_day, up to one, and as what: due on the day of its promise once it can be said whether that was kept, pending at the end of each day from its posting to the day before its end. One that its carrier never had counts on none.';

CREATE FUNCTION rastro.here() RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT concat_ws(' ', (SELECT system_identifier FROM pg_control_system()),
                     (SELECT oid FROM pg_database WHERE datname = current_database()), 'rastro'::regnamespace::oid)
$$;

COMMENT ON FUNCTION rastro.here() IS 'Where the schema is: the server''s own identifier, the number of the database, the number of the schema.';

CREATE FUNCTION rastro.is_due(next_poll_at timestamp with time zone, answered_at timestamp with time zone, lease_until timestamp with time zone, window_end timestamp with time zone, at timestamp with time zone) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT next_poll_at <= at AND (answered_at IS NULL OR answered_at < window_end) AND (lease_until IS NULL OR lease_until < at)
$$;

COMMENT ON FUNCTION rastro.is_due(next_poll_at timestamp with time zone, answered_at timestamp with time zone, lease_until timestamp with time zone, window_end timestamp with time zone, at timestamp with time zone) IS 'Whether a reference is to be asked about for a window: its time has come, nobody has asked since the window ended, nobody is asking now.';

CREATE TABLE rastro.poll_state (
    poll_id bigint NOT NULL,
    carrier text NOT NULL,
    reference text NOT NULL,
    status text DEFAULT 'unknown'::text NOT NULL,
    quiet_since timestamp with time zone NOT NULL,
    estimated_at timestamp with time zone,
    digest bytea,
    first_answered_at timestamp with time zone,
    answered_at timestamp with time zone,
    loaded_at timestamp with time zone,
    next_poll_at timestamp with time zone,
    lease_until timestamp with time zone,
    failures smallint DEFAULT 0 NOT NULL,
    refusal text DEFAULT ''::text NOT NULL,
    refusal_text text DEFAULT ''::text NOT NULL,
    not_ours smallint DEFAULT 0 NOT NULL,
    whole_at timestamp with time zone,
    step text DEFAULT ''::text NOT NULL,
    meaning bytea,
    chosen_for timestamp with time zone,
    contract text DEFAULT ''::text NOT NULL
)
WITH (fillfactor='70');

COMMENT ON TABLE rastro.poll_state IS 'What carriers are asked about, once per reference and contract however many shipments share it; narrow and hot.';

COMMENT ON COLUMN rastro.poll_state.quiet_since IS 'Time of the newest event, or when the reference was first known.';

COMMENT ON COLUMN rastro.poll_state.digest IS 'Digest of the last raw answer; an equal one is not read. Null when nothing was answered since news came unasked.';

COMMENT ON COLUMN rastro.poll_state.first_answered_at IS 'First good answer since the newest of its shipments was known.';

COMMENT ON COLUMN rastro.poll_state.answered_at IS 'Last answer that could be read, a refusal included: covers every window that ended before it.';

COMMENT ON COLUMN rastro.poll_state.loaded_at IS 'Time of the newest answer that has become events and state; an older one takes nothing back.';

COMMENT ON COLUMN rastro.poll_state.next_poll_at IS 'Next look; null when there is none any more.';

COMMENT ON COLUMN rastro.poll_state.lease_until IS 'Until then a task is asking about it.';

COMMENT ON COLUMN rastro.poll_state.not_ours IS 'How often in a row the carrier said that it is not its own.';

COMMENT ON COLUMN rastro.poll_state.whole_at IS 'Time of the newest whole answer among those that have been loaded; what an older one has and it has not was taken back.';

COMMENT ON COLUMN rastro.poll_state.step IS 'The carrier''s code of the newest event; empty before there is one.';

COMMENT ON COLUMN rastro.poll_state.meaning IS 'Digest of the newest answer as it was read; one that says the same again changes nothing. Null when it may.';

COMMENT ON COLUMN rastro.poll_state.chosen_for IS 'End of the window it was last chosen for, when there were fewer calls than references due.';

COMMENT ON COLUMN rastro.poll_state.contract IS 'The contract through which it is asked about, as adapter:connection; empty: the carrier''s first.';

CREATE FUNCTION rastro.kind_of(p rastro.poll_state, at timestamp with time zone) RETURNS TABLE(step text, status text, near boolean, silent integer, waited integer)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT p.step, p.status,
           coalesce(abs(extract(epoch FROM p.estimated_at - at)) <= 86400, false)
               OR EXISTS (SELECT FROM rastro.shipment s
                          WHERE s.poll_id = p.poll_id AND s.promised_at BETWEEN at - interval '1 day' AND at + interval '1 day'),
           floor(least(extract(epoch FROM at - p.quiet_since) / 3600, 2000))::integer,
           floor(greatest(0, least(extract(epoch FROM at - coalesce(p.answered_at, p.quiet_since)) / 3600, 168) - p.failures))::integer
$$;

COMMENT ON FUNCTION rastro.kind_of(p rastro.poll_state, at timestamp with time zone) IS 'What is known of a reference when its urgency is judged: step, status, whether it is expected within a day, whole hours of silence and since the last look, less one for each time that it was asked about in vain.';

CREATE FUNCTION rastro.make_event_partitions(from_month date, months integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    month_start date;
    name text;
    made integer := 0;
BEGIN
    FOR month_start IN
        SELECT generate_series(date_trunc('month', from_month), date_trunc('month', from_month) + make_interval(months => months - 1), interval '1 month')::date
    LOOP
        name := 'tracking_event_' || to_char(month_start, 'YYYYMM');
        IF to_regclass('rastro.' || name) IS NOT NULL THEN
            CONTINUE;
        END IF;
        -- Rows of that month may already lie in the default partition; they move, so nothing is refused or lost.
        EXECUTE format('CREATE TABLE rastro.%I (LIKE rastro.tracking_event INCLUDING ALL)', name);
        EXECUTE format(
            'WITH moved AS (DELETE FROM rastro.tracking_event_default WHERE occurred_at >= %L AND occurred_at < %L RETURNING *) INSERT INTO rastro.%I SELECT * FROM moved',
            month_start::timestamp AT TIME ZONE 'UTC', (month_start + interval '1 month') AT TIME ZONE 'UTC', name);
        EXECUTE format(
            'ALTER TABLE rastro.tracking_event ATTACH PARTITION rastro.%I FOR VALUES FROM (%L) TO (%L)',
            name, month_start::timestamp AT TIME ZONE 'UTC', (month_start + interval '1 month') AT TIME ZONE 'UTC');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

COMMENT ON FUNCTION rastro.make_event_partitions(from_month date, months integer) IS 'Makes the monthly partitions of tracking_event that are missing; safe to repeat.';

CREATE FUNCTION rastro.wilson_high(kept bigint, known bigint) RETURNS real
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT ((kept + 1.9208 + 1.96 * sqrt(kept * (known - kept)::float8 / nullif(known, 0) + 0.9604)) / (known + 3.8416))::real
$$;

COMMENT ON FUNCTION rastro.wilson_high(kept bigint, known bigint) IS 'Upper end of Wilson''s interval at 95 % for the share kept ⁄ known; null of none.';

CREATE FUNCTION rastro.wilson_low(kept bigint, known bigint) RETURNS real
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT ((kept + 1.9208 - 1.96 * sqrt(kept * (known - kept)::float8 / nullif(known, 0) + 0.9604)) / (known + 3.8416))::real
$$;

COMMENT ON FUNCTION rastro.wilson_low(kept bigint, known bigint) IS 'Lower end of Wilson''s interval at 95 % for the share kept ⁄ known; null of none.';

CREATE TABLE rastro.awaited_order (
    account text NOT NULL,
    order_id text NOT NULL,
    awaited_since timestamp with time zone NOT NULL
);

COMMENT ON TABLE rastro.awaited_order IS 'Orders that each run reads again: without a tracking number yet, put aside, or placed by settings of before.';

CREATE TABLE rastro.call_budget (
    carrier text CONSTRAINT carrier_day_carrier_not_null NOT NULL,
    day date CONSTRAINT carrier_day_day_not_null NOT NULL,
    calls integer DEFAULT 0 CONSTRAINT carrier_day_calls_not_null NOT NULL
);

COMMENT ON TABLE rastro.call_budget IS 'The calls of one day to a carrier that has a budget of them, by all runs.';

COMMENT ON COLUMN rastro.call_budget.carrier IS 'Registry code of the carrier, for its first contract; a further one as adapter:connection.';

COMMENT ON COLUMN rastro.call_budget.day IS 'By the clock of America/Sao_Paulo.';

COMMENT ON COLUMN rastro.call_budget.calls IS 'Made, or given to a task that is about to make them.';

CREATE TABLE rastro.carrier_day (
    carrier text CONSTRAINT carrier_day_carrier_not_null1 NOT NULL,
    service text NOT NULL,
    state_from text NOT NULL,
    state_to text NOT NULL,
    city_to text NOT NULL,
    day date CONSTRAINT carrier_day_day_not_null1 NOT NULL,
    posted integer NOT NULL,
    attempted integer NOT NULL,
    delivered integer NOT NULL,
    on_time integer NOT NULL,
    on_time_known integer NOT NULL,
    on_time_low real GENERATED ALWAYS AS (rastro.wilson_low((on_time)::bigint, (on_time_known)::bigint)) STORED,
    on_time_high real GENERATED ALWAYS AS (rastro.wilson_high((on_time)::bigint, (on_time_known)::bigint)) STORED,
    transit_p50 real,
    transit_p90 real,
    lost integer NOT NULL,
    returned integer NOT NULL,
    failed_attempts integer NOT NULL,
    pending integer NOT NULL,
    silent integer NOT NULL,
    computed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rastro.carrier_day IS 'What happened to the parcels of one lane on one day of America/Sao_Paulo, counted from delivery_fact; a lane is a carrier, a service, a state of origin, a state and a city of destination. A parcel that the carrier never had counts nowhere. Counts add up over lanes and days, but for pending and silent, which add up over lanes alone; shares and percentiles do not.';

COMMENT ON COLUMN rastro.carrier_day.carrier IS 'Registry code of the carrier; empty when none claims the parcels.';

COMMENT ON COLUMN rastro.carrier_day.service IS 'The service that was bought.';

COMMENT ON COLUMN rastro.carrier_day.state_from IS 'State where they were posted.';

COMMENT ON COLUMN rastro.carrier_day.state_to IS 'State of the destination.';

COMMENT ON COLUMN rastro.carrier_day.city_to IS 'City of the destination, in capitals without accents.';

COMMENT ON COLUMN rastro.carrier_day.day IS 'By the clock of America/Sao_Paulo.';

COMMENT ON COLUMN rastro.carrier_day.posted IS 'Parcels whose posted_at lies in the day.';

COMMENT ON COLUMN rastro.carrier_day.attempted IS 'Parcels whose first_attempt_at lies in the day.';

COMMENT ON COLUMN rastro.carrier_day.delivered IS 'Parcels whose delivered_at lies in the day.';

COMMENT ON COLUMN rastro.carrier_day.on_time IS 'Of on_time_known, those whose on_time is true.';

COMMENT ON COLUMN rastro.carrier_day.on_time_known IS 'Parcels whose promise fell due that day and of which on_time can be said.';

COMMENT ON COLUMN rastro.carrier_day.on_time_low IS 'Lower end of the 95 % interval (Wilson) of on_time ⁄ on_time_known.';

COMMENT ON COLUMN rastro.carrier_day.on_time_high IS 'Upper end of the 95 % interval (Wilson) of on_time ⁄ on_time_known.';

COMMENT ON COLUMN rastro.carrier_day.transit_p50 IS 'Median of transit_working_days of those delivered that day, interpolated; null of none.';

COMMENT ON COLUMN rastro.carrier_day.transit_p90 IS '90th percentile of transit_working_days of those delivered that day, interpolated; null of none.';

COMMENT ON COLUMN rastro.carrier_day.lost IS 'Parcels that ended that day as lost.';

COMMENT ON COLUMN rastro.carrier_day.returned IS 'Parcels that ended that day as returned to the sender.';

COMMENT ON COLUMN rastro.carrier_day.failed_attempts IS 'Parcels that were tried in vain that day.';

COMMENT ON COLUMN rastro.carrier_day.pending IS 'Parcels that were posted and not ended at the end of the day, or by now on a day that is not over.';

COMMENT ON COLUMN rastro.carrier_day.silent IS 'Of pending, those whose silent_on holds the day: no scan for more than five working days.';

COMMENT ON COLUMN rastro.carrier_day.computed_at IS 'When this row was worked out.';

CREATE TABLE rastro.carrier_plan (
    carrier text NOT NULL,
    window_end timestamp with time zone NOT NULL,
    put_off integer NOT NULL
);

COMMENT ON TABLE rastro.carrier_plan IS 'The last plan for a carrier that has a budget of calls.';

COMMENT ON COLUMN rastro.carrier_plan.carrier IS 'Registry code of the carrier, for its first contract; a further one as adapter:connection.';

COMMENT ON COLUMN rastro.carrier_plan.put_off IS 'References that were due and have to wait, since the calls go to others; they stay due.';

CREATE TABLE rastro.claim (
    shipment_id bigint NOT NULL,
    carrier text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    since date NOT NULL,
    until date NOT NULL,
    at_stake numeric(12,2),
    found_at timestamp with time zone NOT NULL,
    opened_by text DEFAULT ''::text NOT NULL,
    protocol text DEFAULT ''::text NOT NULL,
    asked numeric(12,2),
    paid numeric(12,2),
    carrier_paid_at timestamp with time zone,
    note text DEFAULT ''::text NOT NULL,
    changed_by text DEFAULT ''::text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT claim_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'filed'::text, 'paid'::text, 'refused'::text, 'lapsed'::text])))
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

CREATE TABLE rastro.contract (
    carrier text NOT NULL,
    account text NOT NULL,
    contract text NOT NULL
);

COMMENT ON TABLE rastro.contract IS 'Accounts whose parcels a carrier is asked about through another contract than its first, as the setting carriers says.';

COMMENT ON COLUMN rastro.contract.account IS 'The source, as adapter:connection.';

COMMENT ON COLUMN rastro.contract.contract IS 'The carrier''s connection, as adapter:connection.';

CREATE TABLE rastro.correction (
    account text NOT NULL,
    order_id text NOT NULL,
    invoice_number text NOT NULL,
    tracking_number text NOT NULL,
    new_number text DEFAULT ''::text NOT NULL,
    carrier text DEFAULT ''::text NOT NULL,
    corrected_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rastro.correction IS 'Numbers and carriers that a person corrected: they hold whatever the source goes on saying.';

COMMENT ON COLUMN rastro.correction.tracking_number IS 'The number as its source says it, normalised.';

COMMENT ON COLUMN rastro.correction.new_number IS 'The number in its place; empty: as it is.';

COMMENT ON COLUMN rastro.correction.carrier IS 'The carrier that is asked; empty: as routing says.';

CREATE TABLE rastro.erased (
    name_hash bytea NOT NULL,
    erased_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rastro.erased IS 'Orders and numbers of parcels that were erased at a person''s wish: what comes in about them is not kept again.';

COMMENT ON COLUMN rastro.erased.name_hash IS 'Keyed hash of the account and the order, or of the carrier and the number; useless without the key.';

CREATE TABLE rastro.estimate (
    shipment_id bigint NOT NULL,
    told_at timestamp with time zone NOT NULL,
    estimated_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rastro.estimate IS 'Each delivery date that a carrier told, when it was another than its last; rows are only added.';

COMMENT ON COLUMN rastro.estimate.shipment_id IS 'Our number of the shipment.';

COMMENT ON COLUMN rastro.estimate.told_at IS 'When we learnt of it.';

COMMENT ON COLUMN rastro.estimate.estimated_at IS 'When the carrier expected the delivery.';

CREATE TABLE rastro.forecast (
    shipment_id bigint NOT NULL,
    day date NOT NULL,
    median_on date,
    p90_on date,
    miss_probability real,
    promised_on date,
    lane_level text NOT NULL,
    sample integer NOT NULL,
    computed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rastro.forecast IS 'What was to be expected of each parcel on its way, by what was known at the end of a day; docs/forecast.md says how it is worked out.';

COMMENT ON COLUMN rastro.forecast.shipment_id IS 'Our number of the shipment.';

COMMENT ON COLUMN rastro.forecast.day IS 'The day at whose end this was known, by the clock of America/Sao_Paulo.';

COMMENT ON COLUMN rastro.forecast.median_on IS 'The day by which half of such parcels are delivered; null without any history, or where hardly any still comes.';

COMMENT ON COLUMN rastro.forecast.p90_on IS 'The day by which nine of ten are.';

COMMENT ON COLUMN rastro.forecast.miss_probability IS 'How likely the first attempt comes after the promised day; 0 or 1 where that is known already, null without a promise or history.';

COMMENT ON COLUMN rastro.forecast.promised_on IS 'The day that the shop promised at the purchase.';

COMMENT ON COLUMN rastro.forecast.lane_level IS 'The narrowest lane with enough history to outweigh the wider ones: city, states, state, service, carrier or everything; empty without any.';

COMMENT ON COLUMN rastro.forecast.sample IS 'Parcels of that lane which were seen lately where this one stands.';

COMMENT ON COLUMN rastro.forecast.computed_at IS 'When this row was worked out.';

CREATE TABLE rastro.habit (
    carrier text NOT NULL,
    step text NOT NULL,
    by_silence real[] NOT NULL,
    by_hour real[] NOT NULL,
    lane text DEFAULT ''::text NOT NULL,
    by_both real[] DEFAULT array_fill((1)::real, ARRAY[96]) NOT NULL
);

COMMENT ON TABLE rastro.habit IS 'When a carrier has news of parcels in each step, learnt once a day from a sample of its history.';

COMMENT ON COLUMN rastro.habit.step IS 'The carrier''s code of a parcel''s newest event; empty before there is one.';

COMMENT ON COLUMN rastro.habit.by_silence IS 'Events to be expected in an hour after so long a silence: up to 1, 2, 4, 8, 12, 18, 24, 36, 48, 72, 120, 168, 240, 360, 720 hours, and longer.';

COMMENT ON COLUMN rastro.habit.by_hour IS 'How many times as many in each hour of the week from Monday 0 h (America/Sao_Paulo); 1 on average.';

COMMENT ON COLUMN rastro.habit.lane IS 'State that the parcels go to, and their service; empty for the habit of all, which the rarer ones go by.';

COMMENT ON COLUMN rastro.habit.by_both IS 'How many times as many as these two say, in each of six parts of the day after so long a silence; span by span.';

CREATE TABLE rastro.habits_learnt (
    one boolean DEFAULT true NOT NULL,
    learnt_at timestamp with time zone NOT NULL,
    CONSTRAINT habits_learnt_once CHECK (one)
);

COMMENT ON TABLE rastro.habits_learnt IS 'When habits were learnt last; one row.';

COMMENT ON COLUMN rastro.habits_learnt.one IS 'Always true.';

COMMENT ON COLUMN rastro.habits_learnt.learnt_at IS 'When.';

CREATE TABLE rastro.inbox (
    inbox_id bigint NOT NULL,
    carrier text NOT NULL,
    way text NOT NULL,
    digest bytea NOT NULL,
    body bytea,
    received_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    times integer DEFAULT 1 NOT NULL,
    read_at timestamp with time zone,
    unreadable integer DEFAULT 0 NOT NULL,
    contract text DEFAULT ''::text NOT NULL,
    CONSTRAINT inbox_way_is_known CHECK ((way = ANY (ARRAY['push'::text, 'feed'::text])))
);

COMMENT ON TABLE rastro.inbox IS 'What carriers sent by themselves or handed out once, kept before it is read.';

COMMENT ON COLUMN rastro.inbox.way IS 'push (the carrier called us) or feed (we fetched a lot that is handed out once).';

COMMENT ON COLUMN rastro.inbox.body IS 'The raw body, compressed with zlib; null once it has been erased, being old.';

COMMENT ON COLUMN rastro.inbox.times IS 'How often the very same body came.';

COMMENT ON COLUMN rastro.inbox.read_at IS 'When it was cut into parts; null while it waits for a run.';

COMMENT ON COLUMN rastro.inbox.unreadable IS 'How much of it could not be read, and is read again when the quarantine is retried.';

COMMENT ON COLUMN rastro.inbox.contract IS 'The contract that a feed was handed out to, or by whose secret a push is genuine, as adapter:connection; empty: the carrier''s first. A push that is genuine by several is kept once for each.';

ALTER TABLE rastro.inbox ALTER COLUMN inbox_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.inbox_inbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rastro.inbox_part (
    part_id bigint NOT NULL,
    inbox_id bigint NOT NULL,
    carrier text NOT NULL,
    refs text[] NOT NULL,
    raw bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    unreadable boolean DEFAULT false NOT NULL
);

COMMENT ON TABLE rastro.inbox_part IS 'What the inbox says about references that nobody follows yet: it waits for their shipments, as long as sync_horizon says.';

COMMENT ON COLUMN rastro.inbox_part.refs IS 'All that the parcel may be known by with us.';

COMMENT ON COLUMN rastro.inbox_part.unreadable IS 'It made no sense, and waits until the quarantine is retried.';

ALTER TABLE rastro.inbox_part ALTER COLUMN part_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.inbox_part_part_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rastro.incident (
    incident_id bigint NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    said text NOT NULL,
    began_at timestamp with time zone NOT NULL,
    told text[] DEFAULT '{}'::text[] NOT NULL,
    resolved_at timestamp with time zone
);

COMMENT ON TABLE rastro.incident IS 'What the data team is alerted of, once from its beginning to its end.';

COMMENT ON COLUMN rastro.incident.kind IS 'run_failed, run_late, carrier_silent or notice_waits.';

COMMENT ON COLUMN rastro.incident.subject IS 'What it is about: a part of a run, a run, a carrier or a channel.';

COMMENT ON COLUMN rastro.incident.told IS 'The ways of the setting alert_by by which it has been told.';

ALTER TABLE rastro.incident ALTER COLUMN incident_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.incident_incident_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rastro.installation (
    only_one boolean DEFAULT true NOT NULL,
    told_until timestamp with time zone,
    hash_key bytea,
    home text NOT NULL,
    CONSTRAINT installation_is_only_one CHECK (only_one)
);

COMMENT ON TABLE rastro.installation IS 'Where this warehouse is at home; one row.';

COMMENT ON COLUMN rastro.installation.told_until IS 'What happened until then may have been told by the warehouse that was lost; null before any restore.';

COMMENT ON COLUMN rastro.installation.hash_key IS 'The key of the hashes of addresses and of what was erased, sealed with Airflow''s Fernet key; null before the first of them.';

COMMENT ON COLUMN rastro.installation.home IS 'rastro.here() as it was at home: of a schema that was restored or copied it is another one; empty where it was so before this was kept.';

CREATE TABLE rastro.letter (
    first_day date NOT NULL,
    last_day date NOT NULL,
    message_id text NOT NULL,
    claimed_at timestamp with time zone NOT NULL,
    attempts smallint NOT NULL,
    sent_at timestamp with time zone
);

COMMENT ON TABLE rastro.letter IS 'The letters about deliveries that were sent, or are being sent, to the addresses of letter_to.';

COMMENT ON COLUMN rastro.letter.first_day IS 'First day that it tells of.';

COMMENT ON COLUMN rastro.letter.last_day IS 'Last day that it tells of.';

COMMENT ON COLUMN rastro.letter.message_id IS 'Its Message-ID, the same on every attempt.';

COMMENT ON COLUMN rastro.letter.claimed_at IS 'When the last attempt began.';

COMMENT ON COLUMN rastro.letter.attempts IS 'Attempts that were made, but for those that were surely not taken.';

COMMENT ON COLUMN rastro.letter.sent_at IS 'When the mail server took it; null while that is not known.';

CREATE TABLE rastro.manual_action (
    action_id bigint NOT NULL,
    act_key text NOT NULL,
    done_at timestamp with time zone NOT NULL,
    done_by text NOT NULL,
    run_id text NOT NULL,
    action text NOT NULL,
    reason text NOT NULL,
    shipment_id bigint,
    notice_id bigint,
    account text NOT NULL,
    order_id text NOT NULL,
    subject text NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL
);

COMMENT ON TABLE rastro.manual_action IS 'What people did by hand, one row for each parcel, notice or wish of a person; rows are only added, and lose what names somebody who is erased.';

COMMENT ON COLUMN rastro.manual_action.act_key IS 'The run, the line of its form, and what it is about: repeated, the run does it no second time.';

COMMENT ON COLUMN rastro.manual_action.done_by IS 'The user of Airflow who triggered the run, or of the machine who gave the command.';

COMMENT ON COLUMN rastro.manual_action.subject IS 'The tracking number, or what else was meant.';

ALTER TABLE rastro.manual_action ALTER COLUMN action_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.manual_action_action_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rastro.migration (
    version_num character varying(32) NOT NULL
);

COMMENT ON TABLE rastro.migration IS 'The newest migration that has been applied.';

CREATE TABLE rastro.notice (
    notice_id bigint NOT NULL,
    shipment_id bigint NOT NULL,
    channel text NOT NULL,
    kind text NOT NULL,
    content text NOT NULL,
    target text NOT NULL,
    state text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    event_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    facts jsonb DEFAULT '{}'::jsonb NOT NULL,
    owed_at timestamp with time zone NOT NULL,
    not_before timestamp with time zone NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone,
    claimed_by text DEFAULT ''::text NOT NULL,
    message_id text DEFAULT ''::text NOT NULL,
    rendered jsonb,
    recipient text DEFAULT ''::text NOT NULL,
    receipt text DEFAULT ''::text NOT NULL,
    settled_at timestamp with time zone,
    run_id text NOT NULL,
    hand_overs smallint DEFAULT 0 NOT NULL,
    handed_over_by text DEFAULT ''::text NOT NULL,
    recipient_hash text DEFAULT ''::text NOT NULL,
    erased_at timestamp with time zone,
    to_receiver boolean DEFAULT false NOT NULL,
    released boolean DEFAULT false NOT NULL,
    CONSTRAINT notice_state_is_known CHECK ((state = ANY (ARRAY['owed'::text, 'claimed'::text, 'unknown'::text, 'sent'::text, 'superseded'::text, 'dropped'::text, 'dead'::text])))
);

COMMENT ON TABLE rastro.notice IS 'The outbox: one row for each message owed to somebody, committed with the change that owes it.';

COMMENT ON COLUMN rastro.notice.content IS 'Tells notices of one kind apart: a day, or a digest of the events concerned.';

COMMENT ON COLUMN rastro.notice.state IS 'owed, claimed (being sent until lease_until), unknown (sent or not: asked before any repeat), sent, superseded, dropped, dead (waits for a person).';

COMMENT ON COLUMN rastro.notice.rendered IS 'The exact message, without the address and the name.';

COMMENT ON COLUMN rastro.notice.recipient IS 'The address, masked.';

COMMENT ON COLUMN rastro.notice.hand_overs IS 'How many attempts nobody can tell the fate of: counted before the message leaves us, taken back once its fate is known.';

COMMENT ON COLUMN rastro.notice.handed_over_by IS 'The claim whose attempt is counted among the hand-overs and is not settled yet.';

COMMENT ON COLUMN rastro.notice.recipient_hash IS 'The address as a keyed hash; the same address always gives the same.';

COMMENT ON COLUMN rastro.notice.erased_at IS 'When its text and its recipient were erased, being old or at a person''s wish.';

COMMENT ON COLUMN rastro.notice.to_receiver IS 'Whether the mail is for whoever receives the parcel, and not for the buyer.';

COMMENT ON COLUMN rastro.notice.released IS 'Whether a person wants it sent, whatever the caps on mails.';

CREATE TABLE rastro.notice_attempt (
    attempt_id bigint NOT NULL,
    notice_id bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    outcome text DEFAULT ''::text NOT NULL,
    answer text DEFAULT ''::text NOT NULL,
    run_id text NOT NULL,
    claimed_by text DEFAULT ''::text NOT NULL
);

COMMENT ON TABLE rastro.notice_attempt IS 'Each attempt at sending; one without an end was cut off.';

COMMENT ON COLUMN rastro.notice_attempt.claimed_by IS 'The task that made the attempt.';

ALTER TABLE rastro.notice_attempt ALTER COLUMN attempt_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.notice_attempt_attempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE rastro.notice ALTER COLUMN notice_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.notice_notice_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rastro.shipment (
    shipment_id bigint NOT NULL,
    account text NOT NULL,
    order_id text NOT NULL,
    invoice_number text NOT NULL,
    tracking_number text NOT NULL,
    tracking_text text DEFAULT ''::text NOT NULL,
    courier text DEFAULT ''::text NOT NULL,
    tracking_url text DEFAULT ''::text NOT NULL,
    invoice_key text DEFAULT ''::text NOT NULL,
    shipper_cnpj text DEFAULT ''::text NOT NULL,
    carrier_id text DEFAULT ''::text NOT NULL,
    carrier text,
    carrier_reason text DEFAULT ''::text NOT NULL,
    poll_id bigint,
    service text DEFAULT ''::text NOT NULL,
    origin text DEFAULT ''::text NOT NULL,
    affiliate text DEFAULT ''::text NOT NULL,
    marketplace_order_id text DEFAULT ''::text NOT NULL,
    marketplace_endpoint text DEFAULT ''::text NOT NULL,
    route text DEFAULT 'none'::text NOT NULL,
    marketplace text DEFAULT ''::text NOT NULL,
    locale text DEFAULT 'pt-BR'::text NOT NULL,
    ordered_at timestamp with time zone,
    invoiced_at timestamp with time zone,
    promised_at timestamp with time zone,
    city_to text DEFAULT ''::text NOT NULL,
    state_to text DEFAULT ''::text NOT NULL,
    skip text DEFAULT ''::text NOT NULL,
    warning text DEFAULT ''::text NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    declined_by text[] DEFAULT '{}'::text[] NOT NULL,
    route_reason text DEFAULT ''::text NOT NULL,
    paused_at timestamp with time zone,
    receiver_too boolean DEFAULT false NOT NULL,
    declared_value numeric(12,2)
);

COMMENT ON TABLE rastro.shipment IS 'One package on its way: account, order, invoice and tracking number. Holds no contact data.';

COMMENT ON COLUMN rastro.shipment.account IS 'The source, as adapter:connection.';

COMMENT ON COLUMN rastro.shipment.tracking_text IS 'The tracking number as the shop typed it.';

COMMENT ON COLUMN rastro.shipment.carrier IS 'Registry code of the carrier; null when none claims the parcel.';

COMMENT ON COLUMN rastro.shipment.route IS 'Who confirms delivery to the marketplace: none, connector, direct or review.';

COMMENT ON COLUMN rastro.shipment.skip IS 'Why the parcel is not followed; empty when it is.';

COMMENT ON COLUMN rastro.shipment.warning IS 'What looks wrong about its number, though it is followed.';

COMMENT ON COLUMN rastro.shipment.declined_by IS 'Carriers that were asked and said several times that it is not theirs.';

COMMENT ON COLUMN rastro.shipment.route_reason IS 'Why its delivery is confirmed by that route.';

COMMENT ON COLUMN rastro.shipment.paused_at IS 'Since when a person has it paused: it is not asked about, and what it owes waits; null when it is not.';

COMMENT ON COLUMN rastro.shipment.receiver_too IS 'Whether somebody else than the buyer receives it and may be mailed.';

COMMENT ON COLUMN rastro.shipment.declared_value IS 'What the invoice says the package is worth, in the shop''s currency; null where its source does not tell, or the package has several numbers.';

CREATE TABLE rastro.shipment_state (
    shipment_id bigint NOT NULL,
    status text DEFAULT 'unknown'::text NOT NULL,
    status_at timestamp with time zone,
    status_key text DEFAULT ''::text NOT NULL,
    delivered_at timestamp with time zone,
    estimated_at timestamp with time zone,
    pickup jsonb,
    event_count integer DEFAULT 0 NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    revision integer DEFAULT 0 NOT NULL,
    received_by text DEFAULT ''::text NOT NULL,
    proof_url text DEFAULT ''::text NOT NULL
)
WITH (fillfactor='80');

COMMENT ON TABLE rastro.shipment_state IS 'Where each shipment is now, computed from all its events by their own times.';

COMMENT ON COLUMN rastro.shipment_state.status_at IS 'Time of the event that decides the status.';

COMMENT ON COLUMN rastro.shipment_state.revision IS 'How many changes it has seen. Tells a change that comes a second time from its first coming.';

COMMENT ON COLUMN rastro.shipment_state.received_by IS 'Initials of who took it, where the carrier says so.';

COMMENT ON COLUMN rastro.shipment_state.proof_url IS 'Address of the carrier''s picture of the delivery, where it has one.';

CREATE VIEW rastro.open_notice AS
 SELECT n.notice_id,
    n.shipment_id,
    n.channel,
    n.target,
    n.state,
    n.event_at,
    n.not_before,
    n.lease_until,
    s.account,
    s.order_id,
    s.invoice_number,
    n.hand_overs,
    s.carrier,
    s.tracking_number
   FROM (rastro.notice n
     JOIN rastro.shipment s USING (shipment_id))
  WHERE ((n.state = ANY (ARRAY['owed'::text, 'claimed'::text, 'unknown'::text])) AND (NOT (EXISTS ( SELECT
           FROM rastro.shipment o
          WHERE ((o.account = s.account) AND (o.order_id = s.order_id) AND (o.invoice_number = s.invoice_number) AND (o.paused_at IS NOT NULL) AND (o.skip = ''::text) AND ((o.shipment_id = s.shipment_id) OR (n.channel = ANY (ARRAY['order'::text, 'marketplace'::text]))))))) AND ((s.tracking_number <> ''::text) OR (n.channel <> ALL (ARRAY['order'::text, 'marketplace'::text])) OR (n.kind = 'number'::text)) AND ((n.channel <> 'marketplace'::text) OR (n.kind <> 'delivered'::text) OR (NOT (EXISTS ( SELECT
           FROM (rastro.shipment o
             JOIN rastro.shipment_state t USING (shipment_id))
          WHERE ((o.account = s.account) AND (o.order_id = s.order_id) AND (o.invoice_number = s.invoice_number) AND (o.skip = ''::text) AND (t.status <> 'delivered'::text)))))));

COMMENT ON VIEW rastro.open_notice IS 'Notices that are not settled, with the package each belongs to, but for those that wait while a parcel is paused. A delivery is confirmed when all parcels of the package are delivered.';

CREATE TABLE rastro.pace (
    account text NOT NULL,
    per_second double precision NOT NULL,
    free_at timestamp with time zone NOT NULL,
    turns bigint NOT NULL,
    waited interval DEFAULT '00:00:00'::interval NOT NULL
)
WITH (fillfactor='50');

COMMENT ON TABLE rastro.pace IS 'How fast each account is called, by all tasks and runs together; one row for each account.';

COMMENT ON COLUMN rastro.pace.account IS 'The carrier, source or marketplace, as adapter:connection.';

COMMENT ON COLUMN rastro.pace.per_second IS 'Calls that it bears, as they were last told.';

COMMENT ON COLUMN rastro.pace.free_at IS 'All turns before it are taken: where it lies ahead, so long does who comes now wait.';

COMMENT ON COLUMN rastro.pace.turns IS 'Turns that were taken so far, used or not.';

COMMENT ON COLUMN rastro.pace.waited IS 'How long tasks have waited for their turn so far, all together.';

CREATE TABLE rastro.poll_batch (
    batch_id bigint NOT NULL,
    run_id text NOT NULL,
    carrier text NOT NULL,
    contract text NOT NULL,
    window_start timestamp with time zone NOT NULL,
    window_end timestamp with time zone NOT NULL,
    from_poll_id bigint NOT NULL,
    to_poll_id bigint NOT NULL,
    calls integer NOT NULL,
    asked integer NOT NULL,
    unchanged integer NOT NULL,
    changed integer NOT NULL,
    refused integer NOT NULL,
    quarantined integer NOT NULL,
    unanswered integer NOT NULL,
    bytes bigint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    trouble text DEFAULT ''::text NOT NULL
);

COMMENT ON TABLE rastro.poll_batch IS 'One row for each slice a tracking task worked through.';

ALTER TABLE rastro.poll_batch ALTER COLUMN batch_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.poll_batch_batch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE rastro.poll_state ALTER COLUMN poll_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.poll_state_poll_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rastro.quarantine (
    quarantine_id bigint NOT NULL,
    origin text NOT NULL,
    subject text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    raw bytea,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    times integer DEFAULT 1 NOT NULL,
    resolved_at timestamp with time zone,
    run_id text NOT NULL,
    erased_at timestamp with time zone
);

COMMENT ON TABLE rastro.quarantine IS 'What could not be read or addressed, with the reason and the raw body (zlib), until it can be read or somebody resolves it.';

COMMENT ON COLUMN rastro.quarantine.erased_at IS 'When the raw body was erased, being old.';

ALTER TABLE rastro.quarantine ALTER COLUMN quarantine_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.quarantine_quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rastro.raw_answer (
    poll_id bigint NOT NULL,
    answered_at timestamp with time zone NOT NULL,
    raw bytea NOT NULL
);

COMMENT ON TABLE rastro.raw_answer IS 'The last raw answer about each reference, compressed with zlib.';

CREATE TABLE rastro.rehearsal (
    rehearsal_id bigint NOT NULL,
    run_id text NOT NULL,
    channel text NOT NULL,
    target text NOT NULL,
    account text NOT NULL,
    order_id text NOT NULL,
    invoice_number text DEFAULT ''::text NOT NULL,
    kind text NOT NULL,
    notices integer NOT NULL,
    verdict text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    rendered jsonb,
    recipient text DEFAULT ''::text NOT NULL,
    rehearsed_at timestamp with time zone NOT NULL,
    CONSTRAINT rehearsal_verdict_is_known CHECK ((verdict = ANY (ARRAY['send'::text, 'keep'::text, 'drop'::text, 'wait'::text])))
);

COMMENT ON TABLE rastro.rehearsal IS 'What dry runs would have sent, message by message. Nothing of it was sent.';

COMMENT ON COLUMN rastro.rehearsal.notices IS 'How many notices this one message would have settled.';

COMMENT ON COLUMN rastro.rehearsal.verdict IS 'send; keep (the other side knows already); drop (it would not be told, with the reason); wait (it would be tried later).';

COMMENT ON COLUMN rastro.rehearsal.rendered IS 'The exact message, without the address and the name.';

COMMENT ON COLUMN rastro.rehearsal.recipient IS 'The address, masked.';

ALTER TABLE rastro.rehearsal ALTER COLUMN rehearsal_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.rehearsal_rehearsal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rastro.reported (
    one boolean DEFAULT true NOT NULL,
    until timestamp with time zone NOT NULL,
    CONSTRAINT reported_is_one CHECK (one)
);

COMMENT ON TABLE rastro.reported IS 'How far the reports have come; one row.';

COMMENT ON COLUMN rastro.reported.one IS 'Always true.';

COMMENT ON COLUMN rastro.reported.until IS 'All that was recorded before is in delivery_fact and carrier_day.';

CREATE TABLE rastro.run_stage (
    run_id text NOT NULL,
    stage text NOT NULL,
    part text DEFAULT ''::text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    figures jsonb NOT NULL,
    trouble text DEFAULT ''::text NOT NULL,
    calls jsonb DEFAULT '{}'::jsonb NOT NULL
);

COMMENT ON TABLE rastro.run_stage IS 'What each stage of each run did: figures, seconds, and what went wrong.';

COMMENT ON COLUMN rastro.run_stage.calls IS 'Its HTTP calls by whom they went to: how they were answered, and in how many seconds at most.';

CREATE TABLE rastro.shipment_change (
    change_id bigint NOT NULL,
    shipment_id bigint NOT NULL,
    from_status text NOT NULL,
    to_status text NOT NULL,
    event_key text NOT NULL,
    occurred_at timestamp with time zone,
    window_start timestamp with time zone NOT NULL,
    new_events integer NOT NULL,
    restated integer NOT NULL,
    first_contact boolean NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    run_id text NOT NULL
);

COMMENT ON TABLE rastro.shipment_change IS 'The diffs: what each answer that said something new changed.';

COMMENT ON COLUMN rastro.shipment_change.window_start IS 'The hour the deciding event happened in, whichever run learnt of it.';

ALTER TABLE rastro.shipment_change ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.shipment_change_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE rastro.shipment ALTER COLUMN shipment_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.shipment_shipment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rastro.source (
    account text NOT NULL,
    writes_back boolean NOT NULL,
    own_mail boolean NOT NULL,
    decided_by text DEFAULT ''::text NOT NULL,
    synced_until timestamp with time zone
);

COMMENT ON TABLE rastro.source IS 'Each order source: how far it has been read, and how its people are told.';

COMMENT ON COLUMN rastro.source.own_mail IS 'Whether its customers are mailed by us; otherwise by the order system, when the order is written.';

COMMENT ON COLUMN rastro.source.decided_by IS 'Digest of the settings by which carriers and routes were last found.';

CREATE TABLE rastro.staged_snapshot (
    staged_id bigint NOT NULL,
    poll_id bigint NOT NULL,
    answered_at timestamp with time zone NOT NULL,
    digest bytea NOT NULL,
    snapshot bytea NOT NULL,
    raw bytea NOT NULL,
    run_id text NOT NULL,
    worked_out_again boolean DEFAULT false NOT NULL,
    unasked boolean DEFAULT false NOT NULL,
    meaning bytea,
    next_poll_at timestamp with time zone
);

COMMENT ON TABLE rastro.staged_snapshot IS 'Changed answers between tracking and loading; empty when all is loaded.';

COMMENT ON COLUMN rastro.staged_snapshot.worked_out_again IS 'Read anew from an answer that was kept, which nobody is told old news about.';

COMMENT ON COLUMN rastro.staged_snapshot.unasked IS 'It came through the inbox: it is no answer that covers an hour, and the next answer is read whatever it is.';

COMMENT ON COLUMN rastro.staged_snapshot.meaning IS 'Digest of the answer as it was read; null when it is to be compared whatever it says.';

COMMENT ON COLUMN rastro.staged_snapshot.next_poll_at IS 'Next look if it says what the last one said; null when there is none.';

ALTER TABLE rastro.staged_snapshot ALTER COLUMN staged_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME rastro.staged_snapshot_staged_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE rastro.stalled (
    shipment_id bigint NOT NULL,
    silent smallint NOT NULL,
    usual smallint NOT NULL,
    found_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rastro.stalled IS 'Parcels that sleep, as of the last report: on their way, without a scan for more working days than 95 of 100 in the same step of the same lane.';

COMMENT ON COLUMN rastro.stalled.shipment_id IS 'Our number of the shipment.';

COMMENT ON COLUMN rastro.stalled.silent IS 'Working days since its newest scan.';

COMMENT ON COLUMN rastro.stalled.usual IS 'Working days within which 95 of 100 have news; at least 3.';

COMMENT ON COLUMN rastro.stalled.found_at IS 'When the report was made.';

CREATE TABLE rastro.suppressed_address (
    address_hash text NOT NULL,
    reason text NOT NULL,
    suppressed_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rastro.suppressed_address IS 'Addresses that a mail server refused for good, as keyed hashes.';

CREATE TABLE rastro.tally (
    subject text NOT NULL,
    part text NOT NULL,
    word text NOT NULL,
    since timestamp with time zone NOT NULL,
    figure bigint NOT NULL,
    counted_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rastro.tally IS 'Figures for the operators'' pages, counted at the end of each run.';

COMMENT ON COLUMN rastro.tally.subject IS 'What was counted: shipment, delivery, notice, problem or coverage; newest_problem: what place the newest has; written: rows written ever.';

COMMENT ON COLUMN rastro.tally.part IS 'Of which carrier, channel or problem; empty: of none.';

COMMENT ON COLUMN rastro.tally.word IS 'In which status or state.';

COMMENT ON COLUMN rastro.tally.since IS 'Of which hour or day, by its beginning; -infinity: of all time.';

COMMENT ON COLUMN rastro.tally.figure IS 'How many.';

COMMENT ON COLUMN rastro.tally.counted_at IS 'When.';

CREATE TABLE rastro.token (
    holder text NOT NULL,
    sealed bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE rastro.token IS 'Access tokens shared by tasks, encrypted.';

CREATE TABLE rastro.tracking_event (
    shipment_id bigint NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    event_key text NOT NULL,
    "position" smallint NOT NULL,
    status text NOT NULL,
    standing text NOT NULL,
    code text NOT NULL,
    description text NOT NULL,
    city text DEFAULT ''::text NOT NULL,
    state text DEFAULT ''::text NOT NULL,
    country text DEFAULT ''::text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    restated_at timestamp with time zone
)
PARTITION BY RANGE (occurred_at);

COMMENT ON TABLE rastro.tracking_event IS 'Every line carriers ever told, append-only, by month of the event.';

COMMENT ON COLUMN rastro.tracking_event.event_key IS 'What the carrier itself would call the event; never its wording.';

COMMENT ON COLUMN rastro.tracking_event.standing IS 'effective, informative, voided, withdrawn, or foreign (dated outside the parcel''s life).';

COMMENT ON COLUMN rastro.tracking_event.recorded_at IS 'When we learnt of it.';

COMMENT ON COLUMN rastro.tracking_event.restated_at IS 'When its standing or status last changed.';

CREATE TABLE rastro.tracking_event_default (
    shipment_id bigint CONSTRAINT tracking_event_shipment_id_not_null NOT NULL,
    occurred_at timestamp with time zone CONSTRAINT tracking_event_occurred_at_not_null NOT NULL,
    event_key text CONSTRAINT tracking_event_event_key_not_null NOT NULL,
    "position" smallint CONSTRAINT tracking_event_position_not_null NOT NULL,
    status text CONSTRAINT tracking_event_status_not_null NOT NULL,
    standing text CONSTRAINT tracking_event_standing_not_null NOT NULL,
    code text CONSTRAINT tracking_event_code_not_null NOT NULL,
    description text CONSTRAINT tracking_event_description_not_null NOT NULL,
    city text DEFAULT ''::text CONSTRAINT tracking_event_city_not_null NOT NULL,
    state text DEFAULT ''::text CONSTRAINT tracking_event_state_not_null NOT NULL,
    country text DEFAULT ''::text CONSTRAINT tracking_event_country_not_null NOT NULL,
    recorded_at timestamp with time zone CONSTRAINT tracking_event_recorded_at_not_null NOT NULL,
    restated_at timestamp with time zone
);

CREATE TABLE rastro.tracking_link (
    token_hash bytea NOT NULL,
    account text NOT NULL,
    order_id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone
);

COMMENT ON TABLE rastro.tracking_link IS 'Links to tracking pages that were given out, each by the hash of its token. It lives until tracking_link_for after the order''s last parcel ended.';

COMMENT ON COLUMN rastro.tracking_link.token_hash IS 'SHA-256 of the token; the token itself is kept nowhere.';

COMMENT ON COLUMN rastro.tracking_link.revoked_at IS 'When a person ended it; null while it is good.';

CREATE VIEW rastro.v_carrier_day AS
 SELECT carrier,
    service,
    state_from,
    state_to,
    city_to,
    day,
    posted,
    attempted,
    delivered,
    on_time,
    on_time_known,
    ((on_time)::real / (NULLIF(on_time_known, 0))::double precision) AS on_time_share,
    on_time_low,
    on_time_high,
    transit_p50,
    transit_p90,
    lost,
    ((lost)::real / (NULLIF(((delivered + returned) + lost), 0))::double precision) AS lost_share,
    returned,
    ((returned)::real / (NULLIF(((delivered + returned) + lost), 0))::double precision) AS returned_share,
    failed_attempts,
    ((failed_attempts)::real / (NULLIF((failed_attempts + delivered), 0))::double precision) AS failed_share,
    pending,
    silent,
    ((silent)::real / (NULLIF(pending, 0))::double precision) AS silent_share,
    computed_at
   FROM rastro.carrier_day;

COMMENT ON VIEW rastro.v_carrier_day IS 'carrier_day with its shares; null where there is nothing to divide by.';

COMMENT ON COLUMN rastro.v_carrier_day.carrier IS 'Registry code of the carrier; empty when none claims the parcels.';

COMMENT ON COLUMN rastro.v_carrier_day.service IS 'The service that was bought.';

COMMENT ON COLUMN rastro.v_carrier_day.state_from IS 'State where they were posted.';

COMMENT ON COLUMN rastro.v_carrier_day.state_to IS 'State of the destination.';

COMMENT ON COLUMN rastro.v_carrier_day.city_to IS 'City of the destination, in capitals without accents.';

COMMENT ON COLUMN rastro.v_carrier_day.day IS 'By the clock of America/Sao_Paulo.';

COMMENT ON COLUMN rastro.v_carrier_day.posted IS 'Parcels posted that day.';

COMMENT ON COLUMN rastro.v_carrier_day.attempted IS 'Parcels first attempted that day.';

COMMENT ON COLUMN rastro.v_carrier_day.delivered IS 'Parcels delivered that day.';

COMMENT ON COLUMN rastro.v_carrier_day.on_time IS 'Of on_time_known, those first attempted by their promise.';

COMMENT ON COLUMN rastro.v_carrier_day.on_time_known IS 'Parcels whose promise fell due that day and of which it can be said.';

COMMENT ON COLUMN rastro.v_carrier_day.on_time_share IS 'on_time ⁄ on_time_known.';

COMMENT ON COLUMN rastro.v_carrier_day.on_time_low IS 'Lower end of its 95 % interval (Wilson).';

COMMENT ON COLUMN rastro.v_carrier_day.on_time_high IS 'Upper end of its 95 % interval (Wilson).';

COMMENT ON COLUMN rastro.v_carrier_day.transit_p50 IS 'Median of working days from posting to delivery of those delivered that day.';

COMMENT ON COLUMN rastro.v_carrier_day.transit_p90 IS '90th percentile of the same.';

COMMENT ON COLUMN rastro.v_carrier_day.lost IS 'Parcels that ended that day as lost.';

COMMENT ON COLUMN rastro.v_carrier_day.lost_share IS 'lost ⁄ (delivered + returned + lost).';

COMMENT ON COLUMN rastro.v_carrier_day.returned IS 'Parcels that ended that day as returned to the sender.';

COMMENT ON COLUMN rastro.v_carrier_day.returned_share IS 'returned ⁄ (delivered + returned + lost).';

COMMENT ON COLUMN rastro.v_carrier_day.failed_attempts IS 'Parcels that were tried in vain that day.';

COMMENT ON COLUMN rastro.v_carrier_day.failed_share IS 'failed_attempts ⁄ (failed_attempts + delivered).';

COMMENT ON COLUMN rastro.v_carrier_day.pending IS 'Parcels that were on their way at the end of the day.';

COMMENT ON COLUMN rastro.v_carrier_day.silent IS 'Of pending, those without a scan for more than five working days.';

COMMENT ON COLUMN rastro.v_carrier_day.silent_share IS 'silent ⁄ pending.';

COMMENT ON COLUMN rastro.v_carrier_day.computed_at IS 'When the row was worked out.';

CREATE VIEW rastro.v_change AS
 SELECT c.change_id,
    c.recorded_at,
    c.window_start,
    c.run_id,
    s.account,
    s.order_id,
    s.tracking_number,
    s.carrier,
    c.from_status,
    c.to_status,
    c.occurred_at,
    c.new_events,
    c.restated,
    c.first_contact,
    c.shipment_id
   FROM (rastro.shipment_change c
     JOIN rastro.shipment s USING (shipment_id));

COMMENT ON VIEW rastro.v_change IS 'The diffs, with the shipment each belongs to.';

COMMENT ON COLUMN rastro.v_change.change_id IS 'Our number of the change.';

COMMENT ON COLUMN rastro.v_change.recorded_at IS 'When we learnt of it.';

COMMENT ON COLUMN rastro.v_change.window_start IS 'The hour the deciding event happened in.';

COMMENT ON COLUMN rastro.v_change.run_id IS 'The run that loaded it.';

COMMENT ON COLUMN rastro.v_change.account IS 'The source, as adapter:connection.';

COMMENT ON COLUMN rastro.v_change.order_id IS 'The order, as its source numbers it.';

COMMENT ON COLUMN rastro.v_change.tracking_number IS 'The tracking number, normalised.';

COMMENT ON COLUMN rastro.v_change.carrier IS 'Registry code of the carrier; null when none claims the parcel.';

COMMENT ON COLUMN rastro.v_change.from_status IS 'Status before.';

COMMENT ON COLUMN rastro.v_change.to_status IS 'Status after.';

COMMENT ON COLUMN rastro.v_change.occurred_at IS 'Time of the event that decides the new status.';

COMMENT ON COLUMN rastro.v_change.new_events IS 'Events that were new.';

COMMENT ON COLUMN rastro.v_change.restated IS 'Events that stand otherwise than before.';

COMMENT ON COLUMN rastro.v_change.first_contact IS 'Whether the carrier had never answered about it before.';

COMMENT ON COLUMN rastro.v_change.shipment_id IS 'Our number of the shipment.';

CREATE VIEW rastro.v_claim AS
 SELECT c.shipment_id,
    s.account,
    s.order_id,
    s.invoice_number,
    s.invoice_key,
    s.tracking_number,
    c.carrier,
    s.service,
    s.city_to,
    s.state_to,
    t.status,
    c.reason,
    c.state,
    c.since,
    c.until,
    c.at_stake,
    c.protocol,
    c.asked,
    c.paid,
    c.carrier_paid_at,
    c.found_at,
    c.changed_at,
    f.posted_at,
    f.last_scan_at,
    f.promised_at,
    f.first_estimate_at,
    f.last_estimate_at,
    f.first_attempt_at,
    f.ended_at,
    c.opened_by,
    c.changed_by,
    c.note
   FROM (((rastro.claim c
     JOIN rastro.shipment s USING (shipment_id))
     JOIN rastro.shipment_state t USING (shipment_id))
     LEFT JOIN rastro.delivery_fact f USING (shipment_id));

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

CREATE VIEW rastro.v_coverage AS
 WITH hour AS (
         SELECT generate_series((date_trunc('hour'::text, now()) - '7 days'::interval), (date_trunc('hour'::text, now()) - '01:00:00'::interval), '01:00:00'::interval) AS window_start
        ), pending AS (
         SELECT p_1.carrier,
            date_trunc('hour'::text, COALESCE(p_1.answered_at, '-infinity'::timestamp with time zone)) AS answered_hour,
            date_trunc('hour'::text, LEAST(s.first_seen_at, s.invoiced_at)) AS seen_hour,
            (p_1.next_poll_at > now()) AS sleeping,
            count(*) AS shipments
           FROM (rastro.poll_state p_1
             JOIN rastro.shipment s USING (poll_id))
          WHERE (p_1.next_poll_at IS NOT NULL)
          GROUP BY p_1.carrier, (date_trunc('hour'::text, COALESCE(p_1.answered_at, '-infinity'::timestamp with time zone))), (date_trunc('hour'::text, LEAST(s.first_seen_at, s.invoiced_at))), (p_1.next_poll_at > now())
        )
 SELECT h.window_start,
    p.carrier,
    (sum(p.shipments))::bigint AS pending,
    (COALESCE(sum(p.shipments) FILTER (WHERE (p.answered_hour > h.window_start)), (0)::numeric))::bigint AS covered,
    (COALESCE(sum(p.shipments) FILTER (WHERE ((p.answered_hour <= h.window_start) AND p.sleeping)), (0)::numeric))::bigint AS planned,
    (COALESCE(sum(p.shipments) FILTER (WHERE ((p.answered_hour <= h.window_start) AND (NOT p.sleeping))), (0)::numeric))::bigint AS gap
   FROM (hour h
     JOIN pending p ON ((p.seen_hour <= h.window_start)))
  GROUP BY h.window_start, p.carrier;

COMMENT ON VIEW rastro.v_coverage IS 'For each hour of the last week and carrier: shipments pending then, how many have been answered since that hour ended, how many are planned for later, and how many ought to have been.';

COMMENT ON COLUMN rastro.v_coverage.window_start IS 'The hour, from here to an hour later.';

COMMENT ON COLUMN rastro.v_coverage.carrier IS 'Registry code of the carrier; null when none claims the parcel.';

COMMENT ON COLUMN rastro.v_coverage.pending IS 'Shipments on their way in that hour.';

COMMENT ON COLUMN rastro.v_coverage.covered IS 'Those the carrier has answered about since the hour ended.';

COMMENT ON COLUMN rastro.v_coverage.planned IS 'Those it has not, because their next look is planned for later.';

COMMENT ON COLUMN rastro.v_coverage.gap IS 'Those it ought to have answered about, and has not.';

CREATE VIEW rastro.v_delivery AS
 SELECT s.shipment_id,
    s.account,
    s.order_id,
    s.tracking_number,
    s.carrier,
    s.state_to,
    s.city_to,
    s.invoiced_at,
    t.delivered_at,
    t.estimated_at,
    s.promised_at,
    round((EXTRACT(epoch FROM (t.delivered_at - s.invoiced_at)) / (86400)::numeric), 2) AS days_from_invoice,
    (t.delivered_at <= s.promised_at) AS kept_promise,
    t.received_by,
    t.proof_url,
    ( SELECT count(*) AS count
           FROM rastro.tracking_event e
          WHERE ((e.shipment_id = s.shipment_id) AND (e.status = 'delivery_failed'::text) AND (e.standing = 'effective'::text))) AS failed_attempts
   FROM (rastro.shipment s
     JOIN rastro.shipment_state t USING (shipment_id))
  WHERE (t.status = 'delivered'::text);

COMMENT ON VIEW rastro.v_delivery IS 'Delivered shipments, with days from the invoice and whether the promise was kept.';

COMMENT ON COLUMN rastro.v_delivery.shipment_id IS 'Our number of the shipment.';

COMMENT ON COLUMN rastro.v_delivery.account IS 'The source, as adapter:connection.';

COMMENT ON COLUMN rastro.v_delivery.order_id IS 'The order, as its source numbers it.';

COMMENT ON COLUMN rastro.v_delivery.tracking_number IS 'The tracking number, normalised.';

COMMENT ON COLUMN rastro.v_delivery.carrier IS 'Registry code of the carrier; null when none claims the parcel.';

COMMENT ON COLUMN rastro.v_delivery.state_to IS 'State of the destination.';

COMMENT ON COLUMN rastro.v_delivery.city_to IS 'City of the destination.';

COMMENT ON COLUMN rastro.v_delivery.invoiced_at IS 'When the package was invoiced.';

COMMENT ON COLUMN rastro.v_delivery.delivered_at IS 'When it was handed to the recipient; null while it is not.';

COMMENT ON COLUMN rastro.v_delivery.estimated_at IS 'When the carrier expects the delivery.';

COMMENT ON COLUMN rastro.v_delivery.promised_at IS 'When the shop promised the delivery.';

COMMENT ON COLUMN rastro.v_delivery.days_from_invoice IS 'Days from the invoice to the delivery.';

COMMENT ON COLUMN rastro.v_delivery.kept_promise IS 'Whether it came by the promised time; null without a promise.';

COMMENT ON COLUMN rastro.v_delivery.received_by IS 'Initials of who took it, where the carrier says so.';

COMMENT ON COLUMN rastro.v_delivery.proof_url IS 'Address of the carrier''s picture of the delivery, where it has one.';

COMMENT ON COLUMN rastro.v_delivery.failed_attempts IS 'How often it was tried in vain before.';

CREATE VIEW rastro.v_event AS
 SELECT shipment_id,
    occurred_at,
    "position",
    status,
    standing,
    code,
    city,
    state,
    country,
    recorded_at,
    restated_at
   FROM rastro.tracking_event e;

COMMENT ON VIEW rastro.v_event IS 'The lines that carriers told, without their wording: what, where, when, and since when it is known.';

COMMENT ON COLUMN rastro.v_event.shipment_id IS 'Our number of the shipment.';

COMMENT ON COLUMN rastro.v_event.occurred_at IS 'When it happened, as the carrier says.';

COMMENT ON COLUMN rastro.v_event."position" IS 'Its place among the lines of the same time.';

COMMENT ON COLUMN rastro.v_event.status IS 'What it means, in the one vocabulary for all carriers.';

COMMENT ON COLUMN rastro.v_event.standing IS 'Whether it counts: effective; other words say why it does not.';

COMMENT ON COLUMN rastro.v_event.code IS 'The carrier''s own code.';

COMMENT ON COLUMN rastro.v_event.city IS 'Where it happened.';

COMMENT ON COLUMN rastro.v_event.state IS 'State of Brazil where it happened; empty abroad or where nobody says.';

COMMENT ON COLUMN rastro.v_event.country IS 'Country where it happened; empty where nobody says.';

COMMENT ON COLUMN rastro.v_event.recorded_at IS 'When we learnt of it.';

COMMENT ON COLUMN rastro.v_event.restated_at IS 'When its standing or its meaning was last another than before; null while never.';

CREATE VIEW rastro.v_forecast AS
 SELECT f.day,
    s.shipment_id,
    s.account,
    s.order_id,
    s.tracking_number,
    d.carrier,
    d.service,
    d.state_from,
    d.state_to,
    d.city_to,
    d.status,
    d.posted_at,
    d.last_scan_at,
    d.last_estimate_at,
    f.promised_on,
    f.median_on,
    f.p90_on,
    f.miss_probability,
    f.lane_level,
    f.sample
   FROM ((rastro.forecast f
     JOIN rastro.delivery_fact d USING (shipment_id))
     JOIN rastro.shipment s USING (shipment_id))
  WHERE ((f.day = ( SELECT max(forecast.day) AS max
           FROM rastro.forecast)) AND (d.ended_at IS NULL));

COMMENT ON VIEW rastro.v_forecast IS 'What is to be expected of each parcel on its way: the newest forecast. Ordered by miss_probability it says which will be late.';

COMMENT ON COLUMN rastro.v_forecast.day IS 'The day at whose end this was known, by the clock of America/Sao_Paulo.';

COMMENT ON COLUMN rastro.v_forecast.shipment_id IS 'Our number of the shipment.';

COMMENT ON COLUMN rastro.v_forecast.account IS 'The source, as adapter:connection.';

COMMENT ON COLUMN rastro.v_forecast.order_id IS 'The order''s number in its source.';

COMMENT ON COLUMN rastro.v_forecast.tracking_number IS 'The carrier''s number of the parcel.';

COMMENT ON COLUMN rastro.v_forecast.carrier IS 'Registry code of the carrier; empty when none claims the parcel.';

COMMENT ON COLUMN rastro.v_forecast.service IS 'The service that was bought.';

COMMENT ON COLUMN rastro.v_forecast.state_from IS 'State where it was posted; empty before.';

COMMENT ON COLUMN rastro.v_forecast.state_to IS 'State of the destination.';

COMMENT ON COLUMN rastro.v_forecast.city_to IS 'City of the destination, in capitals without accents.';

COMMENT ON COLUMN rastro.v_forecast.status IS 'Where it is, in the one vocabulary for all carriers.';

COMMENT ON COLUMN rastro.v_forecast.posted_at IS 'When the carrier first had it.';

COMMENT ON COLUMN rastro.v_forecast.last_scan_at IS 'Its newest scan.';

COMMENT ON COLUMN rastro.v_forecast.last_estimate_at IS 'When the carrier itself expects the delivery.';

COMMENT ON COLUMN rastro.v_forecast.promised_on IS 'The day that the shop promised at the purchase.';

COMMENT ON COLUMN rastro.v_forecast.median_on IS 'The day by which half of such parcels are delivered; null without any history, or where hardly any still comes.';

COMMENT ON COLUMN rastro.v_forecast.p90_on IS 'The day by which nine of ten are.';

COMMENT ON COLUMN rastro.v_forecast.miss_probability IS 'How likely the first attempt comes after the promised day; 0 or 1 where that is known already, null without a promise or history.';

COMMENT ON COLUMN rastro.v_forecast.lane_level IS 'The narrowest lane with enough history to outweigh the wider ones; empty without any.';

COMMENT ON COLUMN rastro.v_forecast.sample IS 'Parcels of that lane which were seen lately where this one stands.';

CREATE VIEW rastro.v_inbox AS
 SELECT inbox_id,
    carrier,
    way,
    received_at,
    last_at,
    times,
    read_at,
    ( SELECT count(*) AS count
           FROM rastro.inbox_part p
          WHERE ((p.inbox_id = i.inbox_id) AND (NOT p.unreadable))) AS waiting,
    unreadable
   FROM rastro.inbox i;

COMMENT ON VIEW rastro.v_inbox IS 'What carriers sent by themselves or handed out once, without the bodies.';

COMMENT ON COLUMN rastro.v_inbox.inbox_id IS 'Our number of what came.';

COMMENT ON COLUMN rastro.v_inbox.carrier IS 'Who sent it.';

COMMENT ON COLUMN rastro.v_inbox.way IS 'push (the carrier called us) or feed (we fetched a lot that is handed out once).';

COMMENT ON COLUMN rastro.v_inbox.received_at IS 'When it first came.';

COMMENT ON COLUMN rastro.v_inbox.last_at IS 'When the very same body last came.';

COMMENT ON COLUMN rastro.v_inbox.times IS 'How often the very same body came.';

COMMENT ON COLUMN rastro.v_inbox.read_at IS 'When a run read it; null while it waits for one.';

COMMENT ON COLUMN rastro.v_inbox.waiting IS 'Parts of it about parcels that nobody follows yet.';

COMMENT ON COLUMN rastro.v_inbox.unreadable IS 'How much of it could not be read (quarantine).';

CREATE VIEW rastro.v_manual_action AS
 SELECT action_id,
    done_at,
    done_by,
    action,
    reason,
    account,
    order_id,
    subject,
    before,
    after,
    run_id,
    shipment_id,
    notice_id
   FROM rastro.manual_action a;

COMMENT ON VIEW rastro.v_manual_action IS 'What people did by hand: who, what, why, before and after.';

COMMENT ON COLUMN rastro.v_manual_action.action_id IS 'Our number of the row.';

COMMENT ON COLUMN rastro.v_manual_action.done_at IS 'When.';

COMMENT ON COLUMN rastro.v_manual_action.done_by IS 'The user of Airflow who triggered the run, or of the machine who gave the command.';

COMMENT ON COLUMN rastro.v_manual_action.action IS 'What was done, as the form names it; export_person and erase_person by the command.';

COMMENT ON COLUMN rastro.v_manual_action.reason IS 'Why, in that person''s words.';

COMMENT ON COLUMN rastro.v_manual_action.account IS 'The source, as adapter:connection.';

COMMENT ON COLUMN rastro.v_manual_action.order_id IS 'The order, as its source numbers it.';

COMMENT ON COLUMN rastro.v_manual_action.subject IS 'The tracking number, or what else was meant.';

COMMENT ON COLUMN rastro.v_manual_action.before IS 'What it was before.';

COMMENT ON COLUMN rastro.v_manual_action.after IS 'What it is since.';

COMMENT ON COLUMN rastro.v_manual_action.run_id IS 'The run of act_by_hand, or the command.';

COMMENT ON COLUMN rastro.v_manual_action.shipment_id IS 'The shipment concerned.';

COMMENT ON COLUMN rastro.v_manual_action.notice_id IS 'The notice concerned.';

CREATE VIEW rastro.v_notice AS
 SELECT n.notice_id,
    n.shipment_id,
    s.account,
    s.carrier,
    n.channel,
    n.kind,
    n.state,
    n.event_at,
    n.owed_at,
        CASE
            WHEN (n.state = 'sent'::text) THEN n.settled_at
            ELSE NULL::timestamp with time zone
        END AS sent_at
   FROM (rastro.notice n
     JOIN rastro.shipment s USING (shipment_id));

COMMENT ON VIEW rastro.v_notice IS 'Each message that was owed, without its text and whom it went to.';

COMMENT ON COLUMN rastro.v_notice.notice_id IS 'Our number of the message.';

COMMENT ON COLUMN rastro.v_notice.shipment_id IS 'Our number of the shipment.';

COMMENT ON COLUMN rastro.v_notice.account IS 'The source, as adapter:connection.';

COMMENT ON COLUMN rastro.v_notice.carrier IS 'Registry code of the carrier; empty when none claims the parcel.';

COMMENT ON COLUMN rastro.v_notice.channel IS 'order, email, marketplace or alert.';

COMMENT ON COLUMN rastro.v_notice.kind IS 'What it tells: mostly the status that the parcel came to.';

COMMENT ON COLUMN rastro.v_notice.state IS 'What became of it: sent, superseded by newer news, dropped, dead, or still on its way.';

COMMENT ON COLUMN rastro.v_notice.event_at IS 'When that happened of which it tells.';

COMMENT ON COLUMN rastro.v_notice.owed_at IS 'When we learnt of it, so that it was owed.';

COMMENT ON COLUMN rastro.v_notice.sent_at IS 'When it was sent; null while it is not.';

CREATE VIEW rastro.v_open_problem AS
 SELECT 'no carrier claims it'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    s.carrier_reason AS detail,
    s.first_seen_at AS since,
    'no carrier claims it'::text AS family,
    s.shipment_id AS place
   FROM rastro.shipment s
  WHERE ((s.carrier IS NULL) AND (s.skip = ''::text))
UNION ALL
 SELECT 'what its carrier is asked by is missing'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    s.carrier_reason AS detail,
    s.first_seen_at AS since,
    'what its carrier is asked by is missing'::text AS family,
    s.shipment_id AS place
   FROM rastro.shipment s
  WHERE ((s.carrier IS NOT NULL) AND (s.poll_id IS NULL) AND (s.skip = ''::text))
UNION ALL
 SELECT 'it has no number: order and marketplace are told when it has one'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    s.carrier_reason AS detail,
    s.first_seen_at AS since,
    'it has no number: order and marketplace are told when it has one'::text AS family,
    s.shipment_id AS place
   FROM rastro.shipment s
  WHERE ((s.tracking_number = ''::text) AND (s.skip = ''::text) AND (EXISTS ( SELECT
           FROM rastro.notice n
          WHERE ((n.shipment_id = s.shipment_id) AND (n.state = 'owed'::text) AND (n.channel = ANY (ARRAY['order'::text, 'marketplace'::text]))))))
UNION ALL
 SELECT 'the number looks mistyped'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    s.warning AS detail,
    s.first_seen_at AS since,
    'the number looks mistyped'::text AS family,
    s.shipment_id AS place
   FROM (rastro.shipment s
     JOIN rastro.shipment_state t USING (shipment_id))
  WHERE ((s.warning <> ''::text) AND (s.skip = ''::text) AND (t.status = 'unknown'::text))
UNION ALL
 SELECT 'carrier refuses it: not_ours'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    p.refusal_text AS detail,
    p.answered_at AS since,
    'carrier refuses it: not_ours'::text AS family,
    p.poll_id AS place
   FROM (rastro.shipment s
     JOIN rastro.poll_state p USING (poll_id))
  WHERE (p.refusal = 'not_ours'::text)
UNION ALL
 SELECT 'carrier refuses it: malformed'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    p.refusal_text AS detail,
    p.answered_at AS since,
    'carrier refuses it: malformed'::text AS family,
    p.poll_id AS place
   FROM (rastro.shipment s
     JOIN rastro.poll_state p USING (poll_id))
  WHERE (p.refusal = 'malformed'::text)
UNION ALL
 SELECT 'its carrier does not know it'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    (((s.carrier || ' has not known it for a week; it was asked '::text) || s.carrier_reason) || ': correct the number, or name the carrier in the setting couriers'::text) AS detail,
    s.first_seen_at AS since,
    'its carrier does not know it'::text AS family,
    p.poll_id AS place
   FROM ((rastro.shipment s
     JOIN rastro.poll_state p USING (poll_id))
     JOIN rastro.shipment_state t USING (shipment_id))
  WHERE ((p.refusal = 'not_found'::text) AND (t.status = 'unknown'::text) AND (s.skip = ''::text) AND (s.first_seen_at < (now() - '7 days'::interval)))
UNION ALL
 SELECT 'given up: nobody said anything for too long'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    'ask the carrier'::text AS detail,
    t.status_at AS since,
    'given up: nobody said anything for too long'::text AS family,
    t.shipment_id AS place
   FROM (rastro.shipment s
     JOIN rastro.shipment_state t USING (shipment_id))
  WHERE ((t.status = 'expired'::text) AND (s.skip = ''::text))
UNION ALL
 SELECT 'not answered'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    (p.failures || ' looks in a row got no answer'::text) AS detail,
    p.answered_at AS since,
    'not answered'::text AS family,
    p.poll_id AS place
   FROM (rastro.shipment s
     JOIN rastro.poll_state p USING (poll_id))
  WHERE (p.failures >= 3)
UNION ALL
 SELECT 'carrier has an unknown code'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    ((e.code || ' '::text) || e.description) AS detail,
    e.recorded_at AS since,
    'carrier has an unknown code'::text AS family,
    e.shipment_id AS place
   FROM (rastro.tracking_event e
     JOIN rastro.shipment s USING (shipment_id))
  WHERE ((e.status = 'unknown'::text) AND (e.standing = 'effective'::text))
UNION ALL
 SELECT 'route to the marketplace is unknown'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
        CASE
            WHEN (s.route_reason <> ''::text) THEN s.route_reason
            ELSE (('affiliate '::text || s.affiliate) || ': add it to the setting routes'::text)
        END AS detail,
    s.first_seen_at AS since,
    'route to the marketplace is unknown'::text AS family,
    s.shipment_id AS place
   FROM rastro.shipment s
  WHERE ((s.route = 'review'::text) AND (s.skip = ''::text))
UNION ALL
 SELECT 'a delivery is not confirmed: another parcel of its package has ended'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    (((((o.tracking_number || ' of the same invoice is '::text) || t.status) || ': settle it with '::text) || n.target) || ' by hand'::text) AS detail,
    n.owed_at AS since,
    'a delivery is not confirmed: another parcel of its package has ended'::text AS family,
    n.notice_id AS place
   FROM (((rastro.notice n
     JOIN rastro.shipment s USING (shipment_id))
     JOIN rastro.shipment o ON (((o.account = s.account) AND (o.order_id = s.order_id) AND (o.invoice_number = s.invoice_number) AND (o.skip = ''::text))))
     JOIN rastro.shipment_state t ON (((t.shipment_id = o.shipment_id) AND (t.status = ANY (ARRAY['returned'::text, 'lost'::text, 'cancelled'::text, 'expired'::text])))))
  WHERE ((n.channel = 'marketplace'::text) AND (n.kind = 'delivered'::text) AND (n.state = 'owed'::text) AND (s.skip = ''::text))
UNION ALL
 SELECT (((('notice '::text || n.state) || ' ('::text) || n.channel) || ')'::text) AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    n.reason AS detail,
    n.owed_at AS since,
    'notice'::text AS family,
    n.shipment_id AS place
   FROM (rastro.notice n
     JOIN rastro.shipment s USING (shipment_id))
  WHERE (n.state = ANY (ARRAY['dead'::text, 'unknown'::text]))
UNION ALL
 SELECT ('alert: '::text || n.kind) AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    ((COALESCE((n.facts ->> 'from'::text), ''::text) || ' -> '::text) || COALESCE((n.facts ->> 'to'::text), ''::text)) AS detail,
    n.owed_at AS since,
    'alert'::text AS family,
    n.shipment_id AS place
   FROM (rastro.notice n
     JOIN rastro.shipment s USING (shipment_id))
  WHERE ((n.channel = 'alert'::text) AND (n.state = 'owed'::text))
UNION ALL
 SELECT ('quarantine: '::text || q.reason) AS problem,
    q.origin AS account,
    COALESCE(of_it.order_id, ''::text) AS order_id,
    q.subject,
    q.detail,
    q.first_at AS since,
    'quarantine'::text AS family,
    q.quarantine_id AS place
   FROM (rastro.quarantine q
     LEFT JOIN LATERAL ( SELECT split_part(q.subject, ' '::text, 1) AS order_id
          WHERE (strpos(q.origin, ':'::text) > 0)
        UNION
         SELECT s.order_id
           FROM (rastro.poll_state p
             JOIN rastro.shipment s USING (poll_id))
          WHERE ((p.carrier = q.origin) AND (p.reference = q.subject))) of_it ON (true))
  WHERE (q.resolved_at IS NULL)
UNION ALL
 SELECT 'paused by hand'::text AS problem,
    s.account,
    s.order_id,
    s.tracking_number AS subject,
    'it is not asked about, and what it owes waits: resume it when it is time'::text AS detail,
    s.paused_at AS since,
    'paused by hand'::text AS family,
    s.shipment_id AS place
   FROM rastro.shipment s
  WHERE ((s.paused_at IS NOT NULL) AND (s.skip = ''::text));

COMMENT ON VIEW rastro.v_open_problem IS 'Everything that waits for a person, one row each, with a sentence.';

COMMENT ON COLUMN rastro.v_open_problem.problem IS 'What kind of problem.';

COMMENT ON COLUMN rastro.v_open_problem.account IS 'The source, as adapter:connection.';

COMMENT ON COLUMN rastro.v_open_problem.order_id IS 'The order, as its source numbers it.';

COMMENT ON COLUMN rastro.v_open_problem.subject IS 'The tracking number or other thing concerned.';

COMMENT ON COLUMN rastro.v_open_problem.detail IS 'What is wrong, in words.';

COMMENT ON COLUMN rastro.v_open_problem.since IS 'Since when.';

COMMENT ON COLUMN rastro.v_open_problem.family IS 'The beginning that a kind shares with others: alert, notice, quarantine; else the problem itself.';

COMMENT ON COLUMN rastro.v_open_problem.place IS 'Orders the problems of one kind: what began later mostly has more.';

CREATE VIEW rastro.v_rehearsal AS
 SELECT rehearsal_id,
    run_id,
    rehearsed_at,
    channel,
    target,
    account,
    order_id,
    invoice_number,
    kind,
    notices,
    verdict,
    reason,
    recipient,
    (rendered ->> 'subject'::text) AS subject,
    (rendered ->> 'text'::text) AS text,
    rendered
   FROM rastro.rehearsal;

COMMENT ON VIEW rastro.v_rehearsal IS 'What dry runs would have sent, one row for each message; nothing of it was sent.';

COMMENT ON COLUMN rastro.v_rehearsal.rehearsal_id IS 'Our number of the row.';

COMMENT ON COLUMN rastro.v_rehearsal.run_id IS 'The dry run.';

COMMENT ON COLUMN rastro.v_rehearsal.rehearsed_at IS 'When it was worked out.';

COMMENT ON COLUMN rastro.v_rehearsal.channel IS 'order, email, marketplace or alert.';

COMMENT ON COLUMN rastro.v_rehearsal.target IS 'The account or marketplace it would go to.';

COMMENT ON COLUMN rastro.v_rehearsal.account IS 'The source, as adapter:connection.';

COMMENT ON COLUMN rastro.v_rehearsal.order_id IS 'The order, as its source numbers it.';

COMMENT ON COLUMN rastro.v_rehearsal.invoice_number IS 'The package''s invoice; empty where the message is about the order.';

COMMENT ON COLUMN rastro.v_rehearsal.kind IS 'What it tells.';

COMMENT ON COLUMN rastro.v_rehearsal.notices IS 'How many notices this one message would have settled.';

COMMENT ON COLUMN rastro.v_rehearsal.verdict IS 'send; keep (the other side knows already); drop (it would not be told, with the reason); wait (it would be tried later).';

COMMENT ON COLUMN rastro.v_rehearsal.reason IS 'Why it would not be sent.';

COMMENT ON COLUMN rastro.v_rehearsal.recipient IS 'The address, masked.';

COMMENT ON COLUMN rastro.v_rehearsal.subject IS 'The subject of a mail.';

COMMENT ON COLUMN rastro.v_rehearsal.text IS 'The plain text of a mail.';

COMMENT ON COLUMN rastro.v_rehearsal.rendered IS 'The whole message.';

CREATE VIEW rastro.v_shipment AS
 SELECT s.shipment_id,
    s.account,
    s.order_id,
    s.invoice_number,
    s.tracking_number,
    s.carrier,
    s.courier,
    s.service,
    COALESCE(t.status, 'unknown'::text) AS status,
    t.status_at,
    t.delivered_at,
    COALESCE(t.estimated_at, p.estimated_at) AS estimated_at,
    s.promised_at,
    s.ordered_at,
    s.invoiced_at,
    COALESCE(t.event_count, 0) AS event_count,
    s.route,
    s.marketplace,
    s.city_to,
    s.state_to,
    s.skip,
    s.first_seen_at,
    p.answered_at,
    p.next_poll_at,
    p.refusal,
    t.changed_at,
    s.paused_at,
    s.updated_at
   FROM ((rastro.shipment s
     LEFT JOIN rastro.shipment_state t USING (shipment_id))
     LEFT JOIN rastro.poll_state p USING (poll_id));

COMMENT ON VIEW rastro.v_shipment IS 'One row for each shipment: what it is, where it is, when it is looked at next.';

COMMENT ON COLUMN rastro.v_shipment.shipment_id IS 'Our number of the shipment.';

COMMENT ON COLUMN rastro.v_shipment.account IS 'The source, as adapter:connection.';

COMMENT ON COLUMN rastro.v_shipment.order_id IS 'The order, as its source numbers it.';

COMMENT ON COLUMN rastro.v_shipment.invoice_number IS 'The package''s invoice.';

COMMENT ON COLUMN rastro.v_shipment.tracking_number IS 'The tracking number, normalised.';

COMMENT ON COLUMN rastro.v_shipment.carrier IS 'Registry code of the carrier; null when none claims the parcel.';

COMMENT ON COLUMN rastro.v_shipment.courier IS 'The courier as the shop wrote it.';

COMMENT ON COLUMN rastro.v_shipment.service IS 'The service that was bought.';

COMMENT ON COLUMN rastro.v_shipment.status IS 'Where it is, in the one vocabulary for all carriers.';

COMMENT ON COLUMN rastro.v_shipment.status_at IS 'Time of the event that decides the status.';

COMMENT ON COLUMN rastro.v_shipment.delivered_at IS 'When it was handed to the recipient; null while it is not.';

COMMENT ON COLUMN rastro.v_shipment.estimated_at IS 'When the carrier expects the delivery.';

COMMENT ON COLUMN rastro.v_shipment.promised_at IS 'When the shop promised the delivery.';

COMMENT ON COLUMN rastro.v_shipment.ordered_at IS 'When the order was placed.';

COMMENT ON COLUMN rastro.v_shipment.invoiced_at IS 'When the package was invoiced.';

COMMENT ON COLUMN rastro.v_shipment.event_count IS 'Events known.';

COMMENT ON COLUMN rastro.v_shipment.route IS 'Who confirms delivery to the marketplace: none, connector, direct or review.';

COMMENT ON COLUMN rastro.v_shipment.marketplace IS 'The marketplace that is told directly, as adapter:connection.';

COMMENT ON COLUMN rastro.v_shipment.city_to IS 'City of the destination.';

COMMENT ON COLUMN rastro.v_shipment.state_to IS 'State of the destination.';

COMMENT ON COLUMN rastro.v_shipment.skip IS 'Why it is not followed; empty when it is.';

COMMENT ON COLUMN rastro.v_shipment.first_seen_at IS 'When we first knew of it.';

COMMENT ON COLUMN rastro.v_shipment.answered_at IS 'Last good answer of the carrier.';

COMMENT ON COLUMN rastro.v_shipment.next_poll_at IS 'Next look; null when there is none any more.';

COMMENT ON COLUMN rastro.v_shipment.refusal IS 'Why the carrier says nothing about it; empty when it does.';

COMMENT ON COLUMN rastro.v_shipment.changed_at IS 'When its state last changed here.';

COMMENT ON COLUMN rastro.v_shipment.paused_at IS 'Since when a person has it paused; null when it is not.';

COMMENT ON COLUMN rastro.v_shipment.updated_at IS 'When what its source says of it changed last, or it was erased.';

CREATE VIEW rastro.v_stalled AS
 SELECT z.shipment_id,
    s.account,
    s.order_id,
    s.tracking_number,
    f.carrier,
    f.service,
    f.state_to,
    f.city_to,
    f.status,
    f.posted_at,
    f.last_scan_at,
    z.silent,
    z.usual,
    s.declared_value,
    z.found_at
   FROM ((rastro.stalled z
     JOIN rastro.shipment s USING (shipment_id))
     JOIN rastro.delivery_fact f USING (shipment_id));

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

CREATE TABLE rastro.working_day (
    carrier text NOT NULL,
    state text NOT NULL,
    day date NOT NULL,
    ordinal integer NOT NULL
);

COMMENT ON TABLE rastro.working_day IS 'The calendar, every day of it: working days from one day to another are the difference of their ordinals.';

COMMENT ON COLUMN rastro.working_day.carrier IS 'Registry code of a carrier with days off of its own; empty: of all others.';

COMMENT ON COLUMN rastro.working_day.state IS 'State of Brazil with its holidays; empty: national holidays alone.';

COMMENT ON COLUMN rastro.working_day.day IS 'By the clock of America/Sao_Paulo.';

COMMENT ON COLUMN rastro.working_day.ordinal IS 'Working days from the calendar''s first day up to this one, itself included.';

ALTER TABLE ONLY rastro.tracking_event ATTACH PARTITION rastro.tracking_event_default DEFAULT;

ALTER TABLE ONLY rastro.awaited_order
    ADD CONSTRAINT awaited_order_pkey PRIMARY KEY (account, order_id);

ALTER TABLE ONLY rastro.call_budget
    ADD CONSTRAINT call_budget_is_one PRIMARY KEY (carrier, day);

ALTER TABLE ONLY rastro.carrier_day
    ADD CONSTRAINT carrier_day_is_one PRIMARY KEY (carrier, service, state_from, state_to, city_to, day);

ALTER TABLE ONLY rastro.carrier_plan
    ADD CONSTRAINT carrier_plan_pkey PRIMARY KEY (carrier);

ALTER TABLE ONLY rastro.claim
    ADD CONSTRAINT claim_is_one_for_a_parcel PRIMARY KEY (shipment_id);

ALTER TABLE ONLY rastro.contract
    ADD CONSTRAINT contract_is_one PRIMARY KEY (carrier, account);

ALTER TABLE ONLY rastro.correction
    ADD CONSTRAINT correction_pkey PRIMARY KEY (account, order_id, invoice_number, tracking_number);

ALTER TABLE ONLY rastro.delivery_fact
    ADD CONSTRAINT delivery_fact_is_one PRIMARY KEY (shipment_id);

ALTER TABLE ONLY rastro.erased
    ADD CONSTRAINT erased_pkey PRIMARY KEY (name_hash);

ALTER TABLE ONLY rastro.estimate
    ADD CONSTRAINT estimate_is_told_once PRIMARY KEY (shipment_id, told_at);

ALTER TABLE ONLY rastro.forecast
    ADD CONSTRAINT forecast_is_one_a_day PRIMARY KEY (day, shipment_id);

ALTER TABLE ONLY rastro.habit
    ADD CONSTRAINT habit_is_one PRIMARY KEY (carrier, step, lane);

ALTER TABLE ONLY rastro.habits_learnt
    ADD CONSTRAINT habits_learnt_pkey PRIMARY KEY (one);

ALTER TABLE ONLY rastro.inbox
    ADD CONSTRAINT inbox_keeps_a_body_once UNIQUE (carrier, digest, contract);

ALTER TABLE ONLY rastro.inbox_part
    ADD CONSTRAINT inbox_part_pkey PRIMARY KEY (part_id);

ALTER TABLE ONLY rastro.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (inbox_id);

ALTER TABLE ONLY rastro.incident
    ADD CONSTRAINT incident_pkey PRIMARY KEY (incident_id);

ALTER TABLE ONLY rastro.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (only_one);

ALTER TABLE ONLY rastro.letter
    ADD CONSTRAINT letter_is_sent_once PRIMARY KEY (first_day, last_day);

ALTER TABLE ONLY rastro.manual_action
    ADD CONSTRAINT manual_action_is_done_once UNIQUE (act_key);

ALTER TABLE ONLY rastro.manual_action
    ADD CONSTRAINT manual_action_pkey PRIMARY KEY (action_id);

ALTER TABLE ONLY rastro.migration
    ADD CONSTRAINT migration_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY rastro.notice_attempt
    ADD CONSTRAINT notice_attempt_pkey PRIMARY KEY (attempt_id);

ALTER TABLE ONLY rastro.notice
    ADD CONSTRAINT notice_is_owed_once UNIQUE (shipment_id, channel, kind, content, to_receiver);

ALTER TABLE ONLY rastro.notice
    ADD CONSTRAINT notice_pkey PRIMARY KEY (notice_id);

ALTER TABLE ONLY rastro.pace
    ADD CONSTRAINT pace_pkey PRIMARY KEY (account);

ALTER TABLE ONLY rastro.poll_batch
    ADD CONSTRAINT poll_batch_pkey PRIMARY KEY (batch_id);

ALTER TABLE ONLY rastro.poll_state
    ADD CONSTRAINT poll_state_asks_once_per_reference UNIQUE (carrier, reference, contract);

ALTER TABLE ONLY rastro.poll_state
    ADD CONSTRAINT poll_state_pkey PRIMARY KEY (poll_id);

ALTER TABLE ONLY rastro.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (quarantine_id);

ALTER TABLE ONLY rastro.raw_answer
    ADD CONSTRAINT raw_answer_pkey PRIMARY KEY (poll_id);

ALTER TABLE ONLY rastro.rehearsal
    ADD CONSTRAINT rehearsal_pkey PRIMARY KEY (rehearsal_id);

ALTER TABLE ONLY rastro.reported
    ADD CONSTRAINT reported_once PRIMARY KEY (one);

ALTER TABLE ONLY rastro.run_stage
    ADD CONSTRAINT run_stage_pkey PRIMARY KEY (run_id, stage, part);

ALTER TABLE ONLY rastro.shipment_change
    ADD CONSTRAINT shipment_change_pkey PRIMARY KEY (change_id);

ALTER TABLE ONLY rastro.shipment
    ADD CONSTRAINT shipment_is_one_package UNIQUE (account, order_id, invoice_number, tracking_number);

ALTER TABLE ONLY rastro.shipment
    ADD CONSTRAINT shipment_pkey PRIMARY KEY (shipment_id);

ALTER TABLE ONLY rastro.shipment_state
    ADD CONSTRAINT shipment_state_pkey PRIMARY KEY (shipment_id);

ALTER TABLE ONLY rastro.source
    ADD CONSTRAINT source_pkey PRIMARY KEY (account);

ALTER TABLE ONLY rastro.staged_snapshot
    ADD CONSTRAINT staged_snapshot_pkey PRIMARY KEY (staged_id);

ALTER TABLE ONLY rastro.stalled
    ADD CONSTRAINT stalled_is_one PRIMARY KEY (shipment_id);

ALTER TABLE ONLY rastro.suppressed_address
    ADD CONSTRAINT suppressed_address_pkey PRIMARY KEY (address_hash);

ALTER TABLE ONLY rastro.tally
    ADD CONSTRAINT tally_counts_once PRIMARY KEY (subject, part, word, since);

ALTER TABLE ONLY rastro.token
    ADD CONSTRAINT token_pkey PRIMARY KEY (holder);

ALTER TABLE ONLY rastro.tracking_event
    ADD CONSTRAINT tracking_event_is_told_once PRIMARY KEY (shipment_id, event_key, occurred_at);

ALTER TABLE ONLY rastro.tracking_event_default
    ADD CONSTRAINT tracking_event_default_pkey PRIMARY KEY (shipment_id, event_key, occurred_at);

ALTER TABLE ONLY rastro.tracking_link
    ADD CONSTRAINT tracking_link_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY rastro.working_day
    ADD CONSTRAINT working_day_is_one PRIMARY KEY (carrier, state, day);

CREATE INDEX carrier_day_by_day ON rastro.carrier_day USING btree (day);

CREATE INDEX claim_by_carrier ON rastro.claim USING btree (carrier, state, until, shipment_id);

CREATE INDEX claim_by_state ON rastro.claim USING btree (state, until, shipment_id);

CREATE INDEX delivery_fact_delivered ON rastro.delivery_fact USING btree (delivered_at) INCLUDE (carrier, state_from, state_to, transit_working_days) WHERE (transit_working_days IS NOT NULL);

CREATE INDEX delivery_fact_undecided ON rastro.delivery_fact USING btree (promised_at) WHERE ((on_time IS NULL) AND (first_scan_at IS NOT NULL) AND (ended_as <> 'cancelled'::text));

CREATE INDEX estimate_by_time ON rastro.estimate USING brin (told_at);

CREATE INDEX forecast_of_shipment ON rastro.forecast USING btree (shipment_id);

CREATE INDEX inbox_part_by_letter ON rastro.inbox_part USING btree (inbox_id);

CREATE INDEX inbox_to_erase ON rastro.inbox USING btree (last_at) WHERE (body IS NOT NULL);

CREATE INDEX inbox_unread ON rastro.inbox USING btree (inbox_id) WHERE (read_at IS NULL);

CREATE UNIQUE INDEX incident_is_open_once ON rastro.incident USING btree (kind, subject) WHERE (resolved_at IS NULL);

CREATE INDEX manual_action_by_shipment ON rastro.manual_action USING btree (shipment_id);

CREATE INDEX manual_action_by_time ON rastro.manual_action USING btree (done_at);

CREATE INDEX notice_attempt_by_notice ON rastro.notice_attempt USING btree (notice_id);

CREATE INDEX notice_by_recipient ON rastro.notice USING btree (recipient_hash, notice_id) WHERE (recipient_hash <> ''::text);

CREATE INDEX notice_of_shipment_waiting ON rastro.notice USING btree (shipment_id) WHERE (state = ANY (ARRAY['dead'::text, 'unknown'::text]));

CREATE INDEX notice_open ON rastro.notice USING btree (channel, target, not_before) WHERE (state = ANY (ARRAY['owed'::text, 'claimed'::text, 'unknown'::text]));

CREATE INDEX notice_sent ON rastro.notice USING btree (settled_at) WHERE (state = 'sent'::text);

CREATE INDEX notice_to_erase ON rastro.notice USING btree (settled_at) WHERE ((rendered IS NOT NULL) AND (erased_at IS NULL));

CREATE INDEX notice_with_contact ON rastro.notice USING btree (settled_at) WHERE ((channel = 'email'::text) AND (recipient <> ''::text));

CREATE INDEX poll_batch_by_carrier ON rastro.poll_batch USING btree (carrier, finished_at);

CREATE INDEX poll_batch_by_run ON rastro.poll_batch USING btree (run_id);

CREATE INDEX poll_state_declined ON rastro.poll_state USING btree (poll_id) WHERE (not_ours >= 3);

CREATE INDEX poll_state_due ON rastro.poll_state USING btree (carrier, next_poll_at) WHERE (next_poll_at IS NOT NULL);

CREATE INDEX poll_state_failing ON rastro.poll_state USING btree (poll_id) WHERE (failures >= 3);

CREATE INDEX poll_state_refused ON rastro.poll_state USING btree (refusal) WHERE (refusal <> ''::text);

CREATE UNIQUE INDEX quarantine_is_listed_once ON rastro.quarantine USING btree (origin, subject, reason) WHERE (resolved_at IS NULL);

CREATE INDEX quarantine_to_erase ON rastro.quarantine USING btree (last_at) WHERE (raw IS NOT NULL);

CREATE INDEX raw_answer_by_time ON rastro.raw_answer USING btree (answered_at);

CREATE INDEX rehearsal_by_run ON rastro.rehearsal USING btree (run_id);

CREATE INDEX rehearsal_by_time ON rastro.rehearsal USING btree (rehearsed_at);

CREATE INDEX shipment_by_number ON rastro.shipment USING btree (tracking_number);

CREATE INDEX shipment_by_order ON rastro.shipment USING btree (order_id);

CREATE INDEX shipment_by_poll ON rastro.shipment USING btree (poll_id);

CREATE INDEX shipment_change_by_shipment ON rastro.shipment_change USING btree (shipment_id, recorded_at);

CREATE INDEX shipment_change_by_time ON rastro.shipment_change USING brin (recorded_at);

CREATE INDEX shipment_change_by_window ON rastro.shipment_change USING btree (window_start);

CREATE INDEX shipment_mistyped ON rastro.shipment USING btree (shipment_id) WHERE ((warning <> ''::text) AND (skip = ''::text));

CREATE INDEX shipment_paused ON rastro.shipment USING btree (paused_at) WHERE (paused_at IS NOT NULL);

CREATE INDEX shipment_state_changed ON rastro.shipment_state USING brin (changed_at);

CREATE INDEX shipment_state_expired ON rastro.shipment_state USING btree (shipment_id) WHERE (status = 'expired'::text);

CREATE INDEX shipment_state_waiting ON rastro.shipment_state USING btree (shipment_id) WHERE (status = 'ready_for_pickup'::text);

CREATE INDEX shipment_state_with_proof ON rastro.shipment_state USING btree (shipment_id) WHERE ((received_by <> ''::text) OR (proof_url <> ''::text));

CREATE INDEX shipment_unasked ON rastro.shipment USING btree (shipment_id) WHERE ((carrier IS NOT NULL) AND (poll_id IS NULL) AND (skip = ''::text));

CREATE INDEX shipment_unclaimed ON rastro.shipment USING btree (shipment_id) WHERE ((carrier IS NULL) AND (skip = ''::text));

CREATE INDEX shipment_without_route ON rastro.shipment USING btree (shipment_id) WHERE ((route = 'review'::text) AND (skip = ''::text));

CREATE INDEX staged_snapshot_by_poll ON rastro.staged_snapshot USING btree (poll_id, staged_id);

CREATE INDEX tracking_event_unexplained ON ONLY rastro.tracking_event USING btree (shipment_id) WHERE ((status = 'unknown'::text) AND (standing = 'effective'::text));

CREATE INDEX tracking_event_default_shipment_id_idx ON rastro.tracking_event_default USING btree (shipment_id) WHERE ((status = 'unknown'::text) AND (standing = 'effective'::text));

CREATE INDEX tracking_link_by_order ON rastro.tracking_link USING btree (account, order_id);

CREATE INDEX tracking_link_by_time ON rastro.tracking_link USING btree (created_at);

ALTER INDEX rastro.tracking_event_is_told_once ATTACH PARTITION rastro.tracking_event_default_pkey;

ALTER INDEX rastro.tracking_event_unexplained ATTACH PARTITION rastro.tracking_event_default_shipment_id_idx;

ALTER TABLE ONLY rastro.claim
    ADD CONSTRAINT claim_is_of_a_shipment FOREIGN KEY (shipment_id) REFERENCES rastro.shipment(shipment_id);

ALTER TABLE ONLY rastro.inbox_part
    ADD CONSTRAINT inbox_part_inbox_id_fkey FOREIGN KEY (inbox_id) REFERENCES rastro.inbox(inbox_id);

ALTER TABLE ONLY rastro.manual_action
    ADD CONSTRAINT manual_action_notice_id_fkey FOREIGN KEY (notice_id) REFERENCES rastro.notice(notice_id);

ALTER TABLE ONLY rastro.manual_action
    ADD CONSTRAINT manual_action_shipment_id_fkey FOREIGN KEY (shipment_id) REFERENCES rastro.shipment(shipment_id);

ALTER TABLE ONLY rastro.notice_attempt
    ADD CONSTRAINT notice_attempt_notice_id_fkey FOREIGN KEY (notice_id) REFERENCES rastro.notice(notice_id);

ALTER TABLE ONLY rastro.notice
    ADD CONSTRAINT notice_shipment_id_fkey FOREIGN KEY (shipment_id) REFERENCES rastro.shipment(shipment_id);

ALTER TABLE ONLY rastro.raw_answer
    ADD CONSTRAINT raw_answer_poll_id_fkey FOREIGN KEY (poll_id) REFERENCES rastro.poll_state(poll_id);

ALTER TABLE ONLY rastro.shipment_change
    ADD CONSTRAINT shipment_change_shipment_id_fkey FOREIGN KEY (shipment_id) REFERENCES rastro.shipment(shipment_id);

ALTER TABLE ONLY rastro.shipment
    ADD CONSTRAINT shipment_poll_id_fkey FOREIGN KEY (poll_id) REFERENCES rastro.poll_state(poll_id);

ALTER TABLE ONLY rastro.shipment_state
    ADD CONSTRAINT shipment_state_shipment_id_fkey FOREIGN KEY (shipment_id) REFERENCES rastro.shipment(shipment_id);

ALTER TABLE ONLY rastro.staged_snapshot
    ADD CONSTRAINT staged_snapshot_poll_id_fkey FOREIGN KEY (poll_id) REFERENCES rastro.poll_state(poll_id);
