-- The first schema. Times are timestamptz; statuses are the words of rastro.models.Status.

CREATE TABLE rastro.source (
    account      text PRIMARY KEY,
    writes_back  boolean NOT NULL,
    own_mail     boolean NOT NULL,
    decided_by   text NOT NULL DEFAULT '',
    synced_until timestamptz
);
COMMENT ON TABLE rastro.source IS 'Each order source: how far it has been read, and how its people are told.';
COMMENT ON COLUMN rastro.source.decided_by IS 'Digest of the settings by which carriers and routes were last found.';
COMMENT ON COLUMN rastro.source.own_mail IS 'Whether its customers are mailed by us; otherwise by the order system, when the order is written.';

CREATE TABLE rastro.awaited_order (
    account       text NOT NULL,
    order_id      text NOT NULL,
    awaited_since timestamptz NOT NULL,
    PRIMARY KEY (account, order_id)
);
COMMENT ON TABLE rastro.awaited_order IS 'Orders that each run reads again: without a tracking number yet, put aside, or placed by settings of before.';

CREATE TABLE rastro.poll_state (
    poll_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier       text NOT NULL,
    reference     text NOT NULL,
    status        text NOT NULL DEFAULT 'unknown',
    quiet_since   timestamptz NOT NULL,
    estimated_at  timestamptz,
    digest        bytea,
    first_answered_at timestamptz,
    answered_at   timestamptz,
    loaded_at     timestamptz,
    next_poll_at  timestamptz,
    lease_until   timestamptz,
    failures      smallint NOT NULL DEFAULT 0,
    refusal       text NOT NULL DEFAULT '',
    refusal_text  text NOT NULL DEFAULT '',
    CONSTRAINT poll_state_asks_once_per_reference UNIQUE (carrier, reference)
) WITH (fillfactor = 70);
CREATE INDEX poll_state_due ON rastro.poll_state (carrier, next_poll_at) WHERE next_poll_at IS NOT NULL;
COMMENT ON TABLE rastro.poll_state IS 'What carriers are asked about, once per reference however many shipments share it; narrow and hot.';
COMMENT ON COLUMN rastro.poll_state.quiet_since IS 'Time of the newest event, or when the reference was first known.';
COMMENT ON COLUMN rastro.poll_state.digest IS 'Digest of the last raw answer; an equal one is not read.';
COMMENT ON COLUMN rastro.poll_state.first_answered_at IS 'First good answer since the newest of its shipments was known.';
COMMENT ON COLUMN rastro.poll_state.answered_at IS 'Last answer that could be read, a refusal included: covers every window that ended before it.';
COMMENT ON COLUMN rastro.poll_state.loaded_at IS 'Time of the newest answer that has become events and state; an older one takes nothing back.';
COMMENT ON COLUMN rastro.poll_state.next_poll_at IS 'Next look; null when there is none any more.';
COMMENT ON COLUMN rastro.poll_state.lease_until IS 'Until then a task is asking about it.';

