"""Where labels go, so that they do not cover each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox

# Around a marker, nearest and most legible first: (horizontal, vertical) direction.
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
_STEPS = (1.0, 2.2, 4.0, 6.5)


def label_points(
    axes: Axes,
    x: np.ndarray,
    y: np.ndarray,
    labels: Sequence[str],
    radii: np.ndarray,
    avoid: Sequence[Bbox] = (),
    fontsize: float = 7,
) -> list[Any]:
    """Label points in order of importance; a label that fits nowhere is left out.

    Parameters
    ----------
    axes : holds the points; its limits and layout are final.
    x, y : data coordinates.
    labels : texts; an empty one is a marker that nothing may cover and that gets no label.
    radii : of the markers, in points.
    avoid : boxes in pixels that labels must not cover.
    fontsize : of the labels, in points.

    Returns
    -------
    list of matplotlib.text.Annotation
        The labels that were placed.
    """
    figure = axes.figure
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    pixels = axes.transData.transform(np.column_stack([x, y]))
    point = figure.dpi / 72
    # Small markers may be brushed, the larger ones must stay visible.
    taken = [_square(centre, 0.75 * radius * point) for centre, radius in zip(pixels, radii, strict=True)]
    taken += list(avoid)
    frame = axes.get_window_extent(renderer)
    placed = []
    for place, (label, radius) in enumerate(zip(labels, radii, strict=True)):
        if not label:
            continue
        text = axes.annotate(
            label,
            (x[place], y[place]),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=fontsize,
            arrowprops={
                "arrowstyle": "-",
                "linewidth": 0.4,
                "color": "#666666",
                "shrinkA": 0,
                "shrinkB": radius,
            },
        )
        others = [box for other, box in enumerate(taken) if other != place]
        for step, (right, up) in ((step, side) for step in _STEPS for side in _SIDES):
            diagonal = 0.75 if right and up else 1.0
            reach = (radius + 1.5 * step) * diagonal
            text.set(
                position=(right * reach, up * reach),
                ha=("right", "center", "left")[right + 1],
                va=("top", "center", "bottom")[up + 1],
            )
            text.update_positions(renderer)
            # The text's own extent, without the line that leads to the marker.
            box = Text.get_window_extent(text, renderer).padded(0.8 * point)
            inside = frame.contains(*box.min) and frame.contains(*box.max)
            if inside and not any(box.overlaps(other) for other in others):
                taken.append(box)
                text.arrow_patch.set_visible(step > _STEPS[0])  # type: ignore[union-attr]
                placed.append(text)
                break
        else:
            text.remove()
    return placed


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Positions moved as little as needed to stand at least `gap` apart, in the same order.

    Least squares under the order constraint: after taking k·gap off the k-th smallest position, the
    answer is its isotonic regression (pool adjacent violators).
    """
    order = np.argsort(positions, kind="stable")
    wanted = np.asarray(positions, dtype=float)[order] - gap * np.arange(len(order))
    pools: list[tuple[float, int]] = []
    for value in wanted:
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (high, n_high), (low, n_low) = pools[-2:]
            pools[-2:] = [((high * n_high + low * n_low) / (n_high + n_low), n_high + n_low)]
    fitted = np.repeat([mean for mean, _ in pools], [size for _, size in pools])
    moved = np.empty(len(order))
    moved[order] = fitted + gap * np.arange(len(order))
    return moved.tolist()


def _square(centre: np.ndarray, half: float) -> Bbox:
    return Bbox([centre - half, centre + half])
