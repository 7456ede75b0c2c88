"""
A class for each connection type of :mod:`.provider`: Airflow lists a type only with a hook that declares it.

They are made from the types, and do nothing: Rastro asks by its own client.
"""

from collections.abc import Mapping

from airflow.sdk import BaseHook

from rastro.orchestration.provider import connection_types, hook_class


def hook_for(code: str, name: str) -> type[BaseHook]:
    declared = {
        "conn_name_attr": f"{code}_conn_id",
        "default_conn_name": f"{code}_default",
        "conn_type": code,
        "hook_name": name,
    }
    return type(hook_class(code), (BaseHook,), {"__module__": __name__, **declared})


HOOKS: Mapping[str, type[BaseHook]] = {
    hook_class(kind["connection-type"]): hook_for(kind["connection-type"], kind["hook-name"])
    for kind in connection_types()
}


def __getattr__(name: str) -> type[BaseHook]:
    """A hook by its name, which is how Airflow imports it."""
    try:
        return HOOKS[name]
    except KeyError:
        raise AttributeError(f"there is no connection type whose hook is {name}") from None
