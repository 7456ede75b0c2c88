-- name: keep_source
INSERT INTO rastro.source (account, writes_back, own_mail) VALUES (%(account)s, %(writes_back)s, %(own_mail)s)
ON CONFLICT (account) DO UPDATE SET writes_back = excluded.writes_back, own_mail = excluded.own_mail
RETURNING synced_until

-- name: known_sources
SELECT account, writes_back, own_mail FROM rastro.source ORDER BY account

-- name: set_watermark
UPDATE rastro.source SET synced_until = greatest(synced_until, %(until)s::timestamptz) WHERE account = %(account)s

-- name: lock_merging
-- One merge at a time: two that meet the same rows in another order would wait for each other. Ends with the transaction.
SELECT pg_advisory_xact_lock(hashtext('rastro.merge'))

-- name: make_incoming_shipment
CREATE TEMP TABLE incoming_shipment (
    account text, order_id text, invoice_number text, tracking_number text, tracking_text text, courier text,
    tracking_url text, invoice_key text, shipper_cnpj text, carrier_id text, carrier text, carrier_reason text,
    reference text, service text, origin text, affiliate text, marketplace_order_id text, marketplace_endpoint text,
    route text, route_reason text, marketplace text, locale text, ordered_at timestamptz, invoiced_at timestamptz, promised_at timestamptz,
    city_to text, state_to text, receiver_too boolean, declared_value numeric(12, 2), skip text, warning text
) ON COMMIT DROP

-- name: copy_incoming_shipment
COPY incoming_shipment FROM STDIN

-- name: pass_over_lost_numbers
-- A package whose number was taken off is followed by the number that it had.
DELETE FROM incoming_shipment i
WHERE i.tracking_number = ''
  AND EXISTS (SELECT FROM rastro.shipment s
              WHERE s.account = i.account AND s.order_id = i.order_id AND s.invoice_number = i.invoice_number
                AND s.tracking_number <> '' AND s.skip = '')
  AND i.skip = ''

-- name: give_numbers
-- A package that was followed without a number and has one now is the same shipment: what was told is told.
UPDATE rastro.shipment s SET tracking_number = package.number, updated_at = %(now)s
FROM (SELECT account, order_id, invoice_number, min(tracking_number) AS number FROM incoming_shipment
      GROUP BY account, order_id, invoice_number HAVING min(tracking_number) <> '') AS package
WHERE s.account = package.account AND s.order_id = package.order_id AND s.invoice_number = package.invoice_number
  AND s.tracking_number = '' AND s.skip = ''
  AND NOT EXISTS (SELECT FROM rastro.shipment o
                  WHERE o.account = s.account AND o.order_id = s.order_id AND o.invoice_number = s.invoice_number
                    AND o.tracking_number = package.number)
RETURNING s.poll_id

-- name: stop_polls_left
-- What such shipments were asked about before, unless it is so still.
UPDATE rastro.poll_state p SET next_poll_at = NULL
WHERE p.poll_id = ANY(%(poll_ids)s::bigint[])
  AND NOT EXISTS (SELECT FROM rastro.shipment s WHERE s.poll_id = p.poll_id AND s.skip = '')

-- name: add_references
-- Every reference that is to be asked about, once in each contract however many shipments share it.
INSERT INTO rastro.poll_state (carrier, reference, contract, quiet_since, next_poll_at)
SELECT DISTINCT i.carrier, i.reference, coalesce(c.contract, ''), %(now)s::timestamptz, %(now)s::timestamptz
FROM incoming_shipment i LEFT JOIN rastro.contract c USING (carrier, account)
WHERE i.carrier IS NOT NULL AND i.reference <> '' AND i.skip = ''
ORDER BY 1, 2, 3
ON CONFLICT ON CONSTRAINT poll_state_asks_once_per_reference DO NOTHING

