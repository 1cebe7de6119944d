"""Pages of contacts and companies: lists, filters, merging, splitting, deleting."""
