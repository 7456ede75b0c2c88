"""
The public service, a process of its own: it keeps what carriers push, and answers VTEX's tracking hub.

It reads nothing of what it keeps: that is the next run's task. Nothing here knows of Airflow.
"""
