"""Users, contacts and companies, their phones and addresses, and when two are one.

It does not know cards: who may see a contact is asked through the *customer_reach* slot.
"""
