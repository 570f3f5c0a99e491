"""Columns of Shopify's files and their other spellings. Data."""

from __future__ import annotations


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in text.split("|"))


_LINE = """quantity|name|price|compare at price|sku|requires shipping|taxable|fulfillment status|discount"""
_PLACE = "Name|Street|Address1|Address2|Company|City|Zip|Province|Country|Phone|Province Name"
ORDER_COLUMNS = (
    *_listed("""Name|Email|Financial Status|Paid at|Fulfillment Status|Fulfilled at|Accepts Marketing|Currency|Subtotal
    |Shipping|Taxes|Total|Discount Code|Discount Amount|Shipping Method|Created at|Notes|Note Attributes|Cancelled at
    |Payment Method|Payment Reference|Refunded Amount|Vendor|Outstanding Balance|Employee|Location|Device ID|Id|Tags
    |Risk Level|Source|Phone|Receipt Number|Duties|Payment ID|Payment Terms Name
    |Next Payment Due At|Payment References"""),
    *(f"Lineitem {name}" for name in _LINE.split("|")),
    *(f"{kind} {name}" for kind in ("Billing", "Shipping") for name in _PLACE.split("|")),
    *(f"Tax {number} {what}" for number in range(1, 6) for what in ("Name", "Value")),
)
ORDER_ALIASES = (
    ("Cancelled at", ("Canceled at",)),
    ("Lineitem sku", ("Lineitem SKU",)),
    ("Lineitem compare at price", ("Lineitem compare-at price",)),
    ("Payment Reference", ("Payment Reference (deprecated)",)),
)
ORDER_MONEY = ("Subtotal", "Shipping", "Taxes", "Total", "Discount Amount", "Refunded Amount", "Lineitem price")
ORDER_TIMES = ("Created at", "Paid at", "Fulfilled at", "Cancelled at")

PRODUCT_ALIASES = (
    ("Handle", ("URL handle",)),
    ("Body (HTML)", ("Description",)),
    ("Published", ("Published on online store",)),
    ("Variant SKU", ("SKU",)),
    ("Variant Barcode", ("Barcode",)),
    ("Variant Price", ("Price",)),
    ("Variant Compare At Price", ("Compare-at price", "Variant Compare-at Price")),
    ("Variant Inventory Tracker", ("Inventory tracker",)),
    ("Variant Inventory Qty", ("Inventory quantity",)),
    ("Variant Inventory Policy", ("Continue selling when out of stock",)),
    ("Variant Grams", ("Weight value (grams)",)),
    ("Variant Weight Unit", ("Weight unit for display",)),
    ("Variant Requires Shipping", ("Requires shipping",)),
    ("Variant Fulfillment Service", ("Fulfillment service",)),
    ("Variant Taxable", ("Charge tax",)),
    ("Variant Tax Code", ("Tax code",)),
    ("Image Src", ("Product image URL",)),
    ("Variant Image", ("Variant image URL",)),
    ("Google Shopping / MPN", ("Google Shopping / Manufacturer part number (MPN)",)),
)
#: Read, or known to say nothing here. What a shop adds itself (metafields, prices per market) is named in the report.
PRODUCT_COLUMNS = (
    *(name for name, _ in PRODUCT_ALIASES),
    *_listed("""Title|Vendor|Product Category|Type|Tags|Status|Image Position|Image Alt Text|Gift Card|SEO Title
    |SEO Description|Cost per item|Collection"""),
    *(f"Option{number} {what}" for number in (1, 2, 3) for what in ("Name", "Value", "Linked To")),
    *(f"Unit Price {what} Measure{unit}" for what in ("Total", "Base") for unit in ("", " Unit")),
    *(
        f"Google Shopping / {what}"
        for what in _listed("""Google Product Category|Gender|Age Group|Condition|Custom Product|AdWords Grouping
        |AdWords Labels|Ad group name|Ads labels|Custom Label 0|Custom Label 1|Custom Label 2|Custom Label 3
        |Custom Label 4""")
    ),
)

INVENTORY_ALIASES = (
    ("Available", ("Available (not editable)",)),
    ("On hand", ("On hand (current)",)),
    ("Committed", ("Committed (not editable)",)),
    ("Unavailable", ("Unavailable (not editable)",)),
    ("Incoming", ("Incoming (not editable)",)),
)
#: What an inventory file says of the variant; in older files every other column is a location.
VARIANT_COLUMNS = (
    *(f"Option{number} {what}" for number in (1, 2, 3) for what in ("Name", "Value")),
    *("Handle", "Title", "SKU", "Barcode", "HS Code", "COO"),
)
INVENTORY_COLUMNS = (
    *VARIANT_COLUMNS,
    *("Location", "Bin name", "Incoming", "Unavailable", "Committed", "Available", "On hand", "On hand (new)"),
)

_ADDRESS = ("Company", "Address1", "Address2", "City", "Province Code", "Country Code", "Zip")
CUSTOMER_ALIASES = (
    *((f"Default Address {name}", (name,)) for name in _ADDRESS),
    ("Accepts Email Marketing", ("Accepts Marketing",)),
    ("Tags", ("Customer Tags",)),
)
CUSTOMER_COLUMNS = (
    *(name for name, _ in CUSTOMER_ALIASES),
    *_listed("""Customer ID|First Name|Last Name|Email|Phone|Default Address Phone|Accepts SMS Marketing
    |Accepts WhatsApp Marketing|Total Spent|Total Orders|Note|Tax Exempt|Province|Country"""),
)

DISCOUNT_COLUMNS = _listed(
    """Name|Value|Value Type|Type|Discount Class|Minimum Purchase Requirements|Combines with Order Discounts
    |Combines with Product Discounts|Combines with Shipping Discounts|Customer Selection|Context|Times Used In Total
    |Applies Once Per Customer|Usage Limit Per Code|Status|Start|End"""
)
TRANSACTION_COLUMNS = _listed("Order|Name|Payment Method|Kind|Gateway|Created At|Status|Amount|Currency|Card Type")
