"""Products, lines, papers, invoices, credit notes and payments for programs: one module for each noun."""

from documents.api import credit_notes, invoices, lines, papers
from documents.api.base import router

__all__ = ["credit_notes", "invoices", "lines", "papers", "router"]