CREATE FUNCTION rastro.is_due(
    next_poll_at timestamptz, answered_at timestamptz, lease_until timestamptz, window_end timestamptz, at timestamptz
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT next_poll_at <= at AND (answered_at IS NULL OR answered_at < window_end) AND (lease_until IS NULL OR lease_until < at)
$$;
COMMENT ON FUNCTION rastro.is_due IS 'Whether a reference is to be asked about for a window: its time has come, nobody has asked since the window ended, nobody is asking now.';

CREATE TABLE rastro.shipment (
    shipment_id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account              text NOT NULL,
    order_id             text NOT NULL,
    invoice_number       text NOT NULL,
    tracking_number      text NOT NULL,
    tracking_text        text NOT NULL DEFAULT '',
    courier              text NOT NULL DEFAULT '',
    tracking_url         text NOT NULL DEFAULT '',
    invoice_key          text NOT NULL DEFAULT '',
    shipper_cnpj         text NOT NULL DEFAULT '',
    carrier_id           text NOT NULL DEFAULT '',
    carrier              text,
    carrier_reason       text NOT NULL DEFAULT '',
    poll_id              bigint REFERENCES rastro.poll_state,
    service              text NOT NULL DEFAULT '',
    origin               text NOT NULL DEFAULT '',
    affiliate            text NOT NULL DEFAULT '',
    marketplace_order_id text NOT NULL DEFAULT '',
    marketplace_endpoint text NOT NULL DEFAULT '',
    route                text NOT NULL DEFAULT 'none',
    marketplace          text NOT NULL DEFAULT '',
    locale               text NOT NULL DEFAULT 'pt-BR',
    ordered_at           timestamptz,
    invoiced_at          timestamptz,
    promised_at          timestamptz,
    city_to              text NOT NULL DEFAULT '',
    state_to             text NOT NULL DEFAULT '',
    skip                 text NOT NULL DEFAULT '',
    warning              text NOT NULL DEFAULT '',
    first_seen_at        timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    CONSTRAINT shipment_is_one_package UNIQUE (account, order_id, invoice_number, tracking_number)
);
CREATE INDEX shipment_by_number ON rastro.shipment (tracking_number);
CREATE INDEX shipment_by_order ON rastro.shipment (order_id);
CREATE INDEX shipment_by_poll ON rastro.shipment (poll_id);
COMMENT ON TABLE rastro.shipment IS 'One package on its way: account, order, invoice and tracking number. Holds no contact data.';
COMMENT ON COLUMN rastro.shipment.account IS 'The source, as adapter:connection.';
COMMENT ON COLUMN rastro.shipment.tracking_text IS 'The tracking number as the shop typed it.';
COMMENT ON COLUMN rastro.shipment.carrier IS 'Registry code of the carrier; null when none claims the parcel.';
COMMENT ON COLUMN rastro.shipment.route IS 'Who confirms delivery to the marketplace: none, connector, direct or review.';
COMMENT ON COLUMN rastro.shipment.warning IS 'What looks wrong about its number, though it is followed.';
COMMENT ON COLUMN rastro.shipment.skip IS 'Why the parcel is not followed; empty when it is.';

CREATE TABLE rastro.shipment_state (
    shipment_id  bigint PRIMARY KEY REFERENCES rastro.shipment,
    status       text NOT NULL DEFAULT 'unknown',
    status_at    timestamptz,
    status_key   text NOT NULL DEFAULT '',
    delivered_at timestamptz,
    estimated_at timestamptz,
    pickup       jsonb,
    event_count  integer NOT NULL DEFAULT 0,
    changed_at   timestamptz NOT NULL
) WITH (fillfactor = 80);
COMMENT ON TABLE rastro.shipment_state IS 'Where each shipment is now, computed from all its events by their own times.';
COMMENT ON COLUMN rastro.shipment_state.status_at IS 'Time of the event that decides the status.';

CREATE TABLE rastro.tracking_event (
    shipment_id bigint NOT NULL,  -- no foreign key: five million rows are loaded at once, by code that has just read the shipments
    occurred_at timestamptz NOT NULL,
    event_key   text NOT NULL,
    position    smallint NOT NULL,
    status      text NOT NULL,
    standing    text NOT NULL,
    code        text NOT NULL,
    description text NOT NULL,
    city        text NOT NULL DEFAULT '',
    state       text NOT NULL DEFAULT '',
    country     text NOT NULL DEFAULT '',
    recorded_at timestamptz NOT NULL,
    restated_at timestamptz,
    CONSTRAINT tracking_event_is_told_once PRIMARY KEY (shipment_id, event_key, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE TABLE rastro.tracking_event_default PARTITION OF rastro.tracking_event DEFAULT;
COMMENT ON TABLE rastro.tracking_event IS 'Every line carriers ever told, append-only, by month of the event.';
COMMENT ON COLUMN rastro.tracking_event.event_key IS 'What the carrier itself would call the event; never its wording.';
COMMENT ON COLUMN rastro.tracking_event.standing IS 'effective, informative, voided, withdrawn, or foreign (dated outside the parcel''s life).';
COMMENT ON COLUMN rastro.tracking_event.recorded_at IS 'When we learnt of it.';
COMMENT ON COLUMN rastro.tracking_event.restated_at IS 'When its standing or status last changed.';

CREATE FUNCTION rastro.make_event_partitions(from_month date, months integer) RETURNS integer
LANGUAGE plpgsql AS $$
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
COMMENT ON FUNCTION rastro.make_event_partitions IS 'Makes the monthly partitions of tracking_event that are missing; safe to repeat.';

CREATE TABLE rastro.shipment_change (
    change_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shipment_id  bigint NOT NULL REFERENCES rastro.shipment,
    from_status  text NOT NULL,
    to_status    text NOT NULL,
    event_key    text NOT NULL,
    occurred_at  timestamptz,
    window_start timestamptz NOT NULL,
    new_events   integer NOT NULL,
    restated     integer NOT NULL,
    first_contact boolean NOT NULL,
    recorded_at  timestamptz NOT NULL,
    run_id       text NOT NULL
);
CREATE INDEX shipment_change_by_shipment ON rastro.shipment_change (shipment_id, recorded_at);
CREATE INDEX shipment_change_by_window ON rastro.shipment_change (window_start);
COMMENT ON TABLE rastro.shipment_change IS 'The diffs: what each answer that said something new changed.';
COMMENT ON COLUMN rastro.shipment_change.window_start IS 'The hour the deciding event happened in, whichever run learnt of it.';

CREATE TABLE rastro.staged_snapshot (
    staged_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    poll_id     bigint NOT NULL REFERENCES rastro.poll_state,
    answered_at timestamptz NOT NULL,
    digest      bytea NOT NULL,
    snapshot    bytea NOT NULL,
    raw         bytea NOT NULL,
    run_id      text NOT NULL
);
CREATE INDEX staged_snapshot_by_poll ON rastro.staged_snapshot (poll_id, staged_id);
COMMENT ON TABLE rastro.staged_snapshot IS 'Changed answers between tracking and loading; empty when all is loaded.';

CREATE TABLE rastro.raw_answer (
    poll_id     bigint PRIMARY KEY REFERENCES rastro.poll_state,
    answered_at timestamptz NOT NULL,
    raw         bytea NOT NULL
);
COMMENT ON TABLE rastro.raw_answer IS 'The last raw answer about each reference, compressed with zlib.';

CREATE TABLE rastro.notice (
    notice_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shipment_id   bigint NOT NULL REFERENCES rastro.shipment,
    channel       text NOT NULL,
    kind          text NOT NULL,
    content       text NOT NULL,
    target        text NOT NULL,
    state         text NOT NULL,
    reason        text NOT NULL DEFAULT '',
    event_at      timestamptz NOT NULL,
    expires_at    timestamptz,
    facts         jsonb NOT NULL DEFAULT '{}',
    owed_at       timestamptz NOT NULL,
    not_before    timestamptz NOT NULL,
    attempts      smallint NOT NULL DEFAULT 0,
    lease_until   timestamptz,
    claimed_by    text NOT NULL DEFAULT '',
    message_id    text NOT NULL DEFAULT '',
    rendered      jsonb,
    recipient     text NOT NULL DEFAULT '',
    receipt       text NOT NULL DEFAULT '',
    settled_at    timestamptz,
    run_id        text NOT NULL,
    CONSTRAINT notice_is_owed_once UNIQUE (shipment_id, channel, kind, content),
    CONSTRAINT notice_state_is_known CHECK (state IN ('owed', 'claimed', 'unknown', 'sent', 'superseded', 'dropped', 'dead'))
);
CREATE INDEX notice_open ON rastro.notice (channel, target, not_before) WHERE state IN ('owed', 'claimed', 'unknown');
COMMENT ON TABLE rastro.notice IS 'The outbox: one row for each message owed to somebody, committed with the change that owes it.';
COMMENT ON COLUMN rastro.notice.content IS 'Tells notices of one kind apart: a day, or a digest of the events concerned.';
COMMENT ON COLUMN rastro.notice.state IS 'owed, claimed (being sent until lease_until), unknown (sent or not: asked before any repeat), sent, superseded, dropped, dead (waits for a person).';
COMMENT ON COLUMN rastro.notice.rendered IS 'The exact message, without the address and the name.';
COMMENT ON COLUMN rastro.notice.recipient IS 'The address, masked.';

CREATE VIEW rastro.open_notice AS
SELECT n.notice_id, n.shipment_id, n.channel, n.target, n.state, n.event_at, n.not_before, n.lease_until,
       s.account, s.order_id, s.invoice_number
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id)
WHERE n.state IN ('owed', 'claimed', 'unknown') AND n.channel <> 'alert'
  AND (n.channel <> 'marketplace' OR NOT EXISTS (
      SELECT FROM rastro.shipment o JOIN rastro.shipment_state t USING (shipment_id)
      WHERE o.account = s.account AND o.order_id = s.order_id AND o.invoice_number = s.invoice_number
        AND o.skip = '' AND t.status <> 'delivered'));
COMMENT ON VIEW rastro.open_notice IS 'Notices that are not settled, with the package each belongs to. A delivery is confirmed when all parcels of the package are delivered.';

CREATE TABLE rastro.notice_attempt (
    attempt_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notice_id   bigint NOT NULL REFERENCES rastro.notice,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    outcome     text NOT NULL DEFAULT '',
    answer      text NOT NULL DEFAULT '',
    run_id      text NOT NULL
);
CREATE INDEX notice_attempt_by_notice ON rastro.notice_attempt (notice_id);
COMMENT ON TABLE rastro.notice_attempt IS 'Each attempt at sending; one without an end was cut off.';

CREATE TABLE rastro.suppressed_address (
    address_hash  text PRIMARY KEY,
    reason        text NOT NULL,
    suppressed_at timestamptz NOT NULL
);
COMMENT ON TABLE rastro.suppressed_address IS 'Addresses that a mail server refused for good, as keyed hashes.';

CREATE TABLE rastro.quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin        text NOT NULL,
    subject       text NOT NULL,
    reason        text NOT NULL,
    detail        text NOT NULL,
    raw           bytea,
    first_at      timestamptz NOT NULL,
    last_at       timestamptz NOT NULL,
    times         integer NOT NULL DEFAULT 1,
    resolved_at   timestamptz,
    run_id        text NOT NULL
);
CREATE UNIQUE INDEX quarantine_is_listed_once ON rastro.quarantine (origin, subject, reason) WHERE resolved_at IS NULL;
COMMENT ON TABLE rastro.quarantine IS 'What could not be read or addressed, with the reason and the raw body (zlib), until it can be read or somebody resolves it.';

CREATE TABLE rastro.poll_batch (
    batch_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id       text NOT NULL,
    carrier      text NOT NULL,
    contract     text NOT NULL,
    window_start timestamptz NOT NULL,
    window_end   timestamptz NOT NULL,
    from_poll_id bigint NOT NULL,
    to_poll_id   bigint NOT NULL,
    calls        integer NOT NULL,
    asked        integer NOT NULL,
    unchanged    integer NOT NULL,
    changed      integer NOT NULL,
    refused      integer NOT NULL,
    quarantined  integer NOT NULL,
    unanswered   integer NOT NULL,
    bytes        bigint NOT NULL,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz NOT NULL,
    trouble      text NOT NULL DEFAULT ''
);
CREATE INDEX poll_batch_by_run ON rastro.poll_batch (run_id);
COMMENT ON TABLE rastro.poll_batch IS 'One row for each slice a tracking task worked through.';

CREATE TABLE rastro.run_stage (
    run_id      text NOT NULL,
    stage       text NOT NULL,
    part        text NOT NULL DEFAULT '',
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    figures     jsonb NOT NULL,
    trouble     text NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, stage, part)
);
COMMENT ON TABLE rastro.run_stage IS 'What each stage of each run did: figures, seconds, and what went wrong.';

