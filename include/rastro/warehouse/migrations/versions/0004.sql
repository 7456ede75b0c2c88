-- Tracking pages of orders, for whoever has the link.

CREATE TABLE rastro.tracking_link (
    token_hash bytea PRIMARY KEY,
    account text NOT NULL,
    order_id text NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
COMMENT ON TABLE rastro.tracking_link IS 'Links to tracking pages that were given out, each by the hash of its token. It lives until tracking_link_for after the order''s last parcel ended.';
COMMENT ON COLUMN rastro.tracking_link.token_hash IS 'SHA-256 of the token; the token itself is kept nowhere.';
COMMENT ON COLUMN rastro.tracking_link.revoked_at IS 'When a person ended it; null while it is good.';
CREATE INDEX tracking_link_by_order ON rastro.tracking_link (account, order_id);
CREATE INDEX tracking_link_by_time ON rastro.tracking_link (created_at);
