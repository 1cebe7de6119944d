"""What surrounds every page: navigation, banner, health, the page for an outage."""
