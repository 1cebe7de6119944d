"""The outbox, invitations, and what mail providers and customers' mail programs call."""
