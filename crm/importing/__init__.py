"""Tables that people bring along: read, matched to our fields, checked, taken in row by row, taken back."""
