"""B-splines of scipy: rebuilt by their constructor, which checks knots and coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secureload.structured.container import forged
from secureload.structured.kinds.expect import an_array, an_int, require

__all__ = ["KINDS"]


def _take_apart(spline: Any) -> Mapping[str, Any]:
    return {
        "t": spline.t,
        "c": spline.c,
        "k": int(spline.k),
        "extrapolate": spline.extrapolate,
        "axis": int(spline.axis),
    }


def _put_together(kind: Any, t: Any, c: Any, k: Any, extrapolate: Any, axis: Any) -> Any:
    an_array(t, "knots", (None,), dtype="<f8")
    require(
        hasattr(c, "dtype") and c.dtype.kind == "f" and c.ndim >= 1,
        "has coefficients of a spline that are no numbers",
    )
    an_int(k, "a degree", 0, 100)
    an_int(axis, "an axis", 0, c.ndim - 1)
    require(extrapolate in (True, False, "periodic"), "has a spline that is extrapolated in an unknown way")
    try:
        made = kind(t, c, int(k), extrapolate=extrapolate, axis=int(axis))
    except (TypeError, ValueError) as error:
        raise forged(f"has a spline that is none ({error})") from None
    require(made.c.shape == c.shape, "has a spline whose coefficients stand elsewhere")
    return kind.construct_fast(t, c, int(k), extrapolate, int(axis))


KINDS = {"scipy.interpolate._bsplines:BSpline": (_take_apart, _put_together)}
