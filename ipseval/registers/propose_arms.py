"""Arms and centres of a proposed cohort file: codes of the trial list, and how they are called in print."""

from collections.abc import Iterator, Mapping, Sequence

from ipseval.registers.proposed import Found, line, rare, scalar
from ipseval.registers.recognise import synonyms


def arms(found: Found) -> Iterator[str]:
    """The reference arm, the treatments, and names for print."""
    codes, called = found.codes("trial", "arm"), found.labels.get("arm", {})
    if len(codes.shared) < 2:
        yield line("arms: {reference: control, treatments: [ips]}", "put in your codes; no column tells of two arms")
        return
    reference, is_known = _reference(codes.shared, called)
    others = [code for code in codes.shared if code != reference]
    why = "its code is a usual one" if is_known else "the first code, for want of a usual one"
    yield line(
        f"arms: {scalar({'reference': reference, 'treatments': others})}",
        f"is this the reference arm ({why})?{rare(codes)}",
    )
    names = {code: called.get(code, code) for code in (reference, *others)}
    whence = "as the trial list labels them" if called else "the codes, for want of names"
    yield line(f"labels: {scalar({'arms': names})}", f"how the arms are called in print ({whence}).")


def _reference(codes: Sequence[str], called: Mapping[str, str]) -> tuple[str, bool]:
    """The code of the reference arm, and whether it, or its label, is a usual one; words go before letters."""
    usual: list[str] = synonyms()["reference"]
    spelled = {**{code.casefold(): code for code in codes}, **{called.get(c, c).casefold(): c for c in codes}}
    words = [name for name in usual if len(name) > 2]
    known = next((spelled[name] for name in words if name in spelled), None)
    inside = next((code for name in words for key, code in spelled.items() if name in key), None)
    letter = next((spelled[name] for name in usual if name in spelled), None)
    return known or inside or letter or codes[0], bool(known or inside or letter)


def centres(found: Found) -> Iterator[str]:
    """Codes of the centres and their names."""
    codes, called = found.codes("trial", "centre"), found.labels.get("centre", {})
    if not codes.shared:
        yield line("centres: {1: Centre 1}", "put in your codes and their names; no column tells of centres")
        return
    yield line("centres:", f"the names to print, in this order; the first is the base category.{rare(codes)}")
    for code in codes.shared:
        own = called.get(code) or (f"Centre {code}" if code.isdigit() else code)
        yield f"  {scalar(code)}: {scalar(own)}"
