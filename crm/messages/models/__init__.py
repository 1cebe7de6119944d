"""The rows of messages: channels, messages, files, mailboxes, refusals, templates."""
