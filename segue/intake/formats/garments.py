"""What kind of garment a shop's own words mean, and how its sizes are counted. Data, in several languages.

Nothing is guessed from product titles: `LED High Tops` are shoes. A shop's category path or product type is asked, and
where its words point to two kinds (`Tops & Dresses`) the answer is none.

Sizes are letters (`alpha`), `one_size`, or numbers. What a number means (a US, UK or EU size, inches, centimetres) no
shop's file says and nothing here guesses; it is only ever compared with the same shop's other numbers in the same
category. Numbers below and from 24 on are kept apart (`numeric`, `numeric_24_up`): leggings in 8 and jeans in 28 are
two ways to count. A shop that counts in two ways within one of these (EU 38 beside inches 32) needs a mapping file.
Nothing is converted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


def _listed(text: str, sign: str | None = None) -> list[str]:
    return [" ".join(part.split()) for part in text.split(sign)]


#: Category -> words for it, singular and plural; of several words in one name the last counts (`dress shirts`).
_WORDS = {
    "tops": """top tops shirt shirts tshirt tshirts t-shirt t-shirts tee tees blouse blouses sweater sweaters pullover
        pullovers jumper jumpers knitwear sweatshirt sweatshirts hoodie hoodies cardigan cardigans polo polos tunic
        tunics camisole camisoles tanktop tanktops turtleneck turtlenecks oberteil oberteile hemd hemden bluse blusen
        strickjacke strickjacken strickwaren haut hauts chemise chemises chemisier chemisiers pull pulls camiseta
        camisetas camisa camisas blusa blusas jersey jerseys jerséis maglia maglie maglietta magliette camicia camicie
        felpa felpe overhemd overhemden trui truien""",
    "bottoms": """bottom bottoms pant pants trousers jean jeans legging leggings shorts skirt skirts chinos joggers
        sweatpants culottes hose hosen rock röcke pantalon pantalons jupe jupes pantalón pantalones pantaloni falda
        faldas gonna gonne broek broeken rok rokken""",
    "dresses": """dress dresses gown gowns jumpsuit jumpsuits romper rompers kleid kleider robe robes vestido vestidos
        vestito vestiti abito abiti jurk jurken""",
    "outerwear": """coat coats jacket jackets outerwear parka parkas anorak anoraks blazer blazers raincoat raincoats
        gilet gilets windbreaker windbreakers jacke jacken mantel mäntel manteau manteaux veste vestes blouson
        blousons abrigo abrigos chaqueta chaquetas cappotto cappotti giacca giacche jas jassen""",
    "shoes": """shoe shoes boot boots sneaker sneakers trainer trainers sandal sandals loafer loafers heels flats
        slippers footwear schuh schuhe stiefel sandalen chaussure chaussures bottes baskets zapato zapatos botas
        zapatillas scarpa scarpe stivali schoen schoenen laarzen""",
    "gloves": """glove gloves mitten mittens handschuh handschuhe gant gants guante guantes guanto guanti handschoen
        handschoenen""",
    "hats": """hat hats cap caps beanie beanies mütze mützen bonnet bonnets gorro gorros muts mutsen headwear hut hüte
        kappe kappen chapeau chapeaux casquette casquettes sombrero sombreros gorra gorras cappello cappelli hoed
        hoeden""",
    "scarves": """scarf scarves shawl shawls snood snoods schal schals écharpe écharpes foulard foulards bufanda
        bufandas sciarpa sciarpe sjaal sjaals""",
    "socks": """sock socks hosiery tights stockings socken strümpfe strumpfhosen chaussette chaussettes calcetines
        calzini sokken""",
    "underwear": """underwear lingerie bra bras briefs boxers panties unterwäsche""",
    "swimwear": """swimwear swimsuit swimsuits bikini bikinis bademode badeanzug badeanzüge""",
    "bags": """bag bags handbag handbags backpack backpacks tote totes purse purses tasche taschen rucksack rucksäcke
        sac sacs bolso bolsos borsa borse tas tassen""",
    "jewellery": """jewellery jewelry bracelet bracelets necklace necklaces earring earrings choker chokers anklet
        anklets schmuck armband armbänder halskette halsketten ohrringe bijoux collar collares pulsera pulseras""",
    "accessories": """accessory accessories accessoire accessoires zubehör belt belts gürtel ceinture ceintures
        cinturón cinturones sunglasses wallet wallets accesorio accesorios accessori""",
}
_CATEGORY_OF = {word: category for category, words in _WORDS.items() for word in words.split()}
#: Words that end German compounds: Winterjacke, Damenschuhe. The longest fitting one counts (Handschuh is no shoe).
_ENDINGS = tuple(
    sorted(
        _listed("""jacke jacken mantel mäntel hose hosen kleid kleider hemd hemden bluse blusen schuh schuhe stiefel
            mütze mützen schal schals handschuh handschuhe pullover strumpfhosen tasche taschen"""),
        key=len,
        reverse=True,
    )
)
#: Roots of a taxonomy that hold everything one wears, and what is only named after a garment.
_SAYS_NOTHING = frozenset({"apparel & accessories", "clothing, shoes & accessories", "clothing & accessories"})
_NO_GARMENT = frozenset({"home", "pet", "pets", "baby", "doll", "dog", "cat", "shower", "bed", "kitchen", "gift"})
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_PARTS = re.compile(r"[&+,/;|]|\b(?:and|und|et|y|e|en|og|och)\b")

_ALPHA = re.compile(
    r"(?:x{0,4}[sl]|m|[2-6]x[sl]?|one ?x|(?:extra[ -]?){0,3}(?:small|large)|medium|xx?-?(?:small|large))"
    r"(?:[ ]?[-/][ ]?(?:x{0,4}[sl]|m|small|medium|large))?",
)
_NUMBER = re.compile(r"[0-9]{1,3}(?:[.,]5)?")
#: Dress and shoe sizes that count up from 0 end before; waists, and sizes that are half a chest or a foot, begin here.
_LARGE = 24
_ONE_SIZE = frozenset(
    _listed(
        """one size|one size fits all|one size fits most|onesize|os|o/s|universal|einheitsgröße|einheitsgrösse
        |taille unique|tu|talla única|talla unica|única|unica|taglia unica|free size""",
        "|",
    )
)


@lru_cache(maxsize=4096)
def category_of(text: str) -> str | None:
    """Return the garment category that a shop's product type or category path names; None if it is none or not sure.

    Of a path (`Apparel & Accessories > Clothing > Pants`) the narrowest level that says something counts.
    """
    for level in reversed(text.casefold().split(">")):
        level = " ".join(level.split())  # noqa: PLW2901 - the same thing, tidied
        if not level or level in _SAYS_NOTHING:
            continue
        found = {category for part in _PARTS.split(level) if (category := _category(part)) is not None}
        if len(found) == 1:
            return found.pop()
        if found:
            return None
    return None


def _category(part: str) -> str | None:
    words = _WORD.findall(part)
    if not _NO_GARMENT.isdisjoint(words):
        return None
    found = [category for word in words if (category := _of_word(word)) is not None]
    return found[-1] if found else None


def _of_word(word: str) -> str | None:
    if word in _CATEGORY_OF:
        return _CATEGORY_OF[word]
    ending = next((ending for ending in _ENDINGS if word.endswith(ending)), None)
    return None if ending is None else _CATEGORY_OF[ending]


def size_system_of(size: str, category: str | None) -> str | None:
    """Return how a garment's size is counted; None where it cannot be told, or for what one does not wear.

    `alpha` (S, M, 2XL, Small), `one_size`, `numeric` (8, 7.5) or `numeric_24_up` (28, 38).
    """
    word = " ".join(size.casefold().split())
    if category is None or not word:
        return None
    if word in _ONE_SIZE:
        return "one_size"
    if _NUMBER.fullmatch(word):
        return "numeric" if _number(word) < _LARGE else "numeric_24_up"
    return "alpha" if _ALPHA.fullmatch(word) else None


def _number(size: str) -> float:
    return float(size.replace(",", "."))


def common_system(sizes: Iterable[str], category: str | None) -> str | None:
    """Return the one system in which all `sizes` of a product are counted; None where they differ or one is unknown.

    Numbers from 18 to 28 are one way to count: the smallest tells which.
    """
    systems = {size_system_of(size, category) for size in sizes}
    if systems == {"numeric", "numeric_24_up"}:
        return "numeric"
    return systems.pop() if len(systems) == 1 else None
