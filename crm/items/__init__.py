"""What moves through stages: items, the gate, moving, leaving, undo, lines, tasks, filters, whose customers show.

It does not know pages, messages or rules.
"""