CREATE TABLE rastro.token (
    holder     text PRIMARY KEY,
    sealed     bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE rastro.token IS 'Access tokens shared by tasks, encrypted.';

CREATE VIEW rastro.v_shipment AS
SELECT s.shipment_id, s.account, s.order_id, s.invoice_number, s.tracking_number, s.carrier, s.courier, s.service,
       coalesce(t.status, 'unknown') AS status, t.status_at, t.delivered_at,
       coalesce(t.estimated_at, p.estimated_at) AS estimated_at, s.promised_at, s.ordered_at, s.invoiced_at,
       coalesce(t.event_count, 0) AS event_count, s.route, s.marketplace, s.city_to, s.state_to, s.skip,
       s.first_seen_at, p.answered_at, p.next_poll_at, p.refusal, t.changed_at
FROM rastro.shipment s
LEFT JOIN rastro.shipment_state t USING (shipment_id)
LEFT JOIN rastro.poll_state p USING (poll_id);
COMMENT ON VIEW rastro.v_shipment IS 'One row for each shipment: what it is, where it is, when it is looked at next.';

CREATE VIEW rastro.v_delivery AS
SELECT s.shipment_id, s.account, s.order_id, s.tracking_number, s.carrier, s.state_to, s.city_to,
       s.invoiced_at, t.delivered_at, t.estimated_at, s.promised_at,
       round(extract(epoch FROM t.delivered_at - s.invoiced_at) / 86400, 2) AS days_from_invoice,
       t.delivered_at <= s.promised_at AS kept_promise
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)
WHERE t.status = 'delivered';
COMMENT ON VIEW rastro.v_delivery IS 'Delivered shipments, with days from the invoice and whether the promise was kept.';

