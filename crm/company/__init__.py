"""The company itself: its data, departments, calendars, currencies and switches."""
