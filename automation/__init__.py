"""The middle layer: rules, triggers, runs. Imports crm, never documents."""
