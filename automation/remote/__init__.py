"""Apps: actions and triggers of third parties, registered over the API, without Python of theirs in our processes."""
