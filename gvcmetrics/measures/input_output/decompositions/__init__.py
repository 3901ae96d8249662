"""Decompositions of gross exports into value added, named after the papers that propose them."""

from gvcmetrics.measures.input_output.decompositions.borin_mancini import (
    borin_mancini_perspective,
    borin_mancini_sink,
    borin_mancini_source,
)
from gvcmetrics.measures.input_output.decompositions.hummels_ishii_yi import hummels_ishii_yi
from gvcmetrics.measures.input_output.decompositions.koopman_wang_wei import koopman_wang_wei
from gvcmetrics.measures.input_output.decompositions.oecd import oecd_content
from gvcmetrics.measures.input_output.decompositions.standard import standard_parts
from gvcmetrics.measures.input_output.decompositions.wang_wei_zhu import wang_wei_zhu

__all__ = [
    "borin_mancini_perspective",
    "borin_mancini_sink",
    "borin_mancini_source",
    "hummels_ishii_yi",
    "koopman_wang_wei",
    "oecd_content",
    "standard_parts",
    "wang_wei_zhu",
]
