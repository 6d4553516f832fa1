"""Writes invoices in both syntaxes, element by element, as tests need them."""

from __future__ import annotations

UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
CII = "urn:un:unece:uncefact:data:standard:"


def ubl_line(amount: str = "100.00", number: str = "1") -> str:
    return (
        f"<cac:InvoiceLine><cbc:ID>{number}</cbc:ID>"
        '<cbc:InvoicedQuantity unitCode="H87">4</cbc:InvoicedQuantity>'
        f'<cbc:LineExtensionAmount currencyID="EUR">{amount}</cbc:LineExtensionAmount><cac:Item>'
        "<cbc:Name>Paper</cbc:Name><cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent>"
        "</cac:ClassifiedTaxCategory></cac:Item><cac:Price>"
        '<cbc:PriceAmount currencyID="EUR">25.0000</cbc:PriceAmount></cac:Price></cac:InvoiceLine>'
    )


def ubl_charge(amount: str, *, is_charge: bool) -> str:
    return (
        f"<cac:AllowanceCharge><cbc:ChargeIndicator>{str(is_charge).lower()}</cbc:ChargeIndicator>"
        f'<cbc:Amount currencyID="EUR">{amount}</cbc:Amount></cac:AllowanceCharge>'
    )


def ubl_totals(**amounts: str) -> str:
    stated = {
        "LineExtensionAmount": "100.00",
        "TaxExclusiveAmount": "100.00",
        "TaxInclusiveAmount": "119.00",
        "PayableAmount": "119.00",
        **amounts,
    }
    inside = "".join(f'<cbc:{n} currencyID="EUR">{a}</cbc:{n}>' for n, a in stated.items() if a)
    return f"<cac:LegalMonetaryTotal>{inside}</cac:LegalMonetaryTotal>"


def ubl_tax(tax: str = "19.00", taxable: str = "100.00") -> str:
    return (
        f'<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">{tax}</cbc:TaxAmount><cac:TaxSubtotal>'
        f'<cbc:TaxableAmount currencyID="EUR">{taxable}</cbc:TaxableAmount>'
        f'<cbc:TaxAmount currencyID="EUR">{tax}</cbc:TaxAmount><cac:TaxCategory><cbc:ID>S</cbc:ID>'
        "<cbc:Percent>19</cbc:Percent></cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>"
    )


def ubl(
    *lines: str,
    extra: str = "",
    tax: str = "",
    totals: str = "",
    root: str = "Invoice",
    currency: str = "EUR",
) -> bytes:
    party = (
        "<cac:Party><cac:PartyTaxScheme><cbc:CompanyID>{0}</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID>"
        "</cac:TaxScheme></cac:PartyTaxScheme><cac:PartyLegalEntity>"
        "<cbc:RegistrationName>{1}</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party>"
    )
    inside = (
        "<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>R-7</cbc:ID>"
        "<cbc:IssueDate>2026-03-02</cbc:IssueDate><cbc:DueDate>2026-03-16</cbc:DueDate>"
        f"<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>{currency}"
        "</cbc:DocumentCurrencyCode><cbc:BuyerReference>B-1</cbc:BuyerReference>"
        "<cac:OrderReference><cbc:ID>O-1</cbc:ID></cac:OrderReference>"
        "<cac:AdditionalDocumentReference><cbc:ID>A-1</cbc:ID></cac:AdditionalDocumentReference>"
        f"<cac:AccountingSupplierParty>{party.format('DE1', 'Nordwind')}</cac:AccountingSupplierParty>"
        f"<cac:AccountingCustomerParty>{party.format('DE2', 'Globex')}</cac:AccountingCustomerParty>"
        "<cac:PaymentMeans><cbc:PaymentID>RF18</cbc:PaymentID><cac:PayeeFinancialAccount>"
        "<cbc:ID>DE89</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>"
        f"{extra}{tax or ubl_tax()}{totals or ubl_totals()}{''.join(lines or (ubl_line(),))}"
    )
    if root == "CreditNote":
        inside = inside.replace("InvoiceLine>", "CreditNoteLine>").replace("InvoicedQ", "CreditedQ")
        inside = inside.replace("InvoiceTypeCode>380", "CreditNoteTypeCode>381")
        inside = inside.replace("/cbc:InvoiceTypeCode", "/cbc:CreditNoteTypeCode")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{UBL}{root}-2" '
        f'xmlns:cac="{UBL}CommonAggregateComponents-2" xmlns:cbc="{UBL}CommonBasicComponents-2">'
        f"{inside}</{root}>"
    ).encode()


