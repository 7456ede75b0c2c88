-- What has changed since an hour ago, without a look at all that ever was. One of BRIN leaves updates where they are (HOT)
-- from PostgreSQL 16 on; a btree never would.

CREATE INDEX shipment_state_changed ON rastro.shipment_state USING brin (changed_at);
