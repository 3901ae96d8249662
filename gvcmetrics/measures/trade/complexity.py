"""Economic complexity and the product space, from which countries have an advantage in which products.

Matrices have countries in rows and products in columns, as frames (labels are kept) or arrays. A country
or product without any advantage has missing measures and does not enter anybody else's.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.linalg import eigh

from gvcmetrics.errors import DataError
from gvcmetrics.measures.trade.matrices import Floats, Matrix, as_presence, positive


def economic_complexity(presence: Matrix) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Economic and product complexity indices (ECI, PCI) with diversity and ubiquity.

    ECI is the eigenvector of the second largest eigenvalue of

    .. math:: \\tilde M_{cc'} = \\sum_p \\frac{M_{cp} M_{c'p}}{k_{c,0}\\, k_{p,0}}

    and PCI that of its counterpart over products, both scaled to mean zero and (population) variance one;
    the sign is such that ECI rises with diversity. Computed from the symmetric matrix
    :math:`k_c^{-1/2} M k_p^{-1} M' k_c^{-1/2}` (or the product side where that is smaller), which has the
    same eigenvalues.

    Parameters
    ----------
    presence : M_cp of zeros and ones, countries × products, as `presence` makes.

    Returns
    -------
    (countries, products)
        Frames with `diversity`, `eci` and `ubiquity`, `pci`. Countries and products without any presence
        have missing indices.

    Raises
    ------
    DataError
        When entries are not 0 or 1, fewer than two countries or products have any presence, or the network
        falls apart into unconnected blocks (the second eigenvector then only tells the blocks apart).

    Source: Hidalgo and Hausmann (2009); Hausmann, Hidalgo et al. (2014), Atlas of Economic Complexity.
    """
    matrix = as_presence(presence)
    m = matrix.to_numpy()
    diversity, ubiquity = m.sum(axis=1), m.sum(axis=0)
    rows, columns = diversity > 0, ubiquity > 0
    core = m[np.ix_(rows, columns)]
    if min(core.shape) < 2:
        raise DataError(
            f"{core.shape[0]} countries and {core.shape[1]} products have an advantage",
            remedy="Complexity compares at least two of each.",
        )
    k_c, k_p = core.sum(axis=1), core.sum(axis=0)
    scaled = core / np.sqrt(k_c)[:, None] / np.sqrt(k_p)[None, :]
    wide = core.shape[0] <= core.shape[1]
    gram = scaled @ scaled.T if wide else scaled.T @ scaled
    values, vectors = eigh(gram, subset_by_index=[len(gram) - 2, len(gram) - 1])
    if values[0] > 1 - 1e-9:
        raise DataError(
            "the network of countries and products falls apart into unconnected blocks",
            remedy="Keep the largest block, or lower the threshold of advantage.",
        )
    if wide:
        eci = vectors[:, 0] / np.sqrt(k_c)
        pci = core.T @ eci / k_p
    else:
        pci = vectors[:, 0] / np.sqrt(k_p)
        eci = core @ pci / k_c
    sign = _sign(eci, k_c)
    countries = pd.DataFrame({"diversity": diversity, "eci": np.nan}, matrix.index)
    products = pd.DataFrame({"ubiquity": ubiquity, "pci": np.nan}, matrix.columns)
    countries.loc[rows, "eci"] = sign * _standardise(eci)
    products.loc[columns, "pci"] = sign * _standardise(pci)
    return countries, products


def proximity(presence: Matrix) -> pd.DataFrame:
    """Proximity of products: the smaller of the two conditional probabilities of being exported together.

    .. math:: \\phi_{pq} = \\sum_c M_{cp} M_{cq} / \\max(k_p, k_q)

    Parameters
    ----------
    presence : M_cp of zeros and ones, countries × products.

    Returns
    -------
    pandas.DataFrame
        Products × products, symmetric, one on the diagonal; missing for products that nobody has.

    Source: Hidalgo, Klinger, Barabási and Hausmann (2007), definition of proximity.
    """
    matrix = as_presence(presence)
    m = matrix.to_numpy()
    ubiquity = positive(m.sum(axis=0))
    together = m.T @ m
    return pd.DataFrame(together / np.maximum.outer(ubiquity, ubiquity), matrix.columns, matrix.columns)


def density(presence: Matrix, *, phi: pd.DataFrame | None = None, include_self: bool = True) -> pd.DataFrame:
    """Relatedness density: the share of a product's proximity that falls on what a country already has.

    .. math:: \\omega_{cp} = \\sum_q M_{cq} \\phi_{pq} \\Big/ \\sum_q \\phi_{pq}

    Parameters
    ----------
    presence : M_cp of zeros and ones, countries × products.
    phi : proximity of products, with the same labels; by default `proximity(presence)`.
    include_self : whether the product's proximity to itself counts (as in the 2007 paper's formula). Without
        it, density does not contain the presence that it is often used to predict.

    Returns
    -------
    pandas.DataFrame
        Countries × products in [0, 1]; missing for products without proximity to any.

    Raises
    ------
    DataError
        When the labels of the two matrices differ.

    Source: Hidalgo, Klinger, Barabási and Hausmann (2007), definition of density.
    """
    matrix = as_presence(presence)
    phi_frame = proximity(matrix) if phi is None else phi
    if not (phi_frame.index.equals(matrix.columns) and phi_frame.columns.equals(matrix.columns)):
        raise DataError(
            "the products of proximity and presence differ",
            remedy="Reindex the proximity matrix to the columns of the presence matrix.",
        )
    weights = np.nan_to_num(phi_frame.to_numpy(float))
    if not include_self:
        weights = weights - np.diag(np.diag(weights))
    values = matrix.to_numpy() @ weights.T / positive(weights.sum(axis=1))[None, :]
    return pd.DataFrame(values, matrix.index, matrix.columns)


