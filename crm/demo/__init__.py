"""The demo: one furniture shop in four languages. Upper layers add their parts through the *demo_parts* slot."""