-- name: merge_shipments
-- New shipments and those whose source says something else now; a source that cannot tell a field does not blank it.
WITH merged AS (
    INSERT INTO rastro.shipment AS s (
        account, order_id, invoice_number, tracking_number, tracking_text, courier, tracking_url, invoice_key,
        shipper_cnpj, carrier_id, carrier, carrier_reason, poll_id, service, origin, affiliate, marketplace_order_id,
        marketplace_endpoint, route, route_reason, marketplace, locale, ordered_at, invoiced_at, promised_at, city_to, state_to,
        receiver_too, declared_value, skip, warning, first_seen_at, updated_at)
    SELECT DISTINCT ON (i.account, i.order_id, i.invoice_number, i.tracking_number)
        i.account, i.order_id, i.invoice_number, i.tracking_number, i.tracking_text, i.courier, i.tracking_url,
        i.invoice_key, i.shipper_cnpj, i.carrier_id, i.carrier, i.carrier_reason, p.poll_id, i.service, i.origin,
        i.affiliate, i.marketplace_order_id, i.marketplace_endpoint, i.route, i.route_reason, i.marketplace, i.locale, i.ordered_at,
        i.invoiced_at, i.promised_at, i.city_to, i.state_to, i.receiver_too, i.declared_value, i.skip, i.warning,
        %(now)s::timestamptz, %(now)s::timestamptz
    FROM incoming_shipment i
    LEFT JOIN rastro.contract c ON c.carrier = i.carrier AND c.account = i.account
    LEFT JOIN rastro.poll_state p ON p.carrier = i.carrier AND p.reference = i.reference AND p.contract = coalesce(c.contract, '')
    ORDER BY i.account, i.order_id, i.invoice_number, i.tracking_number, i.skip
    ON CONFLICT ON CONSTRAINT shipment_is_one_package DO UPDATE SET
        tracking_text = excluded.tracking_text, courier = excluded.courier, tracking_url = excluded.tracking_url,
        invoice_key = excluded.invoice_key, shipper_cnpj = excluded.shipper_cnpj, carrier_id = excluded.carrier_id,
        carrier = excluded.carrier, carrier_reason = excluded.carrier_reason, poll_id = excluded.poll_id,
        service = excluded.service, origin = coalesce(nullif(excluded.origin, ''), s.origin),
        affiliate = coalesce(nullif(excluded.affiliate, ''), s.affiliate),
        marketplace_order_id = coalesce(nullif(excluded.marketplace_order_id, ''), s.marketplace_order_id),
        marketplace_endpoint = coalesce(nullif(excluded.marketplace_endpoint, ''), s.marketplace_endpoint),
        route = excluded.route, route_reason = excluded.route_reason, marketplace = excluded.marketplace,
        promised_at = coalesce(excluded.promised_at, s.promised_at), receiver_too = excluded.receiver_too, skip = excluded.skip,
        declared_value = coalesce(excluded.declared_value, s.declared_value), warning = excluded.warning, updated_at = excluded.updated_at
    WHERE (s.tracking_text, s.courier, s.tracking_url, s.invoice_key, s.shipper_cnpj, s.carrier_id, s.carrier,
           s.carrier_reason, s.poll_id, s.service, s.origin, s.affiliate, s.marketplace_order_id, s.marketplace_endpoint,
           s.route, s.route_reason, s.marketplace, s.receiver_too, s.skip, s.declared_value)
        IS DISTINCT FROM
          (excluded.tracking_text, excluded.courier, excluded.tracking_url, excluded.invoice_key, excluded.shipper_cnpj,
           excluded.carrier_id, excluded.carrier, excluded.carrier_reason, excluded.poll_id, excluded.service,
           coalesce(nullif(excluded.origin, ''), s.origin), coalesce(nullif(excluded.affiliate, ''), s.affiliate),
           coalesce(nullif(excluded.marketplace_order_id, ''), s.marketplace_order_id),
           coalesce(nullif(excluded.marketplace_endpoint, ''), s.marketplace_endpoint), excluded.route, excluded.route_reason, excluded.marketplace,
           excluded.receiver_too, excluded.skip, coalesce(excluded.declared_value, s.declared_value))
    RETURNING s.shipment_id, s.poll_id, s.skip, s.xmax = 0 AS is_new
), states AS (
    INSERT INTO rastro.shipment_state (shipment_id, changed_at)
    SELECT shipment_id, %(now)s FROM merged WHERE is_new
), freshly_shared AS (
    -- A reference that had been answered before gets a shipment it has not been compared with: its answer is read again.
    UPDATE rastro.poll_state p
    SET digest = NULL, meaning = NULL, first_answered_at = NULL, next_poll_at = %(now)s, answered_at = NULL
    FROM merged m
    WHERE m.skip = '' AND p.poll_id = m.poll_id AND coalesce(p.first_answered_at, p.loaded_at) IS NOT NULL
      AND (m.is_new OR NOT EXISTS (SELECT FROM rastro.tracking_event e WHERE e.shipment_id = m.shipment_id))
)
SELECT count(*) FILTER (WHERE is_new) AS added, count(*) FILTER (WHERE NOT is_new) AS changed,
       count(*) FILTER (WHERE skip <> '') AS not_followed, count(*) FILTER (WHERE poll_id IS NULL AND skip = '') AS unclaimed
