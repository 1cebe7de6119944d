"""Pipelines, their stages, moves, roles, rights and own fields, and the machine that the gate asks.

It does not know what moves through them.
"""