def cii_line(amount: str = "100.00", number: str = "1") -> str:
    return (
        "<ram:IncludedSupplyChainTradeLineItem><ram:AssociatedDocumentLineDocument>"
        f"<ram:LineID>{number}</ram:LineID></ram:AssociatedDocumentLineDocument><ram:SpecifiedTradeProduct>"
        "<ram:Name>Paper</ram:Name></ram:SpecifiedTradeProduct><ram:SpecifiedLineTradeAgreement>"
        "<ram:NetPriceProductTradePrice><ram:ChargeAmount>25.0000</ram:ChargeAmount>"
        "</ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement><ram:SpecifiedLineTradeDelivery>"
        '<ram:BilledQuantity unitCode="H87">4</ram:BilledQuantity></ram:SpecifiedLineTradeDelivery>'
        "<ram:SpecifiedLineTradeSettlement><ram:ApplicableTradeTax><ram:CategoryCode>S</ram:CategoryCode>"
        "<ram:RateApplicablePercent>19</ram:RateApplicablePercent></ram:ApplicableTradeTax>"
        f"<ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>{amount}"
        "</ram:LineTotalAmount></ram:SpecifiedTradeSettlementLineMonetarySummation>"
        "</ram:SpecifiedLineTradeSettlement></ram:IncludedSupplyChainTradeLineItem>"
    )


def cii_charge(amount: str, *, is_charge: bool) -> str:
    return (
        "<ram:SpecifiedTradeAllowanceCharge><ram:ChargeIndicator>"
        f"<udt:Indicator>{str(is_charge).lower()}</udt:Indicator></ram:ChargeIndicator>"
        f"<ram:ActualAmount>{amount}</ram:ActualAmount></ram:SpecifiedTradeAllowanceCharge>"
    )


def cii_totals(**amounts: str) -> str:
    stated = {
        "LineTotalAmount": "100.00",
        "TaxBasisTotalAmount": "100.00",
        "TaxTotalAmount": "19.00",
        "GrandTotalAmount": "119.00",
        "DuePayableAmount": "119.00",
        **amounts,
    }
    inside = "".join(f"<ram:{n}>{a}</ram:{n}>" for n, a in stated.items() if a)
    name = "ram:SpecifiedTradeSettlementHeaderMonetarySummation"
    return f"<{name}>{inside}</{name}>"


def cii(
    *lines: str, extra: str = "", totals: str = "", type_code: str = "380", currency: str = "EUR"
) -> bytes:
    party = (
        "<ram:Name>{0}</ram:Name><ram:SpecifiedTaxRegistration>"
        '<ram:ID schemeID="VA">{1}</ram:ID></ram:SpecifiedTaxRegistration>'
    )
    day = '<udt:DateTimeString format="102">{}</udt:DateTimeString>'
    inside = (
        f"<rsm:ExchangedDocument><ram:ID>R-7</ram:ID><ram:TypeCode>{type_code}</ram:TypeCode>"
        f"<ram:IssueDateTime>{day.format('20260302')}</ram:IssueDateTime></rsm:ExchangedDocument>"
        f"<rsm:SupplyChainTradeTransaction>{''.join(lines or (cii_line(),))}"
        "<ram:ApplicableHeaderTradeAgreement><ram:BuyerReference>B-1</ram:BuyerReference>"
        f"<ram:SellerTradeParty>{party.format('Nordwind', 'DE1')}</ram:SellerTradeParty>"
        f"<ram:BuyerTradeParty>{party.format('Globex', 'DE2')}</ram:BuyerTradeParty>"
        "<ram:BuyerOrderReferencedDocument><ram:IssuerAssignedID>O-1</ram:IssuerAssignedID>"
        "</ram:BuyerOrderReferencedDocument></ram:ApplicableHeaderTradeAgreement>"
        "<ram:ApplicableHeaderTradeSettlement><ram:PaymentReference>RF18</ram:PaymentReference>"
        f"<ram:InvoiceCurrencyCode>{currency}</ram:InvoiceCurrencyCode>"
        "<ram:SpecifiedTradeSettlementPaymentMeans><ram:PayeePartyCreditorFinancialAccount>"
        "<ram:IBANID>DE89</ram:IBANID></ram:PayeePartyCreditorFinancialAccount>"
        "</ram:SpecifiedTradeSettlementPaymentMeans><ram:ApplicableTradeTax>"
        "<ram:CalculatedAmount>19.00</ram:CalculatedAmount><ram:BasisAmount>100.00</ram:BasisAmount>"
        "<ram:CategoryCode>S</ram:CategoryCode><ram:RateApplicablePercent>19</ram:RateApplicablePercent>"
        f"</ram:ApplicableTradeTax>{extra}<ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime>"
        f"{day.format('20260316')}</ram:DueDateDateTime></ram:SpecifiedTradePaymentTerms>"
        f"{totals or cii_totals()}</ram:ApplicableHeaderTradeSettlement></rsm:SupplyChainTradeTransaction>"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<rsm:CrossIndustryInvoice xmlns:rsm="{CII}CrossIndustryInvoice:100" '
        f'xmlns:ram="{CII}ReusableAggregateBusinessInformationEntity:100" '
        f'xmlns:udt="{CII}UnqualifiedDataType:100">{inside}</rsm:CrossIndustryInvoice>'
    ).encode()
