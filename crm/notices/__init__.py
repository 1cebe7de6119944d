"""What colleagues are told: the bell, the feed, the morning mail."""
