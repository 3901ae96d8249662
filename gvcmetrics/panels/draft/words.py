"""The words by which names and labels of raw files give away what a column holds, English and Spanish.

A clue is one or several words; all must be found. A clue marked `~` is weak: many other columns have
the word too. Words under `unless` speak against the column, whatever else is found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from gvcmetrics.panels.contracts import FIRM, TRADE, Contract


@dataclass(frozen=True)
class Clues:
    """What speaks for a panel column and what against it; if no contract has it, its words.

    Attributes
    ----------
    fixed : as in a contract: does it hold for a unit whatever the year?
    """

    clues: tuple[str, ...]
    unless: tuple[str, ...] = ()
    added: dict[str, str] = field(default_factory=dict, hash=False)
    fixed: bool = False


def _clues(text: str, unless: str = "", fixed: bool = False, **added: str) -> Clues:
    return Clues(tuple(part.strip() for part in text.split(",")), tuple(unless.split()), added, fixed)


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_PART = "share percent percentage porcentaje pct porc proportion proporcion propensity ratio cuota"
_SCORE = "obstacle obstacles obstaculo obstaculos severity importance importancia satisfaction"
_NOT_LEVEL = (
    f"{_PART} {_SCORE} sector innov log index stage per growth crecimiento tax taxes impuesto impuestos"
)

FIRM_WORDS = {
    "firm_id": _clues(
        "firm id, firm, id empresa, id firma, empresa, establishment id, company id, company, plant id, ruc, "
        "nit, identificador, idstd, folio, ~id, ~establishment, ~identifier",
        "sales size name group year age type member part location public",
    ),
    "year": _clues(
        "year, anio, ano, yr, survey year, ~periodo, ~wave",
        "founded begin began start started operations constitucion fundacion nacimiento",
    ),
    "region": _clues(
        "region, province, provincia, departamento, dpto, depto, municipio, canton, ciudad, city, "
        "nuts, comuna, ~state, ~district, ~location, ~estado, ~department",
        "owned sales employees produccion empresa interno",
    ),
    "industry": _clues(
        "ciiu, isic, industry, industria, nace, rama actividad, actividad economica, ~sector",
        "secreto secret propiedad property diseno disenos design association asociacion",
    ),
    "weight": _clues(
        "fexp, factor expansion, expansion factor, weight, survey weight, sampling weight, "
        "factor ponderacion, ponderador, wmedian, ~peso, ~factor",
        "strict weak net neto bruto gross pesos kg fob cif valor value usd",
    ),
    "stratum": _clues("stratum, strata, estrato"),
    "psu": _clues(
        "psu, upm, primary sampling unit, unidad primaria muestreo, ~conglomerado",
        "count number numero empresas grupo group homogeneity",
    ),
    "employment": _clues(
        "employment, employees, empleo, empleados, trabajadores, workers, personal ocupado, num emp, "
        "ocupados, persons employed, full time employees, headcount, ~staff, ~personal",
        f"{_NOT_LEVEL} skilled calificado female women mujeres hombres temporary training wage wages cost "
        "three ago unskilled university pub",
    ),
    "sales_usd": _clues(
        "sales, ventas, turnover, facturacion, ~revenue, ~ingresos",
        f"{_NOT_LEVEL} export exports exportaciones new nuevos domestic national credit ago innovadoras "
        "hombres mujeres mercadeo marketing",
    ),
    "value_added_usd": _clues("value added, valor agregado, valor anadido", _NOT_LEVEL),
    "capital_usd": _clues(
        "capital stock, fixed assets, activos fijos, replacing machinery, replacement value, ~capital",
        f"{_NOT_LEVEL} foreign foreing extranjero working social distance distancia city ciudad human humano "
        "fondos",
    ),
    "materials_usd": _clues(
        "materials, materias primas, raw materials, intermediate inputs, insumos, consumo intermedio",
        f"{_NOT_LEVEL} imported importados foreign origin",
    ),
    "wages_usd": _clues(
        "wages, wage bill, salarios, sueldos, remuneraciones, labor cost, labour cost, cost labor, "
        "cost labour",
        _NOT_LEVEL,
    ),
    "skilled_share": _clues("skilled share, skilled workers, personal calificado, trabajadores calificados"),
    "export_share": _clues(
        "export share, share exports, direct exports, exported directly, exportaciones directas, "
        "export propensity, porcentaje exportaciones, porcentaje exporta, pct export, percent exports, "
        "percent exported",
        "indirect indirectly indirectas",
    ),
    "indirect_export_share": _clues("indirect exports, exported indirectly, exportaciones indirectas"),
    "import_input_share": _clues(
        "imported inputs, inputs foreign origin, insumos importados, supplies foreign origin"
    ),
    "foreign_share": _clues(
        "foreign ownership, foreign share, foreign owned, owned foreign, foreign capital, foreing capital, "
        "capital extranjero, participacion extranjera, private foreign"
    ),
    "certified": _clues("certified, quality certification, certificacion, certificate, iso 9001, ~iso"),
    "licensed_technology": _clues(
        "licensed technology, technology licensed, tecnologia licencia, technology foreign"
    ),
    "rd_usd": _clues(
        "rd expenditure, r d expenditure, research development expenditure, gasto i d, gasto investigacion"
    ),
    "n_buyers": _clues("number buyers, number customers, numero clientes, numero compradores"),
    "main_buyer_share": _clues(
        "main buyer, main customer, largest customer, principal cliente", "owns owned"
    ),
    "buyer_sets_design": _clues("buyer design, customer design, cliente diseno, comprador diseno", "joint"),
    "buyer_sets_process": _clues("buyer process, customer process, cliente proceso, comprador proceso"),
    "joint_design": _clues("joint design, design jointly, diseno conjunto, disenan conjunto"),
    "specific_investment": _clues(
        "specific investment, invested specifically, inversion especifica, invirtio especifico, "
        "invirtio especificamente"
    ),
    "owned_by_buyer": _clues(
        "owned buyer, owned customer, propiedad comprador, propiedad cliente, pertenece comprador, "
        "pertenece cliente"
    ),
    "governance": _clues("governance, gobernanza"),
    "upgrade_product": _clues(
        "new product, product innovation, innovacion producto, producto nuevo, nuevos productos, "
        "improved products, improved product, upgrade product",
        f"{_PART} process sales ventas",
    ),
    "upgrade_process": _clues(
        "new process, process innovation, innovacion proceso, proceso nuevo, nuevos procesos, "
        "improved process, upgrade process",
        f"{_PART} product products",
    ),
    "upgrade_functional": _clues("new functions, nuevas funciones, functional upgrading, upgrade functional"),
    "exports_usd": _clues(
        "exports, export, exportaciones, ~exporta",
        f"{_NOT_LEVEL} direct indirect directas indirectas",
        type="number",
        unit="USD",
        label="Exports",
        minimum="0",
    ),
    "investment_usd": _clues(
        "investment, inversion",
        f"{_NOT_LEVEL} foreign specific especifica",
        type="number",
        unit="USD",
        label="Investment",
    ),
    "founded": _clues(
        "year founded, founded, year established, began operations, begin operations, ano constitucion, "
        "ano fundacion",
        fixed=True,
        type="integer",
        unit="year",
        label="Year of foundation",
    ),
}

TRADE_WORDS = {
    "exporter": _clues(
        "exporter, exportador, pais exp, reporter, pais origen, origin country, ~origin, ~origen", "name"
    ),
    "importer": _clues(
        "importer, importador, pais imp, partner, pais destino, destination, ~destino", "second name"
    ),
    "product": _clues(
        "product, producto, hs, commodity code, cmd code, subpartida, partida, sitc, nandina, ncm, sac, "
        "fraccion arancelaria, ~commodity",
        "description descripcion desc name",
    ),
    "year": _clues("year, anio, ano, yr, ref year, ~period, ~periodo"),
    "value_usd": _clues(
        "trade value, value usd, primary value, fob value, fob usd, valor fob, fob, valor, value, ~cif",
        "unit unitario",
    ),
    "quantity": _clues(
        "quantity, qty, cantidad, net weight, peso neto, netwgt, ~kg, ~kilos", "unit unidad alt"
    ),
    "quantity_unit": _clues("quantity unit, unidad, qty unit abbr, unidad medida, ~unit", "value valor"),
}

_WORDS = {FIRM.name: FIRM_WORDS, TRADE.name: TRADE_WORDS}


def clues_for(contract: Contract) -> dict[str, Clues]:
    """The clues of all columns that a draft looks for; of one that has none above, the words of its name."""
    told = _WORDS.get(contract.name, {})
    plain = {
        name: Clues((" ".join(word for word in name.split("_") if word != "usd"),))
        for name in contract.columns
        if name not in told
    }
    return {**told, **plain}


# Words that say how a column is written or counted, not what it is about.
_NEUTRAL = _words(
    "the of a an and or in on for to by at is was were what this did does do how many much it has have any",
    "que de del la las el los en y por para con su sus fue fueron",
    "total totales annual anual num numero number cod codigo code id last ultimo",
    "fiscal complete year anio ano",
    "establishment establecimiento empresa firm firma usd dolares value valor iso rev",
    "currently current end percent",
    "average prom promedio mean media avg",
)
# What a name may say beside a clue without saying another thing.
_DECORATION = _words("the of a an cod codigo code id de del la el total totales usd fiscal")
_THOUSANDS, _MILLIONS = _words("miles thousand thousands"), _words("millones millon million millions")
_MEANS = ("promedio", "prom", "mean", "avg", "average")
_TRANSFORMED = _words("l ln log lag dum dummy sq cuadrado")


@cache
def plain_words(text: str) -> tuple[str, ...]:
    """A name or label as words: no accents, no case, digits set apart."""
    text = unicodedata.normalize("NFKD", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))
    text = "".join(letter for letter in text if not unicodedata.combining(letter)).casefold()
    return tuple(re.findall(r"[a-z]+|[0-9]+", text))


def speaks_of_a_part(*texts: str) -> bool:
    """Is a share meant, so that the column is no amount?"""
    return any(word in _PART.split() for text in texts for word in plain_words(text))


def multiple(*texts: str) -> int:
    """What amounts are counted in, by a name and label: one, thousands or millions."""
    words = {word for text in texts for word in plain_words(text)}
    return 1_000_000 if words & _MILLIONS else 1_000 if words & _THOUSANDS else 1


def says_mean(name: str) -> bool:
    """Does a name say that the column is a mean, which is likely made from others of the file?"""
    return any(word.endswith(_MEANS) for word in plain_words(name))


def without_mean(name: str) -> str:
    """A name without what says that the column is a mean."""
    return re.sub(rf"({'|'.join(_MEANS)})(?![a-z])", "", " ".join(plain_words(name)))


def clue_score(clues: Clues, text: str, leftover: float) -> float:
    """How well a name or label fits, from 0 to 1.

    Parameters
    ----------
    leftover : what each word costs that no clue explains.
    """
    words, told = _read(text)
    if not told or _TRANSFORMED.intersection(words) or any(word in clues.unless for word in words):
        return 0.0
    return max(
        (_one(clue, wanted, words, leftover) for clue, wanted in _parsed(clues) if wanted <= told),
        default=0.0,
    )


def columns_told(clues: Mapping[str, Clues], *texts: str) -> set[str]:
    """The panel columns that have a word in common with a name or label; no other can be told by it."""
    found: set[str] = set()
    for text in texts:
        words, told = _read(text)
        for want in told:
            found |= _columns_by_want(tuple(clues), tuple(clues.values())).get(want, set())
        found |= _columns_by_name(tuple(clues)).get(words, set())
    return found


@cache
def _columns_by_want(names: tuple[str, ...], every: tuple[Clues, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, clues in zip(names, every, strict=True):
        for _, wanted in _parsed(clues):
            for want in wanted:
                found.setdefault(want, set()).add(name)
    return found


@cache
def _columns_by_name(names: tuple[str, ...]) -> dict[tuple[str, ...], set[str]]:
    return {plain_words(name): {name} for name in names}


def names_alone(clues: Clues, name: str) -> bool:
    """Does the name say a clue and nothing else, but for words such as "cod" or "total"?"""
    words, told = _read(name)
    if any(word in clues.unless for word in words):
        return False
    return any(
        not clue.startswith("~")
        and wanted <= told
        and all(word in _DECORATION or any(_is_word(want, word) for want in wanted) for word in words)
        for clue, wanted in _parsed(clues)
    )


def _one(clue: str, wanted: frozenset[str], words: tuple[str, ...], leftover: float) -> float:
    used = {index for index, word in enumerate(words) if wanted & _wanted_by(word)}
    rest = [
        word
        for index, word in enumerate(words)
        if index not in used and word not in _NEUTRAL and not word.isdigit()
    ]
    glued = any(
        _same(want, words[index]) and abs(len(words[index]) - len(want)) > 2
        for want in wanted
        for index in used
    )
    score = 1 - min(leftover * len(rest), 0.7) - (0.2 if glued else 0)
    return max(0.0, score * (0.55 if clue.startswith("~") else 1))


def _read(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """The words of a name or label, and all words of clues that they are."""
    return _read_with(text, _every_want())


@cache
def _read_with(text: str, wants: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    words = plain_words(text)
    return words, frozenset().union(*(_matching(word, wants) for word in words))


@cache
def _parsed(clues: Clues) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple((clue, frozenset(clue.lstrip("~").split())) for clue in clues.clues)


def _wanted_by(word: str) -> frozenset[str]:
    """The words of all clues that a word is."""
    return _matching(word, _every_want())


@cache
def _matching(word: str, wants: frozenset[str]) -> frozenset[str]:
    if word.isdigit() or len(word) < 3:
        return frozenset({word} & wants)
    return frozenset(want for want in wants if _same(want, word))


def _every_want() -> frozenset[str]:
    return _wants_of(tuple(FIRM.columns), tuple(TRADE.columns))


@cache
def _wants_of(*_: tuple[str, ...]) -> frozenset[str]:
    """The words of all clues, which follow from the columns of the contracts."""
    every = [words for contract in (FIRM, TRADE) for words in clues_for(contract).values()]
    return frozenset(want for clues in every for _, wanted in _parsed(clues) for want in wanted)


def _is_word(want: str, word: str) -> bool:
    return word in (want, f"{want}s", f"{want}es")


def _same(want: str, word: str) -> bool:
    if _is_word(want, word):
        return True
    logarithm = (
        word.startswith(("l", "log"))
        and word.removeprefix("log").removeprefix("ln").removeprefix("l") == want
    )
    return len(want) >= 5 and want in word and not logarithm