CREATE VIEW rastro.v_change AS
SELECT c.change_id, c.recorded_at, c.window_start, c.run_id, s.account, s.order_id, s.tracking_number, s.carrier,
       c.from_status, c.to_status, c.occurred_at, c.new_events, c.restated, c.first_contact, c.shipment_id
FROM rastro.shipment_change c JOIN rastro.shipment s USING (shipment_id);
COMMENT ON VIEW rastro.v_change IS 'The diffs, with the shipment each belongs to.';

CREATE VIEW rastro.v_open_problem AS
SELECT 'no carrier claims it' AS problem, s.account, s.order_id, s.tracking_number AS subject, s.carrier_reason AS detail, s.first_seen_at AS since
FROM rastro.shipment s WHERE s.carrier IS NULL AND s.skip = ''
UNION ALL
SELECT 'the number looks mistyped', s.account, s.order_id, s.tracking_number, s.warning, s.first_seen_at
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id) WHERE s.warning <> '' AND s.skip = '' AND t.status = 'unknown'
UNION ALL
SELECT 'carrier refuses it: ' || p.refusal, s.account, s.order_id, s.tracking_number, p.refusal_text, p.answered_at
FROM rastro.shipment s JOIN rastro.poll_state p USING (poll_id) WHERE p.refusal IN ('not_ours', 'malformed')
UNION ALL
SELECT 'given up: nobody said anything for too long', s.account, s.order_id, s.tracking_number, 'ask the carrier', t.status_at
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id) WHERE t.status = 'expired' AND s.skip = ''
UNION ALL
SELECT 'not answered', s.account, s.order_id, s.tracking_number, p.failures || ' looks in a row got no answer', p.answered_at
FROM rastro.shipment s JOIN rastro.poll_state p USING (poll_id) WHERE p.failures >= 3
UNION ALL
SELECT 'carrier has an unknown code', s.account, s.order_id, s.tracking_number, e.code || ' ' || e.description, e.recorded_at
FROM rastro.tracking_event e JOIN rastro.shipment s USING (shipment_id) WHERE e.status = 'unknown' AND e.standing = 'effective'
UNION ALL
SELECT 'route to the marketplace is unknown', s.account, s.order_id, s.tracking_number, 'affiliate ' || s.affiliate || ': add it to the setting routes', s.first_seen_at
FROM rastro.shipment s WHERE s.route = 'review' AND s.skip = ''
UNION ALL
SELECT 'notice ' || n.state || ' (' || n.channel || ')', s.account, s.order_id, s.tracking_number, n.reason, n.owed_at
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id) WHERE n.state IN ('dead', 'unknown')
UNION ALL
SELECT 'alert: ' || n.kind, s.account, s.order_id, s.tracking_number, coalesce(n.facts ->> 'from', '') || ' -> ' || coalesce(n.facts ->> 'to', ''), n.owed_at
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id) WHERE n.channel = 'alert' AND n.state = 'owed'
UNION ALL
SELECT 'quarantine: ' || q.reason, q.origin, '', q.subject, q.detail, q.first_at
FROM rastro.quarantine q WHERE q.resolved_at IS NULL;
COMMENT ON VIEW rastro.v_open_problem IS 'Everything that waits for a person, one row each, with a sentence.';

