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


def _standardise(vector: Floats) -> Floats:
    return (vector - vector.mean()) / vector.std()


def _sign(eci: Floats, diversity: Floats) -> float:
    tilt = float((eci - eci.mean()) @ (diversity - diversity.mean()))
    if abs(tilt) > 1e-12 * np.linalg.norm(eci) * np.linalg.norm(diversity):
        return float(np.sign(tilt))
    # Equal diversity everywhere leaves the sign open; fix it by the entry that stands out most.
    return float(np.sign(eci[np.abs(eci - eci.mean()).argmax()] - eci.mean()))
