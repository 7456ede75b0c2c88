-- What analysts ask of deliveries: one row for each parcel, one for each lane and day, and what both are worked out from.

-- The calls of a day make room for what happened to a carrier's parcels on a day.
ALTER TABLE rastro.carrier_day RENAME TO call_budget;
ALTER TABLE rastro.call_budget RENAME CONSTRAINT carrier_day_is_one TO call_budget_is_one;

CREATE TABLE rastro.estimate (
    shipment_id  bigint      NOT NULL,
    told_at      timestamptz NOT NULL,
    estimated_at timestamptz NOT NULL,
    CONSTRAINT estimate_is_told_once PRIMARY KEY (shipment_id, told_at)
);
COMMENT ON TABLE rastro.estimate IS 'Each delivery date that a carrier told, when it was another than its last; rows are only added.';
COMMENT ON COLUMN rastro.estimate.shipment_id IS 'Our number of the shipment.';
COMMENT ON COLUMN rastro.estimate.told_at IS 'When we learnt of it.';
COMMENT ON COLUMN rastro.estimate.estimated_at IS 'When the carrier expected the delivery.';
CREATE INDEX estimate_by_time ON rastro.estimate USING brin (told_at);
INSERT INTO rastro.estimate (shipment_id, told_at, estimated_at)
SELECT shipment_id, changed_at, estimated_at FROM rastro.shipment_state WHERE estimated_at IS NOT NULL;

CREATE TABLE rastro.working_day (
    carrier text    NOT NULL,
    state   text    NOT NULL,
    day     date    NOT NULL,
    ordinal integer NOT NULL,
    CONSTRAINT working_day_is_one PRIMARY KEY (carrier, state, day)
);
COMMENT ON TABLE rastro.working_day IS 'The calendar, every day of it: working days from one day to another are the difference of their ordinals.';
COMMENT ON COLUMN rastro.working_day.carrier IS 'Registry code of a carrier with days off of its own; empty: of all others.';
COMMENT ON COLUMN rastro.working_day.state IS 'State of Brazil with its holidays; empty: national holidays alone.';
COMMENT ON COLUMN rastro.working_day.day IS 'By the clock of America/Sao_Paulo.';
COMMENT ON COLUMN rastro.working_day.ordinal IS 'Working days from the calendar''s first day up to this one, itself included.';

CREATE TABLE rastro.delivery_fact (
    shipment_id          bigint      NOT NULL,
    account              text        NOT NULL,
    carrier              text        NOT NULL,
    service              text        NOT NULL,
    state_from           text        NOT NULL,
    city_from            text        NOT NULL,
    state_to             text        NOT NULL,
    city_to              text        NOT NULL,
    ordered_at           timestamptz,
    posted_at            timestamptz,
    first_scan_at        timestamptz,
    first_attempt_at     timestamptz,
    delivered_at         timestamptz,
    ended_at             timestamptz,
    ended_as             text        NOT NULL,
    status               text        NOT NULL,
    last_scan_at         timestamptz,
    promised_at          timestamptz,
    first_estimate_at    timestamptz,
    last_estimate_at     timestamptz,
    transit_days         numeric,
    transit_working_days smallint,
    attempt_working_days smallint,
    on_time              boolean,
    days_late            smallint,
    attempts             smallint    NOT NULL,
    failed_on            date[]      NOT NULL,
    silent_on            datemultirange NOT NULL,
    hours_in             jsonb       NOT NULL,
    notices              smallint    NOT NULL,
    first_notice_at      timestamptz,
    last_notice_at       timestamptz,
    computed_at          timestamptz NOT NULL,
    CONSTRAINT delivery_fact_is_one PRIMARY KEY (shipment_id)
);
CREATE INDEX delivery_fact_undecided ON rastro.delivery_fact (promised_at)
    WHERE on_time IS NULL AND first_scan_at IS NOT NULL AND ended_as <> 'cancelled';
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

