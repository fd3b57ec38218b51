"""The formulas of the report's methods; their words are in :mod:`ipseval.report.methods`."""

from ipseval.report.mathml import frac, math, over, root, row, sub, sup, total

_IK, _IP, _K_1 = row("i", "k"), row("i", "p"), row("k", "−", "1")
_A, _X, _Y, _E = sub("a", "i"), sub("x", "i"), sub("y", _IK), sub("e", _IK)
_Z_T, _RESIDUAL = sup(sub("Z", "i"), "′"), sub("e", "i")
_W, _V, _EFFECT, _MEAN = sub("w", "j"), sub("v", "j"), sub("y", "j"), over("y", "¯")
_SQUARES = row(total("∑", "j"), _W, sup(row("(", _EFFECT, "−", _MEAN, ")"), "2"))
_KEPT = row("1", "−", "p")


def _outer(score: str) -> str:
    """Sum over persons of the products of their scores."""
    return row("(", total("∑", "i"), sub(score, "i"), sup(sub(score, "i"), "′"), ")")


def _chance(arm: str) -> str:
    return row("P", "(", _Y, "=", "1", "|", "a", "=", arm, ",", _X, ")")


def _contrast(of: str) -> str:
    """Difference of the arms' means."""
    return row("E", "[", of, "|", "a", "=", "1", "]", "−", "E", "[", of, "|", "a", "=", "0", "]")


_SPREAD = root(frac(row(sup(sub("s", "1"), "2"), "+", sup(sub("s", "0"), "2")), "2"))
STANDARDISED = (math("d", "=", frac(row(over(sub("x", "1"), "¯"), "−", over(sub("x", "0"), "¯")), _SPREAD)),)

_TERMS = row("α", "+", "β", _A, "+", sup(_X, "′"), "γ")
_CENTRED = sup(row("(", _X, "−", over("x", "¯"), ")"), "′")
_OLS = (math(_Y, "=", _TERMS, "+", sub("δ", "k"), "+", _E),)
_LIN = (math(_Y, "=", _TERMS, "+", _A, _CENTRED, "θ", "+", sub("δ", "k"), "+", _E),)
_LOGIT = (math("β", "=", frac("1", "N"), total("∑", _IK), "[", _chance("1"), "−", _chance("0"), "]"),)
_RISK_RATIO = (math("log", row("P", "(", _Y, "=", "1", ")"), "=", _TERMS, "+", sub("δ", "k")),)
OF_ESTIMATORS = {"ols": _OLS, "lin": _LIN, "standardised": _LIN, "logit": _LOGIT, "risk_ratio": _RISK_RATIO}

_FACTOR = row(frac("G", row("G", "−", "1")), frac(row("N", "−", "1"), row("N", "−", "K")))
_ROOT = sup(row("(", "I", "−", sub("H", row("i", "i")), ")"), row("−", frac("1", "2")))
_APART = row("(", sub("b", "(i)"), "−", "b", ")")
CR1 = (math("V", "=", _FACTOR, "M", _outer("s"), "M"), math(sub("s", "i"), "=", _Z_T, _RESIDUAL))
CR2 = (math("V", "=", "M", _outer("u"), "M"), math(sub("u", "i"), "=", _Z_T, _ROOT, _RESIDUAL))
CR3 = (math("V", "=", frac(row("G", "−", "1"), "G"), total("∑", "i"), _APART, sup(_APART, "′")),)

_LARGER = row("#", "{", "b", ":", "|", sub(sup("t", "*"), "b"), "|", "≥", "|", "t", "|", "}")
REDRAWN = (
    math("p", "=", frac(row("1", "+", _LARGER), row("B", "+", "1"))),
    math(over(sub("β", "k"), "^"), "±", "c", "·", sub("se", "k")),
)

BETWEEN = (
    math("Q", "=", _SQUARES, ",", _W, "=", frac("1", _V)),
    math(sup("I", "2"), "=", "max", "(", "0", ",", frac(row("Q", "−", "df"), "Q"), ")"),
)
_BOTH = row(_V, "+", sup("τ", "2"))
TOGETHER = (
    math(sup("se", "2"), "=", frac(_SQUARES, row("(", _K_1, ")", total("∑", "j"), _W)), ",", _W, "=", frac("1", _BOTH)),
    math(_MEAN, "±", sub("t", "k−2"), root(row(sup("τ", "2"), "+", sup("se", "2")))),
)

FOLLOWED = (
    math(
        "S", "(", "k", ")", "=", total("∏", row("j", "≤", "k")),
        row("(", "1", "−", frac(sub("d", "j"), sub("n", "j")), ")"),
    ),
    math("μ", "=", total("∑", row("k", "≤", "h")), "S", "(", "k", ")"),
)  # fmt: skip
COMPLIER = (math("β", "=", frac(_contrast("y"), _contrast("d"))),)
PLACEBO = (
    math(over(sub("y", _IP), "¯"), "=", sub("α", "i"), "+", sub("γ", "p"), "+", sub("β", "p"), _A, "+", sub("e", _IP)),
)
_LOWEST = frac(row("max", "(", "m", "−", "p", ",", "0", ")"), _KEPT)
BOUNDS = (
    math("p", "=", "1", "−", frac(sub("q", "0"), sub("q", "1"))),
    math(_LOWEST, "≤", sup("m", "*"), "≤", "min", "(", frac("m", _KEPT), ",", "1", ")"),
)
