-- What people do by hand: who did what, why, and what it was before.

CREATE TABLE rastro.manual_action (
    action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    act_key text NOT NULL CONSTRAINT manual_action_is_done_once UNIQUE,
    done_at timestamptz NOT NULL,
    done_by text NOT NULL,
    run_id text NOT NULL,
    action text NOT NULL,
    reason text NOT NULL,
    shipment_id bigint REFERENCES rastro.shipment,
    notice_id bigint REFERENCES rastro.notice,
    account text NOT NULL,
    order_id text NOT NULL,
    subject text NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL
);
COMMENT ON TABLE rastro.manual_action IS 'What people did by hand, one row for each parcel or notice; rows are only added.';
COMMENT ON COLUMN rastro.manual_action.act_key IS 'The run, the line of its form, and what it is about: repeated, the run does it no second time.';
COMMENT ON COLUMN rastro.manual_action.done_by IS 'The user of Airflow who triggered the run.';
COMMENT ON COLUMN rastro.manual_action.subject IS 'The tracking number, or what else was meant.';
CREATE INDEX manual_action_by_shipment ON rastro.manual_action (shipment_id);
CREATE INDEX manual_action_by_time ON rastro.manual_action (done_at);

CREATE TABLE rastro.correction (
    account text NOT NULL,
    order_id text NOT NULL,
    invoice_number text NOT NULL,
    tracking_number text NOT NULL,
    new_number text NOT NULL DEFAULT '',
    carrier text NOT NULL DEFAULT '',
    corrected_at timestamptz NOT NULL,
    PRIMARY KEY (account, order_id, invoice_number, tracking_number)
);
COMMENT ON TABLE rastro.correction IS 'Numbers and carriers that a person corrected: they hold whatever the source goes on saying.';
COMMENT ON COLUMN rastro.correction.tracking_number IS 'The number as its source says it, normalised.';
COMMENT ON COLUMN rastro.correction.new_number IS 'The number in its place; empty: as it is.';
COMMENT ON COLUMN rastro.correction.carrier IS 'The carrier that is asked; empty: as routing says.';

ALTER TABLE rastro.shipment ADD COLUMN paused_at timestamptz;
COMMENT ON COLUMN rastro.shipment.paused_at IS 'Since when a person has it paused: it is not asked about, and what it owes waits; null when it is not.';
CREATE INDEX shipment_paused ON rastro.shipment (paused_at) WHERE paused_at IS NOT NULL;
CREATE INDEX notice_of_shipment_waiting ON rastro.notice (shipment_id) WHERE state IN ('dead', 'unknown');

CREATE OR REPLACE VIEW rastro.open_notice AS
SELECT n.notice_id, n.shipment_id, n.channel, n.target, n.state, n.event_at, n.not_before, n.lease_until,
       s.account, s.order_id, s.invoice_number, n.hand_overs, s.carrier, s.tracking_number
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id)
WHERE n.state IN ('owed', 'claimed', 'unknown') AND s.paused_at IS NULL
  AND (s.tracking_number <> '' OR n.channel NOT IN ('order', 'marketplace'))
  AND (n.channel <> 'marketplace' OR n.kind <> 'delivered' OR NOT EXISTS (
      SELECT FROM rastro.shipment o JOIN rastro.shipment_state t USING (shipment_id)
      WHERE o.account = s.account AND o.order_id = s.order_id AND o.invoice_number = s.invoice_number
        AND o.skip = '' AND t.status <> 'delivered'));

CREATE OR REPLACE VIEW rastro.v_shipment AS
SELECT s.shipment_id, s.account, s.order_id, s.invoice_number, s.tracking_number, s.carrier, s.courier, s.service,
       coalesce(t.status, 'unknown') AS status, t.status_at, t.delivered_at,
       coalesce(t.estimated_at, p.estimated_at) AS estimated_at, s.promised_at, s.ordered_at, s.invoiced_at,
       coalesce(t.event_count, 0) AS event_count, s.route, s.marketplace, s.city_to, s.state_to, s.skip,
       s.first_seen_at, p.answered_at, p.next_poll_at, p.refusal, t.changed_at, s.paused_at
FROM rastro.shipment s
LEFT JOIN rastro.shipment_state t USING (shipment_id)
LEFT JOIN rastro.poll_state p USING (poll_id);
COMMENT ON COLUMN rastro.v_shipment.paused_at IS 'Since when a person has it paused; null when it is not.';

CREATE VIEW rastro.v_manual_action AS
SELECT a.action_id, a.done_at, a.done_by, a.action, a.reason, a.account, a.order_id, a.subject, a.before, a.after, a.run_id,
       a.shipment_id, a.notice_id
