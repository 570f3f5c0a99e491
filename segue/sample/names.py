"""What the sample shop's people are called; invented by combining, so that a namesake is chance."""

from __future__ import annotations

import unicodedata
from typing import Final

_FIRST_US = """
Abigail Adaeze Aisha Alejandra Alice Alma Amara Amelia Ana Anika Annika Aria Audrey Aurora Ava Beatriz Bethany Bianca
Brooke Camila Carmen Caroline Cecilia Charlotte Chloe Claire Daniela Dana Delia Diana Eleanor Elena Eliza Emily Emma
Erin Esther Evelyn Fatima Fiona Frances Gabriela Genevieve Grace Hana Hannah Harper Hazel Helen Imani Ingrid Irene
Isabel Ivy Jada Jasmine Jessica Joanna Jordan Josephine Julia Kamala Kate Keiko Kiana Kim Laila Lara Laura Leah Leila
Lena Leticia Lila Linh Lucia Lucy Luz Mabel Maeve Magnolia Malia Margaret Maria Marisol Maya Mei Mia Michelle Mina
Miriam Molly Nadia Naomi Natalie Nia Noor Nora Odessa Olivia Paige Paloma Penelope Phoebe Priya Quinn Rachel Ramona
Rebecca Renata Riley Rosa Rose Ruth Samira Sasha Selena Shreya Simone Sofia Sonia Stella Susan Talia Tamara Tessa
Thandiwe Uma Valentina Vera Victoria Violet Wren Ximena Yara Yuki Zainab Zora Daniel Marcus Theo Andre Luis Samuel
""".split()
_LAST_US = """
Abbott Achebe Adler Aguilar Ahmed Alvarez Anders Archer Baker Banerjee Barlow Bautista Bell Bennett Bishop Blake Bloom
Boyd Brandt Brennan Brooks Bui Calloway Campos Carver Castillo Chandra Chang Chen Cho Clarke Cohen Cole Cruz Dalton
Danvers Das Delgado Desai Diaz Donovan Dubois Duran Eastwood Ellis Espinoza Farrow Fernandez Fields Fischer Flores Ford
Foster Fujimoto Garcia Gardner Gibson Goldberg Gomez Grant Gupta Haddad Hale Han Harlow Hassan Hayes Hernandez Hoang
Holloway Hughes Ibarra Iyer Jacobs Jensen Jimenez Kaplan Kaur Keane Kim Kowalski Kwon Lambert Langley Larsen Lee Lim
Lindqvist Lowell Mahoney Marsh Mbeki Medina Mendoza Mercer Miller Moreau Morgan Nakamura Navarro Nguyen Novak Nwosu
Okonkwo Oliveira Ortega Osei Park Patel Pham Pierce Quintero Ramirez Rao Reyes Rhodes Rivera Romano Rossi Russo Salazar
Sandoval Santos Sato Sawyer Shah Shapiro Silva Singh Sloane Soto Stanton Tanaka Thorne Tran Underwood Vargas Vaughn
Vega Wagner Walsh Wang Ward Webb Weiss Whitaker Wong Yamamoto Yang Young Zamora Zhang
""".split()
_FIRST_GB = """
Abena Alice Amina Bronwyn Catriona Charlotte Clodagh Eilidh Ella Florence Freya Georgina Gwen Harriet Imogen Isla Iona
Jemima Kirsty Lottie Maisie Morag Niamh Orla Pippa Poppy Rhiannon Rosalind Saoirse Shanice Sophie Tamsin Winifred Zara
""".split()
_LAST_GB = """
Adeyemi Ainsworth Begum Blackwood Campbell Davies Fairbairn Fletcher Gallagher Hargreaves Hussain Kavanagh Llewellyn
MacLeod Nolan Okafor Pembroke Penrose Prescott Quigley Radcliffe Sinclair Thistlethwaite Tremaine Wainwright Whitlock
""".split()
_FIRST_DE = """
Anja Annelie Britta Charlotte Elif Emilia Frieda Greta Hannah Ida Jana Johanna Karla Katharina Leonie Lotte Mathilda
Mila Nele Paula Ronja Sabine Selin Sophie Svenja Theresa Ulrike Wiebke
""".split()
_LAST_DE = """
Bauer Becker Böhm Brückner Demir Engelhardt Fuchs Gärtner Großmann Hartmann Huber Jäger Keller Köhler Lindner Müller
Neumann Pichler Reinhardt Schäfer Schröder Steiner Vogel Wallner Weiß Yılmaz Zöllner
""".split()
_FIRST_FR = """
Agathe Amélie Anaïs Camille Chloé Élise Fleur Inès Jeanne Juliette Léa Lotte Maëlle Margaux Noémie Romane Sanne Zoé
""".split()
_LAST_FR = """
Benoît Bernard Besson Chevalier Dubois Fontaine Garnier Haddad Lefèvre Marchand Moreau Renard Rousseau de~Vries van~Dijk
Visser Bakker Jansen
""".split()

#: First and last names by the list a city names.
NAMES: Final = {
    "us": (_FIRST_US, _LAST_US),
    "gb": (_FIRST_GB, _LAST_GB),
    "de": (_FIRST_DE, _LAST_DE),
    "fr": (_FIRST_FR, [name.replace("~", " ") for name in _LAST_FR]),
}

_SPELT_OUT: Final = str.maketrans({"ß": "ss", "ı": "i", "ø": "o", "ł": "l", " ": "", "'": ""})


def mailbox(first: str, last: str) -> str:
    """Return `first.last` in plain ASCII, as it would stand before the @."""
    name = f"{first}.{last}".lower().translate(_SPELT_OUT)
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