FROM merged

-- name: stop_unwanted_polls
-- References that no shipment wants any more.
UPDATE rastro.poll_state p SET next_poll_at = NULL
FROM (SELECT DISTINCT s.poll_id FROM incoming_shipment i
      JOIN rastro.shipment s USING (account, order_id, invoice_number) WHERE s.skip <> '') AS unwanted
WHERE p.poll_id = unwanted.poll_id AND p.next_poll_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM rastro.shipment s WHERE s.poll_id = p.poll_id AND s.skip = '')

-- name: retire_replaced
-- Numbers that a package no longer has, since its source gave the whole package now and they were not in it.
UPDATE rastro.shipment s SET skip = 'The shop gave the package another number.', updated_at = %(now)s
FROM (SELECT DISTINCT account, order_id, invoice_number FROM incoming_shipment) AS package
WHERE s.account = package.account AND s.order_id = package.order_id AND s.invoice_number = package.invoice_number
  AND s.skip = ''
  AND NOT EXISTS (SELECT FROM incoming_shipment i
                  WHERE i.account = s.account AND i.order_id = s.order_id AND i.invoice_number = s.invoice_number
                    AND i.tracking_number = s.tracking_number)

-- name: resume_wanted_polls
-- References that had been given up and are wanted again.
UPDATE rastro.poll_state p SET next_poll_at = %(now)s
FROM incoming_shipment i LEFT JOIN rastro.contract c USING (carrier, account)
WHERE i.skip = '' AND p.carrier = i.carrier AND p.reference = i.reference AND p.contract = coalesce(c.contract, '')
  AND p.next_poll_at IS NULL
  AND p.refusal <> 'not_ours' AND p.status NOT IN ('delivered', 'returned', 'lost', 'cancelled', 'expired')
  AND EXISTS (SELECT FROM rastro.shipment s WHERE s.poll_id = p.poll_id AND s.skip = '' AND s.paused_at IS NULL)

-- name: await_undecided
-- Orders that nothing explained, when anything that explains them has changed; when routes have, those under way, too,
-- and those whose marketplace has not been told.
INSERT INTO rastro.awaited_order (account, order_id, awaited_since)
SELECT DISTINCT s.account, s.order_id, %(now)s::timestamptz
FROM rastro.shipment s JOIN rastro.source USING (account) JOIN rastro.shipment_state t USING (shipment_id)
WHERE account = %(account)s AND source.decided_by <> '' AND source.decided_by <> %(decided_by)s AND s.skip = ''
  AND (s.route = 'review' OR s.carrier IS NULL
       OR (split_part(source.decided_by, ' ', 1) <> split_part(%(decided_by)s, ' ', 1) AND s.route <> 'none'
           AND (t.status NOT IN ('delivered', 'returned', 'lost', 'cancelled', 'expired')
                OR EXISTS (SELECT FROM rastro.notice n
                           WHERE n.shipment_id = s.shipment_id AND n.channel = 'marketplace' AND n.kind = 'delivered'
                             AND n.state <> 'sent'))))
ON CONFLICT DO NOTHING

-- name: set_decided_by
UPDATE rastro.source SET decided_by = %(decided_by)s WHERE account = %(account)s

-- name: owe_confirmations
-- What another marketplace refused, or was not told after all, is owed to the one that the route names now. In a restored
-- warehouse, the one that it names may have been told already.
INSERT INTO rastro.notice AS n (shipment_id, channel, kind, content, target, state, reason, event_at, owed_at, not_before, run_id,
    hand_overs)
