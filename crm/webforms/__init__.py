"""Public forms and what customers send through them."""
