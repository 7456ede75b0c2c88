"""An order as VTEX's Orders API shows it: the whole document, and its line in the list."""

from typing import Any

from simulator.records import Order, Package

STATUS_TEXTS = {"invoiced": "Faturado", "canceled": "Cancelado", "handling": "Preparando Entrega"}
INVALID_CPF = "999.999.999-00"  # no person can have it: its check digits are wrong


def vtex_time(iso: str) -> str:
    """VTEX writes seven digits of a second's fraction."""
    moment, _, offset = iso.partition("+")
    head, _, fraction = moment.partition(".")
    return f"{head}.{fraction:0<7}+{offset or '00:00'}"


def document(order: Order, url: str) -> dict[str, Any]:
    """``GET /api/oms/pvt/orders/{orderId}``; ``url`` is this simulator's own address."""
    customer = order.customer
    endpoint = order.endpoint.replace("{url}", url)
    address: dict[str, Any] = {
        "addressType": "residential",
        "receiverName": f"{customer.first_name} {customer.last_name}",
        "addressId": f"{order.sequence}0",
        "versionId": None,
        "entityId": None,
        "postalCode": order.postal_code,
        "city": order.city,
        "state": order.state,
        "country": "BRA",
        "street": "Rua das Paineiras",
        "number": "100",
        "neighborhood": "Centro",
        "complement": None,
        "reference": None,
        "geoCoordinates": [],
    }
    pickup = order.channel == "pickup-in-point"
    cancelled = order.status == "canceled"
    items = sorted({index for package in order.packages for index in package.items})
    return {
        "orderId": order.order_id,
        "sequence": order.sequence,
        "marketplaceOrderId": order.marketplace_order_id,
        "marketplaceServicesEndpoint": endpoint,
        "sellerOrderId": f"00-{order.order_id}",
        "origin": order.origin,
        "affiliateId": order.affiliate,
        "salesChannel": "1",
        "merchantName": None,
        "status": order.status,
        "workflowIsInError": False,
        "statusDescription": STATUS_TEXTS.get(order.status, order.status),
        "value": order.value,
        "creationDate": vtex_time(order.created_at),
        "lastChange": vtex_time(order.invoiced_at or order.created_at),
        "orderGroup": order.order_id.removesuffix("-01"),
        "followUpEmail": customer.alias,
        "lastMessage": None,
        "hostname": order.account,
        "isCompleted": True,
        "roundingError": 0,
        "orderFormId": None,
        "allowCancellation": False,
        "allowEdition": False,
        "isCheckedIn": False,
        "authorizedDate": vtex_time(order.created_at),
        "invoicedDate": vtex_time(order.invoiced_at) if order.invoiced_at else None,
        "cancelReason": "Desistência do cliente" if cancelled else None,
        "checkedInPickupPointId": None,
        "totals": [
            {"id": "Items", "name": "Total dos Itens", "value": order.value},
            {"id": "Discounts", "name": "Total dos Descontos", "value": 0},
            {"id": "Shipping", "name": "Total do Frete", "value": 0},
            {"id": "Tax", "name": "Total da Taxa", "value": 0},
        ],
        "sellers": [
            {
                "id": "1",
                "name": order.account,
                "logo": "",
                "fulfillmentEndpoint": f"http://fulfillment.vtexcommerce.com.br/api/fulfillment?an={order.account}",
            }
        ],
        "clientPreferencesData": {"locale": "pt-BR", "optinNewsLetter": False},
        "cancellationData": {
            "RequestedByUser": True,
            "RequestedBySystem": False,
            "RequestedBySellerNotification": False,
            "RequestedByPaymentNotification": False,
            "Reason": "Desistência do cliente",
            "CancellationDate": vtex_time(order.invoiced_at or order.created_at),
        }
        if cancelled
        else None,
        "marketplace": {
            "baseURL": endpoint,
            "isCertified": None,
            "name": order.affiliate or order.account,
        },
        "storePreferencesData": {
            "countryCode": "BRA",
            "currencyCode": "BRL",
            "currencyLocale": 1046,
            "currencySymbol": "R$",
            "timeZone": "E. South America Standard Time",
        },
        "customData": {"customApps": [{"id": app, "major": 1, "fields": {}} for app in order.apps], "customFields": []}
        if order.apps
        else None,
        "openTextField": None,
        "changesAttachment": None,
        "packageAttachment": {"packages": [package_document(package) for package in order.packages]},
        "shippingData": {
            "id": "shippingData",
            "address": address,
            "logisticsInfo": [
                {
                    "itemIndex": index,
                    "selectedSla": order.service,
                    "lockTTL": "10d",
                    "price": 0,
                    "listPrice": 0,
                    "sellingPrice": 0,
                    "deliveryWindow": None,
                    "deliveryCompany": order.service,
                    "shippingEstimate": "6bd",
                    "shippingEstimateDate": vtex_time(order.promised_at),
                    "deliveryChannel": order.channel,
                    "selectedDeliveryChannel": order.channel,
                    "deliveryIds": [
                        {
                            "courierId": f"courier-{order.service.lower()}",
                            "courierName": order.service,
                            "dockId": "1",
                            "quantity": 1,
                            "warehouseId": "1_1",
                            "accountCarrierName": order.account,
                            "kitItemDetails": [],
                        }
                    ],
                    "pickupPointId": "1_loja-centro" if pickup else None,
                    "addressId": address["addressId"],
                    "transitTime": "6bd",
                }
                for index in items
            ],
            "trackingHints": order.hints or None,
            "selectedAddresses": [address],
        },
        "ratesAndBenefitsData": None,
        "marketingData": None,
        "giftRegistryData": None,
        "clientProfileData": {
            "id": "clientProfileData",
            "email": customer.alias,
            "firstName": customer.first_name,
            "lastName": customer.last_name,
            "documentType": "cpf",
            "document": INVALID_CPF,
            "phone": "+5500000000000",
            "corporateName": None,
            "isCorporate": False,
            "userProfileId": customer.user_id,
            "customerClass": None,
        },
        "items": [
            {
                "uniqueId": f"{order.sequence}-{index}",
                "id": str(18 + index),
                "productId": "6",
                "ean": None,
                "quantity": 1,
                "seller": "1",
                "name": f"Caneca de louça nº {index + 1}",
                "refId": f"CANECA-{index + 1}",
                "price": order.value,
                "listPrice": order.value,
                "sellingPrice": order.value,
                "measurementUnit": "un",
                "unitMultiplier": 1.0,
                "isGift": False,
            }
            for index in items
        ],
    }


