"""
Tell the data team what has begun, by each of the ways they have set, once.

An incident is noted as told after it was: a crash in between tells it once more, which is the lesser evil here. One
that is not taken keeps no other from being told.
"""

from collections.abc import Callable, Mapping

from rastro.errors import RastroError, Transient
from rastro.incidents import Incident
from rastro.warehouse import incidents
from rastro.warehouse.connect import Connect

# Tells one incident; raises RastroError when it could not.
Way = Callable[[Incident], None]


def tell_what_is_untold(connect: Connect, ways: Mapping[str, Way]) -> list[str]:
    """What could not be told, by way, each a sentence; it is tried again by the next run."""
    troubles = []
    for name, tell in ways.items():
        with connect() as conn:
            last = 0
            while found := incidents.next_untold(conn, name, last):
                last, incident = found
                try:
                    tell(incident)
                except RastroError as error:
                    troubles.append(f"{name}: {error}")
                    conn.rollback()
                    if isinstance(error, Transient):
                        break  # the way is barred, for the others as well
                    continue
                incidents.note_told(conn, last, name)
                conn.commit()
    return troubles
