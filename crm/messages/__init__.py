"""Messages both ways: channels, sending, receiving, tracking, mail, transports, merge texts, refusals.

It does not know forms or rules.
"""
