-- What was delivered in some days, without a look at all that ever was: all that the letter reads of it.

CREATE INDEX delivery_fact_delivered ON rastro.delivery_fact (delivered_at)
    INCLUDE (carrier, state_from, state_to, transit_working_days) WHERE transit_working_days IS NOT NULL;