FROM rastro.manual_action a;
COMMENT ON VIEW rastro.v_manual_action IS 'What people did by hand: who, what, why, before and after.';
COMMENT ON COLUMN rastro.v_manual_action.action_id IS 'Our number of the row.';
COMMENT ON COLUMN rastro.v_manual_action.done_at IS 'When.';
COMMENT ON COLUMN rastro.v_manual_action.done_by IS 'The user of Airflow who triggered the run.';
COMMENT ON COLUMN rastro.v_manual_action.action IS 'What was done, as the form names it.';
COMMENT ON COLUMN rastro.v_manual_action.reason IS 'Why, in that person''s words.';
COMMENT ON COLUMN rastro.v_manual_action.account IS 'The source, as adapter:connection.';
COMMENT ON COLUMN rastro.v_manual_action.order_id IS 'The order, as its source numbers it.';
COMMENT ON COLUMN rastro.v_manual_action.subject IS 'The tracking number, or what else was meant.';
COMMENT ON COLUMN rastro.v_manual_action.before IS 'What it was before.';
COMMENT ON COLUMN rastro.v_manual_action.after IS 'What it is since.';
COMMENT ON COLUMN rastro.v_manual_action.run_id IS 'The run of act_by_hand.';
COMMENT ON COLUMN rastro.v_manual_action.shipment_id IS 'The shipment concerned.';
COMMENT ON COLUMN rastro.v_manual_action.notice_id IS 'The notice concerned.';

CREATE OR REPLACE VIEW rastro.v_open_problem AS
SELECT 'no carrier claims it' AS problem, s.account, s.order_id, s.tracking_number AS subject, s.carrier_reason AS detail, s.first_seen_at AS since
FROM rastro.shipment s WHERE s.carrier IS NULL AND s.skip = ''
UNION ALL
SELECT 'what its carrier is asked by is missing', s.account, s.order_id, s.tracking_number, s.carrier_reason, s.first_seen_at
FROM rastro.shipment s WHERE s.carrier IS NOT NULL AND s.poll_id IS NULL AND s.skip = ''
UNION ALL
SELECT 'it has no number: order and marketplace are told when it has one', s.account, s.order_id, s.tracking_number, s.carrier_reason, s.first_seen_at
FROM rastro.shipment s
WHERE s.tracking_number = '' AND s.skip = ''
  AND EXISTS (SELECT FROM rastro.notice n WHERE n.shipment_id = s.shipment_id AND n.state = 'owed' AND n.channel IN ('order', 'marketplace'))
UNION ALL
SELECT 'the number looks mistyped', s.account, s.order_id, s.tracking_number, s.warning, s.first_seen_at
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id) WHERE s.warning <> '' AND s.skip = '' AND t.status = 'unknown'
UNION ALL
SELECT 'carrier refuses it: ' || p.refusal, s.account, s.order_id, s.tracking_number, p.refusal_text, p.answered_at
FROM rastro.shipment s JOIN rastro.poll_state p USING (poll_id) WHERE p.refusal IN ('not_ours', 'malformed')
UNION ALL
SELECT 'its carrier does not know it', s.account, s.order_id, s.tracking_number,
       s.carrier || ' has not known it for a week; it was asked ' || s.carrier_reason || ': correct the number, or name the carrier in the setting couriers',
       s.first_seen_at
FROM rastro.shipment s JOIN rastro.poll_state p USING (poll_id) JOIN rastro.shipment_state t USING (shipment_id)
WHERE p.refusal = 'not_found' AND t.status = 'unknown' AND s.skip = '' AND s.first_seen_at < now() - interval '7 days'
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
SELECT 'route to the marketplace is unknown', s.account, s.order_id, s.tracking_number, 
       CASE WHEN s.route_reason <> '' THEN s.route_reason ELSE 'affiliate ' || s.affiliate || ': add it to the setting routes' END, s.first_seen_at
FROM rastro.shipment s WHERE s.route = 'review' AND s.skip = ''
UNION ALL
SELECT 'a delivery is not confirmed: another parcel of its package has ended', s.account, s.order_id, s.tracking_number,
       o.tracking_number || ' of the same invoice is ' || t.status || ': settle it with ' || n.target || ' by hand', n.owed_at
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id)
JOIN rastro.shipment o ON o.account = s.account AND o.order_id = s.order_id AND o.invoice_number = s.invoice_number AND o.skip = ''
JOIN rastro.shipment_state t ON t.shipment_id = o.shipment_id AND t.status IN ('returned', 'lost', 'cancelled', 'expired')
WHERE n.channel = 'marketplace' AND n.kind = 'delivered' AND n.state = 'owed' AND s.skip = ''
UNION ALL
SELECT 'notice ' || n.state || ' (' || n.channel || ')', s.account, s.order_id, s.tracking_number, n.reason, n.owed_at
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id) WHERE n.state IN ('dead', 'unknown')
UNION ALL
SELECT 'alert: ' || n.kind, s.account, s.order_id, s.tracking_number, coalesce(n.facts ->> 'from', '') || ' -> ' || coalesce(n.facts ->> 'to', ''), n.owed_at
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id) WHERE n.channel = 'alert' AND n.state = 'owed'
UNION ALL
SELECT 'quarantine: ' || q.reason, q.origin, '', q.subject, q.detail, q.first_at
FROM rastro.quarantine q WHERE q.resolved_at IS NULL
UNION ALL
SELECT 'paused by hand', s.account, s.order_id, s.tracking_number, 'it is not asked about, and what it owes waits: resume it when it is time', s.paused_at
FROM rastro.shipment s WHERE s.paused_at IS NOT NULL AND s.skip = '';
