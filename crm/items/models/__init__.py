"""The rows of items, and the verbs that change them."""
