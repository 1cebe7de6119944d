"""The lowest layer: people, items, messages, forms. Knows nothing of rules or documents."""
