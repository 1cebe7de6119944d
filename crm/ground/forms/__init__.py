"""Form fields that read what people type: amounts, days, phones."""
