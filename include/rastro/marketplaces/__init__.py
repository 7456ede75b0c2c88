"""Marketplaces: who is told directly that an order was delivered."""
