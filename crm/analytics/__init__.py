"""Figures over cards and what led to them."""
