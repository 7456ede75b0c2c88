"""The warehouse: migrations, named SQL, and functions that take a connection."""
