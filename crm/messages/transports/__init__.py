"""Transports: each only talks to one provider. The channel keeps the books (crm/messages/sending.py)."""
