"""Formulas as MathML, which browsers set without a library and screen readers read."""

from markupsafe import Markup, escape

NS = Markup('<math xmlns="http://www.w3.org/1998/Math/MathML"{}>{}</math>')

Part = str | Markup


def math(*parts: Part, display: bool = True) -> Markup:
    """A formula of parts in a row; plain text is taken for a number, a name or an operator."""
    return NS.format(Markup(' display="block"') if display else "", row(*parts))


def row(*parts: Part) -> Markup:
    """Parts side by side."""
    return Markup("<mrow>{}</mrow>").format(Markup("").join(map(_part, parts)))


def sub(base: Part, below: Part) -> Markup:
    """A base with an index."""
    return Markup("<msub>{}{}</msub>").format(_part(base), _part(below))


def sup(base: Part, above: Part) -> Markup:
    """A base with an exponent."""
    return Markup("<msup>{}{}</msup>").format(_part(base), _part(above))


def frac(above: Part, below: Part) -> Markup:
    """A fraction."""
    return Markup("<mfrac>{}{}</mfrac>").format(_part(above), _part(below))


def root(of: Part) -> Markup:
    """A square root."""
    return Markup("<msqrt>{}</msqrt>").format(_part(of))


def over(base: Part, sign: str) -> Markup:
    """A base under a sign: a bar or a hat."""
    return Markup('<mover accent="true">{}{}</mover>').format(_part(base), _part(sign))


def total(sign: str, over_what: Part) -> Markup:
    """A sum or a product over an index."""
    return Markup("<munder>{}{}</munder>").format(_part(sign), _part(over_what))


def _part(part: Part) -> Markup:
    if isinstance(part, Markup):
        return part
    tag = "mn" if part.replace(".", "").isdigit() else "mi" if part[:1].isalpha() else "mo"
    return Markup(f"<{tag}>{{}}</{tag}>").format(escape(part))
