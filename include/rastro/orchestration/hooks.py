"""Connection types of Airflow's connection form, one class each; :mod:`.provider` names their fields."""

from airflow.sdk import BaseHook


class VtexHook(BaseHook):
    conn_name_attr = "vtex_conn_id"
    default_conn_name = "vtex_default"
    conn_type = "vtex"
    hook_name = "VTEX"


class CorreiosHook(BaseHook):
    conn_name_attr = "correios_conn_id"
    default_conn_name = "correios_default"
    conn_type = "correios"
    hook_name = "Correios"


class VtexProtocolHook(BaseHook):
    conn_name_attr = "vtex_protocol_conn_id"
    default_conn_name = "vtex_protocol_default"
    conn_type = "vtex_protocol"
    hook_name = "VTEX marketplace protocol"


class WebhookHook(BaseHook):
    conn_name_attr = "webhook_conn_id"
    default_conn_name = "webhook_default"
    conn_type = "webhook"
    hook_name = "Outgoing webhook (Standard Webhooks)"
