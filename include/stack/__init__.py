"""Everything Rastro needs around it on one machine: PostgreSQL, Airflow and, for development, the simulator."""
