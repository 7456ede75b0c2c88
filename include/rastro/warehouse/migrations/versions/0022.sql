-- What is to be expected of each parcel on its way, as it was said at the end of each day.

CREATE TABLE rastro.forecast (
    shipment_id      bigint      NOT NULL,
    day              date        NOT NULL,
    median_on        date,
    p90_on           date,
    miss_probability real,
    promised_on      date,
    lane_level       text        NOT NULL,
    sample           integer     NOT NULL,
    computed_at      timestamptz NOT NULL,
    CONSTRAINT forecast_is_one_a_day PRIMARY KEY (day, shipment_id)
);
CREATE INDEX forecast_of_shipment ON rastro.forecast (shipment_id);
COMMENT ON TABLE rastro.forecast IS 'What was to be expected of each parcel on its way, by what was known at the end of a day; docs/forecast.md says how it is worked out.';
COMMENT ON COLUMN rastro.forecast.shipment_id IS 'Our number of the shipment.';
COMMENT ON COLUMN rastro.forecast.day IS 'The day at whose end this was known, by the clock of America/Sao_Paulo.';
COMMENT ON COLUMN rastro.forecast.median_on IS 'The day by which half of such parcels are delivered; null without any history, or where hardly any still comes.';
COMMENT ON COLUMN rastro.forecast.p90_on IS 'The day by which nine of ten are.';
COMMENT ON COLUMN rastro.forecast.miss_probability IS 'How likely the first attempt comes after the promised day; 0 or 1 where that is known already, null without a promise or history.';
COMMENT ON COLUMN rastro.forecast.promised_on IS 'The day that the shop promised at the purchase.';
COMMENT ON COLUMN rastro.forecast.lane_level IS 'The narrowest lane with enough history to outweigh the wider ones: city, states, state, service, carrier or everything; empty without any.';
COMMENT ON COLUMN rastro.forecast.sample IS 'Parcels of that lane which were seen lately where this one stands.';
COMMENT ON COLUMN rastro.forecast.computed_at IS 'When this row was worked out.';

CREATE VIEW rastro.v_forecast AS
SELECT f.day, s.shipment_id, s.account, s.order_id, s.tracking_number, d.carrier, d.service, d.state_from, d.state_to, d.city_to,
       d.status, d.posted_at, d.last_scan_at, d.last_estimate_at, f.promised_on, f.median_on, f.p90_on, f.miss_probability,
       f.lane_level, f.sample
FROM rastro.forecast f
JOIN rastro.delivery_fact d USING (shipment_id)
JOIN rastro.shipment s USING (shipment_id)
WHERE f.day = (SELECT max(day) FROM rastro.forecast) AND d.ended_at IS NULL;
COMMENT ON VIEW rastro.v_forecast IS 'What is to be expected of each parcel on its way: the newest forecast. Ordered by miss_probability it says which will be late.';
COMMENT ON COLUMN rastro.v_forecast.day IS 'The day at whose end this was known, by the clock of America/Sao_Paulo.';
COMMENT ON COLUMN rastro.v_forecast.shipment_id IS 'Our number of the shipment.';
COMMENT ON COLUMN rastro.v_forecast.account IS 'The source, as adapter:connection.';
COMMENT ON COLUMN rastro.v_forecast.order_id IS 'The order''s number in its source.';
COMMENT ON COLUMN rastro.v_forecast.tracking_number IS 'The carrier''s number of the parcel.';
COMMENT ON COLUMN rastro.v_forecast.carrier IS 'Registry code of the carrier; empty when none claims the parcel.';
COMMENT ON COLUMN rastro.v_forecast.service IS 'The service that was bought.';
COMMENT ON COLUMN rastro.v_forecast.state_from IS 'State where it was posted; empty before.';
COMMENT ON COLUMN rastro.v_forecast.state_to IS 'State of the destination.';
COMMENT ON COLUMN rastro.v_forecast.city_to IS 'City of the destination, in capitals without accents.';
COMMENT ON COLUMN rastro.v_forecast.status IS 'Where it is, in the one vocabulary for all carriers.';
COMMENT ON COLUMN rastro.v_forecast.posted_at IS 'When the carrier first had it.';
COMMENT ON COLUMN rastro.v_forecast.last_scan_at IS 'Its newest scan.';
COMMENT ON COLUMN rastro.v_forecast.last_estimate_at IS 'When the carrier itself expects the delivery.';
COMMENT ON COLUMN rastro.v_forecast.promised_on IS 'The day that the shop promised at the purchase.';
COMMENT ON COLUMN rastro.v_forecast.median_on IS 'The day by which half of such parcels are delivered; null without any history, or where hardly any still comes.';
COMMENT ON COLUMN rastro.v_forecast.p90_on IS 'The day by which nine of ten are.';
COMMENT ON COLUMN rastro.v_forecast.miss_probability IS 'How likely the first attempt comes after the promised day; 0 or 1 where that is known already, null without a promise or history.';
COMMENT ON COLUMN rastro.v_forecast.lane_level IS 'The narrowest lane with enough history to outweigh the wider ones; empty without any.';
COMMENT ON COLUMN rastro.v_forecast.sample IS 'Parcels of that lane which were seen lately where this one stands.';
