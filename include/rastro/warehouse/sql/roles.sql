-- name: make_roles
-- Once, by whoever may make roles in the database; repeated, it changes nothing. Nobody can log in before passwords are set.
-- All that is in the schema comes to belong to rastro_migrator, who may then run `rastro migrate`.
DO $$
DECLARE
    name text;
    one regclass;
    way regprocedure;
BEGIN
    FOREACH name IN ARRAY ARRAY['rastro_migrator', 'rastro_writer', 'rastro_serve', 'rastro_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', name);
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), name);
    END LOOP;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT rastro_migrator TO %I', current_user);  -- only a member may hand over what it owns
    END IF;
    EXECUTE format('GRANT CREATE ON DATABASE %I TO rastro_migrator', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO rastro_writer', current_database());
    IF to_regnamespace('rastro') IS NULL THEN
        RETURN;
    END IF;
    ALTER SCHEMA rastro OWNER TO rastro_migrator;
    FOR one IN SELECT oid FROM pg_class WHERE relnamespace = 'rastro'::regnamespace AND relkind IN ('r', 'p', 'v') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO rastro_migrator', one);
    END LOOP;
    FOR way IN SELECT oid FROM pg_proc WHERE pronamespace = 'rastro'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO rastro_migrator', way);
    END LOOP;
END $$

-- name: roles_are_made
SELECT FROM pg_roles WHERE rolname IN ('rastro_migrator', 'rastro_writer', 'rastro_serve', 'rastro_reader') HAVING count(*) = 4

-- name: schema_is_made
SELECT WHERE to_regclass('rastro.migration') IS NOT NULL

-- name: grant_roles
-- What each role may; by the owner of the schema, again after each migration. What is new, only rastro_writer may use.
GRANT USAGE ON SCHEMA rastro TO rastro_writer, rastro_serve, rastro_reader;
REVOKE ALL ON ALL TABLES IN SCHEMA rastro FROM PUBLIC, rastro_writer, rastro_serve, rastro_reader;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA rastro FROM PUBLIC, rastro_serve, rastro_reader;

-- Airflow's tasks and the operators' pages. Facts are added to and marked, never taken out.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rastro TO rastro_writer;
REVOKE DELETE ON rastro.tracking_event, rastro.shipment_change, rastro.shipment, rastro.shipment_state, rastro.notice,
    rastro.notice_attempt, rastro.manual_action FROM rastro_writer;
REVOKE INSERT, UPDATE, DELETE ON rastro.migration FROM rastro_writer;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA rastro TO rastro_writer;

-- `rastro serve`: keeps what is pushed and cannot read it back, shows where parcels are. No notice, no address, no token.
GRANT INSERT ON rastro.inbox TO rastro_serve;
GRANT UPDATE (times, last_at) ON rastro.inbox TO rastro_serve;
GRANT SELECT (inbox_id, carrier, contract, way, digest, received_at, last_at, times, read_at) ON rastro.inbox TO rastro_serve;
GRANT SELECT (token_hash, account, order_id, revoked_at) ON rastro.tracking_link TO rastro_serve;
GRANT SELECT (shipment_id, account, order_id, locale, tracking_number, carrier, courier, city_to, state_to, poll_id, skip,
    ordered_at, invoiced_at, first_seen_at, promised_at) ON rastro.shipment TO rastro_serve;
GRANT SELECT (shipment_id, status, status_at, status_key, delivered_at, estimated_at, pickup, changed_at)
    ON rastro.shipment_state TO rastro_serve;
GRANT SELECT (poll_id, estimated_at, answered_at) ON rastro.poll_state TO rastro_serve;
GRANT SELECT (shipment_id, occurred_at, event_key, position, status, standing, description, city, state)
    ON rastro.tracking_event TO rastro_serve;

-- Analysts: views, without what people or carriers wrote in their own words, texts of messages, who took a parcel, pictures.
GRANT SELECT ON rastro.v_shipment, rastro.v_change, rastro.v_event, rastro.v_coverage, rastro.v_inbox, rastro.migration TO rastro_reader;
GRANT SELECT (shipment_id, account, order_id, tracking_number, carrier, state_to, city_to, invoiced_at, delivered_at,
    estimated_at, promised_at, days_from_invoice, kept_promise, failed_attempts) ON rastro.v_delivery TO rastro_reader;
GRANT SELECT ON rastro.v_stalled TO rastro_reader;
GRANT SELECT (shipment_id, account, order_id, tracking_number, carrier, service, city_to, state_to, status, reason, state, since, until,
    at_stake, asked, paid, carrier_paid_at, found_at, changed_at, posted_at, last_scan_at, promised_at, first_estimate_at,
    last_estimate_at, first_attempt_at, ended_at) ON rastro.v_claim TO rastro_reader;
GRANT SELECT ON rastro.delivery_fact, rastro.carrier_day, rastro.v_carrier_day, rastro.estimate, rastro.working_day TO rastro_reader;
GRANT SELECT ON rastro.forecast, rastro.v_forecast, rastro.reported, rastro.v_notice TO rastro_reader;
GRANT EXECUTE ON FUNCTION rastro.wilson_low(bigint, bigint), rastro.wilson_high(bigint, bigint) TO rastro_reader;
GRANT SELECT (problem, account, order_id, subject, since, family, place) ON rastro.v_open_problem TO rastro_reader