CREATE VIEW rastro.v_coverage AS
WITH hour AS (
    SELECT generate_series(date_trunc('hour', now()) - interval '7 days', date_trunc('hour', now()) - interval '1 hour', interval '1 hour') AS window_start
), pending AS (
    SELECT p.carrier, date_trunc('hour', coalesce(p.answered_at, '-infinity')) AS answered_hour,
           date_trunc('hour', least(s.first_seen_at, s.invoiced_at)) AS seen_hour,
           p.next_poll_at > now() AS sleeping, count(*) AS shipments
    FROM rastro.poll_state p JOIN rastro.shipment s USING (poll_id)
    WHERE p.next_poll_at IS NOT NULL
    GROUP BY 1, 2, 3, 4
)
SELECT h.window_start, p.carrier,
       sum(p.shipments)::bigint AS pending,
       coalesce(sum(p.shipments) FILTER (WHERE p.answered_hour > h.window_start), 0)::bigint AS covered,
       coalesce(sum(p.shipments) FILTER (WHERE p.answered_hour <= h.window_start AND p.sleeping), 0)::bigint AS planned,
       coalesce(sum(p.shipments) FILTER (WHERE p.answered_hour <= h.window_start AND NOT p.sleeping), 0)::bigint AS gap
FROM hour h JOIN pending p ON p.seen_hour <= h.window_start
GROUP BY 1, 2;
COMMENT ON VIEW rastro.v_coverage IS 'For each hour of the last week and carrier: shipments pending then, how many have been answered since that hour ended, how many are planned for later, and how many ought to have been.';

