"""Carriers: one module each, pure requests and pure parsing."""
