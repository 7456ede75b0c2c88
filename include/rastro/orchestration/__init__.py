"""The only part that knows Airflow: connections, settings, retry policy, windows, task bodies."""
