"""The rows of documents, one module for each noun."""

from documents.models.carried import CarriedPaper
from documents.models.checkouts import Checkout, PaymentAccount, PaymentLink
from documents.models.credit_notes import CreditNote
from documents.models.invoicing import InvoiceFlow
from documents.models.numbers import NumberCounter, Numerator
from documents.models.papers import Document, DocumentLink
from documents.models.payments import Payment
from documents.models.qr import QrCode
from documents.models.statements import Statement, StatementLine
from documents.models.templates import DocumentTemplate, TemplateVersion

__all__ = [
    "CarriedPaper",
    "Checkout",
    "CreditNote",
    "Document",
    "DocumentLink",
    "DocumentTemplate",
    "InvoiceFlow",
    "NumberCounter",
    "Numerator",
    "Payment",
    "PaymentAccount",
    "PaymentLink",
    "QrCode",
    "Statement",
    "StatementLine",
    "TemplateVersion",
]
