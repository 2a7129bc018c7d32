"""Centres of clusters: as wide as the data, and of a number of threads that a machine has."""

from __future__ import annotations

from typing import Any

from secureload.structured.checks.fields import need, width_of
from secureload.structured.kinds.expect import an_array, an_int, require

__all__ = ["CHECKS"]

_MOST_THREADS = 1 << 10


def _check_means(model: Any) -> None:
    if "cluster_centers_" not in vars(model):
        return
    centers = an_array(need(model, "cluster_centers_"), "centres of clusters", (None, width_of(model)), "f")
    require(centers.flags.c_contiguous and len(centers) >= 1, "has centres of clusters that are none")
    _check_threads(model)


def _check_threads(model: Any) -> None:
    an_int(need(model, "_n_threads"), "a number of threads", 1, _MOST_THREADS)


def _check_bisecting(model: Any) -> None:
    if "_bisecting_tree" not in vars(model):
        return
    width = width_of(model)
    waiting, seen = [need(model, "_bisecting_tree")], 0
    while waiting:
        node = waiting.pop()
        seen += 1
        require(seen <= 1 << 20, "has a tree of clusters without an end")
        an_array(need(node, "center"), "a centre of a cluster", (width,), "f")
        sides = [vars(node).get(side) for side in ("left", "right")]
        require((sides[0] is None) == (sides[1] is None), "has a tree of clusters with a node of one child")
        waiting += [side for side in sides if side is not None]
    _check_threads(model)


CHECKS = {
    "sklearn.cluster._kmeans:_BaseKMeans": _check_means,
    "sklearn.cluster._bisect_k_means:BisectingKMeans": _check_bisecting,
}