def package_document(package: Package) -> dict[str, Any]:
    return {
        "items": [
            {"itemIndex": index, "quantity": 1, "price": package.value, "description": None, "unitMultiplier": 1.0}
            for index in package.items
        ],
        "courier": package.courier,
        "invoiceNumber": package.invoice_number,
        "invoiceValue": package.value,
        "invoiceUrl": None,
        "issuanceDate": vtex_time(package.issued_at),
        "trackingNumber": package.tracking_number,
        "invoiceKey": package.invoice_key,
        "trackingUrl": package.tracking_url,
        "embeddedInvoice": None,
        "type": package.type,
        "courierStatus": {
            "status": package.status,
            "finished": package.finished,
            "deliveredDate": package.delivered_date,
            "data": package.events,
        }
        if package.status
        else None,
        "cfop": None,
        "restitutions": None,
        "volumes": 1,
        "EnableInferItems": None,
    }


def list_line(order: Order) -> dict[str, Any]:
    """One line of ``GET /api/oms/pvt/orders``."""
    shipped = [package for package in order.packages if package.type == "Output"]
    return {
        "orderId": order.order_id,
        "creationDate": vtex_time(order.created_at),
        "clientName": f"{order.customer.first_name} {order.customer.last_name}",
        "items": None,
        "totalValue": float(order.value),
        "paymentNames": "Pix",
        "status": order.status,
        "statusDescription": STATUS_TEXTS.get(order.status, order.status),
        "marketPlaceOrderId": order.marketplace_order_id or None,
        "sequence": order.sequence,
        "salesChannel": "1",
        "affiliateId": order.affiliate,
        "origin": order.origin,
        "workflowInErrorState": False,
        "workflowInRetry": False,
        "lastMessageUnread": None,
        "ShippingEstimatedDate": vtex_time(order.promised_at),
        "ShippingEstimatedDateMax": None,
        "ShippingEstimatedDateMin": None,
        "orderIsComplete": True,
        "listId": None,
        "listType": None,
        "authorizedDate": vtex_time(order.created_at),
        "callCenterOperatorName": None,
        "totalItems": 1,
        "currencyCode": "BRL",
        "hostname": order.account,
        "invoiceOutput": [package.invoice_number for package in shipped] or None,
        "invoiceInput": [package.invoice_number for package in order.packages if package.type == "Input"] or None,
        "lastChange": vtex_time(order.invoiced_at or order.created_at),
        "isAllDelivered": bool(shipped) and all(package.finished for package in shipped),
        "isAnyDelivered": any(package.finished for package in shipped),
    }
