"""What is written to a customer, and texts with pictures and formats."""
