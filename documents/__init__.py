"""The top layer: templates, numbers, PDF, public document pages. Its rooms are built with the documents themselves."""
