-- Watched from outside: how the other sides answered, and what the data team was told of.

ALTER TABLE rastro.run_stage ADD COLUMN calls jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN rastro.run_stage.calls IS 'Its HTTP calls by whom they went to: how they were answered, and in how many seconds at most.';

CREATE INDEX poll_batch_by_carrier ON rastro.poll_batch (carrier, finished_at);

CREATE TABLE rastro.incident (
    incident_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL,
    subject     text NOT NULL,
    said        text NOT NULL,
    began_at    timestamptz NOT NULL,
    told        text[] NOT NULL DEFAULT '{}',
    resolved_at timestamptz
);
CREATE UNIQUE INDEX incident_is_open_once ON rastro.incident (kind, subject) WHERE resolved_at IS NULL;
COMMENT ON TABLE rastro.incident IS 'What the data team is alerted of, once from its beginning to its end.';
COMMENT ON COLUMN rastro.incident.kind IS 'run_failed, run_late, carrier_silent or notice_waits.';
COMMENT ON COLUMN rastro.incident.subject IS 'What it is about: a part of a run, a run, a carrier or a channel.';
COMMENT ON COLUMN rastro.incident.told IS 'The ways of the setting alert_by by which it has been told.';
