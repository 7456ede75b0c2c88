"""Customer mail: one folder per message; rendering and sending."""
