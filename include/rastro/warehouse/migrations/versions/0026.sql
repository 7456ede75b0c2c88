-- What was told to whom it concerns, and how soon: for analysts, without the message and whom it went to.

CREATE VIEW rastro.v_notice AS
SELECT n.notice_id, n.shipment_id, s.account, s.carrier, n.channel, n.kind, n.state, n.event_at, n.owed_at,
       CASE WHEN n.state = 'sent' THEN n.settled_at END AS sent_at
FROM rastro.notice n
JOIN rastro.shipment s USING (shipment_id);
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
