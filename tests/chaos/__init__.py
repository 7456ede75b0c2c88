"""
Chaos: the real task bodies against the simulated world and PostgreSQL, with faults between any two steps.

``python -m chaos --schedules 2000 --seed 7`` works through as many seeded schedules, each with faults of its own, and
ends with ``N schedules, M faults, V violations``; ``--only K`` replays one. A schedule is a plan of some hours
(:mod:`chaos.schedule`), driven in virtual time (:mod:`chaos.driver`) through a proxy that kills and cuts at exact
places (:mod:`chaos.proxy`), and judged by what everybody outside received (:mod:`chaos.oracle`).
"""
