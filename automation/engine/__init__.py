"""The core as a list of verbs: plan (what a move starts), match (what an event moves), perform (one run), chain (what follows)."""
