-- Every carrier and marketplace: what comes unasked, proofs of delivery, carriers that declined, more to tell marketplaces.

CREATE TABLE rastro.inbox (
    inbox_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    carrier     text NOT NULL,
    way         text NOT NULL,
    digest      bytea NOT NULL,
    body        bytea,
    received_at timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    times       integer NOT NULL DEFAULT 1,
    read_at     timestamptz,
    unreadable  integer NOT NULL DEFAULT 0,
    CONSTRAINT inbox_keeps_a_body_once UNIQUE (carrier, digest),
    CONSTRAINT inbox_way_is_known CHECK (way IN ('push', 'feed'))
);
CREATE INDEX inbox_unread ON rastro.inbox (inbox_id) WHERE read_at IS NULL;
CREATE INDEX inbox_to_erase ON rastro.inbox (last_at) WHERE body IS NOT NULL;
COMMENT ON TABLE rastro.inbox IS 'What carriers sent by themselves or handed out once, kept before it is read.';
COMMENT ON COLUMN rastro.inbox.way IS 'push (the carrier called us) or feed (we fetched a lot that is handed out once).';
COMMENT ON COLUMN rastro.inbox.body IS 'The raw body, compressed with zlib; null once it has been erased, being old.';
COMMENT ON COLUMN rastro.inbox.times IS 'How often the very same body came.';
COMMENT ON COLUMN rastro.inbox.read_at IS 'When it was cut into parts; null while it waits for a run.';
COMMENT ON COLUMN rastro.inbox.unreadable IS 'How much of it could not be read, and is read again when the quarantine is retried.';

CREATE TABLE rastro.inbox_part (
    part_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    inbox_id    bigint NOT NULL REFERENCES rastro.inbox,
    carrier     text NOT NULL,
    refs        text[] NOT NULL,
    raw         bytea NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX inbox_part_by_letter ON rastro.inbox_part (inbox_id);
COMMENT ON TABLE rastro.inbox_part IS 'What the inbox says about references that nobody follows yet: it waits for their shipments, as long as sync_horizon says.';
COMMENT ON COLUMN rastro.inbox_part.refs IS 'All that the parcel may be known by with us.';

ALTER TABLE rastro.staged_snapshot ADD COLUMN unasked boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN rastro.staged_snapshot.unasked IS 'It came through the inbox: it is no answer that covers an hour, and the next answer is read whatever it is.';

ALTER TABLE rastro.poll_state ADD COLUMN not_ours smallint NOT NULL DEFAULT 0;
UPDATE rastro.poll_state SET not_ours = 3 WHERE refusal = 'not_ours';
CREATE INDEX poll_state_declined ON rastro.poll_state (poll_id) WHERE not_ours >= 3;
COMMENT ON COLUMN rastro.poll_state.not_ours IS 'How often in a row the carrier said that it is not its own.';

ALTER TABLE rastro.poll_state ADD COLUMN whole_at timestamptz;
UPDATE rastro.poll_state SET whole_at = loaded_at WHERE loaded_at IS NOT NULL;
COMMENT ON COLUMN rastro.poll_state.digest IS 'Digest of the last raw answer; an equal one is not read. Null when nothing was answered since news came unasked.';
COMMENT ON COLUMN rastro.poll_state.whole_at IS 'Time of the newest whole answer among those that have been loaded; what an older one has and it has not was taken back.';

ALTER TABLE rastro.shipment
    ADD COLUMN declined_by text[] NOT NULL DEFAULT '{}',
    ADD COLUMN route_reason text NOT NULL DEFAULT '';
COMMENT ON COLUMN rastro.shipment.declined_by IS 'Carriers that were asked and said several times that it is not theirs.';
COMMENT ON COLUMN rastro.shipment.route_reason IS 'Why its delivery is confirmed by that route.';

ALTER TABLE rastro.shipment_state
    ADD COLUMN received_by text NOT NULL DEFAULT '',
    ADD COLUMN proof_url text NOT NULL DEFAULT '';
COMMENT ON COLUMN rastro.shipment_state.received_by IS 'Initials of who took it, where the carrier says so.';
COMMENT ON COLUMN rastro.shipment_state.proof_url IS 'Address of the carrier''s picture of the delivery, where it has one.';

CREATE OR REPLACE VIEW rastro.v_delivery AS
SELECT s.shipment_id, s.account, s.order_id, s.tracking_number, s.carrier, s.state_to, s.city_to,
       s.invoiced_at, t.delivered_at, t.estimated_at, s.promised_at,
       round(extract(epoch FROM t.delivered_at - s.invoiced_at) / 86400, 2) AS days_from_invoice,
       t.delivered_at <= s.promised_at AS kept_promise, t.received_by, t.proof_url,
       (SELECT count(*) FROM rastro.tracking_event e
        WHERE e.shipment_id = s.shipment_id AND e.status = 'delivery_failed' AND e.standing = 'effective') AS failed_attempts
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)
WHERE t.status = 'delivered';
COMMENT ON COLUMN rastro.v_delivery.received_by IS 'Initials of who took it, where the carrier says so.';
COMMENT ON COLUMN rastro.v_delivery.proof_url IS 'Address of the carrier''s picture of the delivery, where it has one.';
COMMENT ON COLUMN rastro.v_delivery.failed_attempts IS 'How often it was tried in vain before.';

CREATE VIEW rastro.v_inbox AS
SELECT i.inbox_id, i.carrier, i.way, i.received_at, i.last_at, i.times, i.read_at,
       (SELECT count(*) FROM rastro.inbox_part p WHERE p.inbox_id = i.inbox_id) AS waiting, i.unreadable
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

-- A delivery waits for all parcels of the package; other news of a marketplace's does not. Orders and marketplaces know a
-- parcel by its number, so what they are owed waits until it has one.
CREATE OR REPLACE VIEW rastro.open_notice AS
SELECT n.notice_id, n.shipment_id, n.channel, n.target, n.state, n.event_at, n.not_before, n.lease_until,
       s.account, s.order_id, s.invoice_number, n.hand_overs, s.carrier, s.tracking_number
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id)
WHERE n.state IN ('owed', 'claimed', 'unknown')
  AND (s.tracking_number <> '' OR n.channel NOT IN ('order', 'marketplace'))
  AND (n.channel <> 'marketplace' OR n.kind <> 'delivered' OR NOT EXISTS (
      SELECT FROM rastro.shipment o JOIN rastro.shipment_state t USING (shipment_id)
      WHERE o.account = s.account AND o.order_id = s.order_id AND o.invoice_number = s.invoice_number
        AND o.skip = '' AND t.status <> 'delivered'));

-- A parcel that cannot be asked about is a person's, and an unknown route says what was looked at.
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
FROM rastro.quarantine q WHERE q.resolved_at IS NULL;
