"""What knows nothing of a CRM: the clock, databases, numbers, dates, texts, files, the network."""
