"""Payment providers: each only talks to one. Checkouts keep the books (documents/models/checkouts.py)."""