COMMENT ON TABLE rastro.migration IS 'The newest migration that has been applied.';

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

COMMENT ON COLUMN rastro.v_open_problem.problem IS 'What kind of problem.';
COMMENT ON COLUMN rastro.v_open_problem.account IS 'The source, as adapter:connection.';
COMMENT ON COLUMN rastro.v_open_problem.order_id IS 'The order, as its source numbers it.';
COMMENT ON COLUMN rastro.v_open_problem.subject IS 'The tracking number or other thing concerned.';
COMMENT ON COLUMN rastro.v_open_problem.detail IS 'What is wrong, in words.';
COMMENT ON COLUMN rastro.v_open_problem.since IS 'Since when.';

COMMENT ON COLUMN rastro.v_coverage.window_start IS 'The hour, from here to an hour later.';
COMMENT ON COLUMN rastro.v_coverage.carrier IS 'Registry code of the carrier; null when none claims the parcel.';
COMMENT ON COLUMN rastro.v_coverage.pending IS 'Shipments on their way in that hour.';
COMMENT ON COLUMN rastro.v_coverage.covered IS 'Those the carrier has answered about since the hour ended.';
COMMENT ON COLUMN rastro.v_coverage.planned IS 'Those it has not, because their next look is planned for later.';
COMMENT ON COLUMN rastro.v_coverage.gap IS 'Those it ought to have answered about, and has not.';
SELECT rastro.make_event_partitions((now() - interval '24 months')::date, 28);