SELECT s.shipment_id, 'marketplace', 'delivered', '', s.marketplace, CASE WHEN in_doubt THEN 'unknown' ELSE 'owed' END,
       CASE WHEN in_doubt THEN %(in_doubt)s ELSE '' END, t.delivered_at, %(now)s, %(now)s, %(run_id)s, in_doubt::integer
FROM rastro.shipment s JOIN rastro.shipment_state t USING (shipment_id) CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM rastro.installation
        WHERE told_until IS NOT NULL
          AND (t.delivered_at <= told_until OR (t.delivered_at > %(now)s AND %(now)s < told_until + interval '1 day')
               OR EXISTS (SELECT FROM rastro.tracking_event e
                          WHERE e.shipment_id = s.shipment_id AND e.status = 'delivered' AND e.occurred_at <= told_until))) AS in_doubt
) AS restored
WHERE s.account = %(account)s AND s.order_id = ANY(%(order_ids)s) AND s.skip = '' AND s.route = 'direct'
  AND t.status = 'delivered'
ON CONFLICT ON CONSTRAINT notice_is_owed_once DO UPDATE
SET target = excluded.target, state = excluded.state, reason = excluded.reason, event_at = excluded.event_at,
    owed_at = excluded.owed_at, not_before = excluded.not_before, settled_at = NULL, attempts = 0, hand_overs = excluded.hand_overs
WHERE n.hand_overs = 0
  AND (n.state = 'superseded' OR (n.state IN ('dropped', 'dead') AND n.target <> excluded.target))

-- name: declined_shipments
-- Shipments whose carrier has said several times in a row that they are not its own, unless a person chose it.
SELECT s.* FROM rastro.poll_state p JOIN rastro.shipment s USING (poll_id)
WHERE p.not_ours >= 3 AND s.skip = ''
  AND NOT EXISTS (SELECT FROM rastro.correction c
                  WHERE c.account = s.account AND c.order_id = s.order_id AND c.invoice_number = s.invoice_number
                    AND s.tracking_number IN (c.tracking_number, c.new_number) AND c.carrier = s.carrier)
ORDER BY s.shipment_id

-- name: declined_by
-- Which carriers have declined which shipments of these orders.
SELECT order_id, invoice_number, tracking_number, declined_by FROM rastro.shipment
WHERE account = %(account)s AND order_id = ANY(%(order_ids)s) AND declined_by <> '{}'

-- name: note_declined
UPDATE rastro.shipment s SET declined_by = array_append(s.declined_by, said.carrier)
FROM unnest(%(shipment_ids)s::bigint[], %(carriers)s::text[]) AS said (shipment_id, carrier)
WHERE s.shipment_id = said.shipment_id AND NOT said.carrier = ANY(s.declined_by)

-- name: awaited_orders
SELECT order_id FROM rastro.awaited_order
WHERE account = %(account)s AND awaited_since > %(horizon)s
ORDER BY order_id

-- name: named_orders
SELECT DISTINCT order_id FROM rastro.shipment
WHERE account = %(account)s AND (order_id = ANY(%(numbers)s) OR tracking_number = ANY(%(numbers)s))
ORDER BY order_id

-- name: unknown_numbers
SELECT number FROM unnest(%(numbers)s::text[]) AS number
WHERE NOT EXISTS (SELECT FROM rastro.shipment s WHERE s.tracking_number = number OR s.order_id = number)

-- name: await_order
INSERT INTO rastro.awaited_order (account, order_id, awaited_since) VALUES (%(account)s, %(order_id)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: order_has_come
DELETE FROM rastro.awaited_order WHERE account = %(account)s AND order_id = ANY(%(order_ids)s)

-- name: events_of_shipment
SELECT * FROM rastro.tracking_event WHERE shipment_id = %(shipment_id)s ORDER BY occurred_at, position

-- name: notices_of_shipment
SELECT * FROM rastro.notice WHERE shipment_id = %(shipment_id)s ORDER BY notice_id

-- name: totals
SELECT coalesce(carrier, '(no carrier)') AS carrier, status, count(*) AS shipments
FROM rastro.v_shipment WHERE skip = ''
GROUP BY 1, 2 ORDER BY 1, 2