def complexity_outlook(presence: Matrix, *, pci: pd.Series | None = None) -> tuple[pd.Series, pd.DataFrame]:
    """What complex products lie near what a country makes: outlook index, and gain by product.

    .. math:: COI_c = \\sum_p \\omega_{cp} (1 - M_{cp}) PCI_p, \\quad
        COG_{cp} = \\sum_q \\frac{\\phi_{pq}}{\\sum_r \\phi_{qr}} (1 - M_{cq}) PCI_q - \\omega_{cp} PCI_p

    with ω the density and φ the proximity of products, each product's own included. COG is of products that
    the country does not make.

    Parameters
    ----------
    presence : M_cp of zeros and ones, countries × products.
    pci : complexity of the products, the same labels; by default that of `economic_complexity`.

    Returns
    -------
    (outlook, gain)
        `complexity_outlook` by country, not scaled; countries × products, missing where the product is made.
        Products without complexity or proximity do not enter.

    Raises
    ------
    DataError
        As `economic_complexity`; labels of `pci` that lack a product.

    Source: Hausmann, Hidalgo et al. (2014), Atlas of Economic Complexity, technical box 5.4.
    """
    matrix = as_presence(presence)
    if pci is None:
        pci = economic_complexity(matrix)[1]["pci"]
    elif not matrix.columns.isin(pci.index).all():
        raise DataError("pci lacks a product of the presence matrix", remedy="Reindex it to the columns.")
    level = np.nan_to_num(pci.reindex(matrix.columns).to_numpy(float))
    phi = np.nan_to_num(proximity(matrix).to_numpy())
    near = np.nan_to_num(density(matrix).to_numpy())
    absent = 1.0 - matrix.to_numpy()
    outlook = pd.Series(near * absent @ level, matrix.index, name="complexity_outlook")
    weights = np.nan_to_num(phi / positive(phi.sum(axis=1))[None, :])
    gain = (absent * level) @ weights.T - near * level
    return outlook, pd.DataFrame(np.where(absent > 0, gain, np.nan), matrix.index, matrix.columns)


def fitness(presence: Matrix, *, iterations: int = 200) -> tuple[pd.Series, pd.Series]:
    """Fitness of countries and complexity of products, by the non-linear iteration.

    .. math:: \\tilde F_c = \\sum_p M_{cp} Q_p, \\quad \\tilde Q_p = \\Big( \\sum_c M_{cp} / F_c \\Big)^{-1},

    both divided by their mean in every step, from ones. A product that an unfit country makes is not complex.

    Parameters
    ----------
    presence : M_cp of zeros and ones, countries × products.
    iterations : steps; ranks settle long before values, which may run to zero for some countries.

    Returns
    -------
    (fitness, complexity)
        By country and by product, mean one; missing for those without any presence.

    Raises
    ------
    DataError
        Entries that are not 0 or 1, nothing present, or fewer than one iteration.

    Source: Tacchella, Cristelli, Caldarelli, Gabrielli and Pietronero (2012), eq. 1.
    """
    matrix = as_presence(presence)
    if iterations < 1:
        raise DataError(f"{iterations} iterations", remedy="Ask for one at least; 20 to 200 are usual.")
    m = matrix.to_numpy()
    rows, columns = m.sum(axis=1) > 0, m.sum(axis=0) > 0
    if not rows.any():
        raise DataError("no country has an advantage in any product", remedy="Lower the threshold.")
    core = m[np.ix_(rows, columns)]
    able, complexity = np.ones(len(core)), np.ones(core.shape[1])
    for _ in range(iterations):
        fitter = core @ complexity
        harder = 1.0 / (core.T @ (1.0 / np.maximum(able, 1e-300)))
        able, complexity = fitter / fitter.mean(), harder / harder.mean()
    country = pd.Series(np.nan, matrix.index, name="fitness")
    product = pd.Series(np.nan, matrix.columns, name="complexity")
    country[rows], product[columns] = able, complexity
    return country, product


def _standardise(vector: Floats) -> Floats:
    return (vector - vector.mean()) / vector.std()


def _sign(eci: Floats, diversity: Floats) -> float:
    tilt = float((eci - eci.mean()) @ (diversity - diversity.mean()))
    if abs(tilt) > 1e-12 * np.linalg.norm(eci) * np.linalg.norm(diversity):
        return float(np.sign(tilt))
    # Equal diversity everywhere leaves the sign open; fix it by the entry that stands out most.
    return float(np.sign(eci[np.abs(eci - eci.mean()).argmax()] - eci.mean()))