CREATE FUNCTION rastro.days_of(f rastro.delivery_fact, through date)
RETURNS TABLE (day date, posted boolean, attempted boolean, delivered boolean, due boolean, kept boolean, lost boolean,
    returned boolean, failed boolean, pending boolean, silent boolean)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
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
COMMENT ON FUNCTION rastro.days_of(rastro.delivery_fact, date) IS 'The days on which a parcel counts in carrier_day, up to one, and as what: due on the day of its promise once it can be said whether that was kept, pending at the end of each day from its posting to the day before its end. One that its carrier never had counts on none.';

CREATE FUNCTION rastro.wilson_low(kept bigint, known bigint) RETURNS real LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ((kept + 1.9208 - 1.96 * sqrt(kept * (known - kept)::float8 / nullif(known, 0) + 0.9604)) / (known + 3.8416))::real
$$;
COMMENT ON FUNCTION rastro.wilson_low(bigint, bigint) IS 'Lower end of Wilson''s interval at 95 % for the share kept ⁄ known; null of none.';

CREATE FUNCTION rastro.wilson_high(kept bigint, known bigint) RETURNS real LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ((kept + 1.9208 + 1.96 * sqrt(kept * (known - kept)::float8 / nullif(known, 0) + 0.9604)) / (known + 3.8416))::real
$$;
COMMENT ON FUNCTION rastro.wilson_high(bigint, bigint) IS 'Upper end of Wilson''s interval at 95 % for the share kept ⁄ known; null of none.';

CREATE TABLE rastro.carrier_day (
    carrier         text        NOT NULL,
    service         text        NOT NULL,
    state_from      text        NOT NULL,
    state_to        text        NOT NULL,
    city_to         text        NOT NULL,
    day             date        NOT NULL,
    posted          integer     NOT NULL,
    attempted       integer     NOT NULL,
    delivered       integer     NOT NULL,
    on_time         integer     NOT NULL,
    on_time_known   integer     NOT NULL,
    on_time_low     real        GENERATED ALWAYS AS (rastro.wilson_low(on_time, on_time_known)) STORED,
    on_time_high    real        GENERATED ALWAYS AS (rastro.wilson_high(on_time, on_time_known)) STORED,
    transit_p50     real,
    transit_p90     real,
    lost            integer     NOT NULL,
    returned        integer     NOT NULL,
    failed_attempts integer     NOT NULL,
    pending         integer     NOT NULL,
    silent          integer     NOT NULL,
    computed_at     timestamptz NOT NULL,
    CONSTRAINT carrier_day_is_one PRIMARY KEY (carrier, service, state_from, state_to, city_to, day)
);
CREATE INDEX carrier_day_by_day ON rastro.carrier_day (day);
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

CREATE VIEW rastro.v_carrier_day AS
SELECT carrier, service, state_from, state_to, city_to, day, posted, attempted, delivered, on_time, on_time_known,
       on_time::real / nullif(on_time_known, 0) AS on_time_share, on_time_low, on_time_high, transit_p50, transit_p90,
       lost, lost::real / nullif(delivered + returned + lost, 0) AS lost_share,
       returned, returned::real / nullif(delivered + returned + lost, 0) AS returned_share,
       failed_attempts, failed_attempts::real / nullif(failed_attempts + delivered, 0) AS failed_share,
       pending, silent, silent::real / nullif(pending, 0) AS silent_share, computed_at
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

CREATE TABLE rastro.reported (
    one   boolean     NOT NULL DEFAULT true,
    until timestamptz NOT NULL,
    CONSTRAINT reported_once PRIMARY KEY (one),
    CONSTRAINT reported_is_one CHECK (one)
);
COMMENT ON TABLE rastro.reported IS 'How far the reports have come; one row.';
COMMENT ON COLUMN rastro.reported.one IS 'Always true.';
COMMENT ON COLUMN rastro.reported.until IS 'All that was recorded before is in delivery_fact and carrier_day.';

-- What a report looks for: what was recorded, and what was sent, in a span of time.
CREATE INDEX shipment_change_by_time ON rastro.shipment_change USING brin (recorded_at);
CREATE INDEX notice_sent ON rastro.notice (settled_at) WHERE state = 'sent';
