-- What is told about a whole package waits while one of its parcels is paused; what waits for a number does not when it
-- is that number.

CREATE OR REPLACE VIEW rastro.open_notice AS
SELECT n.notice_id, n.shipment_id, n.channel, n.target, n.state, n.event_at, n.not_before, n.lease_until,
       s.account, s.order_id, s.invoice_number, n.hand_overs, s.carrier, s.tracking_number
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id)
WHERE n.state IN ('owed', 'claimed', 'unknown')
  AND NOT EXISTS (
      SELECT FROM rastro.shipment o
      WHERE o.account = s.account AND o.order_id = s.order_id AND o.invoice_number = s.invoice_number
        AND o.paused_at IS NOT NULL AND o.skip = ''
        AND (o.shipment_id = s.shipment_id OR n.channel IN ('order', 'marketplace')))
  AND (s.tracking_number <> '' OR n.channel NOT IN ('order', 'marketplace') OR n.kind = 'number')
  AND (n.channel <> 'marketplace' OR n.kind <> 'delivered' OR NOT EXISTS (
      SELECT FROM rastro.shipment o JOIN rastro.shipment_state t USING (shipment_id)
      WHERE o.account = s.account AND o.order_id = s.order_id AND o.invoice_number = s.invoice_number
        AND o.skip = '' AND t.status <> 'delivered'));
COMMENT ON VIEW rastro.open_notice IS 'Notices that are not settled, with the package each belongs to, but for those that wait while a parcel is paused. A delivery is confirmed when all parcels of the package are delivered.';
