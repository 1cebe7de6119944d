"""How each kind of event is told on timelines, by noun."""
