-- What a copy of the history is made from: lines without their wording, and when a shipment's own row changed last.

CREATE VIEW rastro.v_event AS
 SELECT e.shipment_id,
    e.occurred_at,
    e."position",
    e.status,
    e.standing,
    e.code,
    e.city,
    e.state,
    e.country,
    e.recorded_at,
    e.restated_at
   FROM rastro.tracking_event e;

COMMENT ON VIEW rastro.v_event IS 'The lines that carriers told, without their wording: what, where, when, and since when it is known.';

CREATE OR REPLACE VIEW rastro.v_shipment AS
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
COMMENT ON COLUMN rastro.v_shipment.updated_at IS 'When what its source says of it changed last, or it was erased.';
