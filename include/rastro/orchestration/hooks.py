"""
A class for each connection type of :mod:`.provider`: Airflow lists a type only with a hook that declares it.

They are made from the types, and only try a connection out: Rastro asks by its own client.
"""

from collections.abc import Mapping
from typing import ClassVar

from airflow.sdk import BaseHook

from rastro.orchestration.provider import connection_types, hook_class


class AdapterHook(BaseHook):
    """One connection. Airflow names it by the attribute that ``conn_name_attr`` is."""

    conn_type: ClassVar[str]
    conn_name_attr: ClassVar[str]

    def __init__(self, **named: str) -> None:
        super().__init__()
        self.conn_id = named[self.conn_name_attr]

    def test_connection(self) -> tuple[bool, str]:
        """What the button *Test* of Airflow's connection form shows."""
        from rastro.orchestration import doctor  # noqa: PLC0415  which nobody needs who only lists the types

        finding = doctor.of_type(self.conn_type, self.get_connection(self.conn_id))
        return not finding.is_wrong, finding.said


def hook_for(code: str, name: str) -> type[AdapterHook]:
    declared = {
        "conn_name_attr": f"{code}_conn_id",
        "default_conn_name": f"{code}_default",
        "conn_type": code,
        "hook_name": name,
    }
    return type(hook_class(code), (AdapterHook,), {"__module__": __name__, **declared})


HOOKS: Mapping[str, type[AdapterHook]] = {
    hook_class(kind["connection-type"]): hook_for(kind["connection-type"], kind["hook-name"])
    for kind in connection_types()
}


def __getattr__(name: str) -> type[AdapterHook]:
    """A hook by its name, which is how Airflow imports it."""
    try:
        return HOOKS[name]
    except KeyError:
        raise AttributeError(f"there is no connection type whose hook is {name}") from None
