-- What proves that nothing is lost or told twice.

ALTER TABLE rastro.shipment_state ADD COLUMN revision integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN rastro.shipment_state.revision IS 'How many changes it has seen. Tells a change that comes a second time from its first coming.';
UPDATE rastro.shipment_state t SET revision = seen.changes
FROM (SELECT shipment_id, count(*) AS changes FROM rastro.shipment_change GROUP BY shipment_id) AS seen
WHERE t.shipment_id = seen.shipment_id;

ALTER TABLE rastro.notice
    ADD COLUMN hand_overs smallint NOT NULL DEFAULT 0,
    ADD COLUMN handed_over_by text NOT NULL DEFAULT '',
    ADD COLUMN recipient_hash text NOT NULL DEFAULT '',
    ADD COLUMN erased_at timestamptz;
COMMENT ON COLUMN rastro.notice.hand_overs IS 'How many attempts nobody can tell the fate of: counted before the message leaves us, taken back once its fate is known.';
COMMENT ON COLUMN rastro.notice.handed_over_by IS 'The claim whose attempt is counted among the hand-overs and is not settled yet.';
COMMENT ON COLUMN rastro.notice.recipient_hash IS 'The address as a keyed hash; the same address always gives the same.';
COMMENT ON COLUMN rastro.notice.erased_at IS 'When its text and its recipient were erased, being old.';
-- Until now no hand-overs were counted: what was claimed may have arrived.
UPDATE rastro.notice SET hand_overs = 1 WHERE state IN ('claimed', 'unknown');
CREATE INDEX notice_to_erase ON rastro.notice (settled_at) WHERE rendered IS NOT NULL AND erased_at IS NULL;

ALTER TABLE rastro.notice_attempt ADD COLUMN claimed_by text NOT NULL DEFAULT '';
COMMENT ON COLUMN rastro.notice_attempt.claimed_by IS 'The task that made the attempt.';

ALTER TABLE rastro.staged_snapshot ADD COLUMN worked_out_again boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN rastro.staged_snapshot.worked_out_again IS 'Read anew from an answer that was kept, which nobody is told old news about.';
CREATE INDEX raw_answer_by_time ON rastro.raw_answer (answered_at);

ALTER TABLE rastro.quarantine ADD COLUMN erased_at timestamptz;
COMMENT ON COLUMN rastro.quarantine.erased_at IS 'When the raw body was erased, being old.';
CREATE INDEX quarantine_to_erase ON rastro.quarantine (last_at) WHERE raw IS NOT NULL;

CREATE TABLE rastro.rehearsal (
    rehearsal_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id         text NOT NULL,
    channel        text NOT NULL,
    target         text NOT NULL,
    account        text NOT NULL,
    order_id       text NOT NULL,
    invoice_number text NOT NULL DEFAULT '',
    kind           text NOT NULL,
    notices        integer NOT NULL,
    verdict        text NOT NULL,
    reason         text NOT NULL DEFAULT '',
    rendered       jsonb,
    recipient      text NOT NULL DEFAULT '',
    rehearsed_at   timestamptz NOT NULL,
    CONSTRAINT rehearsal_verdict_is_known CHECK (verdict IN ('send', 'keep', 'drop', 'wait'))
);
CREATE INDEX rehearsal_by_run ON rastro.rehearsal (run_id);
CREATE INDEX rehearsal_by_time ON rastro.rehearsal (rehearsed_at);
COMMENT ON TABLE rastro.rehearsal IS 'What dry runs would have sent, message by message. Nothing of it was sent.';
COMMENT ON COLUMN rastro.rehearsal.notices IS 'How many notices this one message would have settled.';
COMMENT ON COLUMN rastro.rehearsal.verdict IS 'send; keep (the other side knows already); drop (it would not be told, with the reason); wait (it would be tried later).';
COMMENT ON COLUMN rastro.rehearsal.rendered IS 'The exact message, without the address and the name.';
COMMENT ON COLUMN rastro.rehearsal.recipient IS 'The address, masked.';

CREATE VIEW rastro.v_rehearsal AS
SELECT rehearsal_id, run_id, rehearsed_at, channel, target, account, order_id, invoice_number, kind, notices, verdict, reason,
       recipient, rendered ->> 'subject' AS subject, rendered ->> 'text' AS text, rendered
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

CREATE OR REPLACE VIEW rastro.open_notice AS
SELECT n.notice_id, n.shipment_id, n.channel, n.target, n.state, n.event_at, n.not_before, n.lease_until,
       s.account, s.order_id, s.invoice_number, n.hand_overs, s.carrier, s.tracking_number
FROM rastro.notice n JOIN rastro.shipment s USING (shipment_id)
WHERE n.state IN ('owed', 'claimed', 'unknown')
  AND (n.channel <> 'marketplace' OR NOT EXISTS (
      SELECT FROM rastro.shipment o JOIN rastro.shipment_state t USING (shipment_id)
      WHERE o.account = s.account AND o.order_id = s.order_id AND o.invoice_number = s.invoice_number
        AND o.skip = '' AND t.status <> 'delivered'));
