"""Shopify's CSV exports, as they come."""

from __future__ import annotations

from segue.intake.formats.format import Format
from segue.intake.formats.shopify import headers
from segue.intake.formats.shopify.checkouts import CheckoutsDoor
from segue.intake.formats.shopify.customers import CustomersDoor
from segue.intake.formats.shopify.discounts import DiscountsDoor
from segue.intake.formats.shopify.inventory import InventoryDoor
from segue.intake.formats.shopify.orders import OrdersDoor
from segue.intake.formats.shopify.products import ProductsDoor
from segue.intake.formats.shopify.transactions import TransactionsDoor
from segue.intake.rows import same_name


def _has(columns: tuple[str, ...], *wanted: str | tuple[str, ...]) -> bool:
    """Tell whether the file has all of these columns; of a tuple, one."""
    names = {same_name(name) for name in columns}
    return all(any(same_name(name) in names for name in ((one,) if isinstance(one, str) else one)) for one in wanted)


def _is_orders(columns: tuple[str, ...], _file: str) -> bool:
    return _has(columns, "Name", "Created at", "Lineitem quantity", "Lineitem name")


def _is_checkouts(columns: tuple[str, ...], file: str) -> bool:
    """Their columns are those of older orders files; Shopify tells them apart by the file's name alone."""
    return _is_orders(columns, file) and "checkout" in file.casefold()


def _is_products(columns: tuple[str, ...], _file: str) -> bool:
    return _has(columns, ("Handle", "URL handle"), "Title", "Option1 Name", ("Variant Price", "Price"))


def _is_inventory(columns: tuple[str, ...], _file: str) -> bool:
    on_hand = ("On hand", "On hand (current)", "On hand (new)", "Available", "Available (not editable)")
    return _has(columns, ("Handle", "SKU"), "Location", on_hand)


def _is_older_inventory(columns: tuple[str, ...], _file: str) -> bool:
    return _has(columns, "Handle", "Option1 Name", "HS Code", "COO") and not _has(columns, "Location")


def _is_customers(columns: tuple[str, ...], _file: str) -> bool:
    contact = ("Accepts Email Marketing", "Accepts SMS Marketing", "Accepts Marketing")
    return _has(columns, "First Name", "Last Name", contact, ("Customer ID", "Total Spent", "Total Orders"))


def _is_discounts(columns: tuple[str, ...], _file: str) -> bool:
    return _has(columns, "Name", "Value", "Value Type", "Times Used In Total")


def _is_transactions(columns: tuple[str, ...], _file: str) -> bool:
    return _has(columns, ("Order", "Name"), "Kind", "Gateway", "Created At", "Amount")


_ORDER_NEEDS = ("Name", "Created at", "Lineitem quantity", "Lineitem name")

FORMATS = (
    Format(
        name="shopify-checkouts",
        title="Shopify abandoned checkouts",
        needed=_ORDER_NEEDS,
        recognises=_is_checkouts,
        door=CheckoutsDoor,
        money=headers.ORDER_MONEY,
        times=("Created at",),
        known=headers.ORDER_COLUMNS,
        aliases=headers.ORDER_ALIASES,
    ),
    Format(
        name="shopify-orders",
        title="Shopify orders",
        needed=_ORDER_NEEDS,
        recognises=_is_orders,
        door=OrdersDoor,
        money=headers.ORDER_MONEY,
        times=headers.ORDER_TIMES,
        known=headers.ORDER_COLUMNS,
        aliases=headers.ORDER_ALIASES,
    ),
    Format(
        name="shopify-products",
        title="Shopify products",
        needed=("Handle", "Title"),
        recognises=_is_products,
        door=ProductsDoor,
        money=("Variant Price", "Variant Compare At Price", "Cost per item"),
        known=headers.PRODUCT_COLUMNS,
        aliases=headers.PRODUCT_ALIASES,
    ),
    Format(
        name="shopify-inventory",
        title="Shopify inventory",
        needed=("Location", ("Handle", "SKU"), ("Available", "On hand")),
        recognises=_is_inventory,
        door=InventoryDoor,
        known=headers.INVENTORY_COLUMNS,
        aliases=headers.INVENTORY_ALIASES,
    ),
    Format(
        name="shopify-inventory-by-location",
        title="Shopify inventory with a column a location",
        needed=(("Handle", "SKU"),),
        recognises=_is_older_inventory,
        door=InventoryDoor,
    ),
    Format(
        name="shopify-customers",
        title="Shopify customers",
        needed=(("Email", "Phone", "Customer ID"),),
        recognises=_is_customers,
        door=CustomersDoor,
        known=headers.CUSTOMER_COLUMNS,
        aliases=headers.CUSTOMER_ALIASES,
    ),
    Format(
        name="shopify-discounts",
        title="Shopify discount codes",
        needed=("Name", "Value", "Value Type"),
        recognises=_is_discounts,
        door=DiscountsDoor,
        money=("Value",),
        times=("Start", "End"),
        known=headers.DISCOUNT_COLUMNS,
    ),
    Format(
        name="shopify-transactions",
        title="Shopify transactions",
        needed=(("Order", "Name"), "Kind", "Created At", "Status", "Amount"),
        recognises=_is_transactions,
        door=TransactionsDoor,
        money=("Amount",),
        times=("Created At",),
        known=headers.TRANSACTION_COLUMNS,
    ),
)
