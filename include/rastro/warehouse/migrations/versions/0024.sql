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
