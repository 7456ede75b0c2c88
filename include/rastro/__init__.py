"""Follows every parcel a shop has sent and tells everyone who waits for it."""

__version__ = "0.1.0"
