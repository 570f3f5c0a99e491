"""Columns of WooCommerce's files: the exporter translates them into its user's language. Data.

Every language that is missing needs one more spelling a line.
"""

# ruff: noqa: E501 - a column and its spellings stand on one line

from __future__ import annotations

#: Most attributes of a product that are read.
MOST_ATTRIBUTES = 20

#: English name | German | French | Spanish | Dutch; several spellings of one language stand side by side.
_SPELLINGS = """
Type | Typ | Tipo
SKU | Artikelnummer | Art.-Nr. | UGS | Référence
GTIN, UPC, EAN, or ISBN | GTIN, UPC, EAN oder ISBN | GTIN, UPC, EAN ou ISBN | GTIN, UPC, EAN o ISBN | GTIN, UPC, EAN of ISBN
Name | Nom | Nombre | Naam
Published | Veröffentlicht | Publié | Publicado | Gepubliceerd
Is featured? | Ist hervorgehoben? | Hervorgehoben? | Mis en avant ? | ¿Está destacado? | Uitgelicht?
Visibility in catalog | Sichtbarkeit im Katalog | Visibilité dans le catalogue | Visibilidad en el catálogo | Zichtbaarheid in catalogus
Short description | Kurzbeschreibung | Description courte | Descripción corta | Korte beschrijving | Korte omschrijving
Description | Beschreibung | Descripción | Beschrijving
Date sale price starts | Datum, an dem Angebotspreis beginnt | Date de début de promo | Día en que empieza el precio rebajado | Startdatum actieprijs
Date sale price ends | Datum, an dem Angebotspreis endet | Date de fin de promo | Día en que termina el precio rebajado | Einddatum actieprijs
Tax status | Steuerstatus | État de la TVA | Statut fiscal | Estado del impuesto | Btw status
Tax class | Steuerklasse | Classe de TVA | Clase de impuesto | Belastingklasse
In stock? | Vorrätig? | Auf Lager? | En stock ? | En inventaire? | ¿Existencias? | ¿En inventario? | Op voorraad?
Stock | Lager | Bestand | Lagerbestand | Inventaire | Inventario | Voorraad
Low stock amount | Geringe Lagermenge | Geringer Lagerbestand | Montant de stock faible | Cantidad de bajo inventario | Lage voorraad
Backorders allowed? | Lieferrückstände erlaubt? | Lieferrückstande erlaubt? | Rückstände erlaubt? | Autoriser les commandes de produits en rupture ? | ¿Permitir reservas de productos agotados? | Nabestellingen toestaan?
Sold individually? | Nur einzeln verkaufen? | Vendre individuellement ? | ¿Vendido individualmente? | Wordt individueel verkocht?
Allow customer reviews? | Kundenrezensionen erlauben? | Kundenbewertungen erlauben? | Autoriser les avis clients ? | ¿Permitir valoraciones de clientes? | Klantbeoordelingen toestaan?
Purchase note | Hinweis zum Kauf | Note de commande | Nota de compra | Aankoopnotitie
Sale price | Angebotspreis | Tarif promo | Precio rebajado | Actieprijs
Regular price | Regulärer Preis | Tarif régulier | Precio normal | Reguliere prijs | Normale prijs
Categories | Kategorien | Catégories | Categorías | Categorieën
Tags | Schlagwörter | Étiquettes | Etiquetas
Shipping class | Versandklasse | Classe d'expédition | Clase de envío | Verzendklasse
Images | Bilder | Imágenes | Afbeeldingen
Download limit | Downloadlimit | Download-Limit | Limite de téléchargement | Límite de descargas | Downloadlimiet
Download expiry days | Ablauftage des Downloads | Jours d'expiration du téléchargement | Días de caducidad de la descarga | Dagen vervaltijd download
Parent | Übergeordnetes Produkt | Superior | Hoofd
Grouped products | Gruppierte Produkte | Groupes de produits | Productos agrupados | Gegroepeerde producten
Upsells | Zusatzverkäufe | Produits suggérés | Ventas dirigidas
Cross-sells | Cross-Sells (Querverkäufe) | Ventes croisées | Ventas cruzadas
External URL | Externe URL | URL externe | URL externa
Button text | Button-Text | Libellé du bouton | Texto del botón | Knop tekst
Position | Posición | Positie
Brands | Marken | Marques | Marcas | Merken
"""
#: The same of each attribute; `#` is its number.
_OF_ATTRIBUTES = """
Attribute # name | Attribut # Name | Nom de l'attribut # | Nombre del atributo # | Naam eigenschap # | Attribuut # naam
Attribute # value(s) | Attribut # Wert(e) | Valeur(s) de l'attribut # | Valor(es) del atributo # | Waarde eigenschap # | Waarde(n) eigenschap # | Attribuut # waarde(n)
Attribute # visible | Attribut # Sichtbar | Attribut # visible | Atributo visible # | Zichtbare eigenschap # | Attribuut # zichtbaar
Attribute # global | Attribut # Global | Atributo global # | Globale eigenschap # | Attribuut # globaal
Attribute # default | Attribut # Standard | Attribut # par défaut | Atributo # por defecto | Standaardeigenschap # | Attribuut # standaard
"""
_MEASURES = """Weight Gewicht Poids Peso Length Länge Longueur Longitud Lengte Width Breite Largeur Anchura Breedte Height
Höhe Hauteur Altura Hoogte"""
_UNITS = "kg g lbs lb oz m cm mm in yd".split()  # noqa: SIM905 - reads as a list
_TYPOGRAPHIC = str.maketrans({"'": "\u2019"})


def _spelled(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    lines = ([name.strip() for name in line.split(" | ")] for line in text.strip().splitlines())
    return tuple((name, tuple(_both_apostrophes(others))) for name, *others in lines)


def _both_apostrophes(names: list[str]) -> list[str]:
    """WordPress sets the typographic apostrophe, spreadsheets and people often the other."""
    return list(dict.fromkeys(spelling for name in names for spelling in (name, name.translate(_TYPOGRAPHIC))))


PRODUCT_ALIASES = (
    *_spelled(_SPELLINGS),
    *(
        (name.replace("#", str(number)), tuple(other.replace("#", str(number)) for other in others))
        for number in range(1, MOST_ATTRIBUTES + 1)
        for name, others in _spelled(_OF_ATTRIBUTES)
    ),
)
#: Read, or known to say nothing here. What plugins add (`Meta: ...`) is named in the report.
PRODUCT_COLUMNS = (
    "ID",
    *(name for name, _ in PRODUCT_ALIASES),
    *(f"{measure} ({unit})" for measure in _MEASURES.split() for unit in _UNITS),
    *(f"Download {number} {what}" for number in range(1, 11) for what in ("ID", "name", "URL")),
    "Cost of goods",
)
ORDER_COLUMNS = (
    "Date", "Order #", "N. Revenue", "N. Revenue (formatted)", "Status", "Customer", "Customer type", "Product(s)",
    "Items sold", "Coupon(s)", "Net Sales", "Attribution",
)  # fmt: skip
