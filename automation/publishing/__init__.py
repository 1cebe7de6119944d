"""From a document to live rules and triggers: references, comparison, rows, versions, drafts."""
