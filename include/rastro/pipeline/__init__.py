"""Use cases, one per file. They decide with pure functions and act through adapters."""
