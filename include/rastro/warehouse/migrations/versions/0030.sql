-- An hour in which nothing happens reads nothing from end to end.

-- Who was silent for too long is found among those that nobody asks about any more without an end: they are few, since
-- most have one. A reference is at an end when all its shipments are, be they paused or not followed.
CREATE INDEX poll_state_given_up ON rastro.poll_state (quiet_since)
    WHERE next_poll_at IS NULL AND status NOT IN ('delivered', 'returned', 'lost', 'cancelled', 'expired');

UPDATE rastro.poll_state p SET status = t.status
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id)
WHERE p.status = 'expired' AND s.poll_id = p.poll_id AND (s.skip <> '' OR s.paused_at IS NOT NULL)
  AND t.status NOT IN ('delivered', 'returned', 'lost', 'cancelled', 'expired');

-- What has changed since an hour ago. One of BRIN leaves updates where they are (HOT): a btree would not.
CREATE INDEX shipment_state_changed ON rastro.shipment_state USING brin (changed_at);
