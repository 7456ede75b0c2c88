"""Order systems: where shipments come from, and where progress is written back."""
